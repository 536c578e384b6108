"""Links that patients sign in with: made, opened, refused, forgotten, and never told to anybody else."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from fastapi import FastAPI

from services.intake.domain import Opening, openings
from services.intake.store import record_erasure
from shared.events import LinkRevoked, VisitState
from shared.sealing import Patient
from tests.conftest import URLS, Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.held import held, until_waiting
from tests.services.intake.conftest import OTHER, SITE
from tests.services.streams import published
from tests.services.trails import trail, unrecordable
from tests.sign_in.browser import Browser
from tests.survey import survey_of

HOME = URLS["intake"]
SESSION = "__Host-samepage-intake"
RULE = f"/v1/sites/{SITE}/link-rule"


@pytest.fixture
async def phone(clinic: Clinic) -> AsyncIterator[Browser]:
    async with Browser({HOME: clinic.intake}) as browser:
        yield browser


async def at_rest(intake: FastAPI) -> str:
    """Everything that intake's database holds, as text."""
    tables = await intake.state.database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [await intake.state.database.rows(f"SELECT t::text AS row FROM {table['tablename']} t") for table in tables]
    return "\n".join(str(row["row"]) for of_table in rows for row in of_table)


async def test_a_link_opens_with_one_press_and_shows_what_is_open(clinic: Clinic, phone: Browser) -> None:
    page = await phone.open(await clinic.new_link())
    assert page.status_code == 200
    assert "Open your page" in page.text
    start = await phone.submit(page)
    assert str(start.url) == f"{HOME}/start"
    assert "Not answered yet." in start.text
    assert "They open when your visit is over." in start.text
    assert f'href="{URLS["dashboard"]}/sign-in/own"' in start.text


async def test_what_is_open_follows_the_survey_and_the_visit(clinic: Clinic, phone: Browser) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id)
    await phone.submit(await phone.open(await clinic.link(visit_id)))
    await clinic.system.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
    assert "Answered. Thank you." in (await phone.open(f"{HOME}/start")).text
    await clinic.system.patch(f"/v1/visits/{visit_id}", json={"state": "completed"})
    assert "Open now. Your clinic asks you how it went." in (await phone.open(f"{HOME}/start")).text


@pytest.mark.parametrize(
    ("state", "has_survey", "survey", "feedback"),
    [
        (VisitState.SCHEDULED, False, Opening.NOW, Opening.LATER),
        (VisitState.CHECKED_IN, True, Opening.DONE, Opening.LATER),
        (VisitState.COMPLETED, True, Opening.DONE, Opening.NOW),
        (VisitState.COMPLETED, False, Opening.OVER, Opening.OVER),
        (VisitState.CANCELLED, False, Opening.OVER, Opening.OVER),
        (VisitState.CANCELLED, True, Opening.DONE, Opening.OVER),
    ],
)
def test_feedback_follows_a_survey_and_no_cancelled_visit(
    state: VisitState, has_survey: bool, survey: Opening, feedback: Opening
) -> None:
    found = openings(state, has_survey=has_survey)
    assert (found.survey, found.feedback) == (survey, feedback)


async def test_the_pages_speak_the_patients_language_and_the_other_one_on_request(
    clinic: Clinic, phone: Browser
) -> None:
    link = await clinic.new_link(language="es")
    page = await phone.open(link)
    assert '<html lang="es">' in page.text
    assert "Abra su página" in page.text
    assert "Open your page" in (await phone.open(f"{link}?lang=en")).text
    start = await phone.submit(await phone.open(f"{link}?lang=en"))
    assert "Your visit" in start.text
    assert "Your visit is on" in (await phone.open(f"{HOME}/start")).text, "it is kept for the next pages"
    assert "Su visita es el" in (await phone.open(f"{HOME}/start?lang=es")).text
    assert (await phone.open(f"{link}?lang=fr")).status_code == 422


