"""One valid event body per topic, for documents and tests. All of it is synthetic: no such patient exists.

The sealed words are sealed for this event under the published key of bytes 0 to 31, which protects nothing.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from uuid import UUID

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
    Body,
    ClinicianDataUpdated,
    Concern,
    ConcernTopic,
    ConsentState,
    DashboardViewed,
    Diagnosis,
    Education,
    EnrollmentUpdated,
    ErasureReason,
    FeedbackReceived,
    Lab,
    Language,
    LinkRevoked,
    PatientErased,
    Score,
    Sex,
    SiteType,
    SiteUpdated,
    SkipReason,
    SurveyCompleted,
    ViewContext,
    ViewerRole,
    VisitState,
    VisitUpdated,
    YesNoUnsure,
)

SITE_ID = "riverbend"
PATIENT_ID = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001")
EVENT_ID = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c09001")
_VISIT_ID = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0b001")
_CLINICIAN_ID = "dr-rowe"
_VISIT_AT = datetime(2026, 10, 13, 15, 20, tzinfo=UTC)

_SITE = SiteUpdated(
    name="Riverbend GI (synthetic)",
    site_type=SiteType.ACADEMIC,
    time_zone="America/Chicago",
)

_ENROLLMENT = EnrollmentUpdated(
    patient_id=PATIENT_ID,
    enrolled_on=date(2025, 10, 1),
    birth_year=1992,
    sex=Sex.FEMALE,
    education=Education.COLLEGE_DEGREE,
    language=Language.ENGLISH,
    diagnosis=Diagnosis.CROHNS,
    clinician_id=_CLINICIAN_ID,
    consent=ConsentState.CONSENTED,
    consent_decided_on=date(2025, 10, 2),
)

_VISIT = VisitUpdated(
    visit_id=_VISIT_ID,
    patient_id=PATIENT_ID,
    clinician_id=_CLINICIAN_ID,
    scheduled_at=_VISIT_AT,
    state=VisitState.CHECKED_IN,
    checked_in_at=datetime(2026, 10, 13, 15, 8, tzinfo=UTC),
)

_SURVEY = SurveyCompleted(
    survey_id=UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0c001"),
    visit_id=_VISIT_ID,
    patient_id=PATIENT_ID,
    form="pre-visit-crohns|1.0",
    language=Language.ENGLISH,
    started_at=datetime(2026, 10, 11, 18, 0, tzinfo=UTC),
    submitted_at=datetime(2026, 10, 11, 18, 4, tzinfo=UTC),
    answers={
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
        "ed_visits": 1,
        "hospital_stays": 0,
        "ct_scans": 1,
        "steroid_courses": 1,
        "opioid_use": False,
        "taking_as_agreed": False,
        "missed_doses": 2,
        "side_effects": False,
        "barriers": "cost",
    },
    skipped={"phq2_mood": SkipReason.PREFER_NOT_TO_SAY},
    scores=(
        Score(instrument="pro-3-cd|1.0", value=16, band="mild"),
        Score(instrument="pro-2-cd|1.0", value=9, band="mild"),
        Score(instrument="ibd-10|1.0", value=5, band="not-controlled"),
        Score(instrument="phq-2|1.0", value=None, band=None, missing=("phq2_mood",)),
    ),
    concerns=(
        Concern(
            rank=1,
            topic=ConcernTopic.SYMPTOMS,
            words="1.9yTfrC2VnfM5oz-pCV8CZ39aNPxVTpNelAY8JSOib3tfk9WEGzRx4ojz3kpkRnxZ",
        ),
        Concern(rank=2, topic=ConcernTopic.STEROIDS),
    ),
    matters_most="1.h2ur1yIDM8r5sTqvL7h4Wt0-3KLGOxN-0WsVOs9_HppIf5sULL8FcEuGraSf7s3VBaT3",
)

_REVOCATION = LinkRevoked(
    link_id=UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c08001"),
    visit_id=_VISIT_ID,
    patient_id=PATIENT_ID,
    revoked_at=datetime(2026, 10, 12, 8, 15, tzinfo=UTC),
)

_ERASURE = PatientErased(
    patient_id=PATIENT_ID, erased_at=datetime(2026, 11, 2, 16, 30, tzinfo=UTC), reason=ErasureReason.PATIENT_REQUEST
)

_LAB = ClinicianDataUpdated(
    patient_id=PATIENT_ID,
    effective_at=datetime(2026, 10, 7, 14, 0, tzinfo=UTC),
    change=Lab(
        lab_id=UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0d001"),
        loinc="1988-5",
        name="C-reactive protein",
        value=6.0,
        unit="mg/L",
        reference_high=5.0,
        method="standard",
        taken_at=datetime(2026, 10, 7, 14, 0, tzinfo=UTC),
    ),
)

_VIEW = DashboardViewed(
    view_id=UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0e001"),
    patient_id=PATIENT_ID,
    visit_id=_VISIT_ID,
    role=ViewerRole.CLINICIAN,
    context=ViewContext.IN_VISIT,
    is_shared_screen=True,
    panels=("concerns", "how", "trends", "care", "plan"),
    opened_at=_VISIT_AT,
    duration_ms=340_000,
)

_FEEDBACK = FeedbackReceived(
    feedback_id=UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0f001"),
    visit_id=_VISIT_ID,
    patient_id=PATIENT_ID,
    received_at=datetime(2026, 10, 14, 9, 0, tzinfo=UTC),
    effort_to_understand=9,
    effort_to_listen=9,
    effort_to_include=8,
    helped_discussion=True,
    helped_what_matters=True,
    helped_decisions=None,
    used_in_visit=YesNoUnsure.YES,
    used_outside_visit=YesNoUnsure.NO,
    used_over_one_month=True,
)

EXAMPLES: Mapping[str, Body] = MappingProxyType(
    {
        SITE_UPDATED.name: _SITE,
        ENROLLMENT_UPDATED.name: _ENROLLMENT,
        VISIT_UPDATED.name: _VISIT,
        SURVEY_COMPLETED.name: _SURVEY,
        LINK_REVOKED.name: _REVOCATION,
        PATIENT_ERASED.name: _ERASURE,
        CLINICIAN_DATA_UPDATED.name: _LAB,
        DASHBOARD_VIEWED.name: _VIEW,
        FEEDBACK_RECEIVED.name: _FEEDBACK,
    }
)
