"""Both brokers behind one fixture: what holds for the fake must hold for Kafka. And the databases of a pipeline."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import uuid4

import pytest

from shared.broker import Broker
from shared.db import Pool, open_pool
from shared.kafka import KafkaBroker
from shared.kafka_login import Membership
from shared.memory_broker import MemoryBroker
from tests.conftest import Databases

TOPIC, OTHER_TOPIC = "letters", "parcels"


class TopicBroker(Broker, Protocol):
    """A broker that can make its topics."""

    async def create_topics(self, names: Sequence[str]) -> None:
        """Make the missing topics."""


def own_kafka(bootstrap_servers: str, *, answer_timeout_s: float = 10.0, prefix: str | None = None) -> KafkaBroker:
    """A namespace of its own on a shared Kafka, with the shortest session that Kafka allows."""
    return KafkaBroker(
        bootstrap_servers,
        client_id="test",
        prefix=prefix or f"test-{uuid4().hex[:8]}-",
        answer_timeout_s=answer_timeout_s,
        membership=Membership(session_timeout_ms=6_000),
    )


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def broker(request: pytest.FixtureRequest) -> TopicBroker:
    """An empty broker with two topics."""
    opened: TopicBroker = (
        MemoryBroker() if request.param == "memory" else own_kafka(request.getfixturevalue("kafka_bootstrap"))
    )
    await opened.create_topics([TOPIC, OTHER_TOPIC])
    return opened


@pytest.fixture
async def source_dsn(database: Databases) -> str:
    """A database of a publisher, as its superuser: what is tested there goes through no wall."""
    return (await database("intake")).admin


@pytest.fixture
async def reader_dsn(database: Databases) -> str:
    """A database of a consumer, likewise."""
    return (await database("dashboard")).admin


@pytest.fixture
async def reader(reader_dsn: str) -> AsyncIterator[Pool]:
    """A pool on it, with room for the effect of `tests.shared.effects`."""
    async with open_pool(reader_dsn, size=4) as pool:
        await pool.execute(
            "CREATE TABLE effect (key text, sequence bigint, times integer, PRIMARY KEY (key, sequence))"
        )
        yield pool
