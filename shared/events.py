"""All that crosses a service border: the event models, the envelope and the table of topics.

One word everywhere: topic `survey-completed` = CloudEvents type = class `SurveyCompleted` = schema file
`survey-completed.v1.schema.json`. An event is a CloudEvent 1.0 in Kafka binary mode: attributes in `ce_` headers, the
model as a JSON value, the patient (or site) id as the key.

Readers ignore fields that they do not know, so a publisher may add optional ones. Everything else is a new version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.errors import UndecodableEvent

Headers = Sequence[tuple[str, bytes]]

SiteId = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Id of a site: lower case, digits, hyphens")
]
ClinicianId = Annotated[
    str, Field(min_length=1, max_length=64, description="Pseudonymous id of a clinician, given by the site")
]
Sealed = Annotated[
    str, Field(description="Text sealed with AES-256-GCM under the patient's key, base64url (shared.sealing)")
]


class Fact(BaseModel):
    """Base of every event body: immutable, tolerant of fields added by a newer publisher."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")


class SiteType(StrEnum):
    ACADEMIC = "academic"
    PRIVATE = "private"


class Diagnosis(StrEnum):
    CROHNS = "crohns-disease"
    ULCERATIVE_COLITIS = "ulcerative-colitis"
    IBD_UNCLASSIFIED = "ibd-unclassified"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Education(StrEnum):
    LESS_THAN_HIGH_SCHOOL = "less-than-high-school"
    HIGH_SCHOOL = "high-school"
    SOME_COLLEGE = "some-college"
    COLLEGE_DEGREE = "college-degree"
    NOT_SAID = "not-said"


class Language(StrEnum):
    ENGLISH = "en"
    SPANISH = "es"
    OTHER = "other"


class ConsentState(StrEnum):
    """Consent to *network* use. Care never depends on it."""

    INVITED = "invited"
    CONSENTED = "consented"
    DISSENTED = "dissented"
    WITHDRAWN = "withdrawn"


class VisitState(StrEnum):
    SCHEDULED = "scheduled"
    CHECKED_IN = "checked-in"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class YesNoUnsure(StrEnum):
    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class SkipReason(StrEnum):
    """Why a question that was shown has no answer. A question that was not shown does not appear at all."""

    PREFER_NOT_TO_SAY = "prefer-not-to-say"
    DOES_NOT_APPLY = "does-not-apply"
    DO_NOT_KNOW = "do-not-know"


class ConcernTopic(StrEnum):
    SYMPTOMS = "symptoms"
    MEDICINE = "medicine"
    SIDE_EFFECTS = "side-effects"
    STEROIDS = "steroids"
    DIET = "diet"
    WORK_OR_SCHOOL = "work-or-school"
    FAMILY = "family"
    MOOD = "mood"
    COST = "cost"
    OTHER = "other"


