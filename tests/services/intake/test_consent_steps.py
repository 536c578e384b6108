"""The steps of consent through intake's door: invitations, decisions with text and mode, and who may see them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.intake.domain import ConsentText, check_invitation, check_text, next_invitation
from services.intake.domain.consent import MOST_INVITATIONS
from shared.errors import Problem
from shared.events import ConsentState, Language
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.intake.conftest import OTHER

FIRST = date(2026, 3, 2)
TEXT = {"version": "2026-1", "language": "en", "sha256": "ab" * 32, "valid_from": "2026-01-01"}
SHOWN = {"version": "2026-1", "language": "en"}


async def posted(clinic: Clinic, path: str, body: Any) -> Any:
    return await clinic.system.post(path, json=body, headers=new_key())


async def steps(clinic: Clinic, patient_id: str) -> list[dict[str, Any]]:
    answer = await clinic.system.get(f"/v1/patients/{patient_id}/consent")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["steps"])


def kind_of(answer: Any) -> str:
    assert answer.status_code == 409, answer.text
    return str(answer.json()["type"]).rpartition(":")[2]


async def test_every_step_is_kept_with_its_mode_its_text_and_who_recorded_it(clinic: Clinic) -> None:
    assert (await posted(clinic, "/v1/consent-texts", TEXT)).status_code == 201
    patient_id = await clinic.enrol(enrolled_on="2026-03-02", consent_mode="paper")
    decision = {"state": "consented", "decided_on": "2026-03-04", "mode": "phone", "text": SHOWN}
    assert (await posted(clinic, f"/v1/patients/{patient_id}/consent", decision)).status_code == 201
    first, second = await steps(clinic, patient_id)
    assert (first["state"], first["mode"], first["text"]) == ("invited", "paper", None)
    assert (second["state"], second["mode"], second["text"]) == ("consented", "phone", SHOWN)
    assert second["recorded_by"] == "system-of-the-demo"
    assert datetime.fromisoformat(second["recorded_at"]) <= datetime.now(UTC)


async def test_who_has_not_decided_is_invited_again_once_and_not_twice_on_a_day(clinic: Clinic) -> None:
    patient_id = await clinic.enrol(enrolled_on="2026-03-02")
    again = await posted(clinic, f"/v1/patients/{patient_id}/invitations", {"mode": "phone"})
    assert (again.status_code, again.json()["receipt"]) == (201, None), "no other service needs to hear of it"
    assert kind_of(await posted(clinic, f"/v1/patients/{patient_id}/invitations", {})) == "invited-too-soon"
    assert [step["state"] for step in await steps(clinic, patient_id)] == ["invited", "invited"]


async def test_who_was_enrolled_today_or_has_decided_is_not_invited_again(clinic: Clinic) -> None:
    today = await clinic.enrol()
    assert kind_of(await posted(clinic, f"/v1/patients/{today}/invitations", {})) == "invited-too-soon"
    decided = await clinic.enrol(identifier="MRN-2", enrolled_on="2026-03-02", consent="consented")
    assert kind_of(await posted(clinic, f"/v1/patients/{decided}/invitations", {})) == "already-decided"


def test_a_patient_is_invited_a_few_times_and_two_weeks_apart() -> None:
    invited = [FIRST + timedelta(days=14 * number) for number in range(MOST_INVITATIONS)]
    for number in range(1, MOST_INVITATIONS):
        check_invitation(ConsentState.INVITED, invited[:number], invited[number])
        with pytest.raises(Problem, match="Invite again from"):
            check_invitation(ConsentState.INVITED, invited[:number], invited[number] - timedelta(days=1))
    with pytest.raises(Problem, match="Leave it at that"):
        check_invitation(ConsentState.INVITED, invited, date(2030, 1, 1))
    assert next_invitation(ConsentState.INVITED, invited[:1]) == invited[1]
    assert next_invitation(ConsentState.INVITED, invited) is None
    assert next_invitation(ConsentState.DISSENTED, invited[:1]) is None


async def test_where_a_site_has_texts_consent_names_one_of_its_day(clinic: Clinic) -> None:
    await posted(clinic, "/v1/consent-texts", [TEXT, TEXT | {"version": "2026-2", "valid_from": "2026-06-01"}])
    patient_id = await clinic.enrol(enrolled_on="2026-03-02")
    path, day = f"/v1/patients/{patient_id}/consent", {"state": "consented", "decided_on": "2026-03-04"}
    assert kind_of(await posted(clinic, path, day)) == "consent-text-required"
    later = day | {"text": SHOWN | {"version": "2026-2"}}
    assert kind_of(await posted(clinic, path, later)) == "consent-text-unknown"
    assert kind_of(await posted(clinic, path, day | {"text": SHOWN | {"language": "es"}})) == "consent-text-unknown"
    assert [step["state"] for step in await steps(clinic, patient_id)] == ["invited"]
    assert (await posted(clinic, path, day | {"text": SHOWN})).status_code == 201


def test_a_dissent_needs_no_text() -> None:
    check_text(None, [ConsentText("1", Language.ENGLISH)], ConsentState.DISSENTED)


async def test_a_consent_text_is_never_changed(clinic: Clinic) -> None:
    assert (await posted(clinic, "/v1/consent-texts", TEXT)).status_code == 201
    assert (await posted(clinic, "/v1/consent-texts", TEXT)).status_code == 201, "the same again changes nothing"
    assert kind_of(await posted(clinic, "/v1/consent-texts", TEXT | {"sha256": "cd" * 32})) == "consent-text-kept"
    assert (await clinic.system.get("/v1/consent-texts")).json() == {"items": [TEXT]}


async def test_the_texts_of_another_site_do_not_count(clinic: Clinic, token: Tokens) -> None:
    await posted(clinic, "/v1/consent-texts", TEXT)
    async with client_of(clinic.intake, token("coordinator", [OTHER])) as other:
        assert (await other.get("/v1/consent-texts")).json() == {"items": []}


async def test_an_erased_patient_leaves_no_steps(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    body = {"reason": "patient-request", "confirm_patient_id": patient_id}
    assert (await posted(clinic, f"/v1/patients/{patient_id}/erasure", body)).status_code == 201
    assert await clinic.intake.state.database.value("SELECT count(*) FROM consent_step") == 0
    assert (await clinic.system.get(f"/v1/patients/{patient_id}/consent")).status_code == 404
