"""Scores from answers, by the definitions of `shared.instruments`, and never an imputed item."""

from collections.abc import Mapping

from services.intake.domain.forms import Form
from shared.events import Score
from shared.instruments import INSTRUMENTS, score_of


def score(form: Form, answers: Mapping[str, float | str | bool]) -> tuple[Score, ...]:
    """A score for each instrument of the form, the activity index first. `answers` must fit the form.

    A value is stated to two decimals and its band is that of the stated value. An instrument of which an item
    was skipped or not asked has no value; `missing` names those items.

    Raises:
        ValueError: an answer is of another type than its item takes, or out of range: the answers were not checked.
    """
    return tuple(score_of(INSTRUMENTS[key], answers) for key in form.definition.instruments)
