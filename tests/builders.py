"""One valid event per topic, and small functions to vary it. Everything here is synthetic.

`a_survey()` is a body that a publisher could have made; any field is changed by name: `a_survey(answers={})`.
`an_event(body, sequence=2)` puts a body in its envelope. The same arguments make the same event; events of
another topic, key or sequence have other ids.
"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from shared.broker import Message, Partition, Record
from shared.events import (
    TOPIC_OF,
    Activity,
    Assessment,
    Body,
    ClinicianDataUpdated,
    Concern,
    ConcernTopic,
    ConsentState,
    CorrectionReason,
    DashboardViewed,
    Diagnosis,
    Education,
    EnrollmentUpdated,
    EnteredInError,
    ErasureReason,
    Event,
    FeedbackReceived,
    Lab,
    Language,
    LinkRevoked,
    Medication,
    PatientErased,
    PlanStep,
    Score,
    Sex,
    SiteType,
    SiteUpdated,
    SurveyCompleted,
    ViewContext,
    ViewerRole,
    VisitState,
    VisitUpdated,
    YesNoUnsure,
    encode,
    headers_of,
)
from shared.instruments import IBD_10, PHQ_2, PRO_2_CD, PRO_3_CD, band_of

SITE = "riverbend"
PATIENT = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001")
VISIT = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0b001")
SURVEY = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0c001")
CLINICIAN = "dr-rowe"
VISIT_AT = datetime(2026, 10, 13, 15, 20, tzinfo=UTC)
SUBMITTED_AT = datetime(2026, 10, 11, 18, 4, tzinfo=UTC)
SENT_MS = 1_760_000_000_000


def an_id(*parts: object) -> UUID:
    """The same id for the same parts."""
    return uuid5(NAMESPACE_OID, "/".join(map(str, parts)))


def an_event(
    body: Body,
    *,
    sequence: int = 1,
    time: datetime = VISIT_AT,
    site_id: str = SITE,
    event_id: UUID | None = None,
    traceparent: str | None = None,
) -> Event:
    """The body in its envelope, with the key that its topic asks for."""
    topic = TOPIC_OF[type(body)].name
    key = key_of(body, site_id)
    return Event(
        event_id=event_id or an_id(topic, site_id, key, sequence),
        topic=topic,
        site_id=site_id,
        key=key,
        sequence=sequence,
        time=time,
        body=body,
        traceparent=traceparent,
    )


def a_message(event: Event, *, value: bytes | None = None) -> Message:
    """The event as its publisher's relay writes it; `value` stands in for what it says."""
    headers = headers_of(
        event_id=event.event_id,
        topic=event.topic,
        site_id=event.site_id,
        key=event.key,
        sequence=event.sequence,
        time=event.time,
        traceparent=event.traceparent,
    )
    return Message(event.topic, event.key.encode(), encode(event.body) if value is None else value, headers)


def a_record(event: Event, partition: Partition, offset: int, *, value: bytes | None = None) -> Record:
    """The event's message as its readers get it from the log."""
    message = a_message(event, value=value)
    return Record(partition, offset, SENT_MS, message.key, message.value, message.headers)


def key_of(body: Body, site_id: str = SITE) -> str:
    """The patient id; for `site-updated` the site id."""
    return site_id if isinstance(body, SiteUpdated) else str(body.patient_id)


def a_site(**changes: Any) -> SiteUpdated:
    return SiteUpdated(
        **{
            "name": "Riverbend GI (synthetic)",
            "site_type": SiteType.ACADEMIC,
            "time_zone": "America/Chicago",
            **changes,
        }
    )


def an_enrollment(**changes: Any) -> EnrollmentUpdated:
    return EnrollmentUpdated(
        **{
            "patient_id": PATIENT,
            "enrolled_on": date(2025, 10, 1),
            "birth_year": 1992,
            "sex": Sex.FEMALE,
            "education": Education.COLLEGE_DEGREE,
            "language": Language.ENGLISH,
            "diagnosis": Diagnosis.CROHNS,
            "clinician_id": CLINICIAN,
            "consent": ConsentState.CONSENTED,
            "consent_decided_on": date(2025, 10, 2),
            **changes,
        }
    )


