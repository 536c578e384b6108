"""Both brokers behind one fixture: what holds for the fake must hold for Kafka."""

from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

import pytest

from shared.broker import Broker
from shared.kafka import KafkaBroker
from shared.memory_broker import MemoryBroker

TOPIC, OTHER_TOPIC = "letters", "parcels"
# The table of an effect that counts, made where a consumer is tested that is none of ours.
EFFECT = """
CREATE TABLE effect (key text, sequence bigint, times integer, PRIMARY KEY (key, sequence));
GRANT SELECT, INSERT, UPDATE ON effect TO samepage_worker
"""


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
        session_timeout_ms=6_000,
    )


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def broker(request: pytest.FixtureRequest) -> TopicBroker:
    """An empty broker with two topics."""
    opened: TopicBroker = (
        MemoryBroker() if request.param == "memory" else own_kafka(request.getfixturevalue("kafka_bootstrap"))
    )
    await opened.create_topics([TOPIC, OTHER_TOPIC])
    return opened
