"""Enrolments, visits, surveys and erasures reach feedback in any order, any number of times: the rows are the same."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.feedback import handlers
from shared.db import Pool
from shared.events import Body, Event, VisitState
from tests.builders import (
    SUBMITTED_AT,
    VISIT_AT,
    a_site,
    a_survey,
    a_visit,
    an_enrollment,
    an_erasure,
    an_event,
    an_id,
)
from tests.conftest import Pools, undone

PATIENTS = [an_id("patient", number) for number in range(2)]
ENDED_AT = VISIT_AT + timedelta(minutes=30)


def history(patient: int) -> list[Event]:
    """Two visits of a patient: one completed, with a survey that was amended; one cancelled and booked again."""
    patient_id = PATIENTS[patient]
    first = {"patient_id": patient_id, "visit_id": an_id("first visit", patient)}
    second = {"patient_id": patient_id, "visit_id": an_id("second visit", patient)}
    third = {"patient_id": patient_id, "visit_id": an_id("third visit", patient)}
    moved = VISIT_AT + timedelta(days=90 + patient)
    visits = [
        a_visit(**first),
        a_visit(**second, scheduled_at=moved),
        a_visit(**first, state=VisitState.CHECKED_IN, checked_in_at=VISIT_AT),
        a_visit(**second, state=VisitState.CANCELLED, scheduled_at=moved),
        a_visit(**first, state=VisitState.COMPLETED, completed_at=ENDED_AT),
        a_visit(**second, scheduled_at=moved + timedelta(days=1)),
    ]
    surveys = [
        a_survey(**first, survey_id=an_id("early", patient), submitted_at=SUBMITTED_AT),
        a_survey(**first, survey_id=an_id("late", patient), submitted_at=SUBMITTED_AT + timedelta(hours=1)),
        a_survey(**second, survey_id=an_id("other", patient), submitted_at=moved),
        a_survey(**third, survey_id=an_id("mistake", patient)),
        a_survey(**third, survey_id=an_id("mistake", patient), version=2, change="entered-in-error"),
    ]
    enrolments = [an_enrollment(patient_id=patient_id), an_enrollment(patient_id=patient_id, clinician_id=None)]
    streams: tuple[Sequence[Body], ...] = (enrolments, visits, surveys)
    return [an_event(body, sequence=sequence) for stream in streams for sequence, body in enumerate(stream, start=1)]


EVENTS = [
    *(event for patient in range(len(PATIENTS)) for event in history(patient)),
    an_event(an_erasure(patient_id=PATIENTS[1])),
]
Rows = tuple[list[asyncpg.Record], list[asyncpg.Record]]


@pytest.fixture
async def pool(pool_of: Pools) -> Pool:
    return await pool_of("feedback")


async def rows_after(pool: Pool, *batches: Sequence[Event]) -> Rows:
    """Patients and invitations after these batches, starting from none."""
    async with undone(pool) as connection:
        for batch in batches:
            await handlers.apply(connection, batch)
        patients = await connection.fetch("SELECT * FROM patient ORDER BY site_id, patient_id")
        return patients, await connection.fetch("SELECT * FROM invitation ORDER BY site_id, visit_id")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shuffled=st.permutations(EVENTS), cut=st.integers(0, len(EVENTS)))
async def test_batches_that_come_twice_and_shuffled_end_in_the_same_rows(
    pool: Pool, shuffled: list[Event], cut: int
) -> None:
    first, second = shuffled[:cut], shuffled[cut:]
    in_order = await rows_after(pool, *([event] for event in EVENTS))
    assert await rows_after(pool, first, second, first, second) == in_order
    assert await rows_after(pool, second + first + second) == in_order
    assert {row["patient_id"] for rows in in_order for row in rows} == {PATIENTS[0]}, "nothing of the erased"


async def test_the_newest_visit_and_the_newest_survey_stand(pool: Pool) -> None:
    patients, invitations = await rows_after(pool, list(reversed(history(0))))
    assert [row["sequence"] for row in patients] == [2]
    by_visit = {row["visit_id"]: row for row in invitations}
    first, second = by_visit[an_id("first visit", 0)], by_visit[an_id("second visit", 0)]
    assert (first["visit_state"], first["visit_at"]) == ("completed", ENDED_AT)
    assert first["survey_id"] == an_id("late", 0)
    assert (second["visit_state"], second["visit_at"]) == ("scheduled", VISIT_AT + timedelta(days=91))
    assert second["survey_id"] == an_id("other", 0)
    mistaken = by_visit[an_id("third visit", 0)]
    assert (mistaken["survey_id"], mistaken["submitted_at"]) == (None, None), "one in error is none"


async def test_an_event_of_another_topic_changes_nothing(pool: Pool) -> None:
    assert await rows_after(pool, [an_event(a_site())]) == ([], [])