def a_visit(**changes: Any) -> VisitUpdated:
    return VisitUpdated(
        **{
            "visit_id": VISIT,
            "patient_id": PATIENT,
            "clinician_id": CLINICIAN,
            "scheduled_at": VISIT_AT,
            "state": VisitState.SCHEDULED,
            **changes,
        }
    )


def scores_of(answers: dict[str, float | str | bool]) -> tuple[Score, ...]:
    """The scores of a Crohn's disease survey, the activity index first, as intake states them."""
    made = []
    for instrument in (PRO_3_CD, PRO_2_CD, IBD_10, PHQ_2):
        missing = tuple(item for item in instrument.items if item not in answers)
        value = None if missing else sum(t.weight * float(answers[t.item]) for t in instrument.terms)
        band = None if value is None else band_of(instrument.key, value).code
        made.append(Score(instrument=instrument.key, value=value, band=band, missing=missing))
    return tuple(made)


ANSWERS: dict[str, float | str | bool] = {
    "has_stoma_or_pouch": False,
    "loose_stools_per_day": 2,
    "abdominal_pain": 1,
    "well_being": 1,
    "nights_woken": 2,
    "pain_nrs": 3,
    "fatigue": 6,
    "ibd_control": 5,
    "in_remission": "no",
    "phq2_interest": 1,
    "phq2_mood": 1,
    "ed_visits": 1,
    "hospital_stays": 0,
    "ct_scans": 1,
    "steroid_courses": 1,
    "opioid_use": False,
    "taking_as_agreed": False,
    "missed_doses": 2,
    "side_effects": False,
    "barriers": "cost",
}


def a_survey(**changes: Any) -> SurveyCompleted:
    """A Crohn's disease survey with a score of 16, mild. Scores follow the answers unless given too."""
    answers = changes.get("answers", ANSWERS)
    return SurveyCompleted(
        **{
            "survey_id": SURVEY,
            "visit_id": VISIT,
            "patient_id": PATIENT,
            "form": "pre-visit-crohns|1.0",
            "language": Language.ENGLISH,
            "started_at": datetime(2026, 10, 11, 18, 0, tzinfo=UTC),
            "submitted_at": SUBMITTED_AT,
            "answers": answers,
            "scores": scores_of(answers),
            "concerns": (
                Concern(rank=1, topic=ConcernTopic.SYMPTOMS, words="sealed:cramps"),
                Concern(rank=2, topic=ConcernTopic.STEROIDS),
            ),
            "matters_most": "sealed:matters",
            **changes,
        }
    )


def an_assessment(**changes: Any) -> ClinicianDataUpdated:
    """A physician global assessment of remission."""
    return clinical(
        Assessment(
            **{
                "assessment_id": an_id("assessment"),
                "visit_id": VISIT,
                "clinician_id": CLINICIAN,
                "activity": Activity.REMISSION,
                "assessed_at": datetime(2026, 10, 13, 13, 55, tzinfo=UTC),
                **changes,
            }
        )
    )


def a_lab(**changes: Any) -> ClinicianDataUpdated:
    """A C-reactive protein of 6 mg/L."""
    return clinical(
        Lab(
            **{
                "lab_id": an_id("lab"),
                "loinc": "1988-5",
                "name": "C-reactive protein",
                "value": 6.0,
                "unit": "mg/L",
                "reference_high": 5.0,
                "method": "standard",
                "taken_at": datetime(2026, 10, 7, 14, 0, tzinfo=UTC),
                **changes,
            }
        )
    )


