"""Alerts that nobody takes escalate: on time, after a pause once, by one of several workers, and whatever dies."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.intake.api.escalation import escalate_alerts, measure_alerts
from services.intake.worker import keep_escalating_alerts
from shared.db import Pool
from tests.conftest import Pools
from tests.services.intake.alerted import Alerted, Json
from tests.services.trails import trail
from tests.waiting import until


@pytest.fixture
async def worker(alerted: Alerted, pool_of: Pools) -> Pool:
    """The worker's pool on the clinic's database."""
    return await pool_of(alerted.clinic.intake.state.database)


async def steps(alerted: Alerted, alert: Json) -> list[tuple[str, int]]:
    return [(one["step"], one["escalation"]) for one in (await alerted.one(alert["id"]))["steps"]]


async def test_an_alert_that_nobody_takes_escalates_at_its_minute_and_not_before(
    alerted: Alerted, worker: Pool
) -> None:
    alert = await alerted.alert()
    for minutes, level in ((59, 0), (1, 1), (179, 1), (1, 2), (10_000, 2)):
        alerted.clock.go_on(minutes=minutes)
        await escalate_alerts(worker, alerted.clock)
        assert (await alerted.one(alert["id"]))["escalation"] == level
    assert await steps(alerted, alert) == [("escalated", 1), ("escalated", 2)]
    (shown,) = await alerted.open()
    assert (shown["escalation"], shown["version"]) == (2, alert["version"]), "what people saw of it holds"


async def test_after_a_long_pause_it_escalates_once_to_the_level_that_it_has_reached(
    alerted: Alerted, worker: Pool
) -> None:
    alert = await alerted.alert()
    alerted.clock.go_on(days=3)
    assert await escalate_alerts(worker, alerted.clock) == 1
    assert await escalate_alerts(worker, alerted.clock) == 0
    assert await steps(alerted, alert) == [("escalated", 2)]


async def test_what_somebody_takes_stops_and_what_is_opened_again_starts_anew(alerted: Alerted, worker: Pool) -> None:
    alert = await alerted.alert()
    await alerted.step(alert, "take")
    alerted.clock.go_on(days=1)
    assert await escalate_alerts(worker, alerted.clock) == 0
    await alerted.step(await alerted.one(alert["id"]), "close", outcome="called")
    await alerted.step(await alerted.one(alert["id"]), "reopen")
    alerted.clock.go_on(minutes=60)
    assert await escalate_alerts(worker, alerted.clock) == 1
    assert (await alerted.one(alert["id"]))["escalation"] == 1


async def test_however_many_workers_look_at_once_each_alert_escalates_once(alerted: Alerted, worker: Pool) -> None:
    alerts = [await alerted.alert() for _ in range(5)]
    alerted.clock.go_on(minutes=61)
    found = await asyncio.gather(*(escalate_alerts(worker, alerted.clock) for _ in range(4)))
    assert sum(found) == len(alerts)
    for alert in alerts:
        assert await steps(alerted, alert) == [("escalated", 1)]


async def test_what_one_worker_holds_another_does_not_wait_for(alerted: Alerted, worker: Pool) -> None:
    held, free = await alerted.alert(), await alerted.alert()
    alerted.clock.go_on(minutes=61)
    connection = await asyncpg.connect(alerted.clinic.intake.state.database.admin)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM alert WHERE alert_id = $1::text::uuid FOR UPDATE", held["id"])
            assert await escalate_alerts(worker, alerted.clock) == 1
            assert await steps(alerted, free) == [("escalated", 1)]
    finally:
        await connection.close()
    assert await escalate_alerts(worker, alerted.clock) == 1
    assert await steps(alerted, held) == [("escalated", 1)]


class DyingPool:
    """A pool whose connections are lost before the n-th statement."""

    def __init__(self, pool: Pool, at: int) -> None:
        self._pool, self._left = pool, at

    def acquire(self, **options: Any) -> Any:
        return _Dying(self._pool.acquire(**options), self._count)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ConnectionResetError


class _Dying:
    def __init__(self, acquired: Any, count: Callable[[], None]) -> None:
        self._acquired, self._count = acquired, count

    async def __aenter__(self) -> "_Dying":
        self._connection = await self._acquired.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._acquired.__aexit__(*error)

    async def execute(self, *arguments: Any) -> Any:
        if arguments[0] != "ROLLBACK":
            self._count()
        return await self._connection.execute(*arguments)

    async def fetch(self, *arguments: Any) -> Any:
        self._count()
        return await self._connection.fetch(*arguments)


@pytest.mark.parametrize("at", range(6))
async def test_wherever_a_worker_dies_the_next_escalates_as_if_nothing_had_been(
    alerted: Alerted, worker: Pool, at: int
) -> None:
    alert = await alerted.alert()
    alerted.clock.go_on(minutes=61)
    dying: Any = DyingPool(worker, at)
    with pytest.raises(ConnectionResetError):
        await escalate_alerts(dying, alerted.clock)
    assert await steps(alerted, alert) == []
    await escalate_alerts(worker, alerted.clock)
    assert await steps(alerted, alert) == [("escalated", 1)]
    assert len(await trail(alerted.clinic.intake, route="escalate-alerts")) == 1


async def test_an_escalation_is_on_record_about_its_patient(alerted: Alerted, worker: Pool) -> None:
    alert = await alerted.alert()
    alerted.clock.go_on(minutes=61)
    await escalate_alerts(worker, alerted.clock)
    (row,) = await trail(alerted.clinic.intake, method="JOB")
    assert (row["subject"], row["route"], str(row["patient_id"])) == (
        "intake-worker",
        "escalate-alerts",
        alert["patient_id"],
    )


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_metrics_say_how_many_wait_and_how_long_and_when_somebody_looked(alerted: Alerted, worker: Pool) -> None:
    await measure_alerts(worker, alerted.clock)
    assert metric("samepage_alerts_oldest_unowned_seconds") == 0
    taken = await alerted.alert()
    await alerted.step(taken, "take")
    await alerted.alert()
    alerted.clock.go_on(minutes=30)
    await alerted.alert()
    alerted.clock.go_on(minutes=31)
    await escalate_alerts(worker, alerted.clock)
    await measure_alerts(worker, alerted.clock)
    found = {state: metric("samepage_alerts", state=state) for state in ("open", "unowned", "escalated")}
    assert found == {"open": 3, "unowned": 2, "escalated": 1}
    assert metric("samepage_alerts_oldest_unowned_seconds") == 61 * 60
    assert metric("samepage_alerts_looked_at_timestamp_seconds") == alerted.clock().timestamp()


async def test_the_workers_job_looks_by_itself(alerted: Alerted, worker: Pool) -> None:
    alert = await alerted.alert()
    alerted.clock.go_on(minutes=61)
    job = asyncio.create_task(keep_escalating_alerts(worker, alerted.clock))

    async def has_escalated() -> bool:
        return bool(await steps(alerted, alert))

    try:
        await until(has_escalated)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
