"""Every stream reaches analytics in any order, any number of times, and ends in the same facts about nobody known."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.analytics.domain.pseudonyms import Pseudonyms
from services.analytics.handlers import applier
from services.analytics.store import ACCOUNT
from shared.db import Connection, Pool
from shared.events import Body, ConsentState, Event, LinkRevoked, PatientErased, VisitState
from tests.builders import (
    SUBMITTED_AT,
    VISIT_AT,
    a_feedback,
    a_lab,
    a_medication,
    a_site,
    a_step,
    a_survey,
    a_view,
    a_visit,
    an_assessment,
    an_enrollment,
    an_event,
    an_id,
    in_error,
    one_of_each,
)
from tests.conftest import undone

TABLES = ("site", "enrolment", "visit", "survey", "clinical_fact", "view", "feedback")
PSEUDONYMS = Pseudonyms(b"p" * 32)
apply = applier(PSEUDONYMS)
Facts = dict[str, list[asyncpg.Record]]


def history(patient: int, site_id: str) -> list[Event]:
    """All streams of a patient, in each of which something was changed later."""
    patient_id = an_id("patient", patient)
    about = {"patient_id": patient_id, "visit_id": an_id("visit", patient)}
    view = {"view_id": an_id("view", patient), **about}
    streams: Sequence[Sequence[Body]] = (
        [
            an_enrollment(patient_id=patient_id, consent=ConsentState.INVITED),
            an_enrollment(patient_id=patient_id),
            an_enrollment(patient_id=patient_id, consent=ConsentState.WITHDRAWN, clinician_id=None),
        ],
        [
            a_visit(**about),
            a_visit(**about, scheduled_at=VISIT_AT + timedelta(days=1)),
            a_visit(**about, state=VisitState.COMPLETED, completed_at=VISIT_AT),
        ],
        [
            a_survey(**about, survey_id=an_id("survey", patient)),
            a_survey(**about, survey_id=an_id("survey", patient), submitted_at=SUBMITTED_AT + timedelta(hours=1)),
            a_survey(**about, survey_id=an_id("mistake", patient)),
            a_survey(**about, survey_id=an_id("mistake", patient), version=2, change="entered-in-error"),
        ],
        [
            body.model_copy(update={"patient_id": patient_id})
            for body in (a_lab(value=6), a_lab(value=7), a_step(), a_medication(), in_error(a_medication()))
        ],
        [a_view(**view), a_view(**view, duration_ms=1000), a_view(**view, duration_ms=5000)],
        [a_feedback(**about, feedback_id=an_id("feedback", patient))],
    )
    return [
        an_event(body, sequence=sequence, site_id=site_id)
        for stream in streams
        for sequence, body in enumerate(stream, start=1)
    ]


EVENTS = [
    an_event(a_site(name="Riverbend")),
    an_event(a_site(name="Riverbend GI"), sequence=2),
    *history(1, "riverbend"),
    *history(2, "lakeside"),
]


@asynccontextmanager
async def applied(pool: Pool, *batches: Sequence[Event]) -> AsyncIterator[Connection]:
    """Shows what these batches leave where there was nothing, until the block ends."""
    async with undone(pool) as connection:
        for batch in batches:
            await apply(connection, batch)
        yield connection


async def facts_after(pool: Pool, *batches: Sequence[Event]) -> Facts:
    """All facts after these batches, starting from none."""
    async with applied(pool, *batches) as connection:
        return {table: await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


async def account_after(pool: Pool, events: Sequence[Event]) -> dict[str, int]:
    """How many events of each topic are accounted for after these."""
    async with applied(pool, events) as connection:
        return {row["name"]: row["n"] for row in await connection.fetch(ACCOUNT)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shuffled=st.permutations(EVENTS), cut=st.integers(0, len(EVENTS)))
async def test_batches_that_come_twice_and_shuffled_end_in_the_same_facts(
    pool: Pool, shuffled: list[Event], cut: int
) -> None:
    first, second = shuffled[:cut], shuffled[cut:]
    in_order = await facts_after(pool, *([event] for event in EVENTS))
    assert await facts_after(pool, first, second, first, second) == in_order
    assert await facts_after(pool, second + first + second) == in_order
    assert {table: len(rows) for table, rows in in_order.items()} == {
        "site": 1, "enrolment": 2, "visit": 2, "survey": 4, "clinical_fact": 6, "view": 2, "feedback": 2,
    }  # fmt: skip


async def test_the_newest_of_each_thing_stands(pool: Pool) -> None:
    facts = await facts_after(pool, list(reversed(EVENTS)))
    newest = {table: rows[0] for table, rows in facts.items()}
    assert newest["site"]["name"] == "Riverbend GI"
    assert (newest["enrolment"]["consent"], newest["enrolment"]["clinician"]) == ("withdrawn", None)
    assert (newest["visit"]["state"], newest["visit"]["completed_at"]) == ("completed", VISIT_AT)
    surveys = {(row["submitted_at"], row["counts"]) for row in facts["survey"]}
    assert surveys == {(SUBMITTED_AT + timedelta(hours=1), True), (SUBMITTED_AT, False)}
    counting = {(row["kind"], row["counts"]) for row in facts["clinical_fact"]}
    assert counting == {("lab", True), ("plan-step", True), ("medication", False)}
    assert newest["view"]["duration_ms"] == 5000
    assert newest["enrolment"]["enrolled_on"] == date(2025, 10, 1)


async def test_every_topic_leaves_its_fact_and_every_event_is_accounted_for(pool: Pool) -> None:
    events = [event for event in one_of_each() if not isinstance(event.body, PatientErased | LinkRevoked)]
    facts = await facts_after(pool, events)
    assert {table: len(rows) for table, rows in facts.items()} == {
        "site": 1, "enrolment": 1, "visit": 1, "survey": 1, "clinical_fact": 4, "view": 1, "feedback": 1,
    }  # fmt: skip
    kinds = {row["kind"] for row in facts["clinical_fact"]}
    assert kinds == {body.change.kind for body in (a_lab(), an_assessment(), a_medication(), a_step())}
    published = [event.topic for event in events]
    assert await account_after(pool, events) == {topic: published.count(topic) for topic in published}


async def test_the_account_counts_every_event_of_a_stream_and_not_the_facts_it_left(pool: Pool) -> None:
    published = [event.topic for event in EVENTS]
    assert await account_after(pool, EVENTS) == {topic: published.count(topic) for topic in published}


async def test_no_id_and_no_word_of_anybody_is_kept(pool: Pool) -> None:
    facts = await facts_after(pool, EVENTS)
    kept = " ".join(str(value) for rows in facts.values() for row in rows for value in row.values())
    for event in EVENTS:
        ids = {event.key, *(str(value) for name, value in event.body if name.endswith("_id") and value is not None)}
        assert not [one for one in ids - {"riverbend", "lakeside"} if one in kept]
    assert "sealed:" not in kept


def test_a_pseudonym_is_the_same_for_the_same_id_and_key_and_says_nothing_without_the_key() -> None:
    one, other = an_id("one"), an_id("other")
    assert PSEUDONYMS.of(one) == PSEUDONYMS.of(str(one)) == Pseudonyms(b"p" * 32).of(one)
    assert len({PSEUDONYMS.of(one), PSEUDONYMS.of(other), Pseudonyms(b"q" * 32).of(one), one}) == 4
