"""How am I doing: three readings side by side, whether they agree, and the activity index over time."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from services.dashboard.domain.document.parts import Answer, Band, Direction, EarlierScore, NotAsked, Part, Skipped
from services.dashboard.domain.scales import Recall
from shared.events import Activity, ClinicianId
from shared.instruments import Change

Voice: TypeAlias = Literal["patient", "computed", "clinician"]


class PatientReading(Part):
    """The patient's own word, of the newest survey and of the one before."""

    at: datetime = Field(description="When the survey was submitted")
    in_remission: Answer = Field(description="Whether the patient feels in remission: `yes`, `no`, `unsure`")
    in_remission_last: Answer | None = Field(description="The same in the survey before; null: there is none")
    control: Answer = Field(description="How well the disease is under control, 0 to `control_of`, higher is better")
    control_last: Answer | None = Field(description="The same in the survey before; null: there is none")
    control_of: float = Field(description="The highest possible value")
    last_at: datetime | None = Field(description="When the survey before was submitted; null: there is none")


class SkippedItem(Skipped):
    """A question of the index that was skipped."""

    item: str = Field(description="The question")


class ItemNotAsked(NotAsked):
    """A question of the index that the survey did not ask."""

    item: str = Field(description="The question")


class ComputedReading(Part):
    """The activity index of the newest survey. A score with a missing answer has no value: nothing is imputed."""

    at: datetime = Field(description="When the survey was submitted")
    instrument: str = Field(description="Its definition, `id|version`")
    name: str = Field(description="What it is called, in English")
    higher_is: Direction | None = Field(description="What more points mean; null: the definition is not known here")
    minimal_change: float | None = Field(
        description="The smallest difference in points that counts; null: none is known"
    )
    bands: list[Band] = Field(description="From the lowest; empty: the definition is not known here")
    value: float | None = Field(description="Points; null where an answer is missing")
    band: str | None = Field(description="Code of the band; null without a value")
    words: str | None = Field(description="The band in English; null without a value")
    missing: list[Annotated[SkippedItem | ItemNotAsked, Field(discriminator="state")]] = Field(
        description="The questions without an answer, and why"
    )
    last: EarlierScore | None = Field(description="Of the survey before; null: none on this scale")
    change: Change | None = Field(description="From `last` to now by `minimal_change`; null: cannot be said")
    last_full: EarlierScore | None = Field(description="Without a value now: the newest that has one; else null")


class EarlierRating(Part):
    """The rating before."""

    assessment_id: UUID = Field(description="As `POST /v1/assessments` answered it")
    at: datetime = Field(description="When it was given")
    activity: Activity = Field(description="What it said")


class ClinicianReading(Part):
    """The clinician's global assessment (PGA)."""

    assessment_id: UUID = Field(description="As `POST /v1/assessments` answered it")
    at: datetime = Field(description="When it was given")
    activity: Activity = Field(description="What it says")
    clinician_id: ClinicianId = Field(description="Who gave it: an id that the site gave")
    visit_id: UUID | None = Field(description="In which visit; null: not said")
    last: EarlierRating | None = Field(description="The rating before; null: there is none")


class Agreement(Part):
    """Whether the three agree on remission or not."""

    state: Literal["differ", "agree", "not-compared"] = Field(
        description="`not-compared`: fewer than two can be compared"
    )
    all_in_remission: bool | None = Field(description="What they agree on; null where they do not")
    compared: list[Voice] = Field(description="Which of them could be compared")
    pairs: list[tuple[Voice, Voice]] = Field(description="Which of them differ")
    words: str | None = Field(
        description="The difference in one English sentence of the patient's; null: they do not differ"
    )
    rule: str = Field(description="How they are compared, in English")
    rating_apart_days: int | None = Field(
        description="Days from survey to rating where these are too many to compare the two; else null"
    )


class Readings(Part):
    """Three readings, never merged."""

    patient: PatientReading | None = Field(description="What the patient says; null: no survey")
    computed: ComputedReading | None = Field(description="What the answers add up to; null: no activity index")
    clinician: ClinicianReading | None = Field(description="What the clinician rated; null: no rating")
    agreement: Agreement = Field(description="Whether they agree")


class Term(Part):
    """One item of the index's sum."""

    item: str = Field(description="The question")
    weight: int = Field(description="How often its answer counts")


class TrendPoint(Part):
    """The index of one survey."""

    at: datetime = Field(description="When the survey was submitted")
    survey_id: UUID = Field(description="Of the survey")
    value: float | None = Field(description="Points; null where an answer is missing")
    band: str | None = Field(description="Code of the band; null without a value")
    words: str | None = Field(description="The band in English; null without a value")
    items: dict[str, float | str | bool | None] = Field(description="Answer by item of the index; null: there is none")


class Trend(Part):
    """The activity index in use over all surveys that are kept. Scores of another index are not in it."""

    instrument: str = Field(description="Its definition, `id|version`")
    name: str = Field(description="What it is called, in English")
    higher_is: Direction | None = Field(description="What more points mean; null: the definition is not known here")
    low: float | None = Field(description="The lowest possible score; null: the definition is not known here")
    high: float | None = Field(description="The highest possible score; null: the definition is not known here")
    terms: list[Term] = Field(description="What the score is the sum of; empty: the definition is not known here")
    bands: list[Band] = Field(description="From the lowest; empty: the definition is not known here")
    points: list[TrendPoint] = Field(description="Oldest first")


class ScaleTrend(Part):
    """A score, or an answer in numbers, over all surveys that are kept."""

    item: str = Field(description="The question; of a score of several questions, its instrument")
    instrument: str | None = Field(description="Its definition, `id|version`; null: the question belongs to none")
    higher_is: Direction = Field(description="What a higher value means")
    low: float = Field(description="The lowest possible value")
    high: float = Field(description="The highest possible value")
    recall: Recall = Field(description="The time that it is about")
    bands: list[Band] = Field(description="From the lowest")
    values: list[float | None] = Field(
        description="In the order of `at`; null: no answer, no full score, or a score by another version"
    )


class Trends(Part):
    """Scores and answers in numbers beside the activity index."""

    at: list[datetime] = Field(description="When each survey was submitted, oldest first")
    scales: list[ScaleTrend] = Field(description="In the order of the page; without those that no survey answers")
