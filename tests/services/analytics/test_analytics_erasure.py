"""Withdrawing and being erased, beside each other: the figures leave both out, and only one of them is gone."""

from collections.abc import Sequence
from typing import Any

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.analytics.domain.pseudonyms import Pseudonyms
from services.analytics.handlers import applier
from services.analytics.store import ACCOUNT
from shared.db import Pool
from shared.delivery import Subscription
from shared.events import TOPICS, ConsentState, Event
from tests.builders import (
    a_feedback,
    a_lab,
    a_site,
    a_survey,
    a_view,
    a_visit,
    an_enrollment,
    an_erasure,
    an_event,
    an_id,
    clinical,
)
from tests.conftest import undone
from tests.services.streams import arrive

PSEUDONYMS = Pseudonyms(b"p" * 32)
SUBSCRIPTION = Subscription("analytics", tuple(TOPICS.values()), applier(PSEUDONYMS))
STAYED, WITHDREW, ERASED = (an_id("patient", name) for name in ("stayed", "withdrew", "erased"))
TABLES = ("enrolment", "visit", "survey", "clinical_fact", "view", "feedback")


def history(patient_id: Any) -> list[Event]:
    """One of each about this patient."""
    about = {"patient_id": patient_id, "visit_id": an_id("visit", patient_id)}
    return [
        an_event(an_enrollment(patient_id=patient_id)),
        an_event(a_visit(**about, state="completed")),
        an_event(a_survey(**about, survey_id=an_id("survey", patient_id))),
        an_event(clinical(a_lab(lab_id=an_id("lab", patient_id)).change, patient_id=patient_id)),
        an_event(a_view(**about, view_id=an_id("view", patient_id))),
        an_event(a_feedback(**about, feedback_id=an_id("feedback", patient_id))),
    ]


EVENTS = [an_event(a_site()), *(event for patient in (STAYED, WITHDREW, ERASED) for event in history(patient))]
LEAVING = [
    an_event(an_enrollment(patient_id=WITHDREW, consent=ConsentState.WITHDRAWN), sequence=2),
    an_event(an_erasure(patient_id=ERASED)),
]


async def figures(operator: httpx.AsyncClient) -> dict[str, Any]:
    steps = (await operator.get("/v1/network/funnel")).json()["steps"]
    return {step["name"]: step["count"] for step in steps}


async def counted(analytics: FastAPI) -> dict[str, int]:
    """Rows that measures count from, by table; small numbers are hidden in what leaves."""
    count = analytics.state.database.value
    return {table: await count(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_who_withdraws_stays_in_the_tables_and_leaves_the_figures_who_is_erased_leaves_both(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    many = [patient for number in range(40) for patient in history(an_id("somebody", number))]
    await arrive(analytics, SUBSCRIPTION, *EVENTS, *many)
    before = await figures(operator)
    await arrive(analytics, SUBSCRIPTION, *LEAVING)
    after = await figures(operator)
    for step in ("Patients enrolled", "Surveys received", "Feedback given"):
        assert before[step]["value"] - after[step]["value"] == 2, step
    assert await counted(analytics) == dict.fromkeys(TABLES, 42), "of the erased none, of who withdrew all"
    withdrew = await analytics.state.database.value(
        "SELECT consent FROM enrolment WHERE person = $1", PSEUDONYMS.of(WITHDREW)
    )
    assert withdrew == "withdrawn"


async def test_what_comes_late_about_an_erased_person_is_not_kept_and_still_accounted_for(
    analytics: FastAPI,
) -> None:
    await arrive(analytics, SUBSCRIPTION, *EVENTS, *LEAVING)
    late = an_event(a_survey(patient_id=ERASED, survey_id=an_id("late")), sequence=2)
    await arrive(analytics, SUBSCRIPTION, late)
    person = PSEUDONYMS.of(ERASED)
    for table in TABLES:
        assert not await analytics.state.database.value(f"SELECT count(*) FROM {table} WHERE person = $1", person), (
            table
        )
    shown = {row["name"]: row["n"] for row in await analytics.state.database.rows(ACCOUNT)}
    read = await analytics.state.database.rows("SELECT topic, count(*) AS n FROM delivery GROUP BY topic")
    assert shown == {row["topic"]: row["n"] for row in read}


async def rows_after(pool: Pool, *batches: Sequence[Event]) -> list[Any]:
    """All rows after these batches, starting from none."""
    async with undone(pool) as connection:
        for batch in batches:
            await SUBSCRIPTION.apply(connection, batch)
        tables = ("site", "erasure", *TABLES)
        return [await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shuffled=st.permutations(EVENTS + LEAVING), cut=st.integers(0, len(EVENTS)))
async def test_batches_that_come_twice_and_shuffled_end_in_the_same_facts(
    pool: Pool, shuffled: list[Event], cut: int
) -> None:
    in_order = await rows_after(pool, EVENTS, LEAVING)
    first, second = shuffled[:cut], shuffled[cut:]
    assert await rows_after(pool, first, second, first) == in_order
    assert [len(rows) for rows in in_order] == [1, 1, *[2] * len(TABLES)]
