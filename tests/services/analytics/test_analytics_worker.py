"""Analytics behind a real Kafka: every stream of a network becomes its figures."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from fastapi import FastAPI

from services.analytics import CONSUMES, worker
from shared.kafka import KafkaBroker
from tests.conftest import Apps, Tokens, client_of, worker_settings
from tests.services.analytics.network import KNOWN
from tests.services.streams import send
from tests.shared.effects import running
from tests.waiting import until


@pytest.fixture
async def broker(kafka_bootstrap: str) -> KafkaBroker:
    """A namespace of its own on the shared Kafka."""
    broker = KafkaBroker(kafka_bootstrap, client_id="test", prefix=f"test-{uuid4().hex[:8]}-")
    await broker.create_topics([topic.name for topic in CONSUMES])
    return broker


@pytest.fixture
async def application(app: Apps, broker: KafkaBroker) -> AsyncIterator[FastAPI]:
    """Both doors of analytics on one database."""
    application = await app("analytics")
    async with running(worker.run(worker_settings(application), broker)):
        yield application


@pytest.mark.kafka
async def test_what_happens_in_the_network_becomes_its_figures(
    application: FastAPI, broker: KafkaBroker, token: Tokens
) -> None:
    await send(broker, *KNOWN)
    async with client_of(application, token("operator", [])) as operator:

        async def has_all_arrived() -> bool:
            return bool(await application.state.pool.fetchval("SELECT count(*) FROM delivery") == len(KNOWN))

        await until(has_all_arrived)
        steps = (await operator.get("/v1/network/funnel")).json()["steps"]
        sites = (await operator.get("/v1/pipeline")).json()["sites"]
    assert [step["count"]["value"] for step in steps] == [2, 3, 105, 67, 43, 32]
    assert [(site["state"], site["dead_letters"]) for site in sites] == [("fine", 0), ("fine", 0), ("not started", 0)]
    assert all(0 <= site["lag_s"] < 30 for site in sites)
