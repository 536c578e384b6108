"""Metrics, as an alert sees them."""

from prometheus_client import REGISTRY

from shared.consumer import Consumer
from shared.delivery import Subscription
from shared.memory_broker import MemoryBroker
from tests.conftest import Pools


async def test_a_consumer_counts_records_set_aside_from_zero_so_that_the_first_one_is_an_increase(
    pool_of: Pools,
) -> None:
    async def apply(*_: object) -> None:
        """Never called."""

    Consumer(Subscription("counted", (), apply), MemoryBroker(), await pool_of("clinical"))
    for state in ("dead", "parked", "waiting"):
        labels = {"consumer": "counted", "state": state}
        assert REGISTRY.get_sample_value("samepage_consumer_set_aside_total", labels) == 0
