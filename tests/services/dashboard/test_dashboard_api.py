"""The dashboard through its HTTP door, with its read model built by its handlers; on a real PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dashboard.handlers import apply
from shared.db import Pool, open_pool, transaction
from shared.events import ErasureReason, Event
from shared.keyring import KeyRing
from shared.sealing import Patient, in_event
from tests.builders import (
    PATIENT,
    SITE,
    SUBMITTED_AT,
    a_lab,
    a_medication,
    a_site,
    a_survey,
    a_visit,
    an_enrollment,
    an_erasure,
    an_event,
    an_id,
)
from tests.conftest import Apps, KeyRings, Pools, Tokens, client_of, new_key, undone
from tests.services.rings import away
from tests.waiting import until

SURVEY_EVENT = an_id("event", "survey")


async def sealed_by(ring: KeyRing) -> str:
    """The first concern of the survey, as intake seals it."""
    key = await ring.sealer(Patient(SITE, PATIENT))
    return key.seal("The cramps are back", in_event(SURVEY_EVENT, "concerns.1.words"))


def a_history(words: str = "sealed:cramps") -> list[Event]:
    """A patient's events in the order they were published."""
    survey = a_survey(matters_most=None)
    concern = survey.concerns[0].model_copy(update={"words": words})
    return [
        an_event(a_site()),
        an_event(an_enrollment()),
        an_event(a_visit(), sequence=1),
        an_event(a_visit(), sequence=2),
        an_event(survey.model_copy(update={"concerns": (concern,)}), event_id=SURVEY_EVENT),
        an_event(a_lab(), sequence=1),
        an_event(a_medication(), sequence=2),
    ]


@pytest.fixture
async def dashboard(app: Apps, ring: KeyRing) -> FastAPI:
    """The application, with one patient's page."""
    application = await app("dashboard")
    async with open_pool(application.state.database.worker, size=1) as pool, transaction(pool) as connection:
        await apply(connection, a_history(await sealed_by(ring)))
    return application


