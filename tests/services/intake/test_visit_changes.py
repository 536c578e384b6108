"""A visit is moved, cancelled and booked again on its page, without a script; what cannot be is told why."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.events import VisitUpdated
from shared.pages.words import clock, on
from tests.conftest import Tokens, client_of, new_key
from tests.markup import Document
from tests.services.clinic import NEXT_WEEK, ZONE, Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.test_visit_pages import read
from tests.services.streams import published
from tests.services.trails import trail
from tests.survey import survey_of

MOVED = "2027-01-14T09:30"


async def visit_of(clinic: Clinic, visit_id: str) -> dict[str, Any]:
    answer = await clinic.system.get(f"/v1/visits/{visit_id}")
    return dict(answer.json())


async def changes(clinic: Clinic) -> list[tuple[str, str]]:
    """What was told of visits, in its order."""
    bodies = [one.body for one in await published(clinic.intake)]
    return [(body.state, body.clinician_id) for body in bodies if isinstance(body, VisitUpdated)]


def form_in(page: Document) -> dict[str, str]:
    """The form that moves a visit, as it would be sent."""
    names = ("key", "clinician_id", "clinician_id_was", "scheduled_at", "scheduled_at_was", "is_again")
    found = {name: page.named("input", name=name) for name in names}
    return {name: str(fields[-1]["value"]) for name, fields in found.items() if fields}


async def shown(coordinator: httpx.AsyncClient, visit_id: str) -> Document:
    return read(await coordinator.get(f"/visits/{visit_id}"))


def when(moment: datetime) -> str:
    """As a page of the site says it."""
    return f"{on(moment.astimezone(ZONE))}, {clock(moment.astimezone(ZONE))}"


async def test_a_visit_is_moved_by_the_clocks_of_the_site_and_pressed_twice_once(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    form = form_in(await shown(coordinator, visit_id)) | {"scheduled_at": MOVED, "clinician_id": "dr-2"}
    for _ in range(2):
        answer = await coordinator.post(f"/visits/{visit_id}/time", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/visits/{visit_id}")
    visit = await visit_of(clinic, visit_id)
    assert (visit["scheduled_at"], visit["clinician_id"], visit["state"]) == (
        "2027-01-14T15:30:00Z",
        "dr-2",
        "scheduled",
    )
    assert await changes(clinic) == [("scheduled", "dr-1"), ("scheduled", "dr-2")]
    assert "Visit 14 Jan 2027, 09:30" in (await shown(coordinator, visit_id)).text


async def test_what_was_not_changed_in_the_form_stays_as_somebody_else_has_made_it(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    before = await visit_of(clinic, visit_id)
    form = form_in(await shown(coordinator, visit_id))
    assert (await coordinator.patch(f"/v1/visits/{visit_id}", json={"clinician_id": "dr-3"})).status_code == 200
    # The seconds that no field shows stay, too.
    assert (await visit_of(clinic, visit_id))["scheduled_at"] == before["scheduled_at"]
    assert (await coordinator.post(f"/visits/{visit_id}/time", data=form | {"scheduled_at": MOVED})).status_code == 303
    assert (await visit_of(clinic, visit_id))["clinician_id"] == "dr-3"
    form = form_in(await shown(coordinator, visit_id)) | {"clinician_id": "dr-4"}
    assert (await coordinator.post(f"/visits/{visit_id}/time", data=form)).status_code == 303
    visit = await visit_of(clinic, visit_id)
    assert (visit["scheduled_at"], visit["clinician_id"]) == ("2027-01-14T15:30:00Z", "dr-4")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"clinician_id": ""}, "clinician_id"),
        ({"scheduled_at": ""}, "scheduled_at"),
        ({"scheduled_at": "2027-01-14"}, "scheduled_at"),
        ({"scheduled_at": "2027-03-14T02:30"}, "scheduled_at"),
        ({"scheduled_at": "2027-11-07T01:30"}, "scheduled_at"),
    ],
)
async def test_a_time_that_does_not_do_is_marked_stays_in_its_field_and_moves_nothing(
    clinic: Clinic, coordinator: httpx.AsyncClient, said: dict[str, str], wrong: str
) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    form = form_in(await shown(coordinator, visit_id)) | said
    page = read(await coordinator.post(f"/visits/{visit_id}/time", data=form), 422)
    assert page.marked == {f"move-{wrong}"}
    assert page.named("input", name=wrong, value=said[wrong])
    assert [one for one in page.named("details") if "open" in one]
    assert len(await changes(clinic)) == 1


async def test_a_visit_is_cancelled_once_it_was_said_twice_and_booked_again(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    page = await shown(coordinator, visit_id)
    assert "Yes, cancel this visit" in page.text
    key = {"key": form_in(page)["key"]}
    for _ in range(2):
        assert (await coordinator.post(f"/visits/{visit_id}/cancel", data=key)).status_code == 303
    page = await shown(coordinator, visit_id)
    assert "The visit was cancelled. It can be booked again." in page.text
    assert page.named("form", action=f"/visits/{visit_id}/cancel") == []
    stale = {"clinician_id": "dr-1", "scheduled_at": MOVED, "clinician_id_was": "dr-1", "scheduled_at_was": "earlier"}
    refused = read(await coordinator.post(f"/visits/{visit_id}/time", data=stale), 409)
    assert "Not done. The visit is already cancelled. Only a scheduled visit can be given another time" in refused.text
    assert refused.named("input", name="scheduled_at", value=MOVED)
    again = form_in(page)
    assert again["is_again"] == "yes"
    for _ in range(2):
        assert (await coordinator.post(f"/visits/{visit_id}/time", data=again)).status_code == 303
    assert [state for state, _ in await changes(clinic)] == ["scheduled", "cancelled", "scheduled"]
    assert "Move this visit" in (await shown(coordinator, visit_id)).text


async def test_what_cannot_be_moved_or_cancelled_says_why(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id, days=NEXT_WEEK)
    form = form_in(await shown(coordinator, visit_id)) | {"scheduled_at": MOVED}
    await coordinator.patch(f"/v1/visits/{visit_id}", json={"state": "checked-in"})
    page = await shown(coordinator, visit_id)
    assert "The patient is here. The visit cannot be given another time or clinician any more." in page.text
    assert page.named("form", action=f"/visits/{visit_id}/time") == []
    assert page.named("form", action=f"/visits/{visit_id}/cancel")
    assert "already checked-in" in read(await coordinator.post(f"/visits/{visit_id}/time", data=form), 409).text
    await coordinator.patch(f"/v1/visits/{visit_id}", json={"state": "completed"})
    page = await shown(coordinator, visit_id)
    assert "The visit is over. It is not moved or cancelled any more; add another one instead." in page.text
    for way in ("time", "cancel"):
        assert page.named("form", action=f"/visits/{visit_id}/{way}") == []
        refused = read(await coordinator.post(f"/visits/{visit_id}/{way}", data=form), 409)
        assert "Not done. A completed visit is final. Record a new visit." in refused.text
    assert page.named("a", href=f"/patients/{patient_id}#h-add")


async def test_where_nothing_was_changed_that_is_said(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    form = form_in(await shown(coordinator, visit_id))
    page = read(await coordinator.post(f"/visits/{visit_id}/time", data=form), 409)
    assert "Give it another time, another clinician or both." in page.text
    assert len(await changes(clinic)) == 1


async def test_whether_the_survey_counts_is_said_before_and_after_a_move(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id, days=NEXT_WEEK)
    at = datetime.fromisoformat((await visit_of(clinic, visit_id))["scheduled_at"])
    text = (await shown(coordinator, visit_id)).text
    assert f"A survey counts for this visit from {when(at - timedelta(days=14))} on." in text
    answer = await clinic.system.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
    assert answer.status_code == 201, answer.text
    submitted = datetime.fromisoformat((await visit_of(clinic, visit_id))["survey"]["submitted_at"])
    text = (await shown(coordinator, visit_id)).text
    last = when(submitted + timedelta(days=14))
    assert f"The survey of {when(submitted)} counts for this visit, and for one up to {last}." in text
    form = form_in(await shown(coordinator, visit_id))
    later = datetime.now(ZONE) + timedelta(days=40)
    moved = form | {"scheduled_at": f"{later:%Y-%m-%d}T12:00"}
    assert (await coordinator.post(f"/visits/{visit_id}/time", data=moved)).status_code == 303
    assert (await visit_of(clinic, visit_id))["survey"]["standing"] == "too-early"
    text = (await shown(coordinator, visit_id)).text
    assert "does not count for this visit: it came more than 14 days before." in text


async def test_a_survey_that_came_when_the_visit_was_over_is_told(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id, days=-0.5)
    answer = await clinic.system.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
    assert answer.status_code == 201, answer.text
    visit = await visit_of(clinic, visit_id)
    assert visit["survey"]["standing"] == "counts"
    over = {"state": "completed", "completed_at": visit["scheduled_at"]}
    assert (await coordinator.patch(f"/v1/visits/{visit_id}", json=over)).status_code == 200
    text = (await shown(coordinator, visit_id)).text
    assert "does not count for this visit: it came when the visit was over." in text


async def test_a_link_that_ends_before_the_visit_is_told(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    soon = datetime.now(UTC) + timedelta(days=9)
    await clinic.link(visit_id, expires_at=soon.isoformat())
    assert f"The newest link opens until {when(soon)}, also where" in (await shown(coordinator, visit_id)).text
    at = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    assert (await coordinator.patch(f"/v1/visits/{visit_id}", json={"scheduled_at": at})).status_code == 200
    page = await shown(coordinator, visit_id)
    assert f"The newest link ends before the visit, {when(soon)}: make another one." in page.text


async def test_visits_of_another_site_are_not_there_and_of_two_sites_the_one_is_named(
    clinic: Clinic, coordinator: httpx.AsyncClient, token: Tokens
) -> None:
    async with (
        clinic_of(clinic.intake, token, OTHER) as other,
        client_of(clinic.intake, token("coordinator", [SITE, OTHER])) as both,
    ):
        theirs = await other.visit(await other.enrol(), days=NEXT_WEEK)
        said = {"clinician_id": "dr-2", "scheduled_at": MOVED}
        for visit_id in (theirs, str(uuid4())):
            for way in ("time", "cancel"):
                assert (await coordinator.post(f"/visits/{visit_id}/{way}", data=said)).status_code == 404
        assert (await visit_of(other, theirs))["state"] == "scheduled"
        answer = await both.post(f"/visits/{theirs}/time?site={OTHER}", data=said)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/visits/{theirs}?site={OTHER}")


@pytest.mark.parametrize("role", ["clinician", "system", "operator"])
async def test_visits_are_changed_on_pages_by_coordinators(clinic: Clinic, token: Tokens, role: str) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    async with client_of(clinic.intake, token(role, [] if role == "operator" else [SITE])) as client:
        for way in ("time", "cancel"):
            assert (await client.post(f"/visits/{visit_id}/{way}", data={})).status_code == 403


async def test_each_change_and_each_that_was_refused_is_on_record(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id, days=NEXT_WEEK)
    for key in ("one-form", "another-form"):
        await coordinator.post(f"/visits/{visit_id}/cancel", data={"key": key})
    rows = [row for row in await trail(clinic.intake) if row["route"] == "cancel_by_form"]
    assert [(row["kind"], row["status"], str(row["patient_id"]), row["subject"]) for row in rows] == [
        ("write", 200, patient_id, "chris-kim"),
        ("refused", 409, patient_id, "chris-kim"),
        ("read", 200, patient_id, "chris-kim"),
    ]
