"""The network's figures as JSON. Aggregates only; small counts are hidden before anything leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.analytics import store
from services.analytics.domain import (
    Cell,
    ControlChart,
    FeedbackFigures,
    Month,
    Share,
    figures_of,
    hide_shares,
    p_chart,
    pipeline_of,
    share,
)
from shared.audit import NETWORK
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.http.access import Operator
from shared.http.commands import pool_of
from shared.http.record import keep_read

router = APIRouter(tags=["network"])


class Step(BaseModel):
    """One step of the funnel: `count` of `of` (what `unit` names), where it has a denominator."""

    name: str
    count: Cell
    of: Cell | None = None
    unit: str | None = None
    share: float | None = None


class Funnel(BaseModel):
    """Consenting people only."""

    figures_at: datetime
    steps: list[Step]


class SiteParticipation(BaseModel):
    site_id: str
    name: str
    site_type: str
    answered: Share
    viewed_in_visit: Share


class Participation(BaseModel):
    """Visits that were due; answered: a survey from the 14 days before; viewed: the page opened in the visit."""

    figures_at: datetime
    answered: Share
    viewed_in_visit: Share
    by_month: ControlChart
    by_site: list[SiteParticipation]


class Feedback(BaseModel):
    figures_at: datetime
    figures: FeedbackFigures


class OfPeople(NamedTuple):
    """The figures about people, which are looked at together before they leave: each could tell of the other."""

    funnel: Funnel
    feedback: Feedback


class PipelineRow(BaseModel):
    site_id: str
    name: str
    state: Literal["set aside", "behind", "silent", "fine", "not started"]
    last_event_at: datetime | None
    last_topic: str | None
    lag_s: float | None
    dead_letters: int


class Pipeline(BaseModel):
    figures_at: datetime
    sites: list[PipelineRow]


@router.get("/v1/network/funnel")
async def read_funnel(request: Request, caller: Operator) -> Funnel:
    """From sites to regular use, each step with its own denominator."""
    async with on_record(request) as connection:
        return (await of_people(connection, caller)).funnel


@router.get("/v1/network/participation")
async def read_participation(request: Request, caller: Operator) -> Participation:
    """Who answers before visits, by month with control limits and by site without a ranking."""
    async with on_record(request) as connection:
        return await participation(connection, caller)


@router.get("/v1/network/feedback")
async def read_feedback(request: Request, caller: Operator) -> Feedback:
    """collaboRATE, what the page helped with, and use in the visit against top scores."""
    async with on_record(request) as connection:
        return (await of_people(connection, caller)).feedback


@router.get("/v1/pipeline")
async def read_pipeline(request: Request, caller: Operator) -> Pipeline:
    """Is the data arriving: by site, the one that needs somebody first."""
    async with on_record(request) as connection:
        return await pipeline(connection, caller)


@asynccontextmanager
async def on_record(request: Request) -> AsyncIterator[Connection]:
    """The transaction of one look at the network's figures, which is on record when it ends."""
    async with transaction(pool_of(request), SiteScope.of(NETWORK)) as connection:
        yield connection
        await keep_read(request, connection, NETWORK, None)


async def of_people(connection: Connection, caller: Caller) -> OfPeople:
    """The funnel and the feedback."""
    scope = await store.network_scope(connection, caller.scope)
    counts = dict(await store.funnel(connection, scope))
    cells, figures = figures_of(await store.first_answers(connection, scope), counts)
    steps = [
        Step(
            name="Clinics sending surveys", count=Cell(counts["active_sites"]), of=Cell(counts["sites"]), unit="clinics"
        ),
        Step(name="Clinicians with over 5 patients", count=Cell(counts["clinicians"])),
        Step(name="Patients enrolled", count=cells["enrolled"]),
        _step("Surveys received", cells["surveys"], cells["visits"], "visits"),
        _step("Feedback given", cells["feedback"], cells["surveys"], "surveys"),
        _step("Used over 1 month", cells["over_one_month"], cells["feedback"], "feedback forms"),
    ]
    now = datetime.now(UTC)
    return OfPeople(Funnel(figures_at=now, steps=steps), Feedback(figures_at=now, figures=figures))


async def participation(connection: Connection, caller: Caller) -> Participation:
    """The month that is not over is counted too: it is in the totals, which would tell of it without its point."""
    scope = await store.network_scope(connection, caller.scope)
    months = await store.participation_by_month(connection, scope)
    sites = await store.participation_by_site(connection, scope)
    visits = [row["visits"] for row in sites]
    answered, viewed = hide_shares(visits, [row["answered"] for row in sites], [row["viewed"] for row in sites])
    (by_month,) = hide_shares([row["visits"] for row in months], [row["answered"] for row in months])
    return Participation(
        figures_at=datetime.now(UTC),
        answered=share(sum(row["answered"] for row in sites), sum(visits)),
        viewed_in_visit=share(sum(row["viewed"] for row in sites), sum(visits)),
        by_month=p_chart(
            [
                Month(row["month"], row["answered"], row["visits"], is_hidden=found.share is None)
                for row, found in zip(months, by_month, strict=True)
            ]
        ),
        by_site=[
            SiteParticipation(
                site_id=row["site_id"],
                name=row["name"],
                site_type=row["site_type"],
                answered=answered[index],
                viewed_in_visit=viewed[index],
            )
            for index, row in enumerate(sites)
        ],
    )


async def pipeline(connection: Connection, caller: Caller) -> Pipeline:
    now = datetime.now(UTC)
    scope = await store.network_scope(connection, caller.scope)
    rows = pipeline_of(await store.pipeline(connection, scope), now)
    return Pipeline(
        figures_at=now,
        sites=[
            PipelineRow(
                site_id=row.site_id,
                name=row.name,
                state=row.state(now),
                last_event_at=row.last_event_at,
                last_topic=row.last_topic,
                lag_s=row.lag_s,
                dead_letters=row.dead_letters,
            )
            for row in rows
        ],
    )


def _step(name: str, count: Cell, of: Cell, unit: str) -> Step:
    quotient = count.value / of.value if count.value is not None and of.value else None
    return Step(name=name, count=count, of=of, unit=unit, share=quotient)
