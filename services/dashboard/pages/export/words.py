"""What copies say in sentences, in the language of whoever they are made for. The Spanish is a draft for a qualified
translator.
"""

from collections.abc import Mapping
from typing import Any

from shared.pages.speaking import Speaks
from shared.pages.words import number
from shared.speech import Said

_BEFORE = Said("Before a correction: {result}", "Antes de una corrección: {result}")
_MADE = Said("Made {made_at} from events up to {up_to}.", "Hecha el {made_at}, con lo que llegó hasta el {up_to}.")
_MADE_OF_NOTHING = Said("Made {made_at}. No event has arrived.", "Hecha el {made_at}. No ha llegado ningún dato.")
_A_COPY = Said("A copy: it is not kept up to date.", "Es una copia: no se actualiza.")


def made_words(made_at: str, up_to: str | None, speaker: Speaks) -> str:
    made = speaker.say(_MADE if up_to else _MADE_OF_NOTHING, made_at=made_at, up_to=up_to)
    return f"{made} {speaker.say(_A_COPY)}"


def result_words(result: Mapping[str, Any], speaker: Speaks) -> str:
    """`<3 mg/L`."""
    return f"{result['comparator'] or ''}{number(result['value'])} {speaker.unit(result['unit'])}".rstrip()


def before_words(was: Mapping[str, Any], speaker: Speaks) -> str:
    """What a result was before it was corrected."""
    return speaker.say(_BEFORE, result=result_words(was, speaker))
