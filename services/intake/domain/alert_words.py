"""What a patient answered, in the words that they chose it by."""

from typing import NamedTuple

from services.intake.domain.alert_rules import Definition, Source
from services.intake.domain.forms import FORMS
from services.intake.domain.questionnaires import Item, ItemType
from shared.instruments import INSTRUMENTS


class AnswerWords(NamedTuple):
    """A question, and what was chosen there: a number, with words where it has some, and the end of its scale."""

    question: str
    chosen: str


def answer_in_words(form: str, definition: Definition, answer: float) -> AnswerWords:
    """What an alert is about, in English. A form that is not known here is no reason to show nothing."""
    if definition.source is Source.INSTRUMENT:
        instrument = next((one for one in INSTRUMENTS.values() if one.id == definition.name), None)
        if instrument is None:
            return AnswerWords(definition.name, f"{answer:g}")
        return AnswerWords(instrument.name, f"{answer:g} of {instrument.high:g}")
    item = FORMS[form].definition.by_id.get(definition.name) if form in FORMS else None
    if item is None:
        return AnswerWords(definition.name, f"{answer:g}")
    return AnswerWords(item.text("en"), _chosen(item, answer))


def _chosen(item: Item, answer: float) -> str:
    if item.type is ItemType.BOOLEAN:
        return "Yes" if answer else "No"
    words = {float(number): label.said_in("en") for number, label in item.labels.items()}
    if not words:  # a count: its upper end only bounds what can be typed
        return f"{answer:g}"
    chosen = f"{answer:g} of {max(words):g}"
    return f"{chosen}: {words[answer]}" if answer in words else chosen
