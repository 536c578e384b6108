"""What the patient said: the survey, concerns, and answers now and last time."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.dashboard.domain.document.parts import Answer, Answered, Part
from shared.events import ConcernTopic, CorrectionReason, EntryMode, Language, RecordChange, Score, SkipReason
from shared.sealing import WordsState


class EarlierVersion(Part):
    """What a survey said before it was corrected, without words. Null: recorded before this was kept."""

    version: int | None = Field(description="Number of the version")
    change: RecordChange | None = Field(description="What it was to the version before it")
    reason: CorrectionReason | None = Field(description="Why it was made; null for the first")
    mode: EntryMode | None = Field(description="Who gave the answers, and how")
    submitted_at: datetime | None = Field(description="When it was submitted")
    recorded_at: datetime | None = Field(description="When it was recorded")
    answers: dict[str, float | str | bool] = Field(description="Answer by item: a number, a code, or yes and no")
    skipped: dict[str, SkipReason] = Field(default_factory=dict, description="Reason by item; absent with `is_point`")
    scores: list[Score] = Field(description="What the answers added up to")
    is_point: bool = Field(default=False, description="Only the activity index and its answers are kept")


class Correction(Part):
    """That the survey is not what was said first."""

    version: int = Field(description="Number of the version that stands")
    reason: CorrectionReason | None = Field(description="Why there is another version; null: not said")
    recorded_at: datetime = Field(description="When it was recorded")
    earlier: list[EarlierVersion] = Field(description="What stood there before, the newest first, at most four")


class Survey(Part):
    """A survey before a visit, without its answers: they stand in the parts of the page."""

    survey_id: UUID = Field(description="As `POST /v1/surveys` answered it")
    visit_id: UUID = Field(description="The visit that it was answered for")
    form: str = Field(description="Its definition, `id|version`; of a site's own form `url|version`")
    language: Language = Field(description="In which it was answered")
    submitted_at: datetime = Field(description="When the patient sent it")
    visit_at: datetime | None = Field(description="When that visit is; null where it is not known")
    days_before_visit: int | None = Field(
        description="Whole days from the survey to the visit, below 0 after it; null where the visit is not known"
    )
    mode: EntryMode | None = Field(description="Who gave the answers, and how; null: recorded before this was asked")
    correction: Correction | None = Field(description="Null where it stands as it was sent, or is hidden")


class Previous(Part):
    """The newest survey for another visit."""

    submitted_at: datetime = Field(description="When it was submitted")
    visit_at: datetime | None = Field(description="When its visit was; null where it is not known")


class Concern(Part):
    """Something that the patient wants to talk about."""

    rank: int = Field(ge=1, le=3, description="1 is the most important")
    topic: ConcernTopic = Field(description="What it is about")
    words: str | None = Field(description="In the patient's words; null as `words_state` says")
    words_state: WordsState | None = Field(description="Whether `words` can be read; null: none were given")
    raised_before: datetime | None = Field(description="When the survey before had this topic too; null: it had not")


class UrgentCare(Part):
    """Use of care in the 6 months before each of the two surveys."""

    item: str = Field(
        description="`ed_visits`, `hospital_stays`, `ct_scans`, `steroid_courses`: how often. `opioid_use`: yes or no"
    )
    now: Answer | None = Field(description="Of the newest survey; null: there is none")
    last: Answer | None = Field(description="Of the survey before; null: there is none")
    differs: bool = Field(description="The patient had a course of steroids that the clinic's list of medicines lacks")


class ScoreAnswered(Answered):
    """Every question of the score has an answer: `value` is in points."""

    band: str | None = Field(description="Code of the band; null where the instrument has none")


class WellBeing(Part):
    """A symptom of the past days, or low mood of the past 2 weeks. Higher is worse.

    `rectal_bleeding` and `output_change` stand there only where they were not as usual, now or last time.
    """

    item: str = Field(
        description="`fatigue`, `pain_nrs`: 0 to 10. `nights_woken`: nights of 7. `phq_2`: low mood, 0 to 6. "
        "`rectal_bleeding`: 0 to 3, past 3 days. `output_change` of a bag or pouch: `less`, `usual`, `more` or "
        "`much-more`"
    )
    now: Answer | ScoreAnswered | None = Field(
        description="Of the newest survey; null: there is none. `band` for a score only"
    )
    last: Answer | ScoreAnswered | None = Field(
        description="Of the survey before; null: there is none. `band` for a score only"
    )
    of: float = Field(description="The highest possible value; of codes the place of the last one, from 0")
    words: str | None = Field(description="`now` in an English word; null without an answer, or where it is a code")


class DayToDay(Part):
    """What the patient says of the medicines."""

    item: str = Field(
        description="`taking_as_agreed`, `side_effects`: yes or no. `missed_doses`: doses in 2 weeks. `barriers`: "
        "a code of what gets in the way"
    )
    now: Answer | None = Field(description="Of the newest survey; null: there is none")
    last: Answer | None = Field(description="Of the survey before; null: there is none")
