"""The table of topics: name, body, publisher, version."""

from dataclasses import dataclass

from shared.events.bodies import (
    Body,
    ClinicianDataUpdated,
    DashboardViewed,
    EnrollmentUpdated,
    FeedbackReceived,
    LinkRevoked,
    PatientErased,
    SiteUpdated,
    SurveyCompleted,
    VisitUpdated,
)


@dataclass(frozen=True, slots=True)
class Topic:
    """One stream: its name (= CloudEvents type), version, body and the one service that may publish it."""

    name: str
    body: type[Body]
    publisher: str
    version: int = 1

    @property
    def schema(self) -> str:
        """File of the committed JSON Schema."""
        return f"{self.name}.v{self.version}.schema.json"

    @property
    def schema_id(self) -> str:
        """The schema's `$id`; also the CloudEvents `dataschema`, which must be an absolute URI."""
        return f"urn:samepage:schema:{self.name}:v{self.version}"


SITE_UPDATED = Topic("site-updated", SiteUpdated, "intake")
ENROLLMENT_UPDATED = Topic("enrollment-updated", EnrollmentUpdated, "intake")
VISIT_UPDATED = Topic("visit-updated", VisitUpdated, "intake")
SURVEY_COMPLETED = Topic("survey-completed", SurveyCompleted, "intake")
LINK_REVOKED = Topic("link-revoked", LinkRevoked, "intake")
PATIENT_ERASED = Topic("patient-erased", PatientErased, "intake")
CLINICIAN_DATA_UPDATED = Topic("clinician-data-updated", ClinicianDataUpdated, "clinical")
DASHBOARD_VIEWED = Topic("dashboard-viewed", DashboardViewed, "dashboard")
FEEDBACK_RECEIVED = Topic("feedback-received", FeedbackReceived, "feedback")

TOPICS = {
    topic.name: topic
    for topic in (
        SITE_UPDATED,
        ENROLLMENT_UPDATED,
        VISIT_UPDATED,
        SURVEY_COMPLETED,
        LINK_REVOKED,
        PATIENT_ERASED,
        CLINICIAN_DATA_UPDATED,
        DASHBOARD_VIEWED,
        FEEDBACK_RECEIVED,
    )
}
TOPIC_OF = {topic.body: topic for topic in TOPICS.values()}
PARTITIONS = 12
