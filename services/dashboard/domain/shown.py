"""A page without what patients and clinicians say of the disease: what is needed to organise care."""

from collections.abc import Mapping
from typing import Any

from services.dashboard.domain.facts import empty
from services.dashboard.domain.items import Json
from services.dashboard.domain.page import assemble

_CLINICAL = (
    *("since", "taken_back", "previous", "concerns", "matters_most", "readings", "trend", "trends"),
    *("medications", "labs", "urgent_care", "well_being", "day_to_day"),
)
_CLINICAL_GAPS = ("answer", "score", "no-score")
_CLINICAL_HISTORY = ("assessments", "labs", "medications")


def without_clinical(page: Mapping[str, Any]) -> Json:
    """The page as if nothing clinical were known, with `clinical`: `hidden`.

    Of the plan there is who does something and by when, and what it is for steps of the front desk's own; of a survey
    that it is there.
    """
    nothing = assemble(empty())
    survey = page["survey"]
    return {
        **page,
        **{name: nothing[name] for name in _CLINICAL},
        "clinical": "hidden",
        "survey": survey and {**survey, "correction": None},
        "plan": [step if step["who"] == "front-desk" else {**step, "what": None} for step in page["plan"]],
        "missing": [gap for gap in page["missing"] if gap["what"] not in _CLINICAL_GAPS],
        "history": {
            section: nothing["history"][section] if section in _CLINICAL_HISTORY else kept
            for section, kept in page.get("history", {}).items()
        },
    }
