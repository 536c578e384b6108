"""Why a visit does not take place: said in the form or through the API, shown, and never mixed up with its state."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.intake.domain import (
    NOT_SAID,
    Cancellation,
    CancelledBy,
    CancelReason,
    VisitStatus,
    still_cancelled,
    why_cancelled,
)
from shared.errors import Problem
from shared.events import VisitState
from tests.services.clinic import NEXT_WEEK, Clinic
from tests.services.intake.test_imports import counts, send
from tests.services.intake.test_visit_changes import changes, form_in, shown
from tests.services.intake.test_visit_news import appointment, told
from tests.services.intake.test_visit_pages import read

SCHEDULED, CHECKED_IN, COMPLETED, CANCELLED = VisitState
AT = datetime(2026, 10, 13, 10, 20, tzinfo=UTC)
MISSED = Cancellation(CancelReason.NO_SHOW)
CALLED_OFF = Cancellation(CancelReason.CANCELLED)
BY_PATIENT = Cancellation(CancelReason.CANCELLED, CancelledBy.PATIENT)
CODES = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
SAID = [
    ("patient", "cancelled", "patient", "the patient called it off"),
    ("clinic", "cancelled", "clinic", "the clinic called it off"),
    ("other", "cancelled", "other", "for another reason"),
    ("no-show", "no-show", None, "the patient did not come"),
    ("entered-in-error", "entered-in-error", None, "it was entered by mistake"),
]


async def why(clinic: Clinic, visit_id: str) -> tuple[str, str | None, str | None]:
    visit = (await clinic.system.get(f"/v1/visits/{visit_id}")).json()
    return visit["state"], visit["cancel_reason"], visit["cancelled_by"]


async def cancel(clinic: Clinic, visit_id: str, **said: str) -> httpx.Response:
    return await clinic.system.patch(f"/v1/visits/{visit_id}", json={"state": "cancelled", **said})


def refusal(status: VisitStatus, said: Cancellation, now: datetime = AT) -> str:
    with pytest.raises(Problem) as refused:
        why_cancelled(status, said, now)
    assert (refused.value.status, refused.value.kind) == (409, "cancel-reason-not-allowed")
    return refused.value.detail


@pytest.mark.parametrize("said", [NOT_SAID, *(Cancellation(reason) for reason in CancelReason)])
def test_a_cancelled_visit_has_the_reason_that_was_said_or_none(said: Cancellation) -> None:
    assert why_cancelled(VisitStatus(CANCELLED, AT), said, AT) == said


@pytest.mark.parametrize("by", CancelledBy)
def test_what_somebody_called_off_was_cancelled(by: CancelledBy) -> None:
    for reason in (None, CancelReason.CANCELLED):
        kept = why_cancelled(VisitStatus(CANCELLED, AT), Cancellation(reason, by), AT)
        assert kept == Cancellation(CancelReason.CANCELLED, by)


@pytest.mark.parametrize("reason", [CancelReason.NO_SHOW, CancelReason.ENTERED_IN_ERROR])
def test_nobody_has_called_off_what_was_missed_or_entered_in_error(reason: CancelReason) -> None:
    detail = refusal(VisitStatus(CANCELLED, AT), Cancellation(reason, CancelledBy.PATIENT))
    assert detail == "Only a visit that was called off has somebody who did it. Leave cancelled_by out."


@pytest.mark.parametrize("state", [SCHEDULED, CHECKED_IN, COMPLETED])
def test_only_a_cancelled_visit_has_a_reason(state: VisitState) -> None:
    status = VisitStatus(state, AT)
    assert why_cancelled(status, NOT_SAID, AT) == NOT_SAID
    assert "Only a visit that is cancelled has a reason" in refusal(status, CALLED_OFF)


def test_nobody_has_missed_a_visit_before_its_time_or_when_they_were_checked_in() -> None:
    assert "still to come" in refusal(VisitStatus(CANCELLED, AT), MISSED, AT - timedelta(microseconds=1))
    assert "they came" in refusal(VisitStatus(CANCELLED, AT, AT), MISSED)


@pytest.mark.parametrize(
    ("was", "news", "stands"),
    [
        (BY_PATIENT, CALLED_OFF, BY_PATIENT),
        (BY_PATIENT, NOT_SAID, BY_PATIENT),
        (MISSED, NOT_SAID, MISSED),
        (NOT_SAID, CALLED_OFF, CALLED_OFF),
        (BY_PATIENT, MISSED, MISSED),
        (MISSED, CALLED_OFF, CALLED_OFF),
        (CALLED_OFF, BY_PATIENT, BY_PATIENT),
    ],
)
def test_news_that_say_no_more_than_is_known_take_nothing_away(
    was: Cancellation, news: Cancellation, stands: Cancellation
) -> None:
    assert still_cancelled(was, news) == stands


@pytest.mark.parametrize(("said", "reason", "by", "words"), SAID)
async def test_a_reason_of_the_form_is_kept_and_shown_on_both_pages(
    clinic: Clinic, coordinator: httpx.AsyncClient, said: str, reason: str, by: str | None, words: str
) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id, days=-1)
    page = await shown(coordinator, visit_id)
    assert page.named("option", value=said)
    form = {"key": form_in(page)["key"], "reason": said}
    for _ in range(2):
        assert (await coordinator.post(f"/visits/{visit_id}/cancel", data=form)).status_code == 303
    assert await why(clinic, visit_id) == ("cancelled", reason, by)
    assert f"The visit was cancelled: {words}. It can be booked again." in (await shown(coordinator, visit_id)).text
    assert f"dr-1 cancelled, {words}" in read(await coordinator.get(f"/patients/{patient_id}")).text
    assert await changes(clinic) == [("scheduled", "dr-1"), ("cancelled", "dr-1")]


async def test_without_a_reason_none_is_kept_and_none_is_shown(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id, days=NEXT_WEEK)
    assert (await coordinator.post(f"/visits/{visit_id}/cancel", data={"reason": ""})).status_code == 303
    assert await why(clinic, visit_id) == ("cancelled", None, None)
    assert "The visit was cancelled. It can be booked again." in (await shown(coordinator, visit_id)).text
    assert "dr-1 cancelled" in (text := read(await coordinator.get(f"/patients/{patient_id}")).text)
    assert "dr-1 cancelled," not in text


async def test_that_nobody_came_is_offered_after_the_time_of_the_visit_where_nobody_was_checked_in(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol()
    coming, here = [await clinic.visit(patient_id, days=days) for days in (NEXT_WEEK, -1)]
    await clinic.system.patch(f"/v1/visits/{here}", json={"state": "checked-in"})
    for visit_id, because in ((coming, "The visit is still to come"), (here, "The patient was checked in: they came.")):
        page = await shown(coordinator, visit_id)
        assert page.named("option", value="patient")
        assert page.named("option", value="no-show") == []
        refused = read(await coordinator.post(f"/visits/{visit_id}/cancel", data={"reason": "no-show"}), 409)
        assert because in refused.text
        assert refused.marked == {"cancel-reason"}
        assert len([one for one in refused.named("details") if "open" in one]) == 1
        assert (await cancel(clinic, visit_id, cancel_reason="no-show")).status_code == 409
        assert (await why(clinic, visit_id))[1] is None


async def test_a_reason_that_there_is_not_is_marked_and_cancels_nothing(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    page = read(await coordinator.post(f"/visits/{visit_id}/cancel", data={"reason": "the weather"}), 422)
    assert page.marked == {"cancel-reason"}
    assert (await cancel(clinic, visit_id, cancel_reason="the weather")).status_code == 422
    assert (await cancel(clinic, visit_id, cancelled_by="the weather")).status_code == 422
    assert await changes(clinic) == [("scheduled", "dr-1")]


async def test_the_api_takes_a_reason_with_the_cancelling_and_with_nothing_else(clinic: Clinic) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    checked_in: dict[str, Any] = {"state": "checked-in", "cancelled_by": "patient"}
    answer = await clinic.system.patch(f"/v1/visits/{visit_id}", json=checked_in)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:cancel-reason-not-allowed")
    assert (await cancel(clinic, visit_id, cancelled_by="clinic")).status_code == 200
    assert await why(clinic, visit_id) == ("cancelled", "cancelled", "clinic")


async def test_a_visit_that_is_booked_again_has_no_reason_any_more(clinic: Clinic) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=NEXT_WEEK)
    await cancel(clinic, visit_id, cancelled_by="patient")
    assert (await clinic.system.patch(f"/v1/visits/{visit_id}", json={"state": "scheduled"})).status_code == 200
    assert await why(clinic, visit_id) == ("scheduled", None, None)
    await cancel(clinic, visit_id)
    assert await why(clinic, visit_id) == ("cancelled", None, None)


@pytest.mark.parametrize(
    ("coded", "by"),
    [
        ([{"system": CODES, "code": "pat"}], "patient"),
        ([{"system": "urn:synthetic:ehr", "code": "x"}, {"system": CODES, "code": "pat-lt"}], "patient"),
        ([{"system": CODES, "code": "prov-pers"}], "clinic"),
        ([{"system": CODES, "code": "oth-weath"}], "other"),
        ([{"system": CODES, "code": "maint"}], "other"),
        ([{"system": "urn:synthetic:ehr", "code": "pat"}], None),
        ([{"system": CODES}], None),
        ("pat", None),
    ],
)
async def test_who_called_an_appointment_off_is_read_by_the_group_of_its_code(
    clinic: Clinic, coded: object, by: str | None
) -> None:
    await clinic.enrol()
    visit_id = await told(clinic, appointment("cancelled", cancelationReason={"coding": coded}))
    assert await why(clinic, visit_id) == ("cancelled", "cancelled", by)


@pytest.mark.parametrize("status", ["noshow", "entered-in-error"])
async def test_who_called_it_off_is_not_asked_of_what_was_missed_or_entered_in_error(
    clinic: Clinic, status: str
) -> None:
    await clinic.enrol()
    coding = [{"system": CODES, "code": "pat"}]
    visit_id = await told(clinic, appointment(status, cancelationReason={"coding": coding}))
    assert await why(clinic, visit_id) == ("cancelled", {"noshow": "no-show"}.get(status, status), None)


async def test_news_that_the_visit_is_cancelled_leave_the_reason_that_staff_gave(clinic: Clinic) -> None:
    await clinic.enrol()
    at = "2126-10-13T10:20:00Z"
    visit_id = await told(clinic, appointment(start=at, end=at))
    await cancel(clinic, visit_id, cancelled_by="patient")
    now = {"lastUpdated": datetime.now(UTC).isoformat()}
    assert await told(clinic, appointment("cancelled", start=at, end=at, meta=now)) == visit_id
    assert await why(clinic, visit_id) == ("cancelled", "cancelled", "patient")
    header, row = "patient;visit;starts_at;clinician;state", f"MRN-1;APT-1;{at};dr-1;cancelled"
    assert counts(await send(clinic, "visits", f"{header}\n{row}\n"))[2] == 0
    assert await why(clinic, visit_id) == ("cancelled", "cancelled", "patient")


async def test_a_visit_that_was_cancelled_before_anybody_asked_who_did_is_shown_as_it_was(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    patient_id = await clinic.enrol()
    visit_id = await told(clinic, appointment("cancelled"))
    assert "The visit was cancelled. It can be booked again." in (await shown(coordinator, visit_id)).text
    assert "dr-1 cancelled" in read(await coordinator.get(f"/patients/{patient_id}")).text
