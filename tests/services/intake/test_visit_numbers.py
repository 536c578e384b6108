"""The number of a visit with the system that it is of, as FHIR has it, and without one, as files have it: one visit."""

import json
from typing import Any

from tests.services.clinic import Clinic
from tests.services.intake.test_imports import count, counts, send
from tests.services.intake.test_visit_news import LATER, appointment, encounter, tell, told, visit
from tests.survey import CROHNS, answers_to

Json = dict[str, Any]
HEADER = "patient,visit,starts_at,clinician,state"


def row(patient: str = "MRN-1", number: str = "APT-1", hour: int = 9, state: str = "") -> str:
    return f"{patient},{number},2126-10-19T{hour:02}:00,dr-2,{state}"


async def visits(clinic: Clinic, *rows: str) -> Json:
    return await send(clinic, "visits", "\n".join([HEADER, *rows]))


async def answers(clinic: Clinic, number: str = "APT-1") -> Json:
    skipped = dict.fromkeys(("concern_1_topic", "matters_most"), "do-not-know")
    line = {"patient": "MRN-1", "visit": number, "submitted_at": "2026-10-12T20:00", "answers": answers_to(CROHNS)}
    return await send(clinic, "answers", json.dumps(line | {"skipped": skipped}), name="a.ndjson")


def of_system(number: int, **changes: Any) -> Json:
    """The appointment that this system has under a number that other systems have too."""
    numbers = [{"system": f"urn:synthetic:{number}", "value": "APT-1"}]
    return appointment(id=f"a-{number}", identifier=numbers, **changes)


async def test_a_file_finds_a_visit_that_came_as_fhir_by_its_number(clinic: Clinic) -> None:
    await clinic.enrol()
    visit_id = await told(clinic, appointment())
    brought = await answers(clinic)
    assert counts(brought) == (1, 0, 0), brought
    assert await clinic.intake.state.database.value("SELECT visit_id::text FROM survey") == visit_id
    assert counts(await visits(clinic, row())) == (1, 0, 0)
    assert (await visit(clinic, visit_id))["scheduled_at"] == "2126-10-19T14:00:00Z"
    assert await count(clinic, "visit") == 1
    assert counts(await answers(clinic, "APT-2")) == (0, 0, 1)


async def test_news_as_fhir_find_a_visit_that_came_in_a_file_by_its_number(clinic: Clinic) -> None:
    await clinic.enrol()
    assert counts(await visits(clinic, row())) == (1, 0, 0)
    visit_id = str(await clinic.intake.state.database.value("SELECT visit_id::text FROM visit"))
    assert await told(clinic, appointment(start=LATER)) == visit_id, "though what it says is older"
    assert await told(clinic, encounter("planned")) == visit_id, "by the appointment, whose address is known by now"
    assert (await visit(clinic, visit_id))["scheduled_at"] == "2126-10-19T14:00:00Z"
    assert await count(clinic, "visit") == 1


async def test_one_number_of_two_systems_is_two_visits_and_in_a_file_neither(clinic: Clinic) -> None:
    await clinic.enrol()
    first, second = await told(clinic, of_system(1)), await told(clinic, of_system(2))
    assert first != second
    for brought in (await visits(clinic, row()), await answers(clinic)):
        assert counts(brought) == (0, 0, 1)
        assert [cell["column"] for cell in brought["wrong"]] == ["visit"]
        assert "two visits" in brought["wrong"][0]["what"]
    assert await count(clinic, "visit") == 2


async def test_a_visit_that_a_file_has_found_is_not_the_one_that_another_system_calls_so(clinic: Clinic) -> None:
    await clinic.enrol()
    first = await told(clinic, of_system(1))
    assert counts(await visits(clinic, row())) == (1, 0, 0)
    assert await told(clinic, of_system(2)) != first
    assert counts(await visits(clinic, row(hour=11))) == (1, 0, 0), "it is the one that was found before"
    assert (await visit(clinic, first))["scheduled_at"] == "2126-10-19T16:00:00Z"


async def test_a_number_that_a_system_has_for_somebody_elses_visit_is_free_in_a_file(clinic: Clinic) -> None:
    await clinic.enrol()
    await clinic.enrol(identifier="MRN-2")
    visit_id = await told(clinic, appointment())
    assert counts(await visits(clinic, row("MRN-2"))) == (1, 0, 0)
    assert await count(clinic, "visit") == 2
    again = await tell(clinic, appointment(hour=10))
    assert again.json()["id"] == visit_id
