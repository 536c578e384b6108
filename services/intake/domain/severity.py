"""Answers that a clinic would want to hear of today: the patient is told to call before the next question.

What the clinic's own staff are alerted to is another matter, and the site's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from services.intake.domain.questionnaires import Item

SEVERE_FROM: Mapping[str, float] = MappingProxyType({"rectal_bleeding": 3, "abdominal_pain": 3, "pain_nrs": 8})


def is_severe(item: Item, answer: Any) -> bool:
    """Whether this answer to this question is severe."""
    least = SEVERE_FROM.get(item.link_id)
    return least is not None and isinstance(answer, int | float) and answer >= least
