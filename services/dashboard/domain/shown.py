"""What of a page a reader is shown: all of it, or what is needed to organise care and nothing clinical."""

from collections.abc import Mapping
from typing import Any

from services.dashboard.domain.facts import empty
from services.dashboard.domain.items import Json
from services.dashboard.domain.page import assemble

_CLINICAL = (
    *("since", "previous", "concerns", "matters_most", "readings", "trend", "medications", "labs"),
    *("urgent_care", "well_being", "day_to_day"),
)
_CLINICAL_GAPS = ("answer", "score")


def as_shown(page: Mapping[str, Any], *, is_clinical: bool) -> Json:
    """The page with `clinical`: `shown`, or `hidden`. What is hidden is as if nothing were known; of the plan there
    is who does something and by when, of a corrected survey that it is there.
    """
    if is_clinical:
        return {**page, "clinical": "shown"}
    nothing = assemble(empty())
    survey = page["survey"]
    return {
        **page,
        **{name: nothing[name] for name in _CLINICAL},
        "clinical": "hidden",
        "survey": survey and {**survey, "correction": None},
        "plan": [{**step, "what": None} for step in page["plan"]],
        "missing": [gap for gap in page["missing"] if gap["what"] not in _CLINICAL_GAPS],
    }
