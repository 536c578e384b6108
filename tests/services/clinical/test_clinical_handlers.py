"""Enrolments and erasures reach clinical in any order and any number of times, and end in the same rows."""

from collections.abc import Sequence

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.clinical import handlers
from shared.db import Pool
from shared.events import Event
from tests.builders import a_visit, an_enrollment, an_erasure, an_event, an_id
from tests.conftest import Pools, undone

SITES = ("riverbend", "lakeside")
PATIENTS = [an_id("patient", number) for number in range(3)]
EVENTS = [
    an_event(an_enrollment(patient_id=patient), sequence=sequence, site_id=site)
    for site in SITES
    for patient in PATIENTS
    for sequence in (1, 2, 3)
] + [an_event(an_erasure(patient_id=PATIENTS[0]), site_id=SITES[0])]


@pytest.fixture
async def pool(pool_of: Pools) -> Pool:
    return await pool_of("clinical")


async def rows_after(pool: Pool, *batches: Sequence[Event]) -> list[asyncpg.Record]:
    """The patients after these batches, starting from none."""
    async with undone(pool) as connection:
        for batch in batches:
            await handlers.apply(connection, batch)
        return await connection.fetch("SELECT * FROM patient ORDER BY site_id, patient_id")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shuffled=st.permutations(EVENTS), cut=st.integers(0, len(EVENTS)))
async def test_batches_that_come_twice_and_shuffled_end_in_the_same_patients(
    pool: Pool, shuffled: list[Event], cut: int
) -> None:
    first, second = shuffled[:cut], shuffled[cut:]
    in_order = await rows_after(pool, EVENTS)
    assert await rows_after(pool, first, second, first, second) == in_order
    assert await rows_after(pool, second + first + second) == in_order
    assert [row["sequence"] for row in in_order] == [3] * (len(SITES) * len(PATIENTS) - 1), "all but the erased"


async def test_an_event_of_another_topic_changes_nothing(pool: Pool) -> None:
    assert await rows_after(pool, [an_event(a_visit())]) == []
