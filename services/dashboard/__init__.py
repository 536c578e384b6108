"""Dashboard: the read model and the page that patient and clinician look at together.

One row a patient, built only from events: it can be thrown away and rebuilt from the log. Every look at a page is
recorded before it is answered, and published.
"""

from shared.events import (
    CLINICIAN_DATA_UPDATED,
    DASHBOARD_VIEWED,
    ENROLLMENT_UPDATED,
    LINK_REVOKED,
    PATIENT_ERASED,
    SITE_UPDATED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
    Topic,
)

CONSUMES: tuple[Topic, ...] = (
    SITE_UPDATED,
    ENROLLMENT_UPDATED,
    VISIT_UPDATED,
    SURVEY_COMPLETED,
    CLINICIAN_DATA_UPDATED,
    LINK_REVOKED,
    PATIENT_ERASED,
)
PUBLISHES: tuple[Topic, ...] = (DASHBOARD_VIEWED,)
# Tables made from events alone, which a rebuild makes anew, and those that it leaves as they are.
PROJECTIONS = ("patient_page", "site")
KEPT = ("broken_glass", "ehr", "glass_try", "link_code", "link_try", "linked_patient", "view")
