"""Scores from answers: the sum, or what a table has for it, and never an imputed item."""

from collections.abc import Mapping

from shared.events import Score
from shared.instruments.catalogue import band_of
from shared.instruments.definition import Answer, Instrument


def score_of(instrument: Instrument, answers: Mapping[str, Answer]) -> Score:
    """The score to two decimals with the band of that number; without every item no value, and what is missing.

    Raises:
        ValueError: an answer is of another type than its item takes, or outside its range.
    """
    if not all(map(answers.__contains__, instrument.items)):
        missing = tuple(item for item in instrument.items if item not in answers)
        return Score(instrument=instrument.key, value=None, band=None, missing=missing)
    total = sum(term.points(answers[term.item]) for term in instrument.terms)
    value = round(_looked_up(instrument, total), 2)
    return Score(instrument=instrument.key, value=value, band=band_of(instrument.key, value).code)


def in_remission_by_items(instrument: Instrument, rule: str, answers: Mapping[str, Answer]) -> bool | None:
    """Whether each item keeps the limit of that rule of the instrument; null when one of them has no answer.

    Raises:
        KeyError: the instrument has no such rule.
        ValueError: as `score_of`.
    """
    limits = dict({each.id: each for each in instrument.remissions}[rule].limits)
    if not limits.keys() <= answers.keys():
        return None
    terms = [term for term in instrument.terms if term.item in limits]
    return all(term.points(answers[term.item]) <= term.weight * limits[term.item] for term in terms)


def _looked_up(instrument: Instrument, total: float) -> float:
    if not instrument.table:
        return total
    return instrument.table[int(total) - instrument.lowest_sum]
