"""Intake: where sites and patients write.

Owns sites, patients with their enrolment and consent, visits, and pre-visit surveys with their scores. The site's
own identifier of a patient is kept as a keyed hash only; a patient's words are kept and travel sealed. Here a patient
is erased: their key is destroyed, their rows go, and every other service is told. Patients come in here, by links,
which its worker sends to addresses that are kept sealed and leave it in no event.
"""

from shared.events import (
    ENROLLMENT_UPDATED,
    LINK_REVOKED,
    PATIENT_ERASED,
    SITE_UPDATED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
    Topic,
)

CONSUMES: tuple[Topic, ...] = ()
PUBLISHES: tuple[Topic, ...] = (
    SITE_UPDATED,
    ENROLLMENT_UPDATED,
    VISIT_UPDATED,
    SURVEY_COMPLETED,
    LINK_REVOKED,
    PATIENT_ERASED,
)