class Activity(StrEnum):
    """Disease activity in four words, as the physician global assessment (PGA) and the index bands use them."""

    REMISSION = "remission"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class ViewerRole(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"


class ViewContext(StrEnum):
    BEFORE_VISIT = "before-visit"
    IN_VISIT = "in-visit"
    AFTER_VISIT = "after-visit"
    OUTSIDE = "outside"


class SiteUpdated(Fact):
    """A site joined the network or changed its description. Key: the site id."""

    name: str
    site_type: SiteType
    time_zone: str = Field(description="IANA time zone, such as America/Chicago")


class EnrollmentUpdated(Fact):
    """The whole enrolment of a patient as it stands after a change. Key: the patient id."""

    patient_id: UUID
    enrolled_on: date
    birth_year: int
    sex: Sex
    education: Education
    language: Language
    diagnosis: Diagnosis
    clinician_id: ClinicianId | None = None
    consent: ConsentState
    consent_decided_on: date
    consent_reason: str | None = Field(default=None, description="A coded reason; never free text")


class VisitUpdated(Fact):
    """The whole visit as it stands after a change. Key: the patient id."""

    visit_id: UUID
    patient_id: UUID
    clinician_id: ClinicianId
    scheduled_at: AwareDatetime
    state: VisitState
    checked_in_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None


class Concern(Fact):
    rank: int = Field(ge=1, le=3)
    topic: ConcernTopic
    words: Sealed | None = None


class Score(Fact):
    """A number with its instrument, or `value` null with what is `missing`; never an imputed zero."""

    instrument: str = Field(description="Instrument definition, `id|version`")
    value: float | None
    band: str | None = Field(description="Band of this instrument's definition; null when it has none or no value")
    missing: tuple[str, ...] = Field(default=(), description="Items without an answer, in the definition's order")


class SurveyCompleted(Fact):
    """A patient finished a pre-visit survey. Answers are codes and numbers; words are sealed. Key: the patient id."""

    survey_id: UUID
    visit_id: UUID
    patient_id: UUID
    form: str = Field(description="Survey definition, `id|version`")
    language: Language
    started_at: AwareDatetime | None = None
    submitted_at: AwareDatetime
    answers: dict[str, float | str | bool] = Field(description="Answer by item id: numbers, yes/no, codes")
    skipped: dict[str, SkipReason] = Field(default_factory=dict, description="Reason by item id")
    scores: tuple[Score, ...]
    concerns: tuple[Concern, ...] = ()
    matters_most: Sealed | None = None


class Assessment(Fact):
    """Physician global assessment."""

    kind: Literal["assessment"] = "assessment"
    assessment_id: UUID
    visit_id: UUID | None = None
    clinician_id: ClinicianId
    activity: Activity
    assessed_at: AwareDatetime


class Lab(Fact):
    """A laboratory result in the canonical unit of its LOINC code."""

    kind: Literal["lab"] = "lab"
    lab_id: UUID
    loinc: str
    name: str
    value: float
    unit: str = Field(description="Canonical UCUM unit of this LOINC code")
    comparator: Literal["<", "<=", ">", ">="] | None = Field(
        default=None, description="Set when the result is censored"
    )
    reference_low: float | None = None
    reference_high: float | None = None
    method: str | None = None
    taken_at: AwareDatetime


class Medication(Fact):
    """A medicine as an interval; `stopped_on` null means still taken."""

    kind: Literal["medication"] = "medication"
    medication_id: UUID
    name: str
    drug_class: str
    rxcui: str | None = None
    dose: str | None = Field(
        default=None, description="Dose and frequency as written by the clinic, such as `40 mg every 2 weeks`"
    )
    route: str | None = None
    started_on: date
    stopped_on: date | None = None
    stop_reason: str | None = Field(default=None, description="A coded reason; never free text")


class PlanStep(Fact):
    """A next step that patient and clinician agreed on."""

    kind: Literal["plan-step"] = "plan-step"
    step_id: UUID
    visit_id: UUID | None = None
    what: Sealed
    who: Literal["patient", "clinician", "nurse", "front-desk"]
    due_on: date | None = None
    is_done: bool = False
    done_on: date | None = None
    agreed_at: AwareDatetime


ClinicalChange = Annotated[Assessment | Lab | Medication | PlanStep, Field(discriminator="kind")]


class ClinicianDataUpdated(Fact):
    """The clinic recorded or corrected one thing about a patient. Key: the patient id."""

    patient_id: UUID
    effective_at: AwareDatetime = Field(description="Since when it holds: sample taken, medicine started, rating given")
    change: ClinicalChange


class DashboardViewed(Fact):
    """Somebody looked at a patient's page. Key: the patient id.

    Published when the page opens and once more when it closes: the second has the same `view_id` and a duration.
    """

    view_id: UUID
    patient_id: UUID
    visit_id: UUID | None = None
    role: ViewerRole
    context: ViewContext
    is_shared_screen: bool
    panels: tuple[str, ...] = ()
    opened_at: AwareDatetime
    duration_ms: int | None = Field(default=None, ge=0)


class FeedbackReceived(Fact):
    """A patient's private answer after a completed visit. Never on a clinician's screen. Key: the patient id."""

    feedback_id: UUID
    visit_id: UUID
    patient_id: UUID
    received_at: AwareDatetime
    effort_to_understand: int | None = Field(ge=0, le=9)
    effort_to_listen: int | None = Field(ge=0, le=9)
    effort_to_include: int | None = Field(ge=0, le=9)
    helped_discussion: bool | None
    helped_what_matters: bool | None
    helped_decisions: bool | None
    used_in_visit: YesNoUnsure
    used_outside_visit: YesNoUnsure
    used_over_one_month: bool | None


Body = (
    SiteUpdated
    | EnrollmentUpdated
    | VisitUpdated
    | SurveyCompleted
    | ClinicianDataUpdated
    | DashboardViewed
    | FeedbackReceived
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
        """Name of the committed JSON Schema; also the CloudEvents `dataschema`."""
        return f"{self.name}.v{self.version}.schema.json"


SITE_UPDATED = Topic("site-updated", SiteUpdated, "intake")
ENROLLMENT_UPDATED = Topic("enrollment-updated", EnrollmentUpdated, "intake")
VISIT_UPDATED = Topic("visit-updated", VisitUpdated, "intake")
SURVEY_COMPLETED = Topic("survey-completed", SurveyCompleted, "intake")
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
        CLINICIAN_DATA_UPDATED,
        DASHBOARD_VIEWED,
        FEEDBACK_RECEIVED,
    )
}
TOPIC_OF = {topic.body: topic for topic in TOPICS.values()}
PARTITIONS = 12


