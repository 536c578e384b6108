"""A patient is born in a year that there was, whoever writes it down."""

from datetime import date, datetime
from typing import Any

import httpx
import pytest

from services.intake.domain import check_birth_year
from shared.errors import FieldError, Problem
from tests.conftest import new_key
from tests.services.clinic import PERSON, ZONE, Clinic, today
from tests.services.intake.post import count, rows_of
from tests.services.intake.test_imports import HEADER, send
from tests.services.intake.test_patient_pages import NEW, SOMEBODY
from tests.services.intake.test_visit_pages import read

NEW_YEARS_EVE, NEW_YEAR = date(2026, 12, 31), date(2027, 1, 1)


def this_year() -> int:
    return datetime.now(ZONE).year


@pytest.mark.parametrize("year", [1900, 1984, 2026])
def test_a_year_from_1900_to_this_one_is_a_birth_year(year: int) -> None:
    check_birth_year(year, NEW_YEARS_EVE)


@pytest.mark.parametrize("year", [-1, 0, 84, 1899, 2027, 2100, 10**17])
def test_no_other_year_is_one_and_the_years_that_are_stand_in_the_refusal(year: int) -> None:
    with pytest.raises(Problem) as refused:
        check_birth_year(year, NEW_YEARS_EVE)
    assert refused.value.detail == "The birth year must be a year from 1900 to 2026."
    assert refused.value.errors == (FieldError("birth_year", "a year from 1900 to 2026"),)


def test_who_is_born_in_a_new_year_can_be_written_down_from_its_first_day_on() -> None:
    check_birth_year(2027, NEW_YEAR)


@pytest.mark.parametrize("ahead", [1, 74])
async def test_the_api_refuses_a_year_still_to_come_and_keeps_the_others_of_a_batch(clinic: Clinic, ahead: int) -> None:
    year = this_year() + ahead
    people = [PERSON | {"birth_year": year}, PERSON | {"identifier": "MRN-2"}]
    answer = await clinic.system.post("/v1/patients", json=people, headers=new_key())
    refused, taken = answer.json()["items"]
    assert (refused["status"], taken["status"]) == (422, 201)
    (error,) = refused["problem"]["errors"]
    assert (error["field"], error["expected"]) == ("birth_year", f"a year from 1900 to {this_year()}")
    assert await count(clinic.intake, "patient") == 1


async def test_the_api_refuses_a_year_before_1900_and_takes_the_first_and_the_last(clinic: Clinic) -> None:
    refused = await clinic.system.post("/v1/patients", json=PERSON | {"birth_year": 1899}, headers=new_key())
    assert refused.status_code == 422
    for year in (1900, this_year()):
        await clinic.enrol(identifier=f"MRN-{year}", birth_year=year)
    assert await count(clinic.intake, "patient") == 2


async def test_the_form_marks_the_field_and_says_which_years_there_are(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    for year in ("1899", str(this_year() + 1)):
        page = read(await coordinator.post(NEW, data=SOMEBODY | {"key": year, "birth_year": year}), 422)
        assert page.marked == {"patient-birth_year"}
        assert f"The birth year must be a year from 1900 to {this_year()}." in page.text
        assert page.named("input", name="birth_year", value=year)
    assert await count(clinic.intake, "patient") == 0


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_file_is_told_the_line_and_the_column(clinic: Clinic, *, dry_run: bool) -> None:
    ahead = this_year() + 1
    rows = [f"MRN-{year},{year},female,crohns-disease,dr-1" for year in (1984, ahead, 1899)]
    told = await send(clinic, "patients", "\n".join([HEADER, *rows]), dry_run=dry_run)
    cells: list[dict[str, Any]] = told["wrong"]
    assert [(cell["line"], cell["column"]) for cell in cells] == [(3, "birth_year"), (4, "birth_year")]
    assert {cell["what"] for cell in cells} == {f"a year from 1900 to {this_year()}"}


async def test_who_was_written_down_with_such_a_year_before_is_still_here(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol()
    await clinic.intake.state.database.run("UPDATE patient SET birth_year = 2099")
    assert "Born 2099, female." in read(await coordinator.get(f"/patients/{patient_id}")).text
    decision = {"state": "consented", "decided_on": today().isoformat()}
    answer = await clinic.system.post(f"/v1/patients/{patient_id}/consent", json=decision, headers=new_key())
    assert answer.status_code in (200, 201), answer.text
    (row,) = await rows_of(clinic.intake, "patient")
    assert (row["birth_year"], row["consent"]) == (2099, "consented")
