"""Feedback between the topics of a real Kafka: a visit and its survey come in by the worker, an answer goes out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest
from fastapi import FastAPI

from services.feedback import CONSUMES, PUBLISHES, worker
from shared.events import FEEDBACK_RECEIVED, FeedbackReceived, VisitState
from shared.kafka import KafkaBroker
from tests.builders import PATIENT, SITE, VISIT_AT, a_feedback, a_survey, a_visit, an_enrollment, an_event
from tests.conftest import Tokens, client_of, new_key, worker_settings
from tests.services.streams import first_of, send
from tests.shared.effects import running


@pytest.fixture
async def broker(kafka_bootstrap: str) -> KafkaBroker:
    """A namespace of its own on the shared Kafka."""
    broker = KafkaBroker(kafka_bootstrap, client_id="test", prefix=f"test-{uuid4().hex[:8]}-")
    await broker.create_topics([topic.name for topic in CONSUMES + PUBLISHES])
    return broker


@pytest.fixture
async def application(app: Callable[[str], Awaitable[FastAPI]], broker: KafkaBroker) -> AsyncIterator[FastAPI]:
    """Both doors of feedback on one database."""
    application = await app("feedback")
    async with running(worker.run(worker_settings(application), broker)):
        yield application


@pytest.mark.kafka
async def test_an_answer_about_a_visit_that_has_just_ended_reaches_the_network(
    application: FastAPI, broker: KafkaBroker, token: Tokens
) -> None:
    scheduled = an_event(a_visit())
    ended = an_event(a_visit(state=VisitState.COMPLETED, completed_at=VISIT_AT), sequence=2)
    await send(broker, an_event(an_enrollment()), an_event(a_survey()), scheduled, ended)
    said = a_feedback().model_dump(mode="json", exclude={"feedback_id"})
    async with client_of(application, token("patient", [SITE], patient_id=PATIENT)) as patient, asyncio.timeout(30):
        query = {"wait_for": str(ended.event_id)}
        answer = await patient.post("/v1/feedback", params=query, json=said, headers=new_key())
        while answer.status_code in (404, 409):  # the worker may need longer to start than the longest wait
            answer = await patient.post("/v1/feedback", params=query, json=said, headers=new_key())
    assert answer.status_code == 201, answer.text
    event = await first_of(broker, FEEDBACK_RECEIVED.name)
    assert str(event.event_id) == answer.json()["receipt"]
    assert isinstance(event.body, FeedbackReceived)
    assert event.body.model_dump(mode="json", exclude={"feedback_id"}) == said
