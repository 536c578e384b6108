"""A patient of two sites: linked by both, each record at the site that wrote it, ended by either, gone with erasing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.dashboard.worker import SUBSCRIPTION
from shared.events import DashboardViewed, ViewContext
from tests.builders import PATIENT, an_erasure, an_event
from tests.conftest import Tokens, client_of
from tests.markup import Document
from tests.services.dashboard.conftest import HERE, NEIGHBOUR, OWN, SHOWN, THERE, Clients
from tests.services.held import held, until_waiting
from tests.services.streams import arrive, published
from tests.services.trails import trail, unrecordable
from tests.sign_in.conftest import Clock

CODES, LINKS = f"/v1/patients/{PATIENT}/link-codes", f"/v1/patients/{OWN}/links"
AGREED = {"agreed": "at-visit"}


@pytest.fixture
async def here(as_: Clients) -> AsyncIterator[httpx.AsyncClient]:
    """The coordinator of the site that is given a code."""
    async with as_("coordinator", HERE, "m-lind") as client:
        yield client


async def a_code(coordinator: httpx.AsyncClient) -> str:
    answer = await coordinator.post(CODES, json={"agreed": "on-paper"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def give(client: httpx.AsyncClient, code: str, *, path: str = LINKS) -> httpx.Response:
    return await client.post(path, json={**AGREED, "code": code})


async def linked(coordinator: httpx.AsyncClient, here: httpx.AsyncClient) -> dict[str, Any]:
    answer = await give(here, await a_code(coordinator))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def pages_of(link: dict[str, Any]) -> tuple[str, str]:
    """Where the other site's page is, as JSON and for people."""
    return f"{LINKS}/{link['id']}/page", f"/patients/{OWN}/links/{link['id']}"


async def statuses(client: httpx.AsyncClient, link: dict[str, Any]) -> list[int]:
    return [(await client.get(path)).status_code for path in pages_of(link)]


async def test_both_sites_keep_their_side_of_a_link_with_how_and_to_whom_the_patient_said_yes(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient, clock: Clock
) -> None:
    await linked(coordinator, here)
    rows = await dashboard.state.database.rows("SELECT * FROM linked_patient ORDER BY site_id")
    assert [
        (row["site_id"], row["patient_id"], row["other_site"], row["other_patient_id"], row["other_name"])
        for row in rows
    ] == [
        (HERE, OWN, THERE, PATIENT, "Riverbend GI (synthetic)"),
        (THERE, PATIENT, HERE, OWN, "Lakeside GI (synthetic)"),
    ]
    assert [(row["agreed"], row["agreed_with"]) for row in rows] == [("at-visit", "m-lind"), ("on-paper", "j-ortiz")]
    assert {row["since"] for row in rows} == {clock.now}
    assert [
        (row["site_id"], row["subject"], row["patient_id"])
        for row in await trail(dashboard, kind="write", route="link_patients")
    ] == [(HERE, "m-lind", OWN), (THERE, "m-lind", PATIENT)]
    assert await published(dashboard) == [], "nothing of it travels"


async def test_the_care_team_reads_the_other_page_on_record_at_the_other_site(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient, clinician: httpx.AsyncClient
) -> None:
    link = await linked(coordinator, here)
    (back,) = (await coordinator.get(f"/v1/patients/{PATIENT}/links")).json()["items"]
    for client in (here, clinician):
        page, _ = pages_of(link)
        answer = await client.get(page)
        assert answer.json()["patient"]["patient_id"] == str(PATIENT)
        assert "samepage-view" not in answer.headers
        assert (await client.get(page, headers={"if-none-match": answer.headers["etag"]})).status_code == 304
        assert await statuses(client, link) == [200, 200]
    rows = await trail(dashboard, kind="read", patient_id=PATIENT)
    (_, *looks) = rows
    assert {(row["site_id"], row["purpose"], *row["asked"]) for row in looks} == {
        (THERE, "care", f"link_id={back['id']}")
    }
    assert len(looks) == 8
    views = [event.body for event in await published(dashboard) if isinstance(event.body, DashboardViewed)]
    assert {(view.patient_id, view.context, view.visit_id) for view in views} == {(PATIENT, ViewContext.OUTSIDE, None)}