async def test_a_mail_program_that_looks_first_uses_nothing_up(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    async with client_of(clinic.intake) as scanner:
        for _ in range(5):
            answer = await scanner.get(urlsplit(link).path)
            assert "set-cookie" not in answer.headers
    assert await clinic.intake.state.database.value("SELECT count(*) FROM session") == 0
    assert (await phone.submit(await phone.open(link))).status_code == 200


async def test_opening_again_goes_on_and_ends_the_session_before(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    await phone.submit(await phone.open(link))
    first = phone.cookies[SESSION]
    again = await phone.submit(await phone.open(link))
    assert again.status_code == 200
    assert phone.cookies[SESSION] != first
    assert await clinic.intake.state.database.value("SELECT count(*) FROM session") == 1


async def test_no_other_sites_page_can_open_a_link_in_somebodys_browser(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    answer = await phone.post(link, {"sec-fetch-site": "cross-site", "origin": "https://elsewhere.test"})
    assert answer.status_code == 403
    assert SESSION not in phone.cookies


async def test_the_same_key_gives_the_same_link_and_another_key_another(clinic: Clinic) -> None:
    path, key = f"/v1/visits/{await clinic.visit(await clinic.enrol())}/links", new_key()
    first = await clinic.system.post(path, json={}, headers=key)
    again = await clinic.system.post(path, json={}, headers=key)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await clinic.system.post(path, json={}, headers=new_key())
    assert other.json()["link"] != first.json()["link"]
    assert len((await clinic.system.get(path)).json()["items"]) == 2


async def test_the_secret_has_256_bits_and_only_its_hash_is_at_rest(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    await phone.submit(await phone.open(link))
    secret = link.rpartition("/")[2]
    assert len(secret) == 43
    stored = await at_rest(clinic.intake)
    assert secret not in stored
    assert hashlib.sha256(secret.encode()).hexdigest() in stored, "and so this search can find what is there"


async def test_no_log_and_no_metric_knows_a_secret(
    clinic: Clinic, phone: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    link = await clinic.new_link()
    secret = link.rpartition("/")[2]
    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.DEBUG):
        await phone.submit(await phone.open(link))
        await phone.open(f"{link}?lang=xx")
        await phone.open(f"{link}/nothing-here")
        await phone.post(link, {"sec-fetch-site": "cross-site"})
        await phone.post(link, {"content-type": "text/plain", "sec-fetch-site": "same-origin"})
        await clinic.intake.state.database.run("ALTER TABLE visit_link RENAME TO visit_link_away")
        assert (await phone.open(link)).status_code == 500
        async with client_of(clinic.intake) as prometheus:
            metrics = (await prometheus.get("/metrics")).text
    assert logged, "the failure was logged"
    assert "/l/{site_id}/{secret}" in metrics, "the route was counted"
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    for said in (str(logged), str(ours), metrics):
        assert secret not in said


async def test_a_browser_is_told_to_tell_no_other_page_where_it_was(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    page = await phone.step(link)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert link.rpartition("/")[2] not in page.text


async def test_unknown_expired_revoked_and_locked_links_look_the_same(clinic: Clinic, phone: Browser) -> None:
    database = clinic.intake.state.database
    visit_id = await clinic.visit(await clinic.enrol())
    links = [await clinic.link(visit_id) for _ in range(3)]
    dead = ["expires_at = now() - interval '1 second'", "revoked_at = now()", "wrong_answers = 5"]
    for link, change in zip(links, dead, strict=True):
        hashed = hashlib.sha256(link.rpartition("/")[2].encode()).digest()
        await database.value(f"UPDATE visit_link SET {change} WHERE secret_hash = $1", hashed)
    live = await clinic.link(visit_id)
    site, secret = live.rpartition("/")[0], live.rpartition("/")[2]
    never = [f"{site}/{'A' * 43}", f"{HOME}/l/{OTHER}/{secret}", f"{HOME}/l/NO-SITE';--/{secret}", f"{live}A"]
    looked = [await phone.open(link) for link in links + never]
    pressed = [await phone.post(link) for link in links + never]
    assert {answer.status_code for answer in looked + pressed} == {404}
    assert len({answer.text for answer in looked + pressed}) == 1
    assert SESSION not in phone.cookies
    assert (await phone.open(live)).status_code == 200


async def test_revoking_ends_the_sessions_that_the_link_opened(clinic: Clinic, phone: Browser) -> None:
    visit_id = await clinic.visit(await clinic.enrol())
    link = await clinic.link(visit_id)
    await phone.submit(await phone.open(link))
    (item,) = (await clinic.system.get(f"/v1/visits/{visit_id}/links")).json()["items"]
    assert item["state"] == "live"
    assert item["opened_at"] is not None
    path = f"/v1/visits/{visit_id}/links/{item['id']}"
    for _ in range(2):
        assert (await clinic.system.delete(path)).status_code == 204
    *_, told = events = await published(clinic.intake)
    assert isinstance(told.body, LinkRevoked)
    assert (str(told.body.link_id), str(told.body.visit_id)) == (item["id"], visit_id)
    assert [event.topic for event in events].count(told.topic) == 1, "the services that it was handed to are told once"
    assert (await phone.step(f"{HOME}/start")).status_code == 401
    (item,) = (await clinic.system.get(f"/v1/visits/{visit_id}/links")).json()["items"]
    assert item["state"] == "revoked"
    assert (await clinic.system.delete(f"/v1/visits/{uuid4()}/links/{item['id']}")).status_code == 404


async def test_a_link_that_is_revoked_while_somebody_opens_it_gives_no_session(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    async with held(clinic.intake) as other:
        await other.execute("UPDATE visit_link SET revoked_at = now()")
        opening = asyncio.create_task(phone.post(link))
        await until_waiting(clinic.intake)
    assert (await opening).content == (await phone.post(link)).content
    assert (await opening).status_code == 404
    assert SESSION not in phone.cookies
    assert await clinic.intake.state.database.value("SELECT count(*) FROM session") == 0
    rows = await trail(clinic.intake, route="open_link")
    assert [(row["kind"], row["status"]) for row in rows] == [("denied", 404)] * 2


async def test_a_session_ends_with_its_link(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    await phone.submit(await phone.open(link))
    ends = "SELECT ends_at < now() + interval '12 hours 1 minute' FROM session"
    assert await clinic.intake.state.database.value(ends)
    await clinic.intake.state.database.run("UPDATE visit_link SET expires_at = now() - interval '1 second'")
    page = await phone.open(f"{HOME}/start")
    assert page.status_code == 401
    assert "use the link from your clinic again" in page.text


async def test_a_token_that_names_another_patients_link_or_none_opens_nothing(clinic: Clinic, token: Tokens) -> None:
    own, other = await clinic.enrol(), await clinic.enrol(identifier="MRN-2")
    links = {}
    for patient_id in (own, other):
        visit_id = await clinic.visit(patient_id)
        await clinic.link(visit_id)
        links[patient_id] = (await clinic.system.get(f"/v1/visits/{visit_id}/links")).json()["items"][0]["id"]
    hand_over = f"/hand-over?to=dashboard&state={'s' * 43}"
    for subject, sites, statuses in (
        (f"link:{links[own]}", [SITE], (200, 303)),
        (f"link:{links[own]}", [SITE, OTHER], (401, 401)),
        (f"link:{links[own]}", [OTHER], (401, 401)),
        (f"link:{links[other]}", [SITE], (401, 401)),
        (f"link:{uuid4()}", [SITE], (401, 401)),
        ("link:of nobody", [SITE], (401, 401)),
        (links[own], [SITE], (401, 401)),
    ):
        by_link = token("patient", sites, patient_id=UUID(own), subject=subject)
        async with client_of(clinic.intake, by_link) as client:
            assert ((await client.get("/start")).status_code, (await client.get(hand_over)).status_code) == statuses


async def test_a_link_can_ask_for_the_birth_year_and_locks_after_five_wrong_ones(
    clinic: Clinic, phone: Browser
) -> None:
    assert (await clinic.system.put(RULE, json={"asks_birth_year": True})).status_code == 200
    link = await clinic.new_link(birth_year=1984)
    page = await phone.open(link)
    assert "In which year were you born?" in page.text
    wrong = await phone.submit(page, birth_year="1985")
    assert wrong.status_code == 422
    assert "That is not the year that the clinic has." in wrong.text
    assert "1984" not in wrong.text.replace("Four digits, like 1984", "")
    right = await phone.submit(page, birth_year=" 1984 ")
    assert right.status_code == 200
    for year in range(1990, 1995):
        assert (await phone.submit(page, birth_year=str(year))).status_code == 422
    assert (await phone.submit(page, birth_year="1984")).status_code == 404, "locked, for whoever has it"
    assert (await phone.open(link)).status_code == 404


async def test_guesses_at_the_same_moment_are_counted_one_by_one(clinic: Clinic) -> None:
    await clinic.system.put(RULE, json={"asks_birth_year": True})
    path = urlsplit(await clinic.new_link(birth_year=1984)).path
    async with client_of(clinic.intake) as guesser:

        async def guess(year: int) -> httpx.Response:
            return await guesser.post(path, data={"birth_year": str(year)})

        answers = await asyncio.gather(*(guess(year) for year in range(1950, 1958)))
    assert sorted(answer.status_code for answer in answers) == [404] * 3 + [422] * 5


async def test_a_birth_year_left_out_is_a_wrong_one(clinic: Clinic, phone: Browser) -> None:
    await clinic.system.put(RULE, json={"asks_birth_year": True})
    assert (await phone.post(await clinic.new_link())).status_code == 422


async def test_links_can_be_tried_so_often_and_then_no_more_for_a_while(clinic: Clinic) -> None:
    path = urlsplit(await clinic.new_link()).path
    async with client_of(clinic.intake) as guesser:
        answers = [await guesser.get(f"/l/{SITE}/{'A' * 42}{number % 10}") for number in range(30)]
        assert [answer.status_code for answer in answers] == [404] * 20 + [429] * 10
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert (await guesser.get(path)).status_code == 429, "also for one that is live"


async def test_one_link_can_be_tried_so_often_by_all(clinic: Clinic) -> None:
    path = urlsplit(await clinic.new_link()).path
    statuses = []
    for number in range(15):
        transport = httpx.ASGITransport(app=clinic.intake, client=(f"10.0.0.{number}", 1))
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as one_of_many:
            statuses.append((await one_of_many.get(path)).status_code)
    assert statuses == [200] * 10 + [429] * 5


async def test_another_sites_visit_is_unknown_to_who_makes_links(clinic: Clinic, token: Tokens) -> None:
    visit_id = await clinic.visit(await clinic.enrol())
    await clinic.link(visit_id)
    (item,) = (await clinic.system.get(f"/v1/visits/{visit_id}/links")).json()["items"]
    async with client_of(clinic.intake, token("coordinator", [OTHER])) as other:
        for known in (visit_id, str(uuid4())):
            made = await other.post(f"/v1/visits/{known}/links", json={}, headers=new_key())
            listed = await other.get(f"/v1/visits/{known}/links")
            revoked = await other.delete(f"/v1/visits/{known}/links/{item['id']}")
            assert (made.status_code, listed.status_code, revoked.status_code) == (404, 404, 404)
        assert (await other.put(RULE, json={"asks_birth_year": False})).status_code == 404


async def test_no_link_is_made_for_somebody_who_is_erased_meanwhile(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    path = f"/v1/visits/{await clinic.visit(patient_id)}/links"
    async with held(clinic.intake, (SITE, patient_id)) as other:
        making = asyncio.create_task(clinic.system.post(path, json={}, headers=new_key()))
        await until_waiting(clinic.intake)
        await record_erasure(other, Patient(SITE, UUID(patient_id)), datetime.now(UTC))
    assert (await making).status_code == 404
    assert await clinic.intake.state.database.value("SELECT count(*) FROM visit_link") == 0


@pytest.mark.parametrize("role", ["clinician", "operator"])
async def test_only_site_staff_make_links(clinic: Clinic, token: Tokens, role: str) -> None:
    visit_id = await clinic.visit(await clinic.enrol())
    async with client_of(clinic.intake, token(role, [SITE])) as caller:
        answer = await caller.post(f"/v1/visits/{visit_id}/links", json={}, headers=new_key())
    assert answer.status_code == 403


async def test_links_are_for_visits_that_take_place_and_for_a_limited_time(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    over, coming = await clinic.visit(patient_id, days=-20), await clinic.visit(patient_id)
    cancelled = await clinic.visit(patient_id)
    await clinic.system.patch(f"/v1/visits/{cancelled}", json={"state": "cancelled"})

    async def made(visit_id: str, **body: str) -> httpx.Response:
        return await clinic.system.post(f"/v1/visits/{visit_id}/links", json=body, headers=new_key())

    assert (await made(over)).json()["type"] == "urn:samepage:problem:visit-over"
    assert (await made(cancelled)).json()["type"] == "urn:samepage:problem:visit-cancelled"
    soon, never = (datetime.now(UTC) + timedelta(days=days) for days in (2, 121))
    assert (await made(over, expires_at=soon.isoformat())).status_code == 201
    for wrong in (never, datetime.now(UTC) - timedelta(seconds=1)):
        answer = await made(coming, expires_at=wrong.isoformat())
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "expires_at"


async def test_every_try_of_a_link_that_there_is_or_was_is_on_record(clinic: Clinic, phone: Browser) -> None:
    assert (await clinic.system.put(RULE, json={"asks_birth_year": True})).status_code == 200
    link = await clinic.new_link(birth_year=1984)
    page = await phone.open(link)
    await phone.submit(page, birth_year="1985")
    await phone.submit(page, birth_year="1984")
    await clinic.intake.state.database.run("UPDATE visit_link SET revoked_at = now()")
    await phone.open(link)
    await phone.post(link)
    await phone.open(link[:-4] + "AAAA")
    (known,) = await clinic.intake.state.database.rows("SELECT link_id, patient_id FROM visit_link")
    rows = await trail(clinic.intake, subject=f"link:{known['link_id']}")
    assert [(row["route"], row["kind"], row["status"]) for row in rows] == [
        ("look_at_link", "read", 200),
        ("open_link", "refused", 422),
        ("open_link", "write", 303),
        ("start", "read", 200),
        ("look_at_link", "denied", 404),
        ("open_link", "denied", 404),
    ], "and a secret that nobody knows leaves nothing"
    assert {(row["site_id"], row["patient_id"], row["role"], row["purpose"]) for row in rows} == {
        (clinic.site, known["patient_id"], "patient", "own-record")
    }


async def test_a_link_that_cannot_be_put_on_record_does_not_open(clinic: Clinic, phone: Browser) -> None:
    link = await clinic.new_link()
    page = await phone.open(link)
    async with unrecordable(clinic.intake):
        assert (await phone.step(link)).status_code == 503
        assert (await phone.submit(page)).status_code == 503
    assert phone.cookies == {}
    opened = "SELECT opened_at IS NULL AND wrong_answers = 0 FROM visit_link"
    assert await clinic.intake.state.database.value(opened)
    assert (await phone.submit(page)).status_code == 200


async def test_who_makes_lists_and_revokes_links_is_on_record_about_their_patient(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id)
    await clinic.link(visit_id)
    (item,) = (await clinic.system.get(f"/v1/visits/{visit_id}/links")).json()["items"]
    await clinic.system.delete(f"/v1/visits/{visit_id}/links/{item['id']}")
    rows = [row for row in await trail(clinic.intake, role="system") if row["route"].endswith(("link", "links"))]
    assert [(row["route"], row["kind"], str(row["patient_id"])) for row in rows] == [
        ("make_link", "write", patient_id),
        ("list_links", "read", patient_id),
        ("revoke_link", "write", patient_id),
    ]
    *_, told = await published(clinic.intake)
    assert rows[-1]["event_id"] == told.event_id
