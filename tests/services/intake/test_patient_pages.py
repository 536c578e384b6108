"""Patients on pages without a script: somebody new with a first visit, and another visit of one who is here."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from shared.events import TOPIC_OF
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import Clinic, clinic_of, today
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.post import count, rows_of
from tests.services.intake.test_visit_pages import read
from tests.services.streams import published
from tests.services.trails import trail

NEW = "/patients/new"
SOMEBODY = {
    "key": "a-form-of-a-test",
    "identifier": "MRN-77",
    "birth_year": "1984",
    "sex": "female",
    "diagnosis": "crohns-disease",
    "language": "es",
    "education": "high-school",
    "enrolled_on": "",
    "consent": "invited",
    "consent_mode": "",
    "wants_messages": "",
    "email": "",
    "phone": "",
    "clinician_id": "",
    "scheduled_at": "",
}
REACHED = {"wants_messages": "yes", "email": "quagga.synthetic@example.org"}
BOOKED = {"clinician_id": "dr-1", "scheduled_at": "2027-01-14T09:30"}


def id_in(answer: httpx.Response, page: str) -> str:
    """The id of what one is led to."""
    assert answer.status_code == 303, answer.text
    path = urlsplit(answer.headers["location"]).path
    assert path.startswith(f"/{page}/"), path
    return path.rpartition("/")[2]


async def topics(clinic: Clinic) -> list[str]:
    """What was told of patients, in its order."""
    return [TOPIC_OF[type(one.body)].name for one in await published(clinic.intake) if one.key != clinic.site]


async def test_a_patient_comes_in_with_a_first_visit_by_the_clocks_of_the_site(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    assert read(await coordinator.get("/visits")).named("a", href=NEW)
    assert read(await coordinator.get(NEW)).named("input", name="key")
    before = today()
    visit_id = id_in(await coordinator.post(NEW, data=SOMEBODY | REACHED | BOOKED), "visits")
    visit = (await clinic.system.get(f"/v1/visits/{visit_id}")).json()
    assert visit["scheduled_at"] == "2027-01-14T15:30:00Z"
    assert (visit["clinician_id"], visit["state"]) == ("dr-1", "scheduled")
    (patient,) = await rows_of(clinic.intake, "patient")
    assert (patient["birth_year"], patient["sex"], patient["diagnosis"]) == (1984, "female", "crohns-disease")
    assert (patient["language"], patient["education"], patient["clinician_id"]) == ("es", "high-school", "dr-1")
    assert before <= patient["enrolled_on"] <= today()
    contact = (await clinic.system.get(f"/v1/patients/{patient['patient_id']}/contact")).json()
    assert (contact["email"], contact["wants_messages"]) == (REACHED["email"], True)
    consent = (await clinic.system.get(f"/v1/patients/{patient['patient_id']}/consent")).json()
    assert [(step["state"], step["mode"], step["recorded_by"]) for step in consent["steps"]] == [
        ("invited", None, "chris-kim")
    ]
    assert await topics(clinic) == ["enrollment-updated", "visit-updated"]
    assert "Visit 14 Jan 2027, 09:30" in read(await coordinator.get(f"/visits/{visit_id}")).text


async def test_who_has_no_visit_yet_is_shown_with_the_form_of_one(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    said = SOMEBODY | {"consent": "dissented", "consent_mode": "phone", "enrolled_on": "2026-01-05"}
    patient_id = id_in(await coordinator.post(NEW, data=said), "patients")
    page = read(await coordinator.get(f"/patients/{patient_id}"))
    assert f"Patient {patient_id[:8]}" in page.text
    assert "Born 1984, female. Crohn's. Here since 5 Jan 2026." in page.text
    assert "No visit yet" in page.text
    consent = (await clinic.system.get(f"/v1/patients/{patient_id}/consent")).json()
    assert (consent["state"], consent["decided_on"]) == ("dissented", "2026-01-05")
    assert consent["steps"][0]["mode"] == "phone"
    assert await count(clinic.intake, "contact") == await count(clinic.intake, "visit") == 0


async def test_pressed_twice_nobody_comes_in_twice_and_a_form_that_changed_since_is_told_so(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    first, second = [await coordinator.post(NEW, data=SOMEBODY | BOOKED) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    changed = SOMEBODY | BOOKED | {"identifier": "MRN-78"}
    page = read(await coordinator.post(NEW, data=changed), 409)
    assert "This form was sent before, and is another one now." in page.text
    assert page.named("input", name="identifier", value="MRN-78")
    (key,) = page.named("input", name="key")
    assert key["value"] != SOMEBODY["key"]
    assert await count(clinic.intake, "patient") == await count(clinic.intake, "visit") == 1
    id_in(await coordinator.post(NEW, data=changed | {"key": str(key["value"])}), "visits")
    assert await count(clinic.intake, "patient") == await count(clinic.intake, "visit") == 2


async def test_somebody_who_is_here_already_is_shown_with_a_way_to_add_the_visit_for_them(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    known = await clinic.enrol(identifier="MRN-77", birth_year=1950, sex="male")
    answer = await coordinator.post(NEW, data=SOMEBODY | REACHED | BOOKED)
    page = read(answer, 409)
    assert "The site has enrolled a patient with this identifier." in page.text
    assert f"{known[:8]}, born 1950, male. Crohn's." in page.text
    assert page.named("input", name="email", value=REACHED["email"])
    assert await count(clinic.intake, "patient") == 1
    assert await count(clinic.intake, "visit") == await count(clinic.intake, "contact") == 0
    (way,) = [str(one["href"]) for one in page.named("a") if str(one["href"]).startswith(f"/patients/{known}")]
    assert parse_qs(urlsplit(way).query) == {name: [said] for name, said in BOOKED.items()}
    form = read(await coordinator.get(way))
    assert form.named("input", name="scheduled_at", value=BOOKED["scheduled_at"])
    (key,) = {str(field["value"]) for field in form.named("input", name="key")}
    added = [
        id_in(await coordinator.post(f"/patients/{known}/visits", data=BOOKED | {"key": key}), "visits")
        for _ in range(2)
    ]
    assert added[0] == added[1]
    assert await count(clinic.intake, "visit") == 1
    assert await topics(clinic) == ["enrollment-updated", "visit-updated"]
    page = read(await coordinator.get(f"/patients/{known}"))
    assert page.named("a", href=f"/visits/{added[0]}")
    assert "14 Jan 2027, 09:30 dr-1 scheduled" in page.text


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"identifier": ""}, {"identifier"}),
        ({"identifier": "7" * 121}, {"identifier"}),
        ({"birth_year": "84"}, {"birth_year"}),
        ({"birth_year": "long ago"}, {"birth_year"}),
        ({"sex": ""}, {"sex"}),
        ({"diagnosis": "gout"}, {"diagnosis"}),
        ({"language": "fr"}, {"language"}),
        ({"education": "some"}, {"education"}),
        ({"consent": "maybe", "consent_mode": "pigeon"}, {"consent", "consent_mode"}),
        ({"consent_text": "no such"}, {"consent_text"}),
        ({"enrolled_on": "yesterday"}, {"enrolled_on"}),
        ({"email": "somebody@example.org"}, {"wants_messages"}),
        ({"wants_messages": "yes", "email": "somebody at home", "phone": "312 555 0123"}, {"email", "phone"}),
        ({"scheduled_at": "2027-01-14T09:30"}, {"clinician_id"}),
        ({"clinician_id": "dr-1"}, {"scheduled_at"}),
        (BOOKED | {"scheduled_at": "2027-01-14"}, {"scheduled_at"}),
        (BOOKED | {"scheduled_at": "2027-03-14T02:30"}, {"scheduled_at"}),
        (BOOKED | {"scheduled_at": "2027-11-07T01:30"}, {"scheduled_at"}),
        (BOOKED | {"scheduled_at": "0001-01-01T09:30"}, {"scheduled_at"}),
        ({"birth_year": "", "sex": "", "wants_messages": "perhaps"}, {"birth_year", "sex", "wants_messages"}),
    ],
)
async def test_what_does_not_do_is_marked_stays_in_its_field_and_nothing_is_kept(
    clinic: Clinic, coordinator: httpx.AsyncClient, said: dict[str, str], wrong: set[str]
) -> None:
    answer = await coordinator.post(NEW, data=SOMEBODY | said)
    # Where the site has no text, no field asks for one.
    assert read(answer, 422).marked == {f"patient-{name}" for name in wrong - {"consent_text"}}
    page = read(answer, 422)
    assert "Not saved." in page.text
    sent = SOMEBODY | said
    for name in ("identifier", "birth_year", "enrolled_on", "email", "phone", "clinician_id", "scheduled_at"):
        assert page.named("input", name=name, value=sent[name]), name
    assert await count(clinic.intake, "patient") == 0
    assert await topics(clinic) == []


async def test_a_day_still_to_come_by_the_clocks_of_the_site_is_marked(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    to_come = today() + timedelta(days=2)
    answer = await coordinator.post(NEW, data=SOMEBODY | {"enrolled_on": to_come.isoformat()})
    assert read(answer, 422).marked == {"patient-enrolled_on"}
    assert "This day is still to come." in read(answer, 422).text
    assert await count(clinic.intake, "patient") == 0


async def test_who_consents_says_which_text_they_were_shown_where_the_site_has_texts(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    text = {"version": "2", "language": "es", "sha256": "0a" * 32, "valid_from": "2026-01-01"}
    assert (await clinic.system.post("/v1/consent-texts", json=text, headers=new_key())).status_code == 201
    assert read(await coordinator.get(NEW)).named("option", value="2|es")
    consented = SOMEBODY | {"consent": "consented", "consent_mode": "paper"}
    page = read(await coordinator.post(NEW, data=consented), 409)
    assert "Say which text the patient consented to: 2 (es)." in page.text
    (field,) = page.named("select", name="consent_text")
    assert field["aria-invalid"] == "true"
    patient_id = id_in(await coordinator.post(NEW, data=consented | {"consent_text": "2|es"}), "patients")
    (step,) = (await clinic.system.get(f"/v1/patients/{patient_id}/consent")).json()["steps"]
    assert (step["state"], step["text"]) == ("consented", {"version": "2", "language": "es"})


async def test_where_the_visit_cannot_be_recorded_nothing_of_the_patient_is(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    await clinic.intake.state.database.run("ALTER TABLE visit ADD CONSTRAINT closed CHECK (clinician_id <> 'dr-1')")
    assert (await coordinator.post(NEW, data=SOMEBODY | REACHED | BOOKED)).status_code == 500
    for table in ("patient", "consent_step", "contact", "visit"):
        assert await count(clinic.intake, table) == 0, table


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"clinician_id": ""}, "clinician_id"),
        ({"clinician_id": "d" * 65}, "clinician_id"),
        ({"scheduled_at": ""}, "scheduled_at"),
        ({"scheduled_at": "soon"}, "scheduled_at"),
    ],
)
async def test_a_visit_needs_a_clinician_and_a_time(
    clinic: Clinic, coordinator: httpx.AsyncClient, said: dict[str, str], wrong: str
) -> None:
    patient_id = await clinic.enrol()
    answer = await coordinator.post(f"/patients/{patient_id}/visits", data=BOOKED | said)
    assert read(answer, 422).marked == {f"visit-{wrong}"}
    assert read(answer, 422).named("input", name=wrong, value=said[wrong])
    assert await count(clinic.intake, "visit") == 0


async def test_patients_of_another_site_and_nobodys_are_not_there(
    clinic: Clinic, coordinator: httpx.AsyncClient, token: Tokens
) -> None:
    async with (
        clinic_of(clinic.intake, token, OTHER) as other,
        client_of(clinic.intake, token("coordinator", [SITE, OTHER])) as both,
    ):
        theirs = await other.enrol(identifier="MRN-77")
        for patient_id in (theirs, str(uuid4())):
            assert (await coordinator.get(f"/patients/{patient_id}")).status_code == 404
            assert (await coordinator.post(f"/patients/{patient_id}/visits", data=BOOKED)).status_code == 404
        assert (await coordinator.get("/patients/somebody")).status_code == 422
        assert await count(clinic.intake, "visit") == 0
        # The same number at another site is another person's.
        answer = await both.post(f"{NEW}?site={SITE}", data=SOMEBODY)
        patient_id = id_in(answer, "patients")
        assert urlsplit(answer.headers["location"]).query == f"site={SITE}"
        page = read(await both.get(answer.headers["location"]))
        assert page.named("form", action=f"/patients/{patient_id}/visits?site={SITE}")
        known = read(await both.post(f"{NEW}?site={OTHER}", data=SOMEBODY), 409)
        assert known.named("a", href=f"/patients/{theirs}?site={OTHER}")
        assert (await both.post(NEW, data=SOMEBODY)).status_code == 400


@pytest.mark.parametrize("role", ["clinician", "system", "operator"])
async def test_patients_are_added_by_coordinators(clinic: Clinic, token: Tokens, role: str) -> None:
    patient_id = await clinic.enrol()
    async with client_of(clinic.intake, token(role, [] if role == "operator" else [SITE])) as client:
        for path in (NEW, f"/patients/{patient_id}"):
            assert (await client.get(path)).status_code == 403
        assert (await client.post(NEW, data=SOMEBODY)).status_code == 403
        assert (await client.post(f"/patients/{patient_id}/visits", data=BOOKED)).status_code == 403


async def test_another_sites_page_cannot_add_anybody(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    foreign = {"sec-fetch-site": "cross-site", "authorization": ""}
    assert (await coordinator.post(NEW, data=SOMEBODY, headers=foreign)).status_code == 403
    assert await count(clinic.intake, "patient") == 0


async def test_every_look_and_every_try_is_on_record(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = id_in(await coordinator.post(NEW, data=SOMEBODY), "patients")
    await coordinator.post(NEW, data=SOMEBODY | {"key": "another-form"})
    await coordinator.get(f"/patients/{patient_id}")
    await coordinator.get(NEW)
    kept: dict[str, list[tuple[Any, ...]]] = {}
    for row in await trail(clinic.intake):
        if row["subject"] == "chris-kim":
            about = None if row["patient_id"] is None else str(row["patient_id"])
            kept.setdefault(row["route"], []).append((row["kind"], row["status"], about))
    assert kept["take_in_by_form"] == [
        ("write", 201, patient_id),
        ("refused", 409, patient_id),
        ("read", 200, patient_id),
    ]
    assert kept["show_one_patient"] == [("read", 200, patient_id)]
    assert kept["ask_patient"] == [("read", 200, None)]