async def test_a_link_opens_nothing_else_and_to_nobody_else(
    dashboard: FastAPI,
    coordinator: httpx.AsyncClient,
    here: httpx.AsyncClient,
    clinician: httpx.AsyncClient,
    as_: Clients,
    token: Tokens,
) -> None:
    link = await linked(coordinator, here)
    (back,) = (await coordinator.get(f"/v1/patients/{PATIENT}/links")).json()["items"]
    for path in (
        f"/v1/patients/{PATIENT}/page",
        f"/v1/patients/{NEIGHBOUR}/page",
        f"/v1/patients/{PATIENT}/looks",
        f"/v1/patients/{PATIENT}/export",
        f"/v1/patients/{PATIENT}/links",
        f"{LINKS}/{back['id']}/page",
        f"/v1/patients/{PATIENT}/links/{back['id']}/page",
    ):
        assert (await here.get(path)).status_code == 404, path
    for role, site in (("clinician", "millpond"), ("clinician", THERE), ("coordinator", THERE)):
        async with as_(role, site) as stranger:
            assert await statuses(stranger, link) == [404, 404]
    async with client_of(dashboard, token("patient", [HERE], patient_id=OWN)) as patient:
        assert await statuses(patient, link) == [403, 403]
    assert (await clinician.get(pages_of(link)[0])).status_code == 200
    (view,) = await dashboard.state.database.rows("SELECT view_id, site_id FROM view")
    assert view["site_id"] == THERE
    beacon = f"/v1/views/{view['view_id']}/beacon"
    assert (await clinician.post(beacon, content=b'{"duration_ms": 5}')).status_code == 404


async def test_either_side_ends_it_at_once_for_both(
    coordinator: httpx.AsyncClient,
    here: httpx.AsyncClient,
    clinician: httpx.AsyncClient,
    as_: Clients,
    clock: Clock,
) -> None:
    for ender in (here, coordinator):
        clock.go_on(minutes=1)
        link = await linked(coordinator, here)
        back = (await coordinator.get(f"/v1/patients/{PATIENT}/links")).json()["items"][0]
        own = {here: f"{LINKS}/{link['id']}", coordinator: f"/v1/patients/{PATIENT}/links/{back['id']}"}[ender]
        async with as_("coordinator", "millpond") as stranger:
            assert (await stranger.delete(own)).status_code == 404
        assert (await clinician.delete(own)).status_code == 403
        assert await statuses(clinician, link) == [200, 200]
        for _ in range(2):
            assert (await ender.delete(own)).status_code == 204
        assert await statuses(clinician, link) == [404, 404]
        for client, patient in ((here, OWN), (coordinator, PATIENT)):
            items = (await client.get(f"/v1/patients/{patient}/links")).json()["items"]
            assert all(item["ended_at"] for item in items)


@pytest.mark.parametrize("site", [HERE, THERE])
async def test_one_side_that_is_ended_alone_closes_the_page_too(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient, site: str
) -> None:
    link = await linked(coordinator, here)
    await dashboard.state.database.run(f"UPDATE linked_patient SET ended_at = now() WHERE site_id = '{site}'")
    assert await statuses(here, link) == [404, 404]


async def test_a_code_opens_once_for_a_week_until_a_new_one_takes_its_place(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient, clock: Clock
) -> None:
    first, second = [await a_code(coordinator) for _ in range(2)]
    assert (await give(here, first)).status_code == 404
    made = await give(here, f" {second.upper()}\n")
    assert made.status_code == 201
    again = await give(here, second)
    assert (again.status_code, again.json()) == (200, made.json())
    assert (await here.delete(f"{LINKS}/{made.json()['id']}")).status_code == 204
    assert (await give(here, second)).status_code == 404, "used"
    late = await a_code(coordinator)
    clock.go_on(days=7)
    assert (await give(here, late)).status_code == 404
    row = (await dashboard.state.database.rows("SELECT code_hash FROM link_code"))[0]
    assert row["code_hash"] == hashlib.sha256(late.encode()).digest()


