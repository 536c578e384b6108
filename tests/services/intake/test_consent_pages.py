"""A patient's network consent on a page without a script: how it stands, its steps, and the next one recorded."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.events import EnrollmentUpdated
from shared.pages.words import on
from tests.conftest import Tokens, client_of, new_key
from tests.markup import Document
from tests.services.clinic import Clinic, clinic_of, today
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.test_visit_pages import read
from tests.services.streams import published
from tests.services.trails import trail

LONG_AGO = "2026-01-05"


async def steps(clinic: Clinic, patient_id: str) -> list[dict[str, Any]]:
    return list((await clinic.system.get(f"/v1/patients/{patient_id}/consent")).json()["steps"])


async def shown(coordinator: httpx.AsyncClient, patient_id: str) -> Document:
    return read(await coordinator.get(f"/patients/{patient_id}"))


async def told(clinic: Clinic) -> list[str]:
    """The consent that others were told of, in its order."""
    bodies = [one.body for one in await published(clinic.intake)]
    return [body.consent for body in bodies if isinstance(body, EnrollmentUpdated)]


def offered(page: Document) -> list[str | None]:
    """The decisions that the page offers."""
    return [one["value"] for one in page.named("input", name="state")]


async def decided(coordinator: httpx.AsyncClient, patient_id: str, **said: str) -> httpx.Response:
    """The answer to the form of a decision, sent as a browser sends it."""
    form = {"key": uuid4().hex, "state": "", "decided_on": "", "reason": "", "mode": ""} | said
    return await coordinator.post(f"/patients/{patient_id}/consent", data=form)


async def test_what_a_patient_decides_is_recorded_step_by_step_and_only_what_may_follow_is_offered(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO)
    page = await shown(coordinator, patient_id)
    assert "Invited, has not decided since 5 Jan 2026." in page.text
    assert "Consent is for the network only. Care, the survey and the page go on" in page.text
    assert offered(page) == ["consented", "dissented"]
    answer = await decided(coordinator, patient_id, state="consented", decided_on="2026-02-02", mode="paper")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/patients/{patient_id}#h-consent")
    page = await shown(coordinator, patient_id)
    assert "Consented since 2 Feb 2026." in page.text
    assert "2 Feb 2026: Consented, on paper. recorded by chris-kim," in page.text
    assert offered(page) == ["withdrawn"]
    answer = await decided(coordinator, patient_id, state="withdrawn", reason="privacy", mode="phone")
    assert answer.status_code == 303
    today = on(date.fromisoformat((await steps(clinic, patient_id))[-1]["decided_on"]))
    page = await shown(coordinator, patient_id)
    assert f"{today}: Withdrew, by phone. Privacy. recorded by chris-kim," in page.text
    assert offered(page) == ["consented"]
    assert [(step["state"], step["reason"], step["mode"]) for step in await steps(clinic, patient_id)] == [
        ("invited", None, None),
        ("consented", None, "paper"),
        ("withdrawn", "privacy", "phone"),
    ]
    assert await told(clinic) == ["invited", "consented", "withdrawn"]


async def test_pressed_twice_a_decision_is_one_step(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO)
    (key,) = {field["value"] for field in (await shown(coordinator, patient_id)).named("input", name="key")}
    for _ in range(2):
        assert (await decided(coordinator, patient_id, key=str(key), state="dissented")).status_code == 303
    assert [step["state"] for step in await steps(clinic, patient_id)] == ["invited", "dissented"]
    page = read(await decided(coordinator, patient_id, key=str(key), state="consented"), 409)
    assert "This form was sent before, and is another one now." in page.text


@pytest.mark.parametrize(
    ("said", "status", "wrong", "words"),
    [
        ({"state": ""}, 422, "state", "Not saved."),
        ({"state": "maybe"}, 422, "state", "Not saved."),
        ({"state": "dissented", "mode": "pigeon"}, 422, "mode", "Not saved."),
        ({"state": "dissented", "reason": "no idea"}, 422, "reason", "Not saved."),
        ({"state": "dissented", "decided_on": "soon"}, 422, "decided_on", "Not saved."),
        ({"state": "dissented", "decided_on": "2025-12-31"}, 409, "decided_on", "before the last one, of 5 Jan 2026"),
        ({"state": "consented", "reason": "privacy"}, 409, "reason", "Consent needs no reason."),
        ({"state": "withdrawn", "reason": "privacy"}, 409, "", "Consent that is invited can become consented or"),
    ],
)
async def test_what_is_refused_is_told_in_words_beside_what_was_said(
    clinic: Clinic, coordinator: httpx.AsyncClient, said: dict[str, str], status: int, wrong: str, words: str
) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO)
    page = read(await decided(coordinator, patient_id, **said), status)
    assert words in page.text
    assert page.marked == ({f"decision-{wrong}"} if wrong else set())
    assert page.named("input", name="decided_on", value=said.get("decided_on", ""))
    assert [one for one in page.named("details") if "open" in one]
    assert len(await steps(clinic, patient_id)) == 1


async def test_who_withdraws_says_why_and_nobody_decides_on_a_day_to_come(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO, consent="consented")
    page = read(await decided(coordinator, patient_id, state="withdrawn"), 409)
    assert "Not done. Who withdraws gives a reason." in page.text
    assert page.marked == {"decision-reason"}
    to_come = today() + timedelta(days=2)
    late = {"state": "withdrawn", "reason": "other", "decided_on": to_come.isoformat()}
    page = read(await decided(coordinator, patient_id, **late), 422)
    assert "This day is still to come." in page.text
    assert page.marked == {"decision-decided_on"}


async def test_who_consents_names_one_of_the_sites_texts(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO)
    for version, valid_from in (("1", "2026-01-01"), ("2", "2150-01-01")):
        text = {"version": version, "language": "es", "sha256": "0a" * 32, "valid_from": valid_from}
        assert (await clinic.system.post("/v1/consent-texts", json=text, headers=new_key())).status_code == 201
    for named in ("", "2|es"):
        page = read(await decided(coordinator, patient_id, state="consented", text=named), 409)
        assert page.marked == {"decision-text"}
    assert (await decided(coordinator, patient_id, state="consented", text="1|es")).status_code == 303
    assert "Consented, text 1 (es)." in (await shown(coordinator, patient_id)).text
    assert (await steps(clinic, patient_id))[-1]["text"] == {"version": "1", "language": "es"}


async def test_who_has_not_decided_is_invited_again_when_it_is_time_and_not_too_often(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO)
    path = f"/patients/{patient_id}/invitations"
    assert (await shown(coordinator, patient_id)).named("form", action=path)
    wrong = read(await coordinator.post(path, data={"mode": "pigeon"}), 422)
    assert wrong.marked == {"invitation-mode"}
    for _ in range(2):
        answer = await coordinator.post(path, data={"key": "one-form", "mode": "phone"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/patients/{patient_id}#h-consent")
    assert [(step["state"], step["mode"]) for step in await steps(clinic, patient_id)] == [
        ("invited", None),
        ("invited", "phone"),
    ]
    today = date.fromisoformat((await steps(clinic, patient_id))[-1]["decided_on"])
    page = await shown(coordinator, patient_id)
    assert f"{on(today)}: Invited, by phone." in page.text
    assert f"The last invitation was on {on(today)}." in page.text
    assert f"Invite again from {on(today + timedelta(days=14))} on." in page.text
    assert page.named("form", action=path) == []
    refused = read(await coordinator.post(path, data={"key": "another-form", "mode": "phone"}), 409)
    assert "Not done. The last invitation was on" in refused.text
    await decided(coordinator, patient_id, state="dissented")
    page = await shown(coordinator, patient_id)
    assert page.named("form", action=path) == []
    assert "invite" not in page.text.lower().partition("record what")[2]
    refused = read(await coordinator.post(path, data={"key": "a-third-form"}), 409)
    assert "The patient has decided" in refused.text
    assert await told(clinic) == ["invited", "dissented"]


async def test_the_consent_of_another_sites_patient_is_not_there(
    clinic: Clinic, coordinator: httpx.AsyncClient, token: Tokens
) -> None:
    async with clinic_of(clinic.intake, token, OTHER) as other:
        theirs = await other.enrol(enrolled_on=LONG_AGO)
        for patient_id in (theirs, str(uuid4())):
            assert (await decided(coordinator, patient_id, state="consented")).status_code == 404
            invited = await coordinator.post(f"/patients/{patient_id}/invitations", data={"mode": "phone"})
            assert invited.status_code == 404
        assert len(await steps(other, theirs)) == 1


@pytest.mark.parametrize("role", ["clinician", "system", "operator"])
async def test_consent_is_recorded_on_pages_by_coordinators(clinic: Clinic, token: Tokens, role: str) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO)
    async with client_of(clinic.intake, token(role, [] if role == "operator" else [SITE])) as client:
        assert (await decided(client, patient_id, state="consented")).status_code == 403
        assert (await client.post(f"/patients/{patient_id}/invitations", data={"mode": "phone"})).status_code == 403


async def test_each_step_and_each_that_was_refused_is_on_record(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = await clinic.enrol(enrolled_on=LONG_AGO)
    for _ in range(2):
        await decided(coordinator, patient_id, state="dissented")
    rows = [row for row in await trail(clinic.intake) if row["route"] == "decide_by_form"]
    assert [(row["kind"], row["status"], str(row["patient_id"]), row["subject"]) for row in rows] == [
        ("write", 201, patient_id, "chris-kim"),
        ("refused", 409, patient_id, "chris-kim"),
        ("read", 200, patient_id, "chris-kim"),
    ]
