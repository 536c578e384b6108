"""Clinical between two topics of a real Kafka: an enrolment comes in by the worker, a result goes out by it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest
from fastapi import FastAPI

from services.clinical import CONSUMES, PUBLISHES, worker
from shared.events import CLINICIAN_DATA_UPDATED, ClinicianDataUpdated
from shared.kafka import KafkaBroker
from tests.builders import PATIENT, SITE, an_enrollment, an_event
from tests.conftest import Tokens, client_of, new_key, worker_settings
from tests.services.clinical.writes import LAB
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
    """Both doors of clinical on one database."""
    application = await app("clinical")
    async with running(worker.run(worker_settings(application), broker)):
        yield application


@pytest.mark.kafka
async def test_a_result_of_a_patient_who_was_just_enrolled_reaches_its_readers(
    application: FastAPI, broker: KafkaBroker, token: Tokens
) -> None:
    enrolment = an_event(an_enrollment())
    await send(broker, enrolment)
    async with client_of(application, token("system", [SITE])) as system, asyncio.timeout(30):
        query, body = {"wait_for": str(enrolment.event_id)}, LAB | {"patient_id": str(PATIENT)}
        answer = await system.post("/v1/labs", params=query, json=body, headers=new_key())
        while answer.status_code == 404:  # the worker may need longer to start than the longest wait
            answer = await system.post("/v1/labs", params=query, json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    event = await first_of(broker, CLINICIAN_DATA_UPDATED.name)
    assert str(event.event_id) == answer.json()["receipt"]
    assert isinstance(event.body, ClinicianDataUpdated)
    assert (event.key, event.sequence, event.site_id) == (str(PATIENT), 1, SITE)