async def test_a_code_that_is_given_for_patients_who_are_linked_already_is_used_up_too(
    coordinator: httpx.AsyncClient, here: httpx.AsyncClient
) -> None:
    link, code = await linked(coordinator, here), await a_code(coordinator)
    assert (await give(here, code)).status_code == 200
    assert (await give(here, code)).status_code == 200, "said again while they are linked it is the same link"
    assert (await here.delete(f"{LINKS}/{link['id']}")).status_code == 204
    assert (await give(here, code)).status_code == 404


@pytest.mark.parametrize("patient", [(HERE, OWN), (THERE, PATIENT)])
async def test_a_code_that_two_give_at_the_same_moment_makes_one_link(
    dashboard: FastAPI,
    coordinator: httpx.AsyncClient,
    here: httpx.AsyncClient,
    as_: Clients,
    patient: tuple[str, UUID],
) -> None:
    code = await a_code(coordinator)
    async with as_("coordinator", HERE, "a-colleague") as colleague:
        async with held(dashboard, patient):
            giving = [asyncio.create_task(give(client, code)) for client in (here, colleague)]
            await until_waiting(dashboard, 2)
        assert sorted([(await one).status_code for one in giving]) == [200, 201]
    assert await dashboard.state.database.value("SELECT count(*) FROM linked_patient") == 2


async def test_without_a_valid_code_nobody_learns_who_is_a_patient_elsewhere(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient
) -> None:
    used = await a_code(coordinator)
    await here.delete(f"{LINKS}/{(await give(here, used)).json()['id']}")
    live = await a_code(coordinator)
    own_code = (await here.post(f"/v1/patients/{OWN}/link-codes", json=AGREED)).json()["code"]
    _, _, secret = live.partition(".")
    wrong = [used, own_code, f"millpond.{secret}", f"{THERE}.{'a' * 26}", "", "?", f"{THERE}.", str(PATIENT)]
    said = {((answer := await give(here, code)).status_code, answer.content) for code in wrong}
    assert len(said) == 1
    assert {status for status, _ in said} == {404}
    denied = await trail(dashboard, kind="denied")
    assert [(row["site_id"], row["patient_id"], row["asked"]) for row in denied] == [(HERE, OWN, [])] * len(wrong)
    nobody = await give(here, live, path=f"/v1/patients/{uuid4()}/links")
    assert (nobody.status_code, nobody.json()["detail"]) == (404, "There is no such patient at this site.")
    assert (await here.post(CODES, json=AGREED)).status_code == 404


async def test_codes_are_tried_twenty_times_an_hour_at_most(
    coordinator: httpx.AsyncClient, here: httpx.AsyncClient, clock: Clock
) -> None:
    for _ in range(20):
        assert (await give(here, f"{THERE}.{'a' * 26}")).status_code == 404
    live = await a_code(coordinator)
    answer = await give(here, live)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    clock.go_on(hours=1)
    assert (await give(here, live)).status_code == 201


@pytest.mark.parametrize(("site", "patient"), [(HERE, OWN), (THERE, PATIENT)])
async def test_erasing_one_of_the_two_ends_the_link_and_neither_side_says_who_the_other_was(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient, site: str, patient: UUID
) -> None:
    link, unused = await linked(coordinator, here), await a_code(coordinator)
    for number in (1, 2):
        erasure = an_event(an_erasure(patient_id=patient), site_id=site, sequence=number)
        await arrive(dashboard, SUBSCRIPTION, erasure)
    assert await statuses(here, link) == [404, 404]
    sides = await dashboard.state.database.rows("SELECT * FROM linked_patient")
    assert [(row["other_patient_id"], row["ended_by"]) for row in sides] == [(None, "erasure")] * 2
    assert (await give(here, unused)).status_code == 404
    assert "Also seen at" not in (await coordinator.get(SHOWN)).text


async def test_without_a_record_there_is_no_link_and_no_page(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient
) -> None:
    code = await a_code(coordinator)
    async with unrecordable(dashboard):
        assert (await give(here, code)).status_code == 503
        assert (await coordinator.post(CODES, json=AGREED)).status_code == 503
    link = (await give(here, code)).json()
    async with unrecordable(dashboard):
        assert await statuses(here, link) == [503, 503]
    assert await dashboard.state.database.value("SELECT count(*) FROM view") == 0


