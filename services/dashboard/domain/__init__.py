"""The dashboard's rules, pure: facts folded from events, the page computed from facts, and its age for a
reader.
"""

from services.dashboard.domain.context import context_of
from services.dashboard.domain.courses import Course, courses_of
from services.dashboard.domain.ehr import FHIR_ID, PATIENT_SYSTEM, Ehr, our_id
from services.dashboard.domain.facts import Facts, empty, fold
from services.dashboard.domain.freshness import LIMITS, Age, freshness, is_of_now
from services.dashboard.domain.glass import BrokenGlass, GlassReason, GlassTry, GlassUse
from services.dashboard.domain.linking import (
    CODE_LIVES_FOR,
    SECRET_BYTES,
    Code,
    LinkCode,
    LinkConsent,
    LinkedPatient,
    code_of,
    read_code,
)
from services.dashboard.domain.looks import GOES_ON_FOR, RELOADED_WITHIN, UNCHANGED_WITHIN
from services.dashboard.domain.page import assemble, has_words, is_readable, open_words, states_of_words
from services.dashboard.domain.plan_forms import changes_in, is_past
from services.dashboard.domain.readings import COMPARABLE_DAYS, RULE
from services.dashboard.domain.shown import without_clinical
from services.dashboard.domain.treatment import Treatment, levels_of, treatment_of
from services.dashboard.domain.tries import wait_s

__all__ = [
    "CODE_LIVES_FOR",
    "COMPARABLE_DAYS",
    "FHIR_ID",
    "GOES_ON_FOR",
    "LIMITS",
    "PATIENT_SYSTEM",
    "RELOADED_WITHIN",
    "RULE",
    "SECRET_BYTES",
    "UNCHANGED_WITHIN",
    "Age",
    "BrokenGlass",
    "Code",
    "Course",
    "Ehr",
    "Facts",
    "GlassReason",
    "GlassTry",
    "GlassUse",
    "LinkCode",
    "LinkConsent",
    "LinkedPatient",
    "Treatment",
    "assemble",
    "changes_in",
    "code_of",
    "context_of",
    "courses_of",
    "empty",
    "fold",
    "freshness",
    "has_words",
    "is_of_now",
    "is_past",
    "is_readable",
    "levels_of",
    "open_words",
    "our_id",
    "read_code",
    "states_of_words",
    "treatment_of",
    "wait_s",
    "without_clinical",
]
