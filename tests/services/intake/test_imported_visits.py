"""Rows of visits that come again: what holds still is here already, what a visit has moved on from is refused."""

from typing import Any

import pytest

from tests.services.clinic import Clinic
from tests.services.intake.test_imports import counts, run, send

Json = dict[str, Any]


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    "since",
    [{"scheduled_at": "2126-10-19T10:00:00-05:00"}, {"state": "cancelled"}, {"file": ";2126-10-19T09:00;dr-2;"}],
)
async def test_an_old_row_of_a_visit_that_stands_otherwise_now_is_refused_and_says_what_to_do(
    clinic: Clinic, since: Json, *, dry_run: bool
) -> None:
    await clinic.enrol(identifier="MRN-1")
    header, old = "patient;visit;starts_at;clinician;state", "MRN-1;V-1;2126-10-19T09:00;dr-1;"
    assert counts(await send(clinic, "visits", f"{header}\n{old}\n{old}\n")) == (1, 1, 0)
    visit_id = await clinic.intake.state.database.value("SELECT visit_id FROM visit")
    if "file" in since:
        assert counts(await send(clinic, "visits", f"{header}\nMRN-1;V-1{since['file']}\n")) == (1, 0, 0)
    else:
        assert (await clinic.system.patch(f"/v1/visits/{visit_id}", json=since)).status_code == 200
    stands = (await clinic.system.get(f"/v1/visits/{visit_id}")).json()
    answer = await send(clinic, "visits", f"{header}\n{old}\n", dry_run=dry_run)
    assert counts(answer) == (0, 0, 1)
    assert "changed since" in answer["wrong"][0]["what"]
    assert (await clinic.system.get(f"/v1/visits/{visit_id}")).json() == stands
    again = old.replace("T09:00", "T09:00-05:00")
    assert counts(await send(clinic, "visits", f"{header}\n{again}\n")) == (1, 0, 0), "as the refusal says"
    back = (await clinic.system.get(f"/v1/visits/{visit_id}")).json()
    assert (back["scheduled_at"], back["state"], back["clinician_id"]) == ("2126-10-19T14:00:00Z", "scheduled", "dr-1")


async def test_a_file_that_moves_a_visit_there_and_back_is_told_that_it_stays_there(clinic: Clinic) -> None:
    await clinic.enrol(identifier="MRN-1")
    there = "patient,visit,starts_at,clinician\nMRN-1,V-1,2126-10-19T09:00,dr-1\nMRN-1,V-1,2126-10-19T10:00,dr-1\n"
    filled = "".join(f"MRN-1,V-{number},2126-10-19T09:00,dr-1\n" for number in range(2, 120))
    tried = await send(clinic, "visits", f"{there}{filled}MRN-1,V-1,2126-10-19T09:00,dr-1\n", dry_run=True)
    assert counts(tried) == (120, 0, 1)
    assert [cell["line"] for cell in tried["wrong"]] == [122]
    assert counts(await run(clinic, tried["id"])) == (120, 0, 1), "as it was said"


async def test_an_old_row_of_a_visit_that_has_taken_place_since_as_it_said_is_here_already(clinic: Clinic) -> None:
    await clinic.enrol(identifier="MRN-1")
    text = "patient,visit,starts_at,clinician\nMRN-1,V-1,2026-10-19T09:00,dr-1\n"
    assert counts(await send(clinic, "visits", text)) == (1, 0, 0)
    path = f"/v1/visits/{await clinic.intake.state.database.value('SELECT visit_id FROM visit')}"
    for state in ("checked-in", "completed"):
        assert (await clinic.system.patch(path, json={"state": state})).status_code == 200
        assert counts(await send(clinic, "visits", text)) == (0, 1, 0)
