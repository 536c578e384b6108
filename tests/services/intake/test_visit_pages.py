"""The coordinator's list in a browser, without a script: a week's visits, what is next for each, what is pressed."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from services.intake.domain import SendOutcome
from shared.keyring import KeyRing
from tests.conftest import Tokens, client_of, new_key
from tests.markup import Document
from tests.services.clinic import LIST_OF_NEXT_WEEK, NEXT_WEEK, Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.post import REACHED, Post, count, follows, rows_of, somebody
from tests.services.trails import trail
from tests.survey import survey_of


@pytest.fixture
async def post(clinic: Clinic, ring: KeyRing) -> AsyncIterator[Post]:
    async with Post.of(clinic, ring) as post:
        yield post


def read(answer: httpx.Response, status: int = 200) -> Document:
    """A page of ours, which a browser shows whole under our policy."""
    assert answer.status_code == status, answer.text
    document = Document(answer.text)
    assert document.needs_more_than_the_policy_allows() == []
    return document


async def shown(coordinator: httpx.AsyncClient, address: str = LIST_OF_NEXT_WEEK) -> Document:
    return read(await coordinator.get(address))


async def test_a_week_says_for_each_visit_how_its_survey_stands_and_what_is_next(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient, visit = await somebody(clinic, days=NEXT_WEEK)
    unreached = await clinic.enrol(identifier="MRN-unreached", birth_year=1950, sex="male")
    await clinic.visit(unreached, days=NEXT_WEEK)
    unwilling, _ = await somebody(clinic, days=NEXT_WEEK, wants_messages=False)
    answering, done = await somebody(clinic, days=NEXT_WEEK)
    survey = survey_of(answering, done) | {"language": "es"}
    assert (await clinic.system.post("/v1/surveys", json=survey, headers=new_key())).status_code == 201
    page = await shown(coordinator)
    assert "4 visits, 1 answered. 1 needs a link from you." in page.text
    assert f"{patient[:8]} born 1984, female" in page.text
    assert f"{unreached[:8]} born 1950, male" in page.text
    for words in ("2 no link yet", "1 does not want one", "1 answered", "in Spanish", "Send 1 link", "4 of 4 shown"):
        assert words in page.text
    assert page.named("form", action=f"/visits/{visit}/messages")
    assert page.text.count("Copy a link") == 1
    assert f"{unwilling[:8]}" in page.text
    assert page.named("a", href="/visits", **{"aria-current": "page"})


async def test_the_weeks_are_this_one_the_next_and_the_one_after_by_the_clocks_of_the_site(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patients = [await clinic.enrol(identifier=f"MRN-{days}") for days in (0, 7, 14, 21)]
    for patient, days in zip(patients, (0.001, 7, 14, 21), strict=True):
        await clinic.visit(patient, days=days)
    for week, name in enumerate(("This week", "Next week", "Visits in the week of")):
        page = await shown(coordinator, f"/visits?week={week}")
        assert name in page.text
        assert [patient[:8] in page.text for patient in patients] == [week == number for number in range(4)]
    assert (await coordinator.get("/visits?week=3")).status_code == 422


async def test_links_go_to_all_who_have_none_once_and_reminders_to_those_who_were_written_to_long_ago(
    clinic: Clinic, coordinator: httpx.AsyncClient, post: Post
) -> None:
    await follows(clinic, is_on=False)
    visits = [(await somebody(clinic, days=NEXT_WEEK))[1] for _ in range(3)]
    await shown(coordinator)
    for said in ("3 messages on the way.", "0 messages on the way."):
        answer = await coordinator.post("/visits/messages", data={"week": "1", "step": "send"})
        assert answer.status_code == 303
        assert said in (await shown(coordinator, answer.headers["location"])).text
    assert await count(clinic.intake, "link_delivery") == 3
    assert len(await post.goes()) == 3
    page = await shown(coordinator)
    assert "3 link sent" in page.text
    assert "not opened" in page.text
    assert "Remind" not in page.text
    await clinic.intake.state.database.run("UPDATE link_delivery SET ended_at = ended_at - interval '23 hours'")
    assert "Remind 3" in (await shown(coordinator)).text
    answer = await coordinator.post(f"/visits/{visits[0]}/messages", data={"week": "1"})
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {"week": ["1"], "sent": ["1"], "left": ["0"]}
    page = await shown(coordinator)
    assert "Remind 2" in page.text
    assert "message on its way" in page.text


async def test_who_may_have_been_written_to_is_not_offered_another_message_for_twenty_hours(
    clinic: Clinic, coordinator: httpx.AsyncClient, post: Post
) -> None:
    await follows(clinic, is_on=False)
    _, visit = await somebody(clinic, days=NEXT_WEEK)
    await post.by_hand(visit)
    post.memory.outcomes = [SendOutcome.NOT_KNOWN] * 2
    for _ in range(2):
        await post.goes()
        post.now.passes(minutes=2)
    assert await post.states(visit) == {"by-hand": ("not-known", "smtp-000")}
    async with client_of(clinic.intake) as phone:
        await phone.post(urlsplit(await clinic.link(visit)).path, data={"birth_year": ""})
    page = await shown(coordinator)
    assert "1 opened" in page.text
    assert "Remind" not in page.text
    assert "Send link now" not in (await shown(coordinator, f"/visits/{visit}")).text
    await clinic.intake.state.database.run("UPDATE link_delivery SET ended_at = ended_at - interval '23 hours'")
    assert "Remind 1" in (await shown(coordinator)).text
    answer = await coordinator.post("/visits/messages", data={"week": "1", "step": "remind"})
    assert "1 message on the way." in (await shown(coordinator, answer.headers["location"])).text


async def test_of_two_who_press_at_once_one_sends_and_the_other_is_told_why_not(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    _, visit = await somebody(clinic, days=NEXT_WEEK)
    assert (await coordinator.post(f"/visits/{visit}/messages", data={"week": ""})).headers["location"] == (
        f"/visits/{visit}"
    )
    page = read(await coordinator.post(f"/visits/{visit}/messages", data={"week": "1"}), 409)
    assert "Not done. A message went in the last 20 hours, or is about to go." in page.text
    assert await count(clinic.intake, "link_delivery") == 1


async def test_a_link_to_copy_is_shown_once_and_is_the_same_when_it_is_pressed_twice(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    visit = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    (key,) = {field["value"] for field in (await shown(coordinator, f"/visits/{visit}")).named("input", name="key")}
    pages = [read(await coordinator.post(f"/visits/{visit}/links", data={"key": str(key)})) for _ in range(2)]
    (first,), (second,) = [page.named("input", id="new-link") for page in pages]
    assert first["value"] == second["value"]
    assert await count(clinic.intake, "visit_link") == 1
    assert (await clinic.system.get(urlsplit(str(first["value"])).path)).status_code == 200
    page = await shown(coordinator, f"/visits/{visit}")
    assert not page.named("input", id="new-link")
    assert "link sent" in page.text


async def test_what_was_started_says_how_far_and_what_was_opened_says_when(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    visit = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    link = await clinic.link(visit)
    async with client_of(clinic.intake) as phone:
        assert (await phone.post(urlsplit(link).path, data={"birth_year": ""})).status_code == 303
        assert "1 opened" in (await shown(coordinator)).text
    saved = {"go": "save", "concern_1_words": "The cramps"}
    assert (await coordinator.post(f"/visits/{visit}/survey/parts/1", data=saved)).status_code == 204
    page = await shown(coordinator)
    assert re.search(r"started part 1 of 1\d, today \d\d:\d\d On paper or by phone", page.text)
    assert page.named("a", href=f"/visits/{visit}/survey")


async def test_a_visit_can_be_found_by_the_patients_number_the_clinician_and_the_state(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    found, _ = await somebody(clinic, days=NEXT_WEEK)
    other = await clinic.enrol(identifier="MRN-other", birth_year=1950)
    await clinic.visit(other, days=NEXT_WEEK)
    for query in (f"find={found[:8]}", "find=born+1984", "find=FEMALE+1984"):
        page = await shown(coordinator, f"{LIST_OF_NEXT_WEEK}&{query}")
        assert "1 of 2 shown" in page.text
        assert other[:8] not in page.text
    assert "2 of 2 shown" in (await shown(coordinator, f"{LIST_OF_NEXT_WEEK}&clinician=dr-1&survey=no-link")).text
    assert "No visit fits" in (await shown(coordinator, f"{LIST_OF_NEXT_WEEK}&clinician=dr-2")).text
    assert (await coordinator.get(f"{LIST_OF_NEXT_WEEK}&survey=nonsense")).status_code == 422


async def test_beside_the_list_stand_high_risk_and_the_last_import(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient, _ = await somebody(clinic, days=NEXT_WEEK)
    assert "None in the last 30 days." in (await shown(coordinator)).text
    await coordinator.put(f"/v1/patients/{patient}/high-risk", json={"reason": "steroids"})
    as_csv = {"content-type": "text/csv"}
    file = "patient,birth_year,sex,diagnosis\r\n"
    await clinic.system.post("/v1/imports?kind=patients&name=october.csv", content=file, headers=as_csv)
    page = await shown(coordinator)
    for words in ("high risk", "chris-kim flagged: steroids.", "No alert is open", "october.csv"):
        assert words in page.text


async def test_who_looked_is_on_record_for_the_site_and_each_patient(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patients = {(await somebody(clinic, days=NEXT_WEEK))[0] for _ in range(2)}
    before = len(await trail(clinic.intake))
    await shown(coordinator)
    rows = [row for row in (await trail(clinic.intake))[before:] if row["route"] == "show_visits"]
    assert {str(row["patient_id"]) for row in rows if row["patient_id"]} == patients
    assert all((row["subject"], row["kind"], row["site_id"]) == ("chris-kim", "read", SITE) for row in rows)


async def test_of_those_beside_the_list_only_who_is_shown_is_on_record(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patients = [await clinic.enrol(identifier=f"MRN-{number}") for number in range(8)]
    flagged, alerting = patients[:4], patients[4:]
    for patient in flagged:
        await coordinator.put(f"/v1/patients/{patient}/high-risk", json={"reason": "steroids"})
    for patient in alerting:
        survey = survey_of(patient, await clinic.visit(patient, days=30))
        survey["answers"] = {**survey["answers"], "pain_nrs": 9}
        assert (await clinic.system.post("/v1/surveys", json=survey, headers=new_key())).status_code == 201
    before = len(await trail(clinic.intake))
    assert (await shown(coordinator)).text.count("Show 1 more") == 2
    read_of = {str(row["patient_id"]) for row in (await trail(clinic.intake))[before:] if row["patient_id"]}
    assert read_of == {*flagged[:3], *alerting[:3]}


async def test_the_list_costs_the_same_number_of_statements_for_one_visit_and_for_thirty(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    counted = []
    for visits in (1, 29):
        for _ in range(visits):
            await somebody(clinic, days=NEXT_WEEK)
        await shown(coordinator)
        counted.append(await _statements(clinic, coordinator))
    assert 10 < counted[0] == counted[1] < 40


async def _statements(clinic: Clinic, coordinator: httpx.AsyncClient) -> int:
    """How many statements one look at the list runs."""
    seen = list[str]()
    async with clinic.intake.state.pool.acquire() as connection:
        connection.add_query_logger(lambda query: seen.append(query.query))
    await shown(coordinator)
    return len(seen)


async def test_somebody_of_two_sites_sees_one_at_a_time_and_its_links_name_it(clinic: Clinic, token: Tokens) -> None:
    patient, _ = await somebody(clinic, days=NEXT_WEEK)
    async with (
        clinic_of(clinic.intake, token, OTHER) as other,
        client_of(clinic.intake, token("coordinator", [SITE, OTHER])) as both,
    ):
        theirs, theirs_visit = await somebody(other, days=NEXT_WEEK)
        for site, seen, unseen in ((SITE, patient, theirs), (OTHER, theirs, patient)):
            page = await shown(both, f"{LIST_OF_NEXT_WEEK}&site={site}")
            assert (seen[:8] in page.text, unseen[:8] in page.text) == (True, False)
            assert page.named("a", href=f"/imports?site={site}")
        part = Document((await both.get(f"/visits/{theirs_visit}/survey/parts/1")).text)
        assert part.named("a", href=f"/visits/{theirs_visit}?site={OTHER}")
        answer = await both.post(f"/visits/messages?site={OTHER}", data={"week": "1", "step": "send"})
        assert f"site={OTHER}" in answer.headers["location"]
        assert {str(row["patient_id"]) for row in await rows_of(clinic.intake, "link_delivery")} == {theirs}
        assert (await both.post("/visits/messages", data={"week": "1", "step": "send"})).status_code == 400
        assert (await both.get("/visits?site=elsewhere")).status_code == 404
        template = await both.get(f"/v1/import-template?kind=visits&site={OTHER}")
        assert template.headers["content-type"].startswith("text/csv")


async def test_how_a_patient_is_reached_is_changed_on_a_page_of_their_visit(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient, visit = await somebody(clinic, days=NEXT_WEEK)
    path = f"/visits/{visit}/contact"
    assert "Reached by mail and by text message." in (await shown(coordinator, f"/visits/{visit}")).text
    form = await shown(coordinator, path)
    assert form.named("input", name="email", value=REACHED["email"])
    (wants,) = form.named("input", name="wants_messages", value="yes")
    assert "checked" in wants
    saved = await coordinator.post(path, data={"wants_messages": "yes", "email": "", "phone": " +13125550199 "})
    assert (saved.status_code, saved.headers["location"]) == (303, f"/visits/{visit}")
    kept = (await clinic.system.get(f"/v1/patients/{patient}/contact")).json()
    assert (kept["email"], kept["phone"], kept["wants_messages"]) == (None, "+13125550199", True)
    await coordinator.post(path, data={"wants_messages": "no", "phone": "+13125550199"})
    page = await shown(coordinator, f"/visits/{visit}")
    assert "Could be reached by text message, but wants no messages." in page.text


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"wants_messages": "yes", "email": "somebody at home"}, "email"),
        ({"wants_messages": "yes", "phone": "312 555 0123"}, "phone"),
        ({"wants_messages": "perhaps"}, "wants_messages"),
        ({"phone": "+13125550199"}, "wants_messages"),
        ({"wants_messages": "yes", "preferred": "pigeon"}, "preferred"),
    ],
)
async def test_what_is_no_address_is_marked_and_nothing_is_lost(
    clinic: Clinic, coordinator: httpx.AsyncClient, said: dict[str, str], wrong: str
) -> None:
    patient, visit = await somebody(clinic, days=NEXT_WEEK)
    form = read(await coordinator.post(f"/visits/{visit}/contact", data=said), 422)
    assert form.marked == {f"contact-{wrong}"}
    assert wrong not in ("email", "phone") or form.named("input", name=wrong, value=said[wrong])
    kept = (await clinic.system.get(f"/v1/patients/{patient}/contact")).json()
    assert kept["phone"] == REACHED["phone"]


@pytest.mark.parametrize("role", ["clinician", "system", "operator"])
async def test_the_list_is_for_coordinators(clinic: Clinic, token: Tokens, role: str) -> None:
    async with client_of(clinic.intake, token(role, [] if role == "operator" else [SITE])) as client:
        assert (await client.get("/visits")).status_code == 403
        assert (await client.post("/visits/messages", data={"week": "1", "step": "send"})).status_code == 403


async def test_what_is_not_there_is_not_found_and_what_is_not_said_is_not_done(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    for path in (f"/visits/{uuid4()}/messages", f"/visits/{uuid4()}/links"):
        assert (await coordinator.post(path, data={"week": "1"})).status_code == 404
    assert (await coordinator.get(f"/visits/{uuid4()}")).status_code == 404
    for said in ({"week": "1"}, {"step": "send"}, {"week": "9", "step": "send"}, {"week": "1", "step": "copy"}):
        assert (await coordinator.post("/visits/messages", data=said)).status_code == 422
    foreign = {"sec-fetch-site": "cross-site", "authorization": ""}
    assert (await coordinator.post("/visits/messages", data={"week": "1"}, headers=foreign)).status_code == 403


@pytest.mark.parametrize(("role", "home"), [("coordinator", "/visits"), ("clinician", "/alerts")])
async def test_who_signs_in_for_no_page_begins_where_the_role_works(
    clinic: Clinic, token: Tokens, role: str, home: str
) -> None:
    async with client_of(clinic.intake, token(role, [SITE])) as client:
        answer = await client.get("/signed-in")
        assert (answer.status_code, answer.headers["location"]) == (303, home)


async def test_a_coordinator_puts_the_patient_of_a_visit_on_the_high_risk_list_with_a_reason_and_takes_them_off(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id, visit_id = await somebody(clinic, days=NEXT_WEEK)
    path = f"/visits/{visit_id}"
    assert "This patient is not on the list." in (await shown(coordinator, path)).text
    for wrong in ({"reason": ""}, {"reason": "because"}, {"reason": "mood", "call_due_on": "soon"}):
        refused = read(await coordinator.post(f"{path}/high-risk", data=wrong), 422)
        assert "Not done. Choose a reason" in refused.text
    for said in ({"reason": "steroids", "call_due_on": ""}, {"reason": "mood", "call_due_on": "2026-10-20"}):
        answer = await coordinator.post(f"{path}/high-risk", data=said)
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    (listed,) = (await coordinator.get("/v1/high-risk")).json()["items"]
    assert (listed["patient_id"], listed["reason"], listed["call_due_on"], listed["flagged_by"]) == (
        patient_id,
        "mood",
        "2026-10-20",
        "chris-kim",
    )
    page = await shown(coordinator, path)
    assert "This patient is on the list: mood, call by 20 Oct 2026." in page.text
    assert "high risk" in page.text
    assert (await coordinator.post(f"{path}/high-risk/end")).status_code == 303
    assert (await coordinator.get("/v1/high-risk")).json()["items"] == []
    assert len(page.named("form", action=f"{path}/high-risk/end")) == 1
    assert (await shown(coordinator, path)).named("form", action=f"{path}/high-risk/end") == []
    for route in ("high-risk", "high-risk/end"):
        assert (await coordinator.post(f"/visits/{uuid4()}/{route}", data={"reason": "mood"})).status_code == 404
    rows = [await trail(clinic.intake, route=route) for route in ("flag_by_form", "unflag_by_form")]
    assert [[row["status"] for row in kept if row["kind"] == "write"] for kept in rows] == [[200, 200], [204]]
