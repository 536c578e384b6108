"""The page as a whole: whose it is, its visits, its sections, and how far it has been read."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.dashboard.domain.document.answers import Concern, DayToDay, Previous, Survey, UrgentCare, WellBeing
from services.dashboard.domain.document.clinic import LabSeries, Medication, Step
from services.dashboard.domain.document.parts import Part
from services.dashboard.domain.document.readings import Readings, Trend, Trends
from services.dashboard.domain.document.since import Missing, SinceChange, TakenBackFact
from shared.events import ClinicianId, ConsentState, Diagnosis, ErasureReason, Language, Sex, SiteId, VisitState
from shared.sealing import WordsState


class Person(Part):
    """The patient, pseudonymous. Null but for the ids: the enrolment is not known, or was erased."""

    patient_id: UUID = Field(description="As `POST /v1/patients` answered it")
    site_id: SiteId = Field(description="The site whose patient this is")
    birth_year: int | None = Field(description="Year of birth")
    sex: Sex | None = Field(description="As recorded at enrolment")
    diagnosis: Diagnosis | None = Field(description="Which form of inflammatory bowel disease")
    language: Language | None = Field(description="The patient's language")
    clinician_id: ClinicianId | None = Field(description="Who looks after the patient; null also where nobody is named")
    consent: ConsentState | None = Field(description="To use in the network; care does not depend on it")


class Erased(Part):
    """The patient was erased."""

    at: datetime = Field(description="When")
    reason: ErasureReason = Field(description="Why")


class Visit(Part):
    """A visit, cancelled ones too."""

    visit_id: UUID = Field(description="As `POST /v1/visits` answered it")
    clinician_id: ClinicianId = Field(description="Who sees the patient: an id that the site gave")
    state: VisitState = Field(description="How far it is")
    scheduled_at: datetime = Field(description="When it is, or was to be")
    checked_in_at: datetime | None = Field(description="When the patient came; null: not recorded")
    completed_at: datetime | None = Field(description="When it ended; null: not recorded")


class SourceState(Part):
    """When a source last spoke."""

    at: datetime = Field(description="The newest time that it spoke of: survey sent, rating given, sample taken")
    recorded_at: datetime = Field(description="When the last of it was recorded")
    sequence: int = Field(description="Of the last event that it came in")


class Sources(Part):
    """Of each source when it last spoke; null: never."""

    survey: SourceState | None = Field(description="The patient's answers")
    clinician: SourceState | None = Field(description="The clinician's ratings")
    labs: SourceState | None = Field(description="Laboratory results")
    medicines: SourceState | None = Field(description="Medicines; `at` is when they were recorded")


class Version(Part):
    """How far a topic has been read for this patient."""

    sequence: int = Field(description="The highest that was read")
    time: datetime = Field(description="Of the newest event")


class Kept(Part):
    """How much of a section is kept."""

    kept: int = Field(description="How many")
    most: int = Field(description="How many at most")
    has_more: bool = Field(description="Older ones were left out")


class KeptSurveys(Kept):
    """How many surveys are kept, and of how many no more than scores."""

    only_scores: int = Field(description="So many are points of the trends and nothing else")
    only_scores_until: datetime | None = Field(description="The newest of these; null: there is none")


class History(Part):
    """How much is kept, by section."""

    visits: Kept = Field(description="Visits")
    surveys: KeptSurveys = Field(description="Surveys")
    assessments: Kept = Field(description="Ratings")
    labs: Kept = Field(description="Laboratory results")
    medications: Kept = Field(description="Medicines, by interval")
    steps: Kept = Field(description="Agreed steps")


class Page(Part):
    """What is known of a patient for the visit at hand. Times are UTC, days ISO 8601; sentences are English, codes are
    what a front-end translates.
    """

    patient: Person = Field(description="Whose page this is: pseudonymous")
    clinical: Literal["shown", "hidden"] = Field(
        description="`hidden` from a coordinator whose site does not show it: then the words of patients and what is "
        "said of the disease are as if nothing were known"
    )
    erased: Erased | None = Field(description="When and why: then nothing else is known any more")
    visits: list[Visit] = Field(description="Every visit, by its time")
    visit: Visit | None = Field(description="The visit at hand; null: none is open")
    last_visit: Visit | None = Field(description="The latest that took place; null: none did")
    survey: Survey | None = Field(description="The newest; null: there is none")
    previous: Previous | None = Field(
        description="What is compared with in `since` and wherever a `last` stands; null: there is none"
    )
    since: list[SinceChange] = Field(
        description="At most five changes since then, the most serious first; without a survey before, no more than "
        "what was ever taken back"
    )
    taken_back: list[TakenBackFact] = Field(
        description="What was ever recorded by mistake, as far as it is kept, oldest mark first"
    )
    concerns: list[Concern] = Field(description="What the patient wants to talk about, by rank")
    matters_most: str | None = Field(description="In the patient's words; null as `matters_most_state` says")
    matters_most_state: WordsState | None = Field(
        description="Whether `matters_most` can be read; null: no words were given"
    )
    readings: Readings = Field(description="How am I doing: patient, computed, clinician, and whether they agree")
    trend: Trend | None = Field(description="Scores of the index in use, with its bands; null: no activity index")
    trends: Trends = Field(description="What became of the other scores and scales")
    medications: list[Medication] = Field(description="Still taken first, then the newest")
    labs: list[LabSeries] = Field(description="A series for each LOINC code: the markers of inflammation, then by name")
    urgent_care: list[UrgentCare] = Field(description="Answers about the past 6 months, now and last time")
    well_being: list[WellBeing] = Field(description="Answers about the past 7 days, and low mood")
    day_to_day: list[DayToDay] = Field(description="Answers about medicines")
    plan: list[Step] = Field(description="Steps, open ones first by the day they are due, then the newest done")
    sources: Sources = Field(description="When each source last spoke")
    versions: dict[str, Version] = Field(description="By topic, how far its events are in this page")
    as_of: datetime = Field(description="The newest of these times")
    missing: list[Missing] = Field(description="What is not there, as `what` and details")
    history: History = Field(
        description="How many things are kept and at most, by section; `has_more`: older ones were left out"
    )
