"""When a system has come to rest: all that was accepted was sent, and all that was sent was applied."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.databases import at
from deploy.doors import consumes, publishes
from deploy.local.network import Network
from shared.events import PARTITIONS
from tests.load import databases
from tests.load.subjects import NotReady, Product
from tests.waiting import wait_until

_LOOK_S = 0.2
_LONGEST_S = 600.0
_UNSENT = "samepage_relay_oldest_unsent_seconds"
_APPLIED = "SELECT coalesce(sum(next_offset), 0)::bigint AS records FROM consumer_offset WHERE consumer = $1"


def settle(product: Product) -> None:
    """Wait until two looks in a row find nothing under way behind the doors.

    Raises:
        NotReady: after ten minutes there still was.
    """
    looks = 0

    def is_seen_twice() -> bool:
        nonlocal looks
        looks = looks + 1 if _is_at_rest(product) else 0
        return looks == 2

    wait_until(
        is_seen_twice,
        seconds=_LONGEST_S,
        every_s=_LOOK_S,
        otherwise=lambda: NotReady(f"Events were still under way after {_LONGEST_S:.0f} s."),
    )


def _is_at_rest(product: Product) -> bool:
    workers = [door for door in product.doors if door.kind == "worker"]
    for door in workers:
        # A relay that has not begun yet shows no age at all.
        if publishes(door.service) and product.metrics(door).get(_UNSENT) != 0:
            return False
    return all(_is_level(product.network, door.service) for door in workers if consumes(door.service))


def _is_level(network: Network, service: str) -> bool:
    dsn = at(network.addresses.postgres_admin_dsn, service)
    (applied,) = databases.fetch(dsn, _APPLIED, service)
    return bool(applied["records"] == records_on(network, [topic.name for topic in consumes(service)]))


def records_on(network: Network, topics: Sequence[str]) -> int:
    """How many records these topics hold."""
    partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]

    async def count() -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=network.addresses.bootstrap_servers)
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(partitions)).values())
        finally:
            await consumer.stop()

    return asyncio.run(count())
