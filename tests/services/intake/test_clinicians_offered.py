"""Who sees patients at a site is offered where a clinician is typed, without a script."""

from datetime import UTC, datetime, timedelta

import httpx

from tests.conftest import Tokens, new_key
from tests.markup import Document
from tests.services.clinic import NEXT_WEEK, Clinic, clinic_of
from tests.services.intake.conftest import OTHER
from tests.services.intake.test_patient_pages import BOOKED, NEW, SOMEBODY
from tests.services.intake.test_visit_pages import read


async def booked(clinic: Clinic, patient_id: str, *clinicians: str) -> str:
    """The last of the visits with each of these."""
    at = datetime.now(UTC) + timedelta(days=NEXT_WEEK)
    said = {"patient_id": patient_id, "scheduled_at": at.isoformat()}
    items = [said | {"clinician_id": clinician} for clinician in clinicians]
    answer = await clinic.system.post("/v1/visits", json=items, headers=new_key())
    assert answer.json()["rejected"] == 0, answer.text
    return str(answer.json()["items"][-1]["id"])


def offered(page: Document, form: str) -> list[str]:
    """What the field of a clinician offers."""
    (field,) = page.named("input", name="clinician_id")
    assert field["list"] == f"{form}-clinicians"
    assert "autocomplete" not in field, "some browsers would offer nothing"
    assert page.named("datalist", id=str(field["list"]))
    return [str(one["value"]) for tag, one, within in page.elements if tag == "option" and "datalist" in within]


async def test_each_form_with_a_clinician_offers_those_of_the_sites_visits(
    clinic: Clinic, coordinator: httpx.AsyncClient, token: Tokens
) -> None:
    assert offered(read(await coordinator.get(NEW)), "patient") == []
    patient_id = await clinic.enrol(clinician_id="dr-of-no-visit")
    visit_id = await booked(clinic, patient_id, "dr-2", "dr-1", "dr-2", 'dr "3" <b>')
    async with clinic_of(clinic.intake, token, OTHER) as other:
        await booked(other, await other.enrol(), "dr-of-another-site")
    for path, form in ((NEW, "patient"), (f"/patients/{patient_id}", "visit"), (f"/visits/{visit_id}", "move")):
        page = read(await coordinator.get(path))
        assert offered(page, form) == ['dr "3" <b>', "dr-1", "dr-2"], path
        assert page.needs_more_than_the_policy_allows() == []


async def test_a_form_that_was_refused_offers_them_too(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = await clinic.enrol()
    visit_id = await booked(clinic, patient_id, "dr-1")
    nobody = BOOKED | {"clinician_id": ""}
    for path, form in (
        (NEW, "patient"),
        (f"/patients/{patient_id}/visits", "visit"),
        (f"/visits/{visit_id}/time", "move"),
    ):
        page = read(await coordinator.post(path, data=SOMEBODY | nobody), 422)
        assert f"{form}-clinician_id" in page.marked
        assert offered(page, form) == ["dr-1"]


async def test_of_many_clinicians_those_with_most_visits_are_offered(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    often = ["dr-often", "dr-often", "dr-often-too", "dr-often-too"]
    await booked(clinic, await clinic.enrol(), *(f"dr-{number:02}" for number in range(60)), *often)
    names = offered(read(await coordinator.get(NEW)), "patient")
    assert names == [*(f"dr-{number:02}" for number in range(48)), "dr-often", "dr-often-too"]


async def test_a_clinician_who_is_not_offered_can_be_typed(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = await clinic.enrol()
    await booked(clinic, patient_id, "dr-1")
    said = BOOKED | {"clinician_id": "dr-new"}
    assert (await coordinator.post(f"/patients/{patient_id}/visits", data=said)).status_code == 303
    assert offered(read(await coordinator.get(NEW)), "patient") == ["dr-1", "dr-new"]
