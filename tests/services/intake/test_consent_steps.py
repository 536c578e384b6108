"""The steps of consent through intake's door: invitations, decisions with text and mode, and who may see them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain import ConsentText, check_invitation, check_text, next_invitation
from services.intake.domain.consent import MOST_INVITATIONS
from shared.errors import Problem
from shared.events import ConsentState, Language
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import PERSON, SITE_BODY, Clinic
from tests.services.intake.conftest import OTHER

FIRST = date(2026, 3, 2)
TEXT = {"version": "2026-1", "language": "en", "sha256": "ab" * 32, "valid_from": "2026-01-01"}
SHOWN = {"version": "2026-1", "language": "en"}
# Whatever the time, at one of them it is another day than in UTC.
WEST, EAST = "Etc/GMT+12", "Pacific/Kiritimati"


async def posted(clinic: Clinic, path: str, body: Any) -> Any:
    return await clinic.system.post(path, json=body, headers=new_key())


async def steps(clinic: Clinic, patient_id: str) -> list[dict[str, Any]]:
    answer = await clinic.system.get(f"/v1/patients/{patient_id}/consent")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["steps"])


async def today_in(clinic: Clinic, zone: str) -> date:
    """The day at the clinic, whose clocks are those of this zone from now on."""
    moved = await clinic.system.put(f"/v1/sites/{clinic.site}", json=SITE_BODY | {"time_zone": zone})
    assert moved.status_code == 200, moved.text
    return datetime.now(ZoneInfo(zone)).date()


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


@pytest.mark.parametrize("zone", [WEST, EAST])
async def test_what_is_given_without_a_day_is_of_the_day_on_the_sites_clocks(clinic: Clinic, zone: str) -> None:
    today = await today_in(clinic, zone)
    long_ago = await clinic.enrol(identifier="MRN-2", enrolled_on=(today - timedelta(days=20)).isoformat())
    patient_id = await clinic.enrol()
    assert (await posted(clinic, f"/v1/patients/{long_ago}/invitations", {})).status_code == 201
    consented = {"state": "consented", "decided_on": today.isoformat()}
    assert (await posted(clinic, f"/v1/patients/{patient_id}/consent", consented)).status_code == 201
    withdrawn = {"state": "withdrawn", "reason": "privacy"}
    assert (await posted(clinic, f"/v1/patients/{patient_id}/consent", withdrawn)).status_code == 201
    days = [step["decided_on"] for step in await steps(clinic, patient_id)]
    days += [(await steps(clinic, long_ago))[-1]["decided_on"]]
    assert days == [today.isoformat()] * 4


@pytest.mark.parametrize("zone", [WEST, EAST])
async def test_nobody_was_enrolled_or_has_decided_on_a_day_that_is_still_to_come(clinic: Clinic, zone: str) -> None:
    tomorrow = (await today_in(clinic, zone) + timedelta(days=1)).isoformat()
    answer = await posted(clinic, "/v1/patients", PERSON | {"identifier": "MRN-2", "enrolled_on": tomorrow})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["enrolled_on"])
    path = f"/v1/patients/{await clinic.enrol()}/consent"
    answer = await posted(clinic, path, {"state": "consented", "decided_on": tomorrow})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "decided_on")
    assert "not still to come" in error["expected"]
    assert (await posted(clinic, path, {"state": "consented"})).status_code == 201
    assert (await posted(clinic, path, {"state": "withdrawn", "reason": "privacy"})).status_code == 201


@pytest.mark.parametrize("zone", [WEST, EAST])
async def test_a_text_is_in_force_from_its_first_day_on_the_sites_clocks(clinic: Clinic, zone: str) -> None:
    today = await today_in(clinic, zone)
    for version, valid_from in (("today", today), ("tomorrow", today + timedelta(days=1))):
        text = TEXT | {"version": version, "valid_from": valid_from.isoformat()}
        assert (await posted(clinic, "/v1/consent-texts", text)).status_code == 201
    path = f"/v1/patients/{await clinic.enrol()}/consent"
    decision = {"state": "consented", "text": SHOWN | {"version": "tomorrow"}}
    assert kind_of(await posted(clinic, path, decision)) == "consent-text-unknown"
    assert (await posted(clinic, path, decision | {"text": SHOWN | {"version": "today"}})).status_code == 201


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
