"""A patient's way from the link to their own page: over two services, in one browser, good once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.dashboard.worker import SUBSCRIPTION as TO_DASHBOARD
from services.feedback.worker import SUBSCRIPTION as TO_FEEDBACK
from shared.auth import Caller, Role
from shared.db import transaction
from shared.hand_over import assertion
from shared.http.sessions import Sessions
from shared.settings import Platform
from shared.signing import SigningKeys, make_key_file
from tests.builders import a_site, a_visit, an_enrollment, an_event
from tests.conftest import URLS, Apps, Tokens, client_of
from tests.journeys.visit import FEEDBACK
from tests.services.clinic import clinic_of
from tests.services.streams import arrive, published
from tests.services.trails import trail
from tests.sign_in.browser import Browser
from tests.survey import survey_of

SITE = "riverbend"
OWN = f"{URLS['dashboard']}/sign-in/own"
BACK = f"{OWN}/callback"
STATE = "s" * 43


class Journey(NamedTuple):
    """The services, a patient whom all know, and a link for a visit."""

    intake: FastAPI
    dashboard: FastAPI
    feedback: FastAPI
    patient_id: UUID
    link: str


@pytest.fixture
async def journey(app: Apps, token: Tokens) -> Journey:
    intake, dashboard, feedback = [await app(name) for name in ("intake", "dashboard", "feedback")]
    async with clinic_of(intake, token, SITE) as clinic:
        patient_id = UUID(await clinic.enrol())
        link = await clinic.link(await clinic.visit(str(patient_id), days=1))
    enrolled = an_event(an_enrollment(patient_id=patient_id))
    await arrive(dashboard, TO_DASHBOARD, an_event(a_site()), enrolled)
    await arrive(feedback, TO_FEEDBACK, enrolled)
    return Journey(intake, dashboard, feedback, patient_id, link)


@pytest.fixture
async def phone(journey: Journey) -> AsyncIterator[Browser]:
    places = {URLS[name]: getattr(journey, name) for name in ("intake", "dashboard", "feedback")}
    async with Browser(places) as browser:
        yield browser


async def test_a_link_two_presses_and_the_patient_sees_their_own_page_and_no_other(
    journey: Journey, phone: Browser
) -> None:
    await phone.submit(await phone.open(journey.link))
    page = await phone.open(OWN)
    assert str(page.url) == f"{URLS['dashboard']}/patients/{journey.patient_id}"
    assert page.status_code == 200
    assert "My page" in page.text
    assert (await phone.step(f"{URLS['dashboard']}/patients/{uuid4()}")).status_code == 404
    subject = await journey.dashboard.state.database.value("SELECT subject FROM view")
    assert subject.startswith("link:"), "on record is by which link they came"


async def test_without_a_session_at_intake_the_way_leads_to_the_link(phone: Browser) -> None:
    page = await phone.open(OWN)
    assert page.status_code == 401
    assert "use the link from your clinic again" in page.text
    assert "use otra vez el enlace de su clínica" in page.text


async def test_a_way_that_was_gone_once_is_not_gone_again(journey: Journey, phone: Browser) -> None:
    await phone.submit(await phone.open(journey.link))
    back = (await phone.open(OWN, until=BACK)).headers["location"]
    kept = {name: value for name, value in phone.cookies.items() if "-flow-" in name}
    assert (await phone.open(back)).status_code == 200
    for name, value in kept.items():
        phone.set_cookie(name, value, URLS["dashboard"])
    assert (await phone.step(back)).status_code == 401


async def test_an_assertion_brings_no_other_browser_in(journey: Journey, phone: Browser) -> None:
    await phone.submit(await phone.open(journey.link))
    back = (await phone.open(OWN, until=BACK)).headers["location"]
    async with Browser({URLS["dashboard"]: journey.dashboard}) as victim:
        assert (await victim.step(back)).status_code == 401
        await victim.step(OWN)
        (flow,) = victim.cookies
        assert flow.startswith("__Host-samepage-dashboard-flow-")
        theirs = httpx.URL((await victim.step(OWN)).headers["location"]).params["state"]
        assert (await victim.step(str(httpx.URL(back).copy_set_param("state", theirs)))).status_code == 401
        assert "__Host-samepage-dashboard" not in victim.cookies


async def test_intake_hands_over_only_to_services_of_the_network_and_only_patients(
    journey: Journey, phone: Browser, token: Tokens
) -> None:
    await phone.submit(await phone.open(journey.link))
    there = f"{URLS['intake']}/hand-over"
    for to in ("analytics", "https://elsewhere.test", "intake", ""):
        answer = await phone.step(f"{there}?to={to}&state={STATE}")
        assert answer.status_code == 422
        assert "location" not in answer.headers
    assert (await phone.step(f"{there}?to=dashboard&state=short")).status_code == 422
    given = await phone.step(f"{there}?to=dashboard&state={STATE}")
    assert urlsplit(given.headers["location"]).netloc == urlsplit(URLS["dashboard"]).netloc
    async with client_of(journey.intake, token("clinician", [SITE])) as clinician:
        assert (await clinician.get(f"/hand-over?to=dashboard&state={STATE}")).status_code == 403
    async with client_of(journey.intake, token("patient", [SITE], patient_id=journey.patient_id)) as other:
        assert (await other.get(f"/hand-over?to=dashboard&state={STATE}")).status_code == 401, "came by no link"


async def test_a_revoked_link_hands_nobody_over(journey: Journey, phone: Browser) -> None:
    await phone.submit(await phone.open(journey.link))
    await journey.intake.state.database.run("UPDATE visit_link SET revoked_at = now()")
    assert (await phone.open(OWN)).status_code == 401


async def test_revoking_a_link_closes_the_own_page_and_what_was_on_its_way_there(
    journey: Journey, phone: Browser, token: Tokens
) -> None:
    await phone.submit(await phone.open(journey.link))
    page = await phone.open(OWN)
    at_feedback = await phone.open(f"{URLS['feedback']}/sign-in/own")
    on_its_way = (await phone.open(OWN, until=BACK)).headers["location"]
    link = (await journey.intake.state.database.rows("SELECT * FROM visit_link"))[0]
    async with client_of(journey.intake, token("system", [SITE])) as system:
        answer = await system.delete(f"/v1/visits/{link['visit_id']}/links/{link['link_id']}")
        assert answer.status_code == 204
    assert (await phone.step(str(page.url))).status_code == 200, "the dashboard has not heard of it yet"
    *_, revocation = await published(journey.intake)
    await arrive(journey.dashboard, TO_DASHBOARD, revocation)
    await arrive(journey.feedback, TO_FEEDBACK, revocation)
    assert (await phone.step(str(at_feedback.url))).status_code == 401
    closed = await phone.step(str(page.url))
    assert closed.status_code == 401
    assert "use the link from your clinic again" in closed.text
    assert (await phone.open(on_its_way)).status_code == 401, "a session that begins later opens nothing either"


async def test_what_is_signed_in_for_is_on_record_at_both_services(journey: Journey, phone: Browser) -> None:
    await phone.submit(await phone.open(journey.link))
    await phone.open(OWN)
    link_id = await journey.intake.state.database.value("SELECT link_id FROM visit_link")
    given, taken = await trail(journey.intake, route="hand_over"), await trail(journey.dashboard, kind="write")
    assert [(row["kind"], row["status"]) for row in given] == [("read", 303)]
    assert [(row["route"], row["status"]) for row in taken] == [("come_back", 303)]
    assert {(row["subject"], row["patient_id"]) for row in (*given, *taken)} == {
        (f"link:{link_id}", journey.patient_id)
    }


async def test_the_session_at_the_receiver_ends_after_an_hour_or_with_the_link(
    journey: Journey, phone: Browser
) -> None:
    await phone.submit(await phone.open(journey.link))
    await phone.open(OWN)
    left = "SELECT extract(epoch FROM ends_at - now())::int FROM session"
    assert 3590 <= await journey.dashboard.state.database.value(left) <= 3600
    await journey.intake.state.database.run("UPDATE visit_link SET expires_at = now() + interval '5 minutes'")
    await phone.open(OWN)
    assert 290 <= await journey.dashboard.state.database.value(left) <= 300


async def test_an_ended_session_of_a_patient_leads_back_over_intake_and_not_to_the_staffs_sign_in(
    journey: Journey, phone: Browser
) -> None:
    await phone.submit(await phone.open(journey.link))
    page = await phone.open(OWN)
    await journey.dashboard.state.database.run("UPDATE session SET ends_at = now()")
    closed = await phone.open(str(page.url))
    assert closed.status_code == 401
    assert 'href="/sign-in/own"' in closed.text
    assert (await phone.open(OWN)).status_code == 200


@pytest.mark.parametrize("place", ["intake", "dashboard", "feedback"])
async def test_who_signs_out_of_one_service_is_signed_out_of_all(journey: Journey, phone: Browser, place: str) -> None:
    pages = {"intake": await phone.submit(await phone.open(journey.link))}
    for name in ("dashboard", "feedback"):
        pages[name] = await phone.open(f"{URLS[name]}/sign-in/own")
    out = await phone.submit(pages[place])
    assert str(out.url) == f"{URLS['intake']}/signed-out"
    assert "Ha cerrado la sesión." in out.text
    assert phone.cookies == {}
    for application in (journey.intake, journey.dashboard, journey.feedback):
        assert await application.state.database.value("SELECT count(*) FROM session") == 0
    assert (await phone.open(OWN)).status_code == 401, "and there is no way back but the link"


@pytest.mark.parametrize("place", ["intake", "dashboard", "feedback"])
async def test_a_form_may_lead_over_all_places_where_a_patient_is_signed_out(phone: Browser, place: str) -> None:
    policy = (await phone.step(f"{URLS[place]}/signed-out")).headers["content-security-policy"]
    (allowed,) = [rule for rule in policy.split("; ") if rule.startswith("form-action")]
    assert allowed.split() == ["form-action", "'self'", *(URLS[name] for name in ("intake", "dashboard", "feedback"))]


async def test_the_way_out_of_patients_signs_nobody_else_out(journey: Journey, phone: Browser) -> None:
    sessions: Sessions = journey.dashboard.state.sessions
    rowe = Caller("rowe", Role.CLINICIAN, frozenset({SITE}))
    async with transaction(journey.dashboard.state.pool) as connection:
        secret = await sessions.open(connection, rowe)
    phone.set_cookie(sessions.cookie, secret, URLS["dashboard"])
    await phone.open(f"{URLS['dashboard']}/sign-out/own")
    assert (await phone.step(f"{URLS['dashboard']}/signed-in")).status_code == 200


async def test_a_link_leads_to_the_survey_and_to_feedback_in_one_browser(journey: Journey, phone: Browser) -> None:
    await phone.submit(await phone.open(journey.link))
    visit_id = str(await journey.intake.state.database.value("SELECT visit_id FROM visit_link"))
    survey = survey_of(str(journey.patient_id), visit_id)
    assert (await phone.call(f"{URLS['intake']}/v1/surveys", survey)).status_code == 201
    *_, submitted = await published(journey.intake)
    visit = {"patient_id": journey.patient_id, "visit_id": UUID(visit_id), "completed_at": datetime.now(UTC)}
    await arrive(journey.feedback, TO_FEEDBACK, an_event(a_visit(state="completed", **visit)), submitted)
    await phone.open(f"{URLS['feedback']}/sign-in/own")
    given = {"patient_id": str(journey.patient_id), "visit_id": visit_id, **FEEDBACK}
    assert (await phone.call(f"{URLS['feedback']}/v1/feedback", given)).status_code == 201


async def test_an_assertion_is_taken_from_intake_only_and_for_this_service_only(
    journey: Journey, platform: Platform, network_key: Path, tmp_path: Path
) -> None:
    make_key_file(tmp_path / "strangers.pem")
    until, keys = datetime.now(UTC) + timedelta(hours=1), SigningKeys([network_key])
    patient = Caller("link:1", Role.PATIENT, frozenset({SITE}), journey.patient_id)
    clinician = Caller("rowe", Role.CLINICIAN, frozenset({SITE}))
    receiver = journey.dashboard.state.receiver

    async def is_taken(signer: SigningKeys, caller: Caller, to: str, state: str) -> bool:
        made = assertion(signer, platform, caller, to=to, state=state, session_ends_at=until)
        return await receiver.read(made, STATE) is not None

    assert await is_taken(keys, patient, "dashboard", STATE)
    assert not await is_taken(keys, patient, "feedback", STATE)
    assert not await is_taken(keys, patient, "dashboard", "t" * 43)
    assert not await is_taken(SigningKeys([tmp_path / "strangers.pem"]), patient, "dashboard", STATE)
    assert not await is_taken(keys, clinician, "dashboard", STATE)
    assert await receiver.read("no.assertion.atall", STATE) is None