@pytest.fixture
async def clinician(dashboard: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(dashboard, token("clinician", [SITE])) as client:
        yield client


async def views(dashboard: FastAPI) -> list[tuple[str, bool, int | None]]:
    rows = await dashboard.state.database.rows("SELECT * FROM view ORDER BY opened_at")
    return [(row["role"], row["is_shared_screen"], row["duration_ms"]) for row in rows]


async def published(dashboard: FastAPI) -> int:
    return int(await dashboard.state.database.value("SELECT count(*) FROM outbox"))


async def test_the_page_shows_the_words_that_travelled_sealed_and_says_as_of_when(
    clinician: httpx.AsyncClient,
) -> None:
    answer = await clinician.get(f"/v1/patients/{PATIENT}/page")
    assert answer.status_code == 200, answer.text
    assert "The cramps are back" in answer.text
    assert "1." not in answer.json()["concerns"][0]["words"]
    assert answer.json()["concerns"][0]["words_state"] == "readable"
    assert answer.json()["as_of"] is not None


async def test_every_look_is_recorded_and_published_before_the_answer(
    dashboard: FastAPI, clinician: httpx.AsyncClient
) -> None:
    await clinician.get(f"/v1/patients/{PATIENT}/page", params={"shared": "true"})
    await clinician.get(f"/patients/{PATIENT}")
    assert await views(dashboard) == [("clinician", True, None), ("clinician", False, None)]
    assert await published(dashboard) == 2


async def test_an_unchanged_page_answers_304_and_shows_nothing(
    dashboard: FastAPI, clinician: httpx.AsyncClient
) -> None:
    first = await clinician.get(f"/v1/patients/{PATIENT}/page")
    again = await clinician.get(f"/v1/patients/{PATIENT}/page", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["samepage-view"] == first.headers["samepage-view"]
    assert len(await views(dashboard)) == 1


async def test_a_page_of_another_site_is_unknown_and_no_look_is_recorded(dashboard: FastAPI, token: Tokens) -> None:
    async with client_of(dashboard, token("clinician", ["another-site"])) as other:
        foreign = await other.get(f"/v1/patients/{PATIENT}/page")
        nobody = await other.get(f"/v1/patients/{uuid4()}/page")
        page = await other.get(f"/patients/{PATIENT}")
    assert foreign.status_code == nobody.status_code == page.status_code == 404
    assert foreign.content == nobody.content
    assert await views(dashboard) == []


async def test_an_operator_sees_no_patient_and_a_patient_sees_only_their_own_page(
    dashboard: FastAPI, token: Tokens
) -> None:
    path = f"/v1/patients/{PATIENT}/page"
    async with client_of(dashboard, token("operator", [SITE])) as operator:
        assert (await operator.get(path)).status_code == 403
    async with client_of(dashboard, token("patient", [SITE], patient_id=uuid4())) as stranger:
        assert (await stranger.get(path)).status_code == 404
    async with client_of(dashboard, token("patient", [SITE], patient_id=PATIENT)) as patient:
        assert (await patient.get(path)).status_code == 200
    assert await views(dashboard) == [("patient", False, None)]


async def test_the_beacon_only_lengthens_a_view_and_only_for_who_opened_it(
    dashboard: FastAPI, clinician: httpx.AsyncClient, token: Tokens
) -> None:
    view_id = (await clinician.get(f"/v1/patients/{PATIENT}/page")).headers["samepage-view"]
    path = f"/v1/views/{view_id}/beacon"
    plain = {"content-type": "text/plain;charset=UTF-8"}
    async with client_of(dashboard, token("coordinator", [SITE])) as somebody_else:
        assert (await somebody_else.post(path, content=b'{"duration_ms": 1}', headers=plain)).status_code == 404
    for milliseconds in (42000, 42000, 7000, 60000):
        beacon = f'{{"duration_ms": {milliseconds}, "panels": ["concerns"]}}'
        assert (await clinician.post(path, content=beacon, headers=plain)).status_code == 204
    assert (await clinician.post(path, content=b"no beacon", headers=plain)).status_code == 422
    assert await views(dashboard) == [("clinician", False, 60000)]
    assert await published(dashboard) == 3, "opened, 42 s, 60 s"


async def test_waiting_for_a_receipt_that_does_not_come_ends_and_says_so(
    clinician: httpx.AsyncClient,
) -> None:
    answer = await clinician.get(f"/v1/patients/{PATIENT}/page", params={"wait_for": str(uuid4())})
    assert answer.status_code == 200
    assert answer.headers["samepage-waited"] == "gave-up"


async def test_nothing_is_answered_without_a_token(dashboard: FastAPI) -> None:
    async with client_of(dashboard) as stranger:
        for path in (
            f"/patients/{PATIENT}",
            f"/v1/patients/{PATIENT}/page",
            "/v1/views",
            "/nowhere",
            "/docs",
        ):
            assert (await stranger.get(path)).status_code == 401, path
        for path in ("/health/live", "/health/ready", "/metrics", "/static/shared/samepage.css"):
            assert (await stranger.get(path)).status_code == 200, path


async def test_past_views_come_in_once(dashboard: FastAPI, token: Tokens) -> None:
    body = {
        "patient_id": str(PATIENT),
        "role": "clinician",
        "context": "in-visit",
        "is_shared_screen": True,
        "opened_at": "2026-03-01T10:00:00Z",
        "duration_ms": 60000,
    }
    key, batch = new_key(), [body, {**body, "patient_id": str(uuid4())}]
    async with client_of(dashboard, token("system", [SITE])) as system:
        for _ in range(2):
            answer = await system.post("/v1/views", json=batch, headers=key)
            assert [item["status"] for item in answer.json()["items"]] == [201, 404]
    assert await views(dashboard) == [("clinician", True, 60000)]


async def test_while_the_key_ring_is_away_the_page_is_there_and_calls_nothing_erased(
    clinician: httpx.AsyncClient, keyring_of: KeyRings
) -> None:
    async with away(keyring_of):
        answer = await clinician.get(f"/v1/patients/{PATIENT}/page")
        concern = answer.json()["concerns"][0]
        assert (concern["words"], concern["words_state"]) == (None, "not-readable-now")
        assert answer.json()["trend"] is not None
        assert "etag" not in answer.headers, "it will have more to say"
        html = (await clinician.get(f"/patients/{PATIENT}")).text
        assert "These words are not readable now." in html
        assert "erased" not in html

    async def is_readable() -> bool:
        return "The cramps are back" in (await clinician.get(f"/patients/{PATIENT}")).text

    await until(is_readable, seconds=5)
    assert "etag" in (await clinician.get(f"/v1/patients/{PATIENT}/page")).headers


async def test_words_whose_key_is_gone_are_called_erased_before_the_event_has_come(
    clinician: httpx.AsyncClient, ring: KeyRing
) -> None:
    await ring.erase(Patient(SITE, PATIENT), ErasureReason.PATIENT_REQUEST, SUBMITTED_AT)
    concern = (await clinician.get(f"/v1/patients/{PATIENT}/page")).json()["concerns"][0]
    assert (concern["words"], concern["words_state"]) == (None, "erased")
    assert "These words were erased." in (await clinician.get(f"/patients/{PATIENT}")).text


async def test_the_page_of_an_erased_patient_says_so_and_events_that_come_late_do_not_change_that(
    dashboard: FastAPI, clinician: httpx.AsyncClient
) -> None:
    late = an_event(a_survey(survey_id=an_id("late")), sequence=2)
    for batch in ([an_event(an_erasure())], [late, *a_history()]):
        async with open_pool(dashboard.state.database.worker, size=1) as pool, transaction(pool) as connection:
            await apply(connection, batch)
        answer = await clinician.get(f"/v1/patients/{PATIENT}/page")
        page = answer.json()
        assert page["erased"] == {"at": "2026-11-02T16:30:00+00:00", "reason": "patient-request"}
        assert (page["concerns"], page["survey"], page["labs"], page["patient"]["birth_year"]) == ([], None, [], None)
        html = (await clinician.get(f"/patients/{PATIENT}")).text
        assert "This page was erased" in html
        assert "Adalimumab" not in html
        (row,) = await dashboard.state.database.rows("SELECT facts, page FROM patient_page")
        assert "sealed" not in row["facts"]
        assert b'"sealed"' not in row["page"]


@pytest.fixture
async def pool(pool_of: Pools) -> Pool:
    return await pool_of("dashboard")


async def pages_after(pool: Pool, *batches: Sequence[Event]) -> list[asyncpg.Record]:
    """The pages after these batches, starting from none."""
    async with undone(pool) as connection:
        for batch in batches:
            await apply(connection, batch)
        return await connection.fetch("SELECT * FROM patient_page ORDER BY patient_id")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_history_in_any_order_and_repetition_makes_the_same_bytes(pool: Pool, data: st.DataObject) -> None:
    history = a_history()
    shuffled = data.draw(st.permutations([*history, *data.draw(st.lists(st.sampled_from(history), max_size=4))]))
    cut = data.draw(st.integers(0, len(shuffled)))
    in_parts = await pages_after(pool, shuffled[:cut], shuffled[cut:], shuffled[:cut])
    assert in_parts == await pages_after(pool, history)
