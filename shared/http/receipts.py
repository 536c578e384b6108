"""Receipts: how far an accepted write has travelled, and waiting until it has arrived."""

import asyncio
import time
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

router = APIRouter(tags=["receipts"])
WaitFor = Annotated[
    UUID | None, Query(description="A receipt: answer when its event has arrived here, or after two seconds without")
]
_LONGEST_WAIT_S = 2.0
_HAS_ARRIVED = "SELECT true FROM delivery WHERE event_id = $1 AND site_id = ANY($2)"


class ReceiptAnswer(BaseModel):
    """`recorded_at`: durable here since then. `is_published`: the broker has acknowledged it."""

    receipt: UUID
    topic: str
    sequence: int
    recorded_at: datetime
    is_published: bool


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
    )


async def arrived(pool: Pool, scope: SiteScope, receipt: UUID, *, longest_s: float = _LONGEST_WAIT_S) -> bool:
    """Wait until the event of this receipt has been applied here; False when that took too long."""
    until = time.monotonic() + longest_s
    while True:
        async with transaction(pool, scope) as connection:
            if await connection.fetchval(_HAS_ARRIVED, receipt, scope.ids):
                return True
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(0.02)


async def _wait(request: Request, wait_for: WaitFor = None) -> None:
    if wait_for is not None:
        await arrived(pool_of(request), caller_of(request).scope, wait_for)


# A route that takes this reads what its caller wrote in another service a moment ago. It stands after the caller, so
# that nobody waits whom the route is not for.
AfterReceipt = Annotated[None, Depends(_wait)]
