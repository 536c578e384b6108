"""How patients are reached: said, sealed, changed, forgotten, and never told to anybody else."""

import asyncio
import logging
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from shared.keyring import KeyRing
from shared.sealing import NOT_READABLE_NOW, Patient, in_record
from tests.conftest import KeyRings, Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.held import held, until_waiting
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.post import ADDRESS, PHONE, REACHED, count, reach, somebody
from tests.services.intake.test_intake_links import at_rest
from tests.services.rings import away
from tests.services.streams import published
from tests.services.trails import trail


def path_of(patient_id: object) -> str:
    return f"/v1/patients/{patient_id}/contact"


async def test_what_was_said_is_shown_again_and_replaced_whole(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    said = REACHED | {"preferred": "sms", "language": "es"}
    await reach(clinic, patient_id, **said)
    shown = (await clinic.system.get(path_of(patient_id))).json()
    assert {name: shown[name] for name in said} == said
    await clinic.system.put(path_of(patient_id), json={"wants_messages": True, "phone": PHONE})
    shown = (await clinic.system.get(path_of(patient_id))).json()
    assert (shown["email"], shown["phone"], shown["preferred"], shown["language"]) == (None, PHONE, None, None)


async def test_addresses_are_sealed_for_their_place_and_stand_nowhere_else(
    clinic: Clinic, ring: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.DEBUG):
        patient_id, _ = await somebody(clinic)
        await clinic.system.get(path_of(patient_id))
    kept = await clinic.intake.state.database.value("SELECT addresses FROM contact")
    opens = await ring.opener(Patient(SITE, UUID(patient_id)))
    assert ADDRESS in (opens(kept, in_record(patient_id, "addresses")).text or "")
    assert opens(kept, in_record(patient_id, "words")) == NOT_READABLE_NOW
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    for place in (await at_rest(clinic.intake), str(logged), str(ours), str(await published(clinic.intake))):
        assert ADDRESS not in place
        assert PHONE not in place


async def test_forgetting_takes_the_addresses_and_keeps_that_somebody_wants_no_messages(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    await reach(clinic, patient_id, wants_messages=False)
    for _ in range(2):
        assert (await clinic.system.delete(path_of(patient_id))).status_code == 200
    shown = (await clinic.system.get(path_of(patient_id))).json()
    assert (shown["email"], shown["phone"], shown["wants_messages"]) == (None, None, False)
    assert await clinic.intake.state.database.value("SELECT addresses IS NULL FROM contact")


async def test_a_word_that_comes_while_somebody_forgets_the_addresses_stays(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    await reach(clinic, patient_id)
    async with held(clinic.intake, (SITE, patient_id)) as connection:
        forgetting = asyncio.create_task(clinic.system.delete(path_of(patient_id)))
        await until_waiting(clinic.intake)
        await connection.execute("UPDATE contact SET wants_messages = false")
    assert (await forgetting).status_code == 200
    shown = (await clinic.system.get(path_of(patient_id))).json()
    assert (shown["email"], shown["phone"], shown["wants_messages"]) == (None, None, False)


async def test_of_whom_nothing_was_said_there_is_nothing_to_show_or_forget(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    for somebody_else in (patient_id, uuid4()):
        assert (await clinic.system.get(path_of(somebody_else))).status_code == 404
        assert (await clinic.system.delete(path_of(somebody_else))).status_code == 404
    assert (await clinic.system.put(path_of(uuid4()), json=REACHED)).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "somebody"},
        {"email": "a@example.org\r\nbcc: b@example.org"},
        {"email": "a@example.org\n"},
        {"email": "A <a@example.org>"},
        {"phone": "555-0188"},
        {"phone": "+1 312 555 0188"},
        {"preferred": "pigeon"},
        {"wants_messages": "no"},
        {"name": "Quagga"},
    ],
)
async def test_what_is_no_address_is_refused_and_not_said_again(clinic: Clinic, wrong: dict[str, Any]) -> None:
    patient_id = await clinic.enrol()
    answer = await clinic.system.put(path_of(patient_id), json=REACHED | wrong)
    assert answer.status_code == 422
    assert ADDRESS not in answer.text
    assert await count(clinic.intake, "contact") == 0


async def test_without_the_key_ring_no_address_is_kept_or_shown(clinic: Clinic, keyring_of: KeyRings) -> None:
    known, other = await clinic.enrol(), await clinic.enrol(identifier="MRN-2")
    await reach(clinic, known)
    async with away(keyring_of):
        assert (await clinic.system.put(path_of(other), json=REACHED)).status_code == 503
        assert (await clinic.system.put(path_of(other), json={"wants_messages": False})).status_code == 200
    assert await clinic.intake.state.database.value("SELECT count(addresses) FROM contact") == 1


async def test_only_the_sites_own_staff_see_addresses_and_each_look_is_on_record(clinic: Clinic, token: Tokens) -> None:
    patient_id = await clinic.enrol()
    await reach(clinic, patient_id)
    for role in ("clinician", "operator"):
        async with client_of(clinic.intake, token(role, [SITE])) as client:
            assert (await client.get(path_of(patient_id))).status_code == 403
    async with client_of(clinic.intake, token("patient", [SITE], patient_id=UUID(patient_id))) as patient:
        assert (await patient.get(path_of(patient_id))).status_code == 403
    async with client_of(clinic.intake, token("coordinator", [OTHER])) as stranger:
        assert (await stranger.get(path_of(patient_id))).status_code == 404
    await clinic.system.get(path_of(patient_id))
    await clinic.system.delete(path_of(patient_id))
    routes = ("put_contact", "read_contact", "forget_contact")
    rows = [row for row in await trail(clinic.intake, role="system") if row["route"] in routes]
    assert [(row["route"], row["kind"], str(row["patient_id"])) for row in rows] == [
        ("put_contact", "write", patient_id),
        ("read_contact", "read", patient_id),
        ("forget_contact", "write", patient_id),
    ]


async def test_an_erased_patient_cannot_be_reached_and_nothing_of_it_is_left(clinic: Clinic) -> None:
    patient_id, visit_id = await somebody(clinic)
    path = f"/v1/visits/{visit_id}/deliveries"
    assert (await clinic.system.post(path, json={}, headers=new_key())).status_code == 201
    body = {"reason": "patient-request", "confirm_patient_id": patient_id}
    await clinic.system.post(f"/v1/patients/{patient_id}/erasure", json=body, headers=new_key())
    assert [await count(clinic.intake, table) for table in ("contact", "link_delivery")] == [0, 0]
    assert (await clinic.system.get(path_of(patient_id))).status_code == 404
    assert (await clinic.system.put(path_of(patient_id), json=REACHED)).status_code == 410
