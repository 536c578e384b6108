"""What a patient answered, in the words that they chose it by."""

from typing import NamedTuple

from services.intake.domain.alert_rules import Definition, Source
from services.intake.domain.forms import FORMS
from services.intake.domain.questionnaires import Item, ItemType
from shared.events import Language
from shared.instruments import INSTRUMENTS
from shared.speech import Said


class AnswerWords(NamedTuple):
    """A question, and what was chosen there: a number, with words where it has some, and the end of its scale."""

    question: str
    chosen: str


_OF = Said("of", "de")
_YES, _NO = Said("Yes", "Sí"), Said("No", "No")


def answer_in_words(
    form: str, definition: Definition, answer: float, language: Language = Language.ENGLISH
) -> AnswerWords:
    """What an alert is about. A form that is not known here is no reason to show nothing."""
    if definition.source is Source.INSTRUMENT:
        instrument = next((one for one in INSTRUMENTS.values() if one.id == definition.name), None)
        if instrument is None:
            return AnswerWords(definition.name, f"{answer:g}")
        return AnswerWords(instrument.name, f"{answer:g} {_OF.said_in(language)} {instrument.high:g}")
    item = FORMS[form].definition.by_id.get(definition.name) if form in FORMS else None
    code = definition.codes[int(answer) - 1] if definition.codes else None
    if item is None:
        return AnswerWords(definition.name, code or f"{answer:g}")
    chosen = _chosen(item, answer, language) if code is None else _offered(item, code, language)
    return AnswerWords(item.text(language), chosen)


def _offered(item: Item, code: str, language: Language) -> str:
    option = item.codes_offered.get(code)
    return code if option is None else option.text(language)


def _chosen(item: Item, answer: float, language: Language) -> str:
    if item.type is ItemType.BOOLEAN:
        return (_YES if answer else _NO).said_in(language)
    words = {float(number): label.said_in(language) for number, label in item.labels.items()}
    if not words:  # a count: its upper end only bounds what can be typed
        return f"{answer:g}"
    chosen = f"{answer:g} {_OF.said_in(language)} {max(words):g}"
    return f"{chosen}: {words[answer]}" if answer in words else chosen
