"""Feedback through its HTTP door, on a real PostgreSQL: who may answer about which visit, once, and in private."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.feedback.app import document
from services.feedback.worker import SUBSCRIPTION
from shared.events import FeedbackReceived, VisitState
from tests.builders import (
    PATIENT,
    SITE,
    VISIT,
    VISIT_AT,
    a_survey,
    a_visit,
    an_enrollment,
    an_erasure,
    an_event,
    an_id,
)
from tests.conftest import Tokens, client_of, new_key
from tests.services.streams import arrive, published
from tests.survey import FEEDBACK

OTHER_SITE = "lakeside"
ENDED_AT = VISIT_AT + timedelta(minutes=30)
NEIGHBOUR = an_id("another patient of the same site")
VISIT_OF_NEIGHBOUR = an_id("visit of the neighbour")
WITHOUT_SURVEY = an_id("visit without a survey")
NOT_ENDED = an_id("visit that has not ended")
SURVEY_TOO_LATE = an_id("visit with a survey of the next day")
SURVEY_ONLY = an_id("visit of which only the survey has arrived")
COMPLETED = {"state": VisitState.COMPLETED, "completed_at": ENDED_AT}
ANSWERS = FEEDBACK | {"patient_id": str(PATIENT), "visit_id": str(VISIT)}


@pytest.fixture
async def feedback(app: Callable[[str], Awaitable[FastAPI]]) -> FastAPI:
    """Feedback, to which visits and surveys have come: one is open, each other lacks something."""
    application = await app("feedback")
    visits = [
        a_visit(**COMPLETED),
        a_visit(visit_id=WITHOUT_SURVEY, **COMPLETED),
        a_visit(visit_id=NOT_ENDED, state=VisitState.CHECKED_IN, checked_in_at=VISIT_AT),
        a_visit(visit_id=SURVEY_TOO_LATE, **COMPLETED),
    ]
    surveys = [
        a_survey(),
        a_survey(visit_id=NOT_ENDED),
        a_survey(visit_id=SURVEY_TOO_LATE, submitted_at=ENDED_AT + timedelta(days=1)),
        a_survey(visit_id=SURVEY_ONLY),
    ]
    await arrive(
        application,
        SUBSCRIPTION,
        *(an_event(body, sequence=sequence) for sequence, body in enumerate(surveys, start=1)),
        *(an_event(body, sequence=sequence) for sequence, body in enumerate(visits, start=1)),
        an_event(an_enrollment()),
        an_event(a_visit(patient_id=NEIGHBOUR, visit_id=VISIT_OF_NEIGHBOUR, **COMPLETED)),
        an_event(a_survey(patient_id=NEIGHBOUR, visit_id=VISIT_OF_NEIGHBOUR)),
        an_event(an_enrollment(patient_id=NEIGHBOUR)),
    )
    return application


@pytest.fixture
async def patient(feedback: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The patient, signed in."""
    async with client_of(feedback, token("patient", [SITE], patient_id=PATIENT)) as client:
        yield client


