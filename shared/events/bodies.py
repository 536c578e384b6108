"""What each event says: one class a topic."""

from datetime import date
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.events.codes import (
    Activity,
    ConcernTopic,
    ConsentState,
    CorrectionReason,
    Diagnosis,
    DrugClass,
    Education,
    EntryMode,
    ErasureReason,
    Language,
    RecordChange,
    Sex,
    SiteType,
    SkipReason,
    ViewContext,
    ViewEnd,
    ViewerRole,
    VisitState,
    YesNoUnsure,
)

SiteId = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Id of a site: lower case, digits, hyphens")
]
ClinicianId = Annotated[
    str, Field(min_length=1, max_length=64, description="Pseudonymous id of a clinician, given by the site")
]
Sealed = Annotated[
    str,
    Field(
        description="Text sealed with AES-256-GCM under the patient's key, for this field of this event: `1.` and then "
        "nonce, ciphertext and tag as base64url"
    ),
]

Comparator: TypeAlias = Literal["<", "<=", ">", ">="]
StepOwner: TypeAlias = Literal["patient", "clinician", "nurse", "front-desk"]


class Fact(BaseModel):
    """Base of every event body: immutable, tolerant of fields added by a newer publisher."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")


class SiteUpdated(Fact):
    """A site joined the network or changed its description. Key: the site id."""

    name: str
    site_type: SiteType
    time_zone: str = Field(description="IANA time zone, such as America/Chicago")
    shows_clinical_to_coordinators: bool = Field(
        default=False, description="Coordinators are shown patients' words and clinical readings too"
    )
    care_line: str | None = Field(default=None, description="The number that patients call, as people read it")


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
    value: float | None = Field(description="Points on the instrument's scale; null when it has no value")
    band: str | None = Field(description="Band of this instrument's definition; null when it has none or no value")
    missing: tuple[str, ...] = Field(default=(), description="Items without an answer, in the definition's order")


class SurveyCompleted(Fact):
    """A patient finished a pre-visit survey, or it was corrected. Answers are codes and numbers; words are sealed.

    An item with the id of a shipped question is that question, whatever the form. Where a site's own form asks
    something again and again, the ids are `item[1]`, `item[2]`, and `item[2][1]` inside an occurrence.

    Each version has the whole survey; the highest counts, and an earlier one stays what was said then. One that was
    entered in error counts nowhere. Key: the patient id.
    """

    survey_id: UUID
    version: int = Field(default=1, ge=1)
    change: RecordChange = RecordChange.COMPLETED
    reason: CorrectionReason | None = Field(default=None, description="Why there is another version")
    mode: EntryMode = EntryMode.SELF
    visit_id: UUID
    patient_id: UUID
    form: str = Field(description="Survey definition, `id|version`; of a site's own form `url|version`")
    form_title: str | None = Field(default=None, description="What a site calls its own form; null for a shipped one")
    language: Language
    started_at: AwareDatetime | None = None
    submitted_at: AwareDatetime
    answers: dict[str, float | str | bool] = Field(description="Answer by item id: numbers, yes/no, codes, days")
    skipped: dict[str, SkipReason] = Field(default_factory=dict, description="Reason by item id")
    scores: tuple[Score, ...]
    concerns: tuple[Concern, ...] = ()
    matters_most: Sealed | None = None
    words: dict[str, Sealed] = Field(default_factory=dict, description="Other texts, by item id")


class EnteredInError(Fact):
    """Why something should never have been recorded."""

    reason: CorrectionReason


class ClinicalFact(Fact):
    """Base of what the clinic records of a patient. One that was entered in error stands as it stood until then, with a
    mark: it counts nowhere, and nothing corrects it any more.
    """

    entered_in_error: EnteredInError | None = Field(
        default=None, description="It should never have been recorded, and counts nowhere"
    )


class Assessment(ClinicalFact):
    """Physician global assessment."""

    kind: Literal["assessment"] = "assessment"
    assessment_id: UUID
    visit_id: UUID | None = None
    clinician_id: ClinicianId
    activity: Activity
    assessed_at: AwareDatetime


class Lab(ClinicalFact):
    """A laboratory result in the canonical unit of its LOINC code."""

    kind: Literal["lab"] = "lab"
    lab_id: UUID
    loinc: str
    name: str
    value: float
    unit: str = Field(description="Canonical UCUM unit of this LOINC code")
    comparator: Comparator | None = Field(default=None, description="Set when the result is censored")
    reference_low: float | None = None
    reference_high: float | None = None
    method: str | None = None
    taken_at: AwareDatetime


class Medication(ClinicalFact):
    """A medicine as an interval; `stopped_on` null means still taken."""

    kind: Literal["medication"] = "medication"
    medication_id: UUID
    name: str
    drug_class: DrugClass
    rxcui: str | None = None
    dose: str | None = Field(
        default=None, description="Dose and frequency as written by the clinic, such as `40 mg every 2 weeks`"
    )
    route: str | None = None
    started_on: date
    stopped_on: date | None = None
    stop_reason: str | None = Field(default=None, description="A coded reason; never free text")


class PlanStep(ClinicalFact):
    """A next step that patient and clinician agreed on."""

    kind: Literal["plan-step"] = "plan-step"
    step_id: UUID
    visit_id: UUID | None = None
    what: Sealed
    who: StepOwner
    due_on: date | None = None
    is_done: bool = False
    done_on: date | None = None
    agreed_at: AwareDatetime


ClinicalChange = Annotated[Assessment | Lab | Medication | PlanStep, Field(discriminator="kind")]


class ClinicianDataUpdated(Fact):
    """The clinic recorded, corrected or took back one thing about a patient. Key: the patient id."""

    patient_id: UUID
    effective_at: AwareDatetime = Field(description="Since when it holds: sample taken, medicine started, rating given")
    change: ClinicalChange


class DashboardViewed(Fact):
    """Somebody looked at a patient's page. Key: the patient id.

    Published when the page opens, and with the same `view_id` whenever more is known: `closed_by` says how. A look that
    nothing was heard of is closed by a time-out, without a duration; the page may be heard of after that.
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
    closed_by: ViewEnd | None = None


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


class LinkRevoked(Fact):
    """A link that a patient signs in by counts no more: sessions that it opened are over. Key: the patient id."""

    link_id: UUID
    visit_id: UUID
    patient_id: UUID
    revoked_at: AwareDatetime


class PatientErased(Fact):
    """A patient was erased: their words cannot be read any more, and no service keeps anything of them.

    Key: the patient id. Final: what arrives about this patient later, or is read again, changes nothing.
    """

    patient_id: UUID
    erased_at: AwareDatetime
    reason: ErasureReason


Body = (
    SiteUpdated
    | EnrollmentUpdated
    | VisitUpdated
    | SurveyCompleted
    | LinkRevoked
    | PatientErased
    | ClinicianDataUpdated
    | DashboardViewed
    | FeedbackReceived
)
