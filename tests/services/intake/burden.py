"""How long a survey takes: an estimate, from what others measured, of the questions that somebody is shown.

A question that is answered by a tap: 6.4 seconds, the median of 90 seconds for the 14 questions of an IBD-Control
that patients answered on their own devices (hqlo.biomedcentral.com, s12955-023-02087-0). Typing and turning the page
are assumptions of ours: 12 words at 20 words a minute, and 2 seconds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

SECONDS_A_TAP = 6.4
SECONDS_A_TEXT = 36.0
SECONDS_A_SCREEN = 2.0


def estimated_seconds(asked: Iterable[Mapping[str, Any]], *, screens: int) -> float:
    """For the questions that were answered; what is skipped or left empty is not among them."""
    typed = ("string", "text")
    each = (SECONDS_A_TEXT if item["type"] in typed else SECONDS_A_TAP for item in asked)
    return sum(each) + screens * SECONDS_A_SCREEN
