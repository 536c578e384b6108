"""A form that a site brought, from the site's system over a phone to the clinician's page."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.async_api import Browser, expect

from deploy.provider import Person
from shared.auth import Role
from tests.browser.test_own_form import answer_part
from tests.browser.test_survey import press_next
from tests.journeys import visit
from tests.journeys.conftest import System
from tests.journeys.visit import posted
from tests.services.intake.test_own_forms_asked import DIET, NAME

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def clinic(system: System) -> Iterator[visit.Clinic]:
    with visit.open_clinic(system, "site-own-form") as opened:
        yield opened


async def test_a_sites_own_form_is_answered_on_a_phone_and_the_clinicians_page_says_so(
    system: System, clinic: visit.Clinic, chromium: Browser
) -> None:
    form_id = posted(clinic.intake, "/v1/forms", DIET)["id"]
    rule = {"forms": {"crohns-disease": form_id}}
    clinic.intake.put(f"/v1/sites/{clinic.site}/survey-rule", json=rule).raise_for_status()
    patient_id, visit_id = clinic.enrol("own-form")
    phone = await chromium.new_page(viewport={"width": 390, "height": 844})
    await phone.goto(posted(clinic.intake, f"/v1/visits/{visit_id}/links", {})["link"])
    await phone.locator("main button").click()
    await phone.locator("a[href='/survey']").click()
    while "/thanks" not in phone.url:
        if "/parts/" in phone.url:
            await answer_part(phone)
        await press_next(phone)

    clinician = Person("dr-1", "Dana Rowe", Role.CLINICIAN, (clinic.site,))
    desk = await chromium.new_page(viewport={"width": 1366, "height": 768})
    await desk.goto(system.sign_in_link("dashboard", clinician, f"/patients/{patient_id}"))
    await desk.get_by_role("button", name="Dana Rowe").click()
    await desk.wait_for_url(f"**/patients/{patient_id}")
    await expect(desk.get_by_text("other answers to “What you eat”").first).to_be_attached(timeout=20_000)

    page = clinic.clinician.get(f"/v1/patients/{patient_id}/page").json()
    assert (page["survey"]["form"], page["concerns"]) == (NAME, [])
    assert {"what": "own-form", "title": "What you eat"} in page["missing"]


def test_words_of_a_sites_own_form_are_never_published_in_clear(system: System, clinic: visit.Clinic) -> None:
    posted(clinic.intake, "/v1/forms", DIET | {"version": "2.0"})
    patient_id, visit_id = clinic.enrol("own-words")
    survey = {
        "patient_id": patient_id,
        "visit_id": visit_id,
        "form": f"{DIET['url']}|2.0",
        "answers": {"foods": "milk", "since": "2026-03-01", "note": "My canary is blue (synthetic)"},
    }
    made = posted(clinic.intake, "/v1/surveys", survey)
    page = clinic.clinician.get(f"/v1/patients/{patient_id}/page", params={"wait_for": made["receipt"]})
    assert page.headers["samepage-waited"] == "arrived"
    assert "canary" not in page.text
    own = system.client("intake", Role.PATIENT, [clinic.site], patient_id=UUID(patient_id))
    with own:
        begun = own.post(
            f"/v1/forms/{posted(clinic.intake, '/v1/forms', DIET | {'version': '2.0'})['id']}/populate",
            params={"patient_id": patient_id, "visit_id": visit_id},
        )
    assert begun.json()["status"] == "in-progress"
