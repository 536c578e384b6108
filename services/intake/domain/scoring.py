"""Scores from answers: the weighted sums that `shared.instruments` defines, and never an imputed item."""

from services.intake.domain.questions import Answers, Form
from shared.events import Score
from shared.instruments import INSTRUMENTS, Instrument, Term, band_of


def score(form: Form, answers: Answers) -> tuple[Score, ...]:
    """A score for each instrument of the form, the activity index first. `answers` must have passed `check`.

    A value is stated to two decimals and its band is that of the stated value. An instrument of which an item
    was skipped or not asked has no value; `missing` names those items.

    Raises:
        ValueError: an answer is not a number, or a sum is out of range: the answers were not checked.
    """
    return tuple(_score(INSTRUMENTS[key], answers) for key in form.instruments)


def _score(instrument: Instrument, answers: Answers) -> Score:
    missing = tuple(item for item in instrument.items if item not in answers)
    if missing:
        return Score(instrument=instrument.key, value=None, band=None, missing=missing)
    value = round(sum(_points(term, answers[term.item]) for term in instrument.terms), 2)
    return Score(instrument=instrument.key, value=value, band=band_of(instrument.key, value).code)


def _points(term: Term, answer: float | str | bool) -> float:
    if isinstance(answer, str | bool):
        raise ValueError(f"{term.item} takes a number")
    return term.weight * float(answer)
