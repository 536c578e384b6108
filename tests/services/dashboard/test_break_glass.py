"""Breaking the glass: what a clinician of another site reaches through it, for how long, and who is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.dashboard.worker import SUBSCRIPTION
from shared.events import DashboardViewed, ErasureReason, ViewContext
from shared.keyring import KeyRing
from shared.sealing import Patient, in_record
from tests.builders import PATIENT, an_erasure, an_event
from tests.conftest import KeyRings, Tokens, client_of
from tests.services.dashboard.conftest import BODY, HERE, NEIGHBOUR, PAGE, SHOWN, THERE, WORDS, Clients, break_glass
from tests.services.held import held, until_waiting
from tests.services.rings import away
from tests.services.streams import arrive, published
from tests.services.trails import trail, unrecordable
from tests.sign_in.conftest import Clock
from tests.waiting import until


async def statuses(client: httpx.AsyncClient) -> list[int]:
    """What the page answers, as JSON and for people."""
    return [(await client.get(path)).status_code for path in (PAGE, SHOWN)]


async def test_one_page_opens_for_reading_and_every_look_is_in_the_audit_of_the_patients_site(
    dashboard: FastAPI, clinician: httpx.AsyncClient, clock: Clock
) -> None:
    assert await statuses(clinician) == [404, 404]
    glass = await break_glass(clinician)
    assert datetime.fromisoformat(glass["until"]) == clock.now + timedelta(hours=1)
    assert await statuses(clinician) == [200, 200]
    answer = await clinician.get(PAGE)
    assert answer.json()["patient"]["birth_year"] == 1992
    assert datetime.fromisoformat(answer.headers["samepage-glass-until"]) == clock.now + timedelta(hours=1)
    again = await clinician.get(PAGE, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    rows = await trail(dashboard, site_id=THERE)
    assert [(row["kind"], row["route"], row["status"]) for row in rows] == [
        ("write", "break_glass", 201),
        ("read", "read_page", 200),
        ("read", "show_page", 200),
        ("read", "read_page", 200),
        ("read", "read_page", 304),
    ]
    by = {(row["subject"], row["role"], row["purpose"], row["patient_id"], *row["asked"]) for row in rows}
    assert by == {("dr-silva", "clinician", "break-glass", PATIENT, f"glass_id={glass['id']}")}
    (own,) = await trail(dashboard, site_id=HERE, kind="write")
    assert (own["patient_id"], own["asked"]) == (PATIENT, [f"site_id={THERE}"])


async def test_nothing_else_of_that_site_opens(dashboard: FastAPI, clinician: httpx.AsyncClient, as_: Clients) -> None:
    async with as_("clinician", THERE) as colleague:
        view = (await colleague.get(PAGE)).headers["samepage-view"]
    (receipt,) = [row["event_id"] for row in await dashboard.state.database.rows("SELECT event_id FROM outbox")]
    await break_glass(clinician)
    own_look = (await clinician.get(PAGE)).headers
    assert "samepage-view" not in own_look
    (own_view,) = await dashboard.state.database.rows("SELECT view_id FROM view WHERE subject = 'dr-silva'")
    assert [
        (await clinician.get(path)).status_code
        for path in (
            f"/v1/patients/{NEIGHBOUR}/page",
            f"/patients/{NEIGHBOUR}",
            f"/v1/receipts/{receipt}",
            f"/v1/patients/{PATIENT}/export",
        )
    ] == [404, 404, 404, 404], "what is lent for reading is not to be taken away"
    assert [
        (await clinician.get(path)).status_code
        for path in (
            f"/v1/patients/{PATIENT}/looks",
            f"/patients/{PATIENT}/looks",
            "/v1/break-glass",
            "/break-glass",
        )
    ] == [403, 403, 403, 403]
    for one in (view, own_view["view_id"]):
        beacon = await clinician.post(f"/v1/views/{one}/beacon", content=b'{"duration_ms": 5}')
        assert beacon.status_code == 404
    assert (await clinician.post("/v1/views", json={})).status_code == 403
    assert "data-beacon" not in (await clinician.get(SHOWN)).text


async def test_it_is_open_to_nobody_else(
    clinician: httpx.AsyncClient, as_: Clients, token: Tokens, dashboard: FastAPI
) -> None:
    await break_glass(clinician)
    for role, site, subject in (
        ("clinician", HERE, "dr-other"),
        ("clinician", "millpond", "dr-silva"),
        ("coordinator", HERE, "dr-silva"),
    ):
        async with as_(role, site, subject) as somebody:
            assert await statuses(somebody) == [404, 404], (role, site, subject)
    async with client_of(dashboard, token("clinician", [HERE, "millpond"], subject="dr-silva")) as moved:
        assert await statuses(moved) == [404, 404], "of other sites than when it was broken"


async def test_it_closes_by_itself_after_an_hour(clinician: httpx.AsyncClient, clock: Clock) -> None:
    await break_glass(clinician)
    clock.go_on(minutes=59, seconds=59)
    shown = await clinician.get(SHOWN)
    assert shown.status_code == 200
    assert shown.headers["refresh"] == f"1; url=/break-glass/new?patient_id={PATIENT}", "an open screen is left"
    clock.go_on(seconds=1)
    assert await statuses(clinician) == [404, 404]
    await break_glass(clinician)
    assert await statuses(clinician) == [200, 200]


async def test_whoever_broke_it_and_the_patients_site_can_close_it_at_once_and_nobody_else(
    clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient, as_: Clients, clock: Clock
) -> None:
    for closer in (clinician, coordinator):
        path = f"/v1/break-glass/{(await break_glass(clinician))['id']}"
        for role, site in (("clinician", HERE), ("coordinator", HERE), ("clinician", THERE)):
            async with as_(role, site, "somebody-else") as stranger:
                assert (await stranger.delete(path)).status_code == 404
        assert await statuses(clinician) == [200, 200]
        assert (await closer.delete(path)).status_code == 204
        assert await statuses(clinician) == [404, 404]
        assert (await closer.delete(path)).status_code == 204, "again changes nothing"
        clock.go_on(minutes=1)
    items = (await coordinator.get("/v1/break-glass")).json()["items"]
    assert [item["ended_by"] for item in items] == ["j-ortiz", "dr-silva"]


async def test_it_stays_open_however_often_others_broke_and_closed_theirs_since(
    dashboard: FastAPI, clinician: httpx.AsyncClient
) -> None:
    glass = await break_glass(clinician)
    await dashboard.state.database.run(
        """
        INSERT INTO broken_glass
            (site_id, glass_id, patient_id, subject, of_sites, reason, words, broken_at, until, ended_at, ended_by)
        SELECT site_id, gen_random_uuid(), patient_id, 'dr-other', of_sites, reason, words,
               broken_at + interval '1 second', until, until, 'dr-other'
        FROM broken_glass, generate_series(1, 100)
        """
    )
    assert await statuses(clinician) == [200, 200]
    assert (await clinician.post("/v1/break-glass", json=BODY)).json() == glass


async def test_said_again_while_it_is_open_it_is_the_same_glass_and_lasts_no_longer(
    dashboard: FastAPI, clinician: httpx.AsyncClient, clock: Clock
) -> None:
    glass = await break_glass(clinician)
    clock.go_on(minutes=30)
    again = await clinician.post("/v1/break-glass", json=BODY | {"reason": "transfer"})
    assert (again.status_code, again.json()) == (200, glass)
    assert [row["status"] for row in await trail(dashboard, kind="repeated")] == [200, 200]


async def test_unknown_patients_and_sites_answer_alike_and_are_on_record_with_who_asked(
    dashboard: FastAPI, clinician: httpx.AsyncClient
) -> None:
    said = set()
    for site_id, patient_id in ((THERE, str(uuid4())), ("millpond", str(PATIENT)), ("millpond", str(uuid4()))):
        answer = await clinician.post("/v1/break-glass", json=BODY | {"site_id": site_id, "patient_id": patient_id})
        said.add((answer.status_code, answer.content))
        *_, row = await trail(dashboard)
        assert (row["site_id"], row["kind"], row["purpose"]) == (HERE, "denied", "break-glass")
        assert (str(row["patient_id"]), row["asked"]) == (patient_id, [f"site_id={site_id}"])
    assert len(said) == 1
    assert {status for status, _ in said} == {404}
    assert len(await trail(dashboard)) == 3


async def test_a_patient_of_ones_own_site_needs_no_emergency(as_: Clients) -> None:
    async with as_("clinician", THERE) as colleague:
        answer = await colleague.post("/v1/break-glass", json=BODY)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:own-site")


async def test_one_clinician_may_try_ten_times_an_hour(
    dashboard: FastAPI, clinician: httpx.AsyncClient, as_: Clients, clock: Clock
) -> None:
    nobody = BODY | {"patient_id": str(uuid4())}
    for _ in range(10):
        assert (await clinician.post("/v1/break-glass", json=nobody)).status_code == 404
        clock.go_on(minutes=1)
    answer = await clinician.post("/v1/break-glass", json=BODY)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == str(50 * 60)
    assert await statuses(clinician) == [404, 404]
    (row,) = await trail(dashboard, kind="refused")
    assert (row["status"], row["patient_id"]) == (429, PATIENT)
    async with as_("clinician", HERE, "dr-other") as other:
        await break_glass(other)
    clock.go_on(minutes=50)
    await break_glass(clinician)


async def test_tries_at_the_same_moment_count_one_by_one(dashboard: FastAPI, clinician: httpx.AsyncClient) -> None:
    nobody = BODY | {"patient_id": str(uuid4())}
    for _ in range(9):
        assert (await clinician.post("/v1/break-glass", json=nobody)).status_code == 404
    async with held(dashboard, (HERE, "break-glass:dr-silva")):
        trying = [asyncio.create_task(clinician.post("/v1/break-glass", json=nobody)) for _ in range(2)]
        await until_waiting(dashboard, 2)
    assert sorted([(await one).status_code for one in trying]) == [404, 429]


@pytest.mark.parametrize("words", ["", "too short", "          ", "x" * 501])
async def test_why_is_said_in_words(clinician: httpx.AsyncClient, words: str) -> None:
    answer = await clinician.post("/v1/break-glass", json=BODY | {"words": words})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["words"]


async def test_what_cannot_be_put_on_record_is_neither_opened_nor_shown(
    dashboard: FastAPI, clinician: httpx.AsyncClient
) -> None:
    async with unrecordable(dashboard):
        assert (await clinician.post("/v1/break-glass", json=BODY)).status_code == 503
    assert await dashboard.state.database.value("SELECT count(*) FROM broken_glass") == 0
    await break_glass(clinician)
    async with unrecordable(dashboard):
        assert await statuses(clinician) == [503, 503]
    assert await dashboard.state.database.value("SELECT count(*) FROM view") == 0


async def test_an_erased_patient_stays_erased(
    dashboard: FastAPI, clinician: httpx.AsyncClient, ring: KeyRing, clock: Clock
) -> None:
    await break_glass(clinician)
    await ring.erase(Patient(THERE, PATIENT), ErasureReason.PATIENT_REQUEST, clock.now)
    await arrive(dashboard, SUBSCRIPTION, an_event(an_erasure()))
    assert (await clinician.get(PAGE)).json()["patient"]["birth_year"] is None
    assert "This page was erased" in (await clinician.get(SHOWN)).text
    clock.go_on(hours=2)
    assert (await clinician.post("/v1/break-glass", json=BODY)).status_code == 404
    assert await statuses(clinician) == [404, 404]


async def test_a_patient_whose_key_is_gone_is_unknown_before_the_page_knows(
    clinician: httpx.AsyncClient, ring: KeyRing, clock: Clock
) -> None:
    await ring.erase(Patient(THERE, PATIENT), ErasureReason.PATIENT_REQUEST, clock.now)
    assert (await clinician.post("/v1/break-glass", json=BODY)).status_code == 404
    assert await statuses(clinician) == [404, 404]


async def test_the_words_stand_sealed_at_the_patients_site_and_nowhere_else(
    dashboard: FastAPI, clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient, ring: KeyRing, clock: Clock
) -> None:
    await break_glass(clinician)
    await clinician.get(SHOWN)
    database = dashboard.state.database
    for table in await database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows = await database.rows(f"SELECT * FROM {table['tablename']}")
        assert "Quagga" not in repr(rows), table
    assert [event.topic for event in await published(dashboard)] == ["dashboard-viewed"]
    (item,) = (await coordinator.get("/v1/break-glass")).json()["items"]
    assert (item["words"], item["words_state"]) == (WORDS, "readable")
    await ring.erase(Patient(THERE, PATIENT), ErasureReason.PATIENT_REQUEST, clock.now)
    sealed = await database.value("SELECT words FROM broken_glass")
    async with KeyRing(dashboard.state.settings.keyring) as later:
        opened = (await later.opener(Patient(THERE, PATIENT)))(sealed, in_record(item["id"], "words"))
    assert opened.state == "erased"


async def test_while_words_cannot_be_sealed_nothing_opens_and_what_is_on_record_counts_for_no_try(
    dashboard: FastAPI, clinician: httpx.AsyncClient, keyring_of: KeyRings
) -> None:
    async with away(keyring_of):
        for _ in range(10):
            answer = await clinician.post("/v1/break-glass", json=BODY)
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:samepage:problem:no-keys")
    assert await statuses(clinician) == [404, 404]
    rows = await trail(dashboard, kind="refused")
    assert [(row["site_id"], row["status"]) for row in rows] == [(HERE, 503)] * 10
    assert await dashboard.state.database.value("SELECT count(*) FROM glass_try") == 0

    async def opens() -> bool:
        return (await clinician.post("/v1/break-glass", json=BODY)).status_code == 201

    assert await until(opens), "it is asked for again a second later"


async def test_a_look_through_glass_is_a_look_at_that_site_outside_its_visit(
    dashboard: FastAPI, clinician: httpx.AsyncClient, as_: Clients
) -> None:
    await break_glass(clinician)
    async with as_("clinician", THERE) as colleague:
        for client in (colleague, clinician):
            await client.get(PAGE)
    own, through = [event.body for event in await published(dashboard) if isinstance(event.body, DashboardViewed)]
    assert own.context is ViewContext.IN_VISIT
    assert (through.context, through.visit_id, through.role) == (ViewContext.OUTSIDE, None, "clinician")
    assert {event.site_id for event in await published(dashboard)} == {THERE}


async def test_the_list_of_a_day_is_that_of_the_sites_day_and_says_how_often_it_was_looked(
    clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient, as_: Clients, clock: Clock
) -> None:
    clock.now = datetime(2026, 10, 14, 4, 30, tzinfo=UTC)  # 23:30 of the day before, at the patient's site
    await break_glass(clinician)
    clock.go_on(minutes=40)
    await statuses(clinician)
    clock.go_on(hours=3)
    await break_glass(clinician, reason="transfer")
    answer = (await coordinator.get("/v1/break-glass")).json()
    assert [(item["day"], item["reason"], item["looks"]) for item in answer["items"]] == [
        ("2026-10-14", "transfer", 0),
        ("2026-10-13", "emergency", 2),
    ]
    assert answer["next"] is None
    assert {(item["subject"], *item["of_sites"]) for item in answer["items"]} == {("dr-silva", HERE)}
    async with as_("coordinator", HERE) as of_the_clinician:
        assert (await of_the_clinician.get("/v1/break-glass")).json()["items"] == []
    clock.go_on(days=30)
    assert (await coordinator.get("/v1/break-glass")).json()["items"] == []


async def test_a_long_list_comes_in_parts_that_miss_and_repeat_nothing(
    dashboard: FastAPI, clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient
) -> None:
    await break_glass(clinician)
    await dashboard.state.database.run(
        """
        INSERT INTO broken_glass (site_id, glass_id, patient_id, subject, of_sites, reason, words, broken_at, until)
        SELECT site_id, gen_random_uuid(), patient_id, subject, of_sites, reason, words,
               broken_at - number * interval '1 minute', until
        FROM broken_glass, generate_series(1, 200) AS number
        """
    )
    seen: list[str] = []
    params: dict[str, str] = {}
    while True:
        answer = (await coordinator.get("/v1/break-glass", params=params)).json()
        seen += [item["id"] for item in answer["items"]]
        if answer["next"] is None:
            break
        params = {"before": answer["next"]}
    rows = await dashboard.state.database.rows("SELECT glass_id FROM broken_glass ORDER BY broken_at DESC")
    assert seen == [str(row["glass_id"]) for row in rows]


async def test_the_list_holds_what_another_door_wrote_whose_clock_is_ahead(
    clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient, clock: Clock
) -> None:
    await break_glass(clinician)
    clock.go_on(minutes=-10)
    assert len((await coordinator.get("/v1/break-glass")).json()["items"]) == 1


async def test_a_coordinator_of_the_site_says_that_it_was_looked_into(
    clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient, as_: Clients
) -> None:
    path = f"/v1/break-glass/{(await break_glass(clinician))['id']}/review"
    async with as_("coordinator", HERE) as stranger, as_("coordinator", THERE, "later") as second:
        assert (await stranger.post(path)).status_code == 404
        for client in (coordinator, second):
            assert (await client.post(path)).status_code == 204
    (item,) = (await coordinator.get("/v1/break-glass")).json()["items"]
    assert (item["reviewed_by"], item["reviewed_at"]) == ("j-ortiz", item["broken_at"])