def a_medication(**changes: Any) -> ClinicianDataUpdated:
    """Adalimumab, still taken."""
    return clinical(
        Medication(
            **{
                "medication_id": an_id("medication"),
                "name": "Adalimumab",
                "drug_class": "anti-tnf",
                "rxcui": "327361",
                "dose": "40 mg every 2 weeks",
                "route": "subcutaneous",
                "started_on": date(2025, 11, 3),
                **changes,
            }
        )
    )


def a_step(**changes: Any) -> ClinicianDataUpdated:
    """An open next step of the shared plan."""
    return clinical(
        PlanStep(
            **{
                "step_id": an_id("step"),
                "visit_id": VISIT,
                "what": "sealed:step",
                "who": "clinician",
                "due_on": date(2026, 10, 16),
                "agreed_at": datetime(2026, 10, 13, 15, 40, tzinfo=UTC),
                **changes,
            }
        )
    )


def clinical(change: Assessment | Lab | Medication | PlanStep, *, patient_id: UUID = PATIENT) -> ClinicianDataUpdated:
    """One thing that the clinic recorded, in effect since its own time."""
    match change:
        case Assessment():
            since = change.assessed_at
        case Lab():
            since = change.taken_at
        case Medication():
            since = datetime(change.started_on.year, change.started_on.month, change.started_on.day, tzinfo=UTC)
        case PlanStep():
            since = change.agreed_at
    return ClinicianDataUpdated(patient_id=patient_id, effective_at=since, change=change)


def in_error(fact: ClinicianDataUpdated) -> ClinicianDataUpdated:
    """That it was taken back."""
    why = EnteredInError(reason=CorrectionReason.WRONG_PATIENT)
    return fact.model_copy(update={"change": fact.change.model_copy(update={"entered_in_error": why})})


def a_view(**changes: Any) -> DashboardViewed:
    return DashboardViewed(
        **{
            "view_id": an_id("view"),
            "patient_id": PATIENT,
            "visit_id": VISIT,
            "role": ViewerRole.CLINICIAN,
            "context": ViewContext.IN_VISIT,
            "is_shared_screen": True,
            "panels": ("concerns", "how", "trends", "care", "plan"),
            "opened_at": VISIT_AT,
            **changes,
        }
    )


def a_feedback(**changes: Any) -> FeedbackReceived:
    return FeedbackReceived(
        **{
            "feedback_id": an_id("feedback"),
            "visit_id": VISIT,
            "patient_id": PATIENT,
            "received_at": datetime(2026, 10, 14, 9, 0, tzinfo=UTC),
            "effort_to_understand": 9,
            "effort_to_listen": 9,
            "effort_to_include": 8,
            "helped_discussion": True,
            "helped_what_matters": True,
            "helped_decisions": None,
            "used_in_visit": YesNoUnsure.YES,
            "used_outside_visit": YesNoUnsure.NO,
            "used_over_one_month": True,
            **changes,
        }
    )


def a_revocation(**changes: Any) -> LinkRevoked:
    return LinkRevoked(
        **{
            "link_id": an_id("link"),
            "visit_id": VISIT,
            "patient_id": PATIENT,
            "revoked_at": datetime(2026, 10, 12, 8, 15, tzinfo=UTC),
            **changes,
        }
    )


def an_erasure(**changes: Any) -> PatientErased:
    return PatientErased(
        **{
            "patient_id": PATIENT,
            "erased_at": datetime(2026, 11, 2, 16, 30, tzinfo=UTC),
            "reason": ErasureReason.PATIENT_REQUEST,
            **changes,
        }
    )


def one_of_each() -> tuple[Event, ...]:
    """A valid event of every topic and every kind of clinical change, in an order that could happen."""
    at_clinic = (a_lab(), an_assessment(), a_medication(), a_step())
    return (
        an_event(a_site()),
        an_event(an_enrollment()),
        an_event(a_visit()),
        an_event(a_survey()),
        *(an_event(body, sequence=number) for number, body in enumerate(at_clinic, start=1)),
        an_event(a_view()),
        an_event(a_feedback()),
        an_event(a_revocation()),
        an_event(an_erasure()),
    )
