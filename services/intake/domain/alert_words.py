"""When a rule is met and what a patient answered, in the words of the form that asked."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from services.intake.domain.alert_rules import Comparison, Definition, Source
from services.intake.domain.alert_subjects import Subject
from services.intake.domain.forms import Form
from services.intake.domain.questionnaires import Item, ItemType
from shared.events import Language
from shared.instruments import INSTRUMENTS
from shared.speech import Said


class AnswerWords(NamedTuple):
    """A question, and what was chosen there: a number, with words where it has some, and the end of its scale."""

    question: str
    chosen: str


_OF, _OR = Said("of", "de"), Said(" or ", " o ")
_YES, _NO = Said("Yes", "Sí"), Said("No", "No")
_OR_MORE, _OR_LESS = Said("{number} or more", "{number} o más"), Said("{number} or less", "{number} o menos")


def met_in_words(
    comparison: Comparison,
    codes: Sequence[str],
    threshold: float,
    subject: Subject | None,
    language: Language = Language.ENGLISH,
) -> str:
    """When a rule is met: `8 or more`, `yes`, or the answers that count, as the question offers them."""
    is_at_most = comparison is Comparison.AT_MOST
    if codes:
        words = {option.code: option.text(language) for option in subject.options} if subject else {}
        counting = codes[: max(int(threshold), 0)] if is_at_most else codes[max(ceil(threshold), 1) - 1 :]
        return _OR.said_in(language).join(f"“{words.get(code, code)}”" for code in counting)
    if subject is not None and subject.is_yes_or_no and (1 > threshold >= 0 if is_at_most else 0 < threshold <= 1):
        return (_NO if is_at_most else _YES).said_in(language).lower()
    return (_OR_LESS if is_at_most else _OR_MORE).said_in(language).format(number=f"{threshold:g}")


def answer_in_words(
    form: Form | None, definition: Definition, answer: float, language: Language = Language.ENGLISH
) -> AnswerWords:
    """What an alert is about. A form that is not known here is no reason to show nothing."""
    if definition.source is Source.INSTRUMENT:
        instrument = next((one for one in INSTRUMENTS.values() if one.id == definition.name), None)
        if instrument is None:
            return AnswerWords(definition.name, f"{answer:g}")
        return AnswerWords(instrument.name, f"{answer:g} {_OF.said_in(language)} {instrument.high:g}")
    item = form.definition.by_id.get(definition.name) if form else None
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
