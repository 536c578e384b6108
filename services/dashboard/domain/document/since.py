"""What changed since the survey before, and what is missing. Both may be told in further kinds some day."""

from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from services.dashboard.domain.document.parts import Direction, Part
from services.dashboard.domain.labs import Side
from shared.events import Activity, Comparator, SkipReason


class CareChange(Part):
    """More use of care in 6 months than the survey before said."""

    kind: Literal["care"] = Field(description="Which change it is")
    item: str = Field(description="`hospital_stays`, `ed_visits`, `steroid_courses` or `ct_scans`")
    now: float = Field(description="How often now")
    was: float | None = Field(description="How often then; null: no answer")


class IndexChange(Part):
    """The activity index moved by as much as counts."""

    kind: Literal["index"] = Field(description="Which change it is")
    change: Direction = Field(description="Which way")
    was: float = Field(description="Points then")
    now: float = Field(description="Points now")


class RatingChange(Part):
    """The clinician rated otherwise than before."""

    kind: Literal["rating"] = Field(description="Which change it is")
    was: Activity = Field(description="The rating before")
    now: Activity = Field(description="The newest rating")


class LabChange(Part):
    """A marker is on another side of its limit than the result before."""

    kind: Literal["lab"] = Field(description="Which change it is")
    name: str = Field(description="Of the marker, in English")
    value: float = Field(description="The newest result, in the series' unit")
    comparator: Comparator | None = Field(description="On which side of `value` the result lies; null: it is `value`")
    side: Side = Field(description="Where it is now")


class NewMethod(Part):
    """A marker was measured by another method, so that it is not compared."""

    kind: Literal["new-method"] = Field(description="Which change it is")
    name: str = Field(description="Of the marker, in English")
    value: float = Field(description="The newest result, in the series' unit")
    comparator: Comparator | None = Field(description="On which side of `value` the result lies; null: it is `value`")


class MissedDoses(Part):
    """Doses were missed."""

    kind: Literal["missed-doses"] = Field(description="Which change it is")
    now: float = Field(description="Doses in 2 weeks")


class MedicineChange(Part):
    """A medicine was started or stopped."""

    kind: Literal["started", "stopped"] = Field(description="Which change it is")
    name: str = Field(description="Of the medicine")
    on: date = Field(description="The first or last day")


class NewDose(Part):
    """A medicine is taken in another dose."""

    kind: Literal["new-dose"] = Field(description="Which change it is")
    name: str = Field(description="Of the medicine")
    on: date = Field(description="The first day of the dose")
    now: str = Field(description="Dose and frequency as the clinic wrote them")


class TakenBack(Part):
    """What the clinic had recorded was marked as entered in error: it is on the page no more."""

    kind: Literal["taken-back"] = Field(description="Which change it is")
    at: datetime = Field(description="When the newest of them was marked")
    labs: int = Field(description="So many laboratory results")
    medications: int = Field(description="So many medicines, by interval")
    assessments: int = Field(description="So many ratings")
    steps: int = Field(description="So many agreed steps")


class TakenBackFact(Part):
    """A fact that should never have been recorded, by its id alone: leave out whatever you keep of it."""

    kind: Literal["assessment", "lab", "medication", "plan-step"] = Field(description="What it was")
    id: UUID = Field(description="As the endpoint that records such a fact answered it")
    at: datetime = Field(description="When it was marked as entered in error")


class OtherChange(Part):
    """A kind that came after this document was written: leave out what you do not know."""

    kind: str = Field(description="Which change it is")


SinceChange: TypeAlias = (
    CareChange
    | IndexChange
    | RatingChange
    | LabChange
    | NewMethod
    | MissedDoses
    | MedicineChange
    | NewDose
    | TakenBack
    | OtherChange
)


class Gap(Part):
    """Nothing of the kind is known; `no-score`: the newest survey has no activity index."""

    what: Literal["enrollment", "survey", "assessment", "no-score", "medications"] = Field(
        description="What is missing"
    )


class GapForVisit(Part):
    """There is one, but none for the visit at hand."""

    what: Literal["survey-for-visit", "assessment-for-visit"] = Field(description="What is missing")
    visit_id: UUID = Field(description="The visit at hand")


class OwnFormGap(Part):
    """The newest survey was a site's own form, which asked more than the page shows."""

    what: Literal["own-form"] = Field(description="What is missing")
    title: str = Field(description="What the site calls the form")


class ScoreGap(Part):
    """The activity index has no value."""

    what: Literal["score"] = Field(description="What is missing")
    instrument: str = Field(description="Its definition, `id|version`")
    items: list[str] = Field(description="The questions without an answer")


class AnswerGap(Part):
    """A question that was skipped."""

    what: Literal["answer"] = Field(description="What is missing")
    item: str = Field(description="The question")
    reason: SkipReason = Field(description="Why there is no answer")


class LabGap(Part):
    """A marker of inflammation without a result."""

    what: Literal["lab"] = Field(description="What is missing")
    loinc: str = Field(description="LOINC code")
    name: str = Field(description="Of the marker, in English")


class OtherGap(Part):
    """A kind that came after this document was written: leave out what you do not know."""

    what: str = Field(description="What is missing")


Missing: TypeAlias = Gap | GapForVisit | OwnFormGap | ScoreGap | AnswerGap | LabGap | OtherGap