@pytest.fixture
async def coordinator(feedback: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The coordinator of the site, with an answer on paper."""
    async with client_of(feedback, token("coordinator", [SITE])) as client:
        yield client


async def give(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await client.post("/v1/feedback", json=ANSWERS | changes, headers=new_key())


async def open_visits(client: httpx.AsyncClient, patient_id: UUID = PATIENT) -> list[str]:
    answer = await client.get("/v1/invitations", params={"patient_id": str(patient_id)})
    assert answer.status_code == 200, answer.text
    return [item["visit_id"] for item in answer.json()["items"]]


async def test_what_the_patient_says_is_published_as_it_was_said(feedback: FastAPI, patient: httpx.AsyncClient) -> None:
    answer = await give(patient)
    assert answer.status_code == 201, answer.text
    (event,) = await published(feedback)
    assert isinstance(event.body, FeedbackReceived)
    assert event.key == str(PATIENT)
    assert event.body.model_dump(mode="json", include=set(ANSWERS)) == ANSWERS
    assert answer.json()["id"] == str(event.body.feedback_id)
    row = (await feedback.state.database.rows("SELECT * FROM feedback"))[0]
    assert {name: row[name] for name in FEEDBACK} == FEEDBACK


async def test_a_skipped_question_is_null_and_one_that_is_left_out_is_refused(
    feedback: FastAPI, patient: httpx.AsyncClient
) -> None:
    skipped = dict.fromkeys(name for name in FEEDBACK if not name.startswith(("used_in", "used_outside")))
    for name in FEEDBACK:
        body = {key: value for key, value in ANSWERS.items() if key != name}
        answer = await patient.post("/v1/feedback", json=body, headers=new_key())
        assert [error["field"] for error in answer.json()["errors"]] == [name]
    assert (await give(patient, **skipped)).status_code == 201
    (event,) = await published(feedback)
    assert event.body.model_dump(include=set(skipped)) == skipped


@pytest.mark.parametrize("effort", [-1, 10, 4.5, True, "9"])
async def test_an_effort_is_a_whole_number_from_0_to_9(patient: httpx.AsyncClient, effort: object) -> None:
    answer = await give(patient, effort_to_listen=effort)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["effort_to_listen"]


async def test_there_is_no_place_for_free_text(patient: httpx.AsyncClient) -> None:
    assert (await give(patient, comment="Dr. Synthetic was kind")).status_code == 422


async def test_feedback_is_given_once_for_a_visit(feedback: FastAPI, patient: httpx.AsyncClient) -> None:
    assert (await give(patient)).status_code == 201
    again = await give(patient, effort_to_listen=0)
    assert again.status_code == 409
    assert again.json()["type"] == "urn:samepage:problem:already-given"
    assert len(await published(feedback)) == 1


async def test_two_answers_at_the_same_moment_are_still_one(feedback: FastAPI, patient: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(give(patient) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(await published(feedback)) == 1


async def test_the_same_key_gives_the_stored_answer(feedback: FastAPI, patient: httpx.AsyncClient) -> None:
    key = new_key()
    first, again = [await patient.post("/v1/feedback", json=ANSWERS, headers=key) for _ in range(2)]
    assert (again.status_code, again.content) == (201, first.content)
    assert (await patient.post("/v1/feedback", json=ANSWERS)).status_code == 422
    assert len(await published(feedback)) == 1


@pytest.mark.parametrize(
    ("visit_id", "said"),
    [
        (NOT_ENDED, "The visit is checked-in."),
        (WITHOUT_SURVEY, "The visit has no pre-visit survey."),
        (SURVEY_TOO_LATE, "The survey was submitted after the day of the visit."),
        (SURVEY_ONLY, "The visit's state is not known."),
    ],
)
async def test_a_visit_that_lacks_something_is_not_open_and_says_what(
    feedback: FastAPI, patient: httpx.AsyncClient, visit_id: UUID, said: str
) -> None:
    answer = await give(patient, visit_id=str(visit_id))
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:samepage:problem:not-open"
    assert answer.json()["detail"].startswith(said)
    assert await published(feedback) == []


async def test_a_visit_that_does_not_exist_one_of_another_patient_and_one_of_another_site_are_alike(
    feedback: FastAPI, patient: httpx.AsyncClient, token: Tokens
) -> None:
    async with client_of(feedback, token("patient", [OTHER_SITE], patient_id=PATIENT)) as stranger:
        answers = [
            await give(patient, visit_id=str(uuid4())),
            await give(patient, visit_id=str(VISIT_OF_NEIGHBOUR)),
            await give(stranger),
        ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1


async def test_a_patient_speaks_and_reads_for_nobody_else(feedback: FastAPI, patient: httpx.AsyncClient) -> None:
    others = {"patient_id": str(NEIGHBOUR), "visit_id": str(VISIT_OF_NEIGHBOUR)}
    assert (await give(patient, **others)).status_code == 404
    assert (await patient.get("/v1/invitations", params=others)).status_code == 404
    assert await published(feedback) == []


async def test_a_coordinator_enters_what_came_on_paper_with_its_day(
    feedback: FastAPI, coordinator: httpx.AsyncClient
) -> None:
    second = {"patient_id": str(NEIGHBOUR), "visit_id": str(VISIT_OF_NEIGHBOUR)}
    forms = [
        ANSWERS | {"received_at": "2026-10-14T09:00:00Z"},
        ANSWERS | second,
        ANSWERS | {"visit_id": str(NOT_ENDED)},
    ]
    answer = await coordinator.post("/v1/feedback", json=forms, headers=new_key())
    assert [item["status"] for item in answer.json()["items"]] == [201, 201, 409]
    first, _ = [event.body for event in await published(feedback)]
    assert isinstance(first, FeedbackReceived)
    assert first.received_at.isoformat() == "2026-10-14T09:00:00+00:00"


@pytest.mark.parametrize("role", ["clinician", "operator"])
async def test_who_treats_or_watches_has_no_part_in_it(feedback: FastAPI, token: Tokens, role: str) -> None:
    async with client_of(feedback, token(role, [SITE])) as client:
        assert (await give(client)).status_code == 403
        answer = await client.get("/v1/invitations", params={"patient_id": str(PATIENT)})
        assert answer.status_code == 403


async def test_a_visit_is_open_until_its_feedback_is_given(
    patient: httpx.AsyncClient, coordinator: httpx.AsyncClient
) -> None:
    assert await open_visits(patient) == await open_visits(coordinator) == [str(VISIT)]
    await give(patient)
    assert await open_visits(patient) == await open_visits(coordinator) == []


async def test_a_patient_of_another_site_is_as_unknown_as_one_that_does_not_exist(
    coordinator: httpx.AsyncClient, feedback: FastAPI, token: Tokens
) -> None:
    absent = await coordinator.get("/v1/invitations", params={"patient_id": str(uuid4())})
    async with client_of(feedback, token("coordinator", [OTHER_SITE])) as stranger:
        strange = await stranger.get("/v1/invitations", params={"patient_id": str(PATIENT)})
    assert absent.status_code == strange.status_code == 404
    assert absent.json() == strange.json()


async def test_feedback_waits_for_a_visit_that_has_just_ended(feedback: FastAPI, patient: httpx.AsyncClient) -> None:
    ended = an_event(a_visit(visit_id=NOT_ENDED, **COMPLETED), sequence=5, event_id=uuid4())
    body = ANSWERS | {"visit_id": str(NOT_ENDED)}
    query = {"wait_for": str(ended.event_id)}
    waiting = asyncio.create_task(patient.post("/v1/feedback", json=body, params=query, headers=new_key()))
    answered, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not answered
    await arrive(feedback, SUBSCRIPTION, ended)
    assert (await waiting).status_code == 201


def test_no_route_answers_with_what_was_said() -> None:
    described = document()
    answers = {
        str(media.get("schema", {}).get("$ref", "")).rpartition("/")[2]
        for path in described["paths"].values()
        for operation in path.values()
        for response in operation["responses"].values()
        for media in response.get("content", {}).values()
    }
    assert {"Accepted", "Invitations"} <= answers
    said = {name for answer in answers if answer for name in described["components"]["schemas"][answer]["properties"]}
    assert not said & set(FEEDBACK)


async def test_of_an_erased_patient_no_feedback_is_kept_and_none_is_taken(
    feedback: FastAPI, patient: httpx.AsyncClient
) -> None:
    assert (await give(patient)).status_code == 201
    await arrive(feedback, SUBSCRIPTION, an_event(an_erasure()))
    await arrive(feedback, SUBSCRIPTION, an_event(a_visit(visit_id=an_id("late"), **COMPLETED), sequence=5))
    refused = await give(patient)
    assert (refused.status_code, refused.json()["type"]) == (410, "urn:samepage:problem:erased")
    assert (await patient.get("/v1/invitations", params={"patient_id": str(PATIENT)})).status_code == 404
    for table in ("patient", "invitation", "feedback"):
        rows = await feedback.state.database.rows(f"SELECT patient_id FROM {table}")
        assert {row["patient_id"] for row in rows} <= {NEIGHBOUR}, table
    assert len(await published(feedback)) == 1, "the log keeps its event"


async def test_feedback_cannot_have_come_tomorrow(feedback: FastAPI, coordinator: httpx.AsyncClient) -> None:
    answer = await give(coordinator, received_at="2126-10-14T09:00:00Z")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["received_at"])
    assert await published(feedback) == []