@dataclass(frozen=True, slots=True)
class Event:
    """A fact in its envelope.

    `key` is the patient id (the site id for `site-updated`); `sequence` counts 1, 2, 3 ... per topic and key without a
    gap, so that a reader drops what it has and sees what it lacks; `time` is when the fact was recorded by its owner.
    """

    event_id: UUID
    topic: str
    site_id: str
    key: str
    sequence: int
    time: datetime
    body: Body
    traceparent: str | None = None


def encode(body: Body) -> bytes:
    """The JSON value of an event."""
    return body.model_dump_json().encode()


def headers_of(  # noqa: PLR0913 - one argument an attribute of the envelope
    *, event_id: UUID, topic: str, site_id: str, key: str, sequence: int, time: datetime, traceparent: str | None
) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 attributes as Kafka headers, with the extensions `siteid`, `sequence`, `traceparent`."""
    description = TOPICS[topic]
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event_id),
        "ce_source": f"/samepage/{description.publisher}",
        "ce_type": topic,
        "ce_time": time.isoformat(),
        "ce_subject": key,
        "ce_dataschema": description.schema,
        "ce_partitionkey": key,
        "ce_siteid": site_id,
        "ce_sequence": str(sequence),
        "content-type": "application/json",
    }
    if traceparent is not None:
        attributes["ce_traceparent"] = traceparent
        attributes["traceparent"] = traceparent
    return [(name, value.encode()) for name, value in attributes.items()]


def decode(topic: str, headers: Headers, value: bytes) -> Event:
    """The event in a Kafka record.

    Raises:
        UndecodableEvent: the record can never be read. Its message names fields and rules, never what stood in them.
    """
    attributes = {name: content.decode("utf-8", "replace") for name, content in headers}
    try:
        return Event(
            event_id=UUID(attributes["ce_id"]),
            topic=_matching(attributes["ce_type"], topic),
            site_id=attributes["ce_siteid"],
            key=attributes["ce_subject"],
            sequence=int(attributes["ce_sequence"]),
            time=datetime.fromisoformat(attributes["ce_time"]),
            body=TOPICS[topic].body.model_validate_json(value),
            traceparent=attributes.get("traceparent"),
        )
    except KeyError as missing:
        raise UndecodableEvent(f"attribute {missing} is missing") from None
    except ValueError as invalid:
        raise UndecodableEvent(_reason(invalid)) from None


def _matching(event_type: str, topic: str) -> str:
    if event_type != topic:
        raise UndecodableEvent("ce_type does not name the topic that the record was read from")
    return topic


def _reason(invalid: ValueError) -> str:
    errors: Any = getattr(invalid, "errors", None)
    if errors is None:
        return "an attribute in the headers cannot be read"
    details = errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, detail['loc'])) or 'body'}: {detail['type']}" for detail in details[:5])
