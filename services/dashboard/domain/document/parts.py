"""What the parts of the page have in common."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from shared.events import SkipReason

Direction: TypeAlias = Literal["better", "worse"]


class Part(BaseModel):
    """Base of every part."""

    model_config = ConfigDict(frozen=True)


class Answered(Part):
    """The question has an answer."""

    state: Literal["answered"] = Field(description="There is an answer")
    value: float | str | bool = Field(description="A number, a code, or yes and no, as the question takes it")


class Skipped(Part):
    """The question was asked, and there is a reason in place of an answer."""

    state: Literal["skipped"] = Field(description="There is a reason and no answer")
    reason: SkipReason = Field(description="Why there is no answer")


class NotAsked(Part):
    """The survey did not ask it."""

    state: Literal["not-asked"] = Field(description="The question was not shown")


Answer = Annotated[Answered | Skipped | NotAsked, Field(discriminator="state")]


class Band(Part):
    """A named stretch of a scale, up to where the next one starts."""

    code: str = Field(
        description="Of disease activity `remission`, `mild`, `moderate`, `severe`; each instrument has its own"
    )
    words: str = Field(description="In English")
    starts_at: float = Field(description="Points from which it holds, these included")


class EarlierScore(Part):
    """A score of an earlier survey on the same scale."""

    at: datetime = Field(description="When that survey was submitted")
    value: float | None = Field(description="Points; null where an answer is missing")
    band: str | None = Field(description="Code of the band; null without a value")
    words: str | None = Field(description="The band in English; null without a value")
