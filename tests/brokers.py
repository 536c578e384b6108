"""Kafka brokers that nobody else uses."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.java import JavaTools
from deploy.local.kafka import Kafka
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.record import Part
from deploy.local.server import stop, wait_until_ready


@contextmanager
def a_kafka(
    root: Path, *, admin_password: str | None = None, more: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int]]:
    """Address and process id of a broker; one that asks who its clients are, when its super user has a password."""
    tools = JavaTools.found(os.environ)
    if tools.missing:
        pytest.skip(f"Kafka needs {tools.missing}")
    server = Kafka(root / "kafka", root / "kafka.log", tools, admin_password, more or {})
    ports = keep_or_choose((), server.port_count)
    part = Part(ports, server.start(ports))
    assert part.process is not None
    try:
        wait_until_ready(server, part)
        yield f"{HOST}:{ports[0]}", part.process.pid
    finally:
        stop({"kafka": part})
