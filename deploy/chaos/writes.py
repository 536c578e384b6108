"""The kinds of writes that clients do: where each is sent, where it must stand afterwards, and what it publishes."""

from dataclasses import dataclass

from shared.events import (
    CLINICIAN_DATA_UPDATED,
    DASHBOARD_VIEWED,
    ENROLLMENT_UPDATED,
    FEEDBACK_RECEIVED,
    LINK_REVOKED,
    PATIENT_ERASED,
    SITE_UPDATED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
    Topic,
)


@dataclass(frozen=True, slots=True)
class Write:
    """`table` and `column`: where the owner keeps what was written, and the column that holds its id.

    `topic` is None where nothing is published.
    """

    service: str
    path: str
    topic: Topic | None
    table: str
    column: str


SITE, PATIENT, CONSENT, VISIT, CHANGE, SURVEY = "site", "patient", "consent", "visit", "visit-change", "survey"
ASSESSMENT, LAB, MEDICATION, STEP = "assessment", "lab", "medication", "plan-step"
LOOK, BEACON, VIEW, FEEDBACK = "look", "beacon", "view", "feedback"
AMENDMENT, MISTAKE, ERASURE = "amendment", "entered-in-error", "erasure"
LINK, OPENING, REVOKING = "link", "opening", "revoking"
WRITES = {
    SITE: Write("intake", "/v1/sites/{0}", SITE_UPDATED, "site", "site_id"),
    PATIENT: Write("intake", "/v1/patients", ENROLLMENT_UPDATED, "patient", "patient_id"),
    CONSENT: Write("intake", "/v1/patients/{0}/consent", ENROLLMENT_UPDATED, "patient", "patient_id"),
    VISIT: Write("intake", "/v1/visits", VISIT_UPDATED, "visit", "visit_id"),
    CHANGE: Write("intake", "/v1/visits/{0}", VISIT_UPDATED, "visit", "visit_id"),
    SURVEY: Write("intake", "/v1/surveys", SURVEY_COMPLETED, "survey", "survey_id"),
    AMENDMENT: Write("intake", "/v1/surveys/{0}/amendments", SURVEY_COMPLETED, "survey", "survey_id"),
    MISTAKE: Write("intake", "/v1/surveys/{0}/entered-in-error", SURVEY_COMPLETED, "survey", "survey_id"),
    ERASURE: Write("intake", "/v1/patients/{0}/erasure", PATIENT_ERASED, "erasure", "patient_id"),
    LINK: Write("intake", "/v1/visits/{0}/links", None, "visit_link", "link_id"),
    REVOKING: Write("intake", "/v1/visits/{0}/links/{1}", LINK_REVOKED, "visit_link", "link_id"),
    ASSESSMENT: Write("clinical", "/v1/assessments", CLINICIAN_DATA_UPDATED, "assessment", "assessment_id"),
    LAB: Write("clinical", "/v1/labs", CLINICIAN_DATA_UPDATED, "lab", "lab_id"),
    MEDICATION: Write("clinical", "/v1/medications", CLINICIAN_DATA_UPDATED, "medication", "medication_id"),
    STEP: Write("clinical", "/v1/plans", CLINICIAN_DATA_UPDATED, "plan_step", "step_id"),
    LOOK: Write("dashboard", "/v1/patients/{0}/page", DASHBOARD_VIEWED, "view", "view_id"),
    BEACON: Write("dashboard", "/v1/views/{0}/beacon", DASHBOARD_VIEWED, "view", "view_id"),
    VIEW: Write("dashboard", "/v1/views", DASHBOARD_VIEWED, "view", "view_id"),
    FEEDBACK: Write("feedback", "/v1/feedback", FEEDBACK_RECEIVED, "feedback", "feedback_id"),
}
# What is wrong of what the clinic recorded is taken back, by a mark of its own.
TAKEN_BACK = {kind: f"{kind}-in-error" for kind in (ASSESSMENT, LAB, MEDICATION, STEP)}
WRITES |= {
    mark: Write(
        "clinical", f"{WRITES[kind].path}/{{0}}/entered-in-error", CLINICIAN_DATA_UPDATED, "entered_in_error", "fact_id"
    )
    for kind, mark in TAKEN_BACK.items()
}
# No key binds two requests for one of these, or the answer need not name the event (an erasure that the worker
# finished): what they published is told by what its event says.
UNKEYED = (CHANGE, LOOK, BEACON, SITE, REVOKING, ERASURE)
# An erasure leaves these in their owner's tables: who looked is not the patient's alone.
OUTLIVES = (LOOK, BEACON, VIEW, ERASURE)
