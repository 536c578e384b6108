"""Where there is no survey for the visit at hand, its reader is told what they can do, and led to where they may."""

from typing import Any

import httpx
import pytest

from services.dashboard.domain import without_clinical
from services.dashboard.pages.addresses import survey_at
from shared.events import Body, Language, ViewerRole, VisitState
from shared.pages.speaking import Spoken
from tests.builders import SITE, VISIT, a_survey, a_visit, an_enrollment
from tests.conftest import URLS
from tests.markup import Document
from tests.services.dashboard.conftest import SHOWN, THERE, Clients, break_glass
from tests.services.dashboard.histories import JULY, LAST_VISIT, a_survey_in_july, page_of
from tests.services.dashboard.test_page_html import html_of

JULYS_VISIT = a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY)
NOT_YET: tuple[Body, ...] = (an_enrollment(), a_visit())
BEFORE: tuple[Body, ...] = (*NOT_YET, JULYS_VISIT, a_survey_in_july())
SAID = {
    ViewerRole.PATIENT: "No survey for this visit yet Answer it with the link from your clinic. See what is open now",
    ViewerRole.CLINICIAN: "No survey for this visit yet The front desk can send the link, or a reminder.",
    ViewerRole.COORDINATOR: "No survey for this visit yet It is sent from the list of visits. Send the link",
}
LEADS = {
    ViewerRole.PATIENT: [f"{URLS['intake']}/start"],
    ViewerRole.CLINICIAN: [],
    ViewerRole.COORDINATOR: [f"{URLS['intake']}/visits/{VISIT}?site={SITE}"],
}


def read(page: dict[str, Any], role: ViewerRole, **changes: Any) -> Document:
    return Document(
        html_of(page, viewer_role=role, survey_at=survey_at(URLS["intake"], role, SITE, str(VISIT)), **changes)
    )


def led_to_intake(page: Document) -> list[str | None]:
    return [href for a in page.named("a") if (href := a.get("href") or "").startswith(URLS["intake"])]


@pytest.mark.parametrize("role", ViewerRole)
@pytest.mark.parametrize("bodies", [NOT_YET, BEFORE], ids=["no survey", "a survey of another visit"])
def test_a_survey_that_is_missing_stands_with_what_its_reader_can_do(
    bodies: tuple[Body, ...], role: ViewerRole
) -> None:
    page = read(page_of(*bodies), role)
    assert SAID[role] in page.text
    assert led_to_intake(page) == LEADS[role]


def test_a_coordinator_from_whom_the_clinical_is_hidden_sends_the_link_too() -> None:
    role = ViewerRole.COORDINATOR
    page = read(without_clinical(page_of(*BEFORE)), role)
    assert SAID[role] in page.text
    assert led_to_intake(page) == LEADS[role]


@pytest.mark.parametrize("role", ViewerRole)
@pytest.mark.parametrize("bodies", [(*BEFORE, a_survey()), (an_enrollment(),)], ids=["answered", "no visit"])
def test_nobody_is_led_to_a_survey_that_is_there_or_that_no_visit_asks_for(
    bodies: tuple[Body, ...], role: ViewerRole
) -> None:
    page = read(page_of(*bodies), role)
    assert "No survey for this visit" not in page.text
    assert led_to_intake(page) == []


@pytest.mark.parametrize("role", ViewerRole)
def test_on_a_shared_screen_it_is_only_said(role: ViewerRole) -> None:
    page = read(page_of(*BEFORE), role, is_shared=True)
    assert "No survey for this visit yet" in page.text
    assert led_to_intake(page) == []


def test_the_action_is_said_in_spanish_too() -> None:
    said = read(page_of(*BEFORE), ViewerRole.PATIENT, spoken=Spoken(Language.SPANISH)).text
    assert "Todavía no hay cuestionario para esta visita Contéstelo con el enlace de su clínica." in said


async def test_each_reader_is_led_to_where_they_may_go_and_who_is_of_another_site_nowhere(
    as_: Clients, patient: httpx.AsyncClient, coordinator: httpx.AsyncClient, clinician: httpx.AsyncClient
) -> None:
    await break_glass(clinician)
    async with as_("clinician", THERE) as own_clinician:
        readers = {
            ViewerRole.PATIENT: patient,
            ViewerRole.CLINICIAN: own_clinician,
            ViewerRole.COORDINATOR: coordinator,
        }
        pages = {role: Document((await client.get(SHOWN)).text) for role, client in readers.items()}
    assert {role: led_to_intake(page) for role, page in pages.items()} == LEADS
    elsewhere = Document((await clinician.get(SHOWN)).text)
    assert "No survey for this visit yet" in elsewhere.text
    assert "front desk" not in elsewhere.text
    assert led_to_intake(elsewhere) == []
