"""Receipts: how far an accepted write has travelled, and waiting until it has arrived."""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from shared import outbox
from shared.db import Pool, SiteScope, transaction
from shared.errors import unknown
from shared.http.access import CareTeam
from shared.http.commands import caller_of, pool_of
from shared.http.record import keep_read
from shared.settings import Platform

router = APIRouter(tags=["receipts"])
arrivals = APIRouter(tags=["receipts"])
WaitFor = Annotated[
    UUID | None, Query(description="A receipt: answer when its event has arrived here, or after two seconds without")
]
_LONGEST_WAIT_S = 2.0
_ARRIVAL = "SELECT site_id, topic, applied_at FROM delivery WHERE event_id = $1 AND site_id = ANY($2)"
_ARRIVED = "SELECT site_id, event_id FROM delivery WHERE event_id = ANY($1) AND site_id = ANY($2)"


class ReceiptAnswer(BaseModel):
    """`recorded_at`: durable here since then. `is_published`: the broker has acknowledged it.

    `shown` and `counted` are the addresses that say since when the dashboard shows it and analytics counts it, each 404
    until then and for what neither does; null where this installation has no such service.
    """

    receipt: UUID
    topic: str
    sequence: int
    recorded_at: datetime
    is_published: bool
    shown: str | None
    counted: str | None


@router.get("/v1/receipts/{receipt}")
async def read_receipt(request: Request, receipt: UUID, caller: CareTeam) -> ReceiptAnswer:
    """How far the event behind a receipt has travelled."""
    async with transaction(pool_of(request), caller.scope) as connection:
        progress = await outbox.progress_of(connection, caller.scope, receipt)
        if progress is None:
            raise unknown("receipt")
        patient_id = None if progress.key == progress.site_id else UUID(progress.key)
        await keep_read(request, connection, progress.site_id, patient_id)
    return ReceiptAnswer(
        receipt=receipt,
        topic=progress.receipt.topic,
        sequence=progress.receipt.sequence,
        recorded_at=progress.receipt.recorded_at,
        is_published=progress.is_published,
        shown=_arrival_at(request, "dashboard", receipt),
        counted=_arrival_at(request, "analytics", receipt),
    )


def _arrival_at(request: Request, service: str, receipt: UUID) -> str | None:
    platform: Platform = request.app.state.platform
    where = platform.public_urls.get(service)
    return None if where is None else f"{where}/v1/arrivals/{receipt}"


class ArrivalAnswer(BaseModel):
    """`applied_at`: what this service shows or counts rests on it since then."""

    receipt: UUID
    topic: str
    applied_at: datetime


@arrivals.get("/v1/arrivals/{receipt}")
async def read_arrival(request: Request, receipt: UUID, caller: CareTeam) -> ArrivalAnswer:
    """When the event behind another service's receipt arrived here: 404 until then.

    The dashboard's answer says that it is shown, that of analytics that it is counted.
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        row = await connection.fetchrow(_ARRIVAL, receipt, caller.scope.ids)
        if row is None:
            raise unknown("arrival")
        await keep_read(request, connection, row["site_id"], None)
    return ArrivalAnswer(receipt=receipt, topic=row["topic"], applied_at=row["applied_at"])


@dataclass(eq=False, slots=True)
class _Waiter:
    receipt: UUID
    scope: SiteScope
    arrival: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Arrivals:
    """Waits until events have been applied here: one look at the database for all who wait in a process.

    Beyond `most` nobody waits, so that those who do not wait find a place.
    """

    def __init__(self, *, most: int = 48, every_s: float = 0.01) -> None:
        self._most = most
        self._every_s = every_s
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, pool: Pool, scope: SiteScope, receipt: UUID, *, longest_s: float = _LONGEST_WAIT_S) -> bool:
        """Whether the event of this receipt, of one of these sites, has arrived in time."""
        waiter = _Waiter(receipt, scope)
        if len(self._waiters) >= self._most:
            await _look(pool, [waiter])
            return waiter.arrival.done()
        self._waiters.add(waiter)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_some_wait(pool), context=Context())
        try:
            done, _ = await asyncio.wait([waiter.arrival], timeout=longest_s)
            for arrival in done:
                arrival.result()
            return bool(done)
        finally:
            self._waiters.discard(waiter)

    async def _look_while_some_wait(self, pool: Pool) -> None:
        while self._waiters:
            waiting = list(self._waiters)
            try:
                await _look(pool, waiting)
            except Exception as failure:
                for waiter in self._waiters.intersection(waiting):
                    if not waiter.arrival.done():
                        waiter.arrival.set_exception(failure)
            await asyncio.sleep(self._every_s)


async def _look(pool: Pool, waiters: Sequence[_Waiter]) -> None:
    scope = SiteScope(frozenset().union(*(waiter.scope.sites for waiter in waiters)))
    async with transaction(pool, scope) as connection:
        rows = await connection.fetch(_ARRIVED, [waiter.receipt for waiter in waiters], scope.ids)
    arrived = {(row["site_id"], row["event_id"]) for row in rows}
    for waiter in waiters:
        is_there = any((site_id, waiter.receipt) in arrived for site_id in waiter.scope.sites)
        if is_there and not waiter.arrival.done():
            waiter.arrival.set_result(None)


async def has_arrived(request: Request, receipt: UUID) -> bool:
    """Wait for something that the caller wrote; False when that took too long."""
    arrivals: Arrivals = request.app.state.arrivals
    return await arrivals.wait(pool_of(request), caller_of(request).scope, receipt)


async def _wait(request: Request, wait_for: WaitFor = None) -> None:
    if wait_for is not None:
        await has_arrived(request, wait_for)


# A route that takes this reads what its caller wrote in another service a moment ago. It stands after the caller, so
# that nobody waits whom the route is not for.
AfterReceipt = Annotated[None, Depends(_wait)]
