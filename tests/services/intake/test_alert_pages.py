"""Alerts in a browser: the list, one alert, and its forms, without a script."""

from uuid import uuid4

import httpx
import pytest

from services.intake.app import create_app
from shared.settings import SignIn
from tests.conftest import Tokens, client_of
from tests.markup import Document
from tests.services.intake.alerted import SITE, Alerted


def read(answer: httpx.Response, status: int = 200) -> Document:
    """A page of ours, which a browser shows whole under our policy."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    document = Document(answer.text)
    assert document.needs_more_than_the_policy_allows() == []
    assert document.named("form", method="post", action="/sign-out")
    return document


async def test_the_list_says_who_waits_how_long_and_lets_somebody_take_it(alerted: Alerted) -> None:
    assert "No alert is open" in read(await alerted.coordinator.get("/alerts")).text
    alert = await alerted.alert()
    alerted.clock.go_on(hours=3, minutes=28)
    page = read(await alerted.coordinator.get("/alerts"))
    assert "nobody has it, 3 h 28 min" in page.text
    assert "Severe pain" in page.text
    assert f"{alert['patient_id'][:8]}, born 1984" in page.text
    (form,) = (one for one in page.named("form") if str(one["action"]).endswith("/take"))
    answer = await alerted.coordinator.post(str(form["action"]), data={"version": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{alert['id']}")
    assert "j-ortiz has it" in read(await alerted.coordinator.get("/alerts")).text


async def test_one_alert_shows_the_answer_the_rule_with_its_source_and_what_was_done(alerted: Alerted) -> None:
    alert = await alerted.alert({"pain_nrs": 10})
    path = f"/alerts/{alert['id']}"
    for step, data in (
        ("take", {"version": "1"}),
        ("hand-over", {"version": "2", "to": "dr-rowe"}),
        ("close", {"version": "3", "outcome": "called", "note": "Better since noon (synthetic)"}),
    ):
        assert (await alerted.coordinator.post(f"{path}/{step}", data=data)).status_code == 303
    page = read(await alerted.coordinator.get(path))
    for words in (
        "10 of 10: Worst possible",
        "How strong was your pain, anywhere?",
        "8 or more severe-pain, version 1.0",
        "Serlin 1995",
        "called the patient",
        "j-ortiz gave it to dr-rowe",
        "j-ortiz closed it: called the patient Better since noon (synthetic)",
    ):
        assert words in page.text
    forms = ["/sign-out", f"{path}/reopen", f"/high-risk/{alert['patient_id']}"]
    assert [form["action"] for form in page.named("form")] == forms


async def test_what_was_asked_and_answered_is_said_in_the_language_that_the_reader_chose(alerted: Alerted) -> None:
    alert = await alerted.alert({"pain_nrs": 10})
    assert (alert["language"], alert["chosen"]) == ("en", "10 of 10: Worst possible"), "JSON stays in English"
    for path in ("/alerts", f"/alerts/{alert['id']}"):
        page = read(await alerted.coordinator.get(path, params={"lang": "es"}))
        assert page.named("b" if alert["id"] in path else "span", lang="es")
        assert "10 de 10: El peor posible" in page.text
        assert "10 of 10" not in page.text


@pytest.mark.parametrize("role", ["coordinator", "clinician"])
async def test_the_patient_of_an_alert_is_put_on_the_high_risk_list_and_taken_off(
    alerted: Alerted, token: Tokens, role: str
) -> None:
    alert = await alerted.alert()
    at, flag = f"/alerts/{alert['id']}", f"/high-risk/{alert['patient_id']}"
    async with client_of(alerted.clinic.intake, token(role, [SITE], subject="somebody")) as client:
        assert "This patient is not on the list." in read(await client.get(at)).text
        wrong = read(
            await client.post(flag, data={"alert": alert["id"], "reason": "steroids", "call_due_on": "soon"}), 422
        )
        assert "Choose a reason" in wrong.text
        said = {"alert": alert["id"], "reason": "steroids", "call_due_on": "2026-12-24"}
        flagged = await client.post(flag, data=said)
        assert (flagged.status_code, flagged.headers["location"]) == (303, at)
        again = read(await client.get(at))
        assert "This patient is on the list: steroids, call by 24 Dec 2026." in again.text
        assert again.named("input", name="call_due_on", value="2026-12-24"), "kept by whoever changes the reason"
        (steroids,) = again.named("option", value="steroids")
        assert "selected" in steroids
        page = read(await client.get("/alerts"))
        assert "somebody flagged: steroids." in page.text
        assert page.named("form", action=f"{flag}/end")
        for body, location in (({"alert": alert["id"]}, at), ({"alert": "no alert"}, "/alerts")):
            ended = await client.post(f"{flag}/end", data=body)
            assert (ended.status_code, ended.headers["location"]) == (303, location)
        assert "Nobody is on the list" in read(await client.get("/alerts")).text
        assert (await client.post(f"/high-risk/{uuid4()}", data=said)).status_code == 404
        assert (await client.post(flag, data={"reason": "none"})).status_code == 422


async def test_an_alert_whose_survey_was_entered_in_error_stays_open_and_says_so(alerted: Alerted) -> None:
    alert = await alerted.alert()
    assert "entered in error" not in read(await alerted.coordinator.get(f"/alerts/{alert['id']}")).text
    await alerted.in_error(alert["survey_id"])
    for path in ("/alerts", f"/alerts/{alert['id']}"):
        page = read(await alerted.coordinator.get(path))
        assert "nobody has it" in page.text
        assert "entered in error" in page.text


@pytest.mark.parametrize(
    ("step", "data", "status", "said"),
    [
        ("take", {"version": "7"}, 409, "Somebody was faster"),
        ("take", {"version": ""}, 422, "Something is missing"),
        ("hand-over", {"version": "1", "to": "  "}, 422, "Something is missing"),
        ("close", {"version": "1"}, 422, "Something is missing"),
        ("reopen", {"version": "1"}, 409, "Only a closed alert can be reopened"),
    ],
)
async def test_what_cannot_be_done_is_said_on_the_page_of_the_alert_as_it_stands(
    alerted: Alerted, step: str, data: dict[str, str], status: int, said: str
) -> None:
    alert = await alerted.alert()
    page = read(await alerted.coordinator.post(f"/alerts/{alert['id']}/{step}", data=data), status)
    assert "Not done." in page.text
    assert said in page.text
    assert page.named("input", name="version", value="1")


async def test_the_high_risk_list_stands_beside_it_and_a_call_that_is_overdue_says_so(alerted: Alerted) -> None:
    due = {"reason": "high-stoma-output", "call_due_on": "2026-10-09"}
    await alerted.coordinator.put(f"/v1/patients/{await alerted.patient()}/high-risk", json=due)
    huddle = {"list_manager": "j-ortiz", "next_at": "2199-10-14T08:00:00-05:00"}
    await alerted.coordinator.put(f"/v1/sites/{SITE}/huddle", json=huddle)
    page = read(await alerted.coordinator.get("/alerts"))
    assert "High-risk list 1 person" in page.text
    assert "j-ortiz flagged: high stoma output." in page.text
    assert "call was due 9 Oct 2026" in page.text
    assert "j-ortiz keeps it, next huddle Mon 14 Oct 08:00" in page.text


async def test_an_alert_that_is_not_there_is_not_found_and_a_patient_sees_none(alerted: Alerted, token: Tokens) -> None:
    path = f"/alerts/{uuid4()}"
    assert (await alerted.coordinator.get(path)).status_code == 404
    assert (await alerted.coordinator.post(f"{path}/take", data={"version": "1"})).status_code == 404
    patient_id = uuid4()
    async with client_of(alerted.clinic.intake, token("patient", [SITE], patient_id=patient_id)) as patient:
        assert (await patient.get("/alerts")).status_code == 403


async def test_a_form_of_another_site_does_nothing(alerted: Alerted) -> None:
    alert = await alerted.alert()
    foreign = {"sec-fetch-site": "cross-site", "authorization": ""}
    answer = await alerted.coordinator.post(f"/alerts/{alert['id']}/take", data={"version": "1"}, headers=foreign)
    assert answer.status_code == 403
    assert (await alerted.one(alert["id"]))["state"] == "open"


async def test_who_has_no_session_is_led_to_the_staffs_sign_in_and_from_a_patients_page_is_not(
    alerted: Alerted,
) -> None:
    staff = SignIn(issuer="https://sso.samepage.test", client_id="samepage-intake")
    settings = alerted.clinic.intake.state.settings.model_copy(update={"sign_in": staff})
    intake = create_app(settings)
    async with intake.router.lifespan_context(intake), client_of(intake) as browser:
        browser.headers["accept"] = "text/html"
        led = await browser.get("/alerts")
        assert (led.status_code, led.headers["location"]) == (303, "/sign-in?to=%2Falerts")
        for path in ("/start", "/hand-over?to=dashboard"):
            closed = await browser.get(path)
            assert (closed.status_code, "use the link from your clinic again" in closed.text) == (401, True)
        assert "Puede cerrar esta página" in (await browser.get("/signed-out")).text


async def test_the_list_says_how_many_surveys_alert_beside_the_target_and_whether_nobody_is_told(
    alerted: Alerted,
) -> None:
    page = read(await alerted.coordinator.get("/alerts")).text
    assert "No survey in the last 30 days. The target is under 10%" in page
    assert "Nobody is told of alerts." in page
    await alerted.alert()
    page = read(await alerted.coordinator.get("/alerts")).text
    assert "1 of 1 survey of the last 30 days raised an alert, 100%. over the target" in page
    for _ in range(11):
        await alerted.survey(await alerted.patient(), {})
    await alerted.coordinator.put(f"/v1/sites/{SITE}/alert-notices", json={"addresses": ["nurse@clinic.example"]})
    page = read(await alerted.coordinator.get("/alerts")).text
    assert "1 of 12 surveys of the last 30 days raised an alert, 8%. within the target" in page
    assert "Nobody is told" not in page
