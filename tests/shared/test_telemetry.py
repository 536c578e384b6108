"""Metrics, as an alert sees them, and logs, as a collector reads them."""

import json
import subprocess
import sys

import pytest
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


@pytest.mark.parametrize("library", ["aiokafka.conn", "asyncpg.pool", "uvicorn.access"])
def test_what_a_library_warns_of_does_not_stand_among_the_lines_of_a_service(library: str) -> None:
    lines = f"""
import logging, structlog
from shared.telemetry import configure_logs
configure_logs("intake", "INFO")
logging.getLogger("{library}").warning("the server is away")
structlog.get_logger().info("began")
"""
    command = [sys.executable, "-c", lines]
    written = subprocess.run(command, check=True, text=True, capture_output=True)  # noqa: S603 - ours
    assert [json.loads(line)["event"] for line in written.stdout.splitlines()] == ["began"]
    assert written.stderr == ""
