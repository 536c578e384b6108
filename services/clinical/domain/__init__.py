"""Clinical's pure rules: laboratory units, medicines, plan steps."""

from services.clinical.domain.labs import LAB_TESTS, LabTest, canonical, canonical_range, lab_test
from services.clinical.domain.medications import (
    MEDICINES,
    Medicine,
    Route,
    StopReason,
    interval_errors,
    medicine_of,
)
from services.clinical.domain.plans import done_on

__all__ = [
    "LAB_TESTS",
    "MEDICINES",
    "LabTest",
    "Medicine",
    "Route",
    "StopReason",
    "canonical",
    "canonical_range",
    "done_on",
    "interval_errors",
    "lab_test",
    "medicine_of",
]
