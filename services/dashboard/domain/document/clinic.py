"""What the clinic recorded: laboratory results, medicines, agreed steps."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.dashboard.domain.document.parts import Part
from services.dashboard.domain.labs import Side
from shared.events import Comparator, DrugClass, StepOwner
from shared.sealing import WordsState


class Medication(Part):
    """An interval in which a medicine was taken in one dose. Another dose is another interval of the same name."""

    medication_id: UUID = Field(description="As `POST /v1/medications` answered it")
    name: str = Field(description="The ingredient, else as the clinic wrote it")
    drug_class: DrugClass = Field(description="Its class")
    dose: str | None = Field(description="Dose and frequency as the clinic wrote them; null: not recorded")
    route: str | None = Field(description="Code, such as `oral` or `subcutaneous`; null: not recorded")
    started_on: date = Field(description="The first day")
    stopped_on: date | None = Field(description="The last day; null: still taken")
    stop_reason: str | None = Field(description="Code, such as `side-effects`; null: still taken, or not recorded")


class LabValue(Part):
    """A value that a correction replaced."""

    value: float = Field(description="In `unit`")
    comparator: Comparator | None = Field(description="On which side of `value` the result lies; null: it is `value`")
    unit: str = Field(description="UCUM")


class LabPoint(LabValue):
    """A result."""

    lab_id: UUID = Field(description="As `POST /v1/labs` answered it")
    at: datetime = Field(description="When the sample was taken")
    method: str | None = Field(description="How it was measured, as the clinic wrote it; null: not recorded")
    limit_low: float | None = Field(description="In `unit`; null: there is none")
    limit_high: float | None = Field(description="In `unit`; null: there is none")
    side: Side | None = Field(description="Of the limits, these included; null: no limit, or the result cannot tell")
    was: list[LabValue] = Field(description="What corrections replaced, oldest first")


class LabLimit(Part):
    """What the newest result is compared with."""

    low: float | None = Field(description="In the series' unit; null: there is none")
    high: float | None = Field(description="In the series' unit; null: there is none")
    words: str | None = Field(description="What stands before the limit of a marker, in English; else null")
    source: str = Field(description="Who set it, in English")


class MethodChange(Part):
    """Results before and after it are not compared."""

    after: datetime = Field(description="When the sample of the result before was taken")
    at: datetime = Field(description="When the first sample by the new method was taken")
    from_: str = Field(alias="from", description="The method before")
    to: str = Field(description="The method from then on")


class LabSeries(Part):
    """The results of one LOINC code."""

    loinc: str = Field(description="LOINC code")
    name: str = Field(description="In English for a marker, else as the clinic wrote it last")
    sample: str | None = Field(description="What a marker is measured in, in English; else null")
    unit: str = Field(description="UCUM; the canonical unit of the LOINC code")
    marker: bool = Field(description="It is a marker of inflammation, which is drawn")
    scale: Literal["linear", "log"] = Field(description="How it is drawn")
    limit: LabLimit | None = Field(description="Null: there is none")
    points: list[LabPoint] = Field(description="Oldest first")
    method_changes: list[MethodChange] = Field(description="Oldest first")


class Step(Part):
    """A next step that patient and clinician agreed on."""

    step_id: UUID = Field(description="As `POST /v1/plans` answered it")
    visit_id: UUID | None = Field(description="The visit in which it was agreed; null: not said")
    who: StepOwner = Field(description="Who does it")
    due_on: date | None = Field(description="By which day; null: no day was agreed")
    is_done: bool = Field(description="It is done")
    done_on: date | None = Field(description="On which day; null: not done, or not recorded")
    what: str | None = Field(description="In the words of the clinic; null as `what_state` says, or hidden")
    what_state: WordsState | None = Field(description="Whether `what` can be read; null: it is hidden")
    agreed_at: datetime = Field(description="When it was agreed")