async def test_the_pages_say_where_else_the_patient_is_seen(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient, token: Tokens
) -> None:
    link = await linked(coordinator, here)
    own = Document((await here.get(f"/patients/{OWN}")).text)
    assert "Also seen at Riverbend GI (synthetic) since 13 Oct 2026" in own.text
    (to_other,) = own.named("a", href=pages_of(link)[1])
    other = Document((await here.get(str(to_other["href"]))).text)
    assert "The page of Riverbend GI (synthetic), for reading." in other.text
    assert "Also seen at" not in other.text
    assert other.named("a", href=f"/patients/{OWN}")
    assert other.named("body", **{"data-beacon": ""}) == []
    assert other.needs_more_than_the_policy_allows() == []
    async with client_of(dashboard, token("patient", [THERE], patient_id=PATIENT)) as patient:
        page = Document((await patient.get(SHOWN)).text)
    assert "Also seen at Lakeside GI (synthetic) since 13 Oct 2026" in page.text
    assert [a for a in page.named("a") if "/links/" in str(a["href"])] == []
    await here.delete(f"{LINKS}/{link['id']}")
    over = await here.get(str(to_other["href"]))
    assert (over.status_code, "This link is closed" in over.text) == (404, True)


async def test_a_code_says_its_site_and_lasts_a_week(coordinator: httpx.AsyncClient, clock: Clock) -> None:
    answer = (await coordinator.post(CODES, json=AGREED)).json()
    assert answer["code"].startswith(f"{THERE}.")
    assert answer["expires_at"] == (clock.now + timedelta(days=7)).isoformat().replace("+00:00", "Z")


async def test_ending_an_old_link_once_more_leaves_the_new_one_to_both_sites(
    coordinator: httpx.AsyncClient, here: httpx.AsyncClient, clock: Clock
) -> None:
    old = await linked(coordinator, here)
    assert (await here.delete(f"{LINKS}/{old['id']}")).status_code == 204
    clock.go_on(minutes=1)
    new = await linked(coordinator, here)
    assert (await here.delete(f"{LINKS}/{old['id']}")).status_code == 204
    assert await statuses(here, new) == [200, 200]
    for client, patient in ((here, OWN), (coordinator, PATIENT)):
        items = (await client.get(f"/v1/patients/{patient}/links")).json()["items"]
        assert [item["ended_at"] is None for item in items] == [True, False]


@pytest.mark.parametrize("patient", [(HERE, OWN), (THERE, PATIENT)])
async def test_a_link_ends_after_whatever_happens_to_either_patient_and_as_it_stands_then(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient, patient: tuple[str, UUID]
) -> None:
    link = await linked(coordinator, here)
    async with held(dashboard, patient) as other:
        ending = asyncio.create_task(here.delete(f"{LINKS}/{link['id']}"))
        await until_waiting(dashboard)
        await other.execute("UPDATE linked_patient SET ended_at = now(), ended_by = 'erasure', other_patient_id = NULL")
    assert (await ending).status_code == 204
    assert [row["site_id"] for row in await trail(dashboard, route="end_link")] == [HERE]
    assert {row["ended_by"] for row in await dashboard.state.database.rows("SELECT ended_by FROM linked_patient")} == {
        "erasure"
    }


async def test_an_erasure_takes_both_sides_of_a_link_in_one_order_whoever_made_the_code(
    dashboard: FastAPI, coordinator: httpx.AsyncClient, here: httpx.AsyncClient
) -> None:
    code = (await here.post(f"/v1/patients/{OWN}/link-codes", json=AGREED)).json()["code"]
    assert (await give(coordinator, code, path=f"/v1/patients/{PATIENT}/links")).status_code == 201
    first, second = (f"UPDATE linked_patient SET ended_at = now() WHERE site_id = '{site}'" for site in (HERE, THERE))
    async with held(dashboard) as other:
        await other.execute(first)
        erasing = asyncio.create_task(arrive(dashboard, SUBSCRIPTION, an_event(an_erasure())))
        await until_waiting(dashboard)
        await other.execute(second)
    await erasing
    for row in await dashboard.state.database.rows("SELECT * FROM linked_patient"):
        assert row["other_patient_id"] is None
