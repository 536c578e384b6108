"""Feedback: what a patient says after a visit, in private.

Owns who may answer about which visit (completed, with a pre-visit survey, once) and the answers. No route gives an
answer to anyone; they leave as events for the network's figures only. Holds no free text and is given no key.
"""

from shared.events import (
    ENROLLMENT_UPDATED,
    FEEDBACK_RECEIVED,
    LINK_REVOKED,
    PATIENT_ERASED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
    Topic,
)

CONSUMES: tuple[Topic, ...] = (ENROLLMENT_UPDATED, VISIT_UPDATED, SURVEY_COMPLETED, LINK_REVOKED, PATIENT_ERASED)
PUBLISHES: tuple[Topic, ...] = (FEEDBACK_RECEIVED,)
# Tables made from events alone, which a rebuild makes anew, and those that it leaves as they are.
PROJECTIONS = ("patient", "invitation")
KEPT = ("feedback", "erasure")
