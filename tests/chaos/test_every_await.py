"""Relay, reader and command killed at each of their awaits, one after the other: what begins in their place loses
nothing, doubles nothing and keeps the order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.intake.app import create_app
from services.intake.settings import IntakeAppSettings
from shared.db import open_pool
from shared.relay import Relay
from shared.settings import Platform
from tests.chaos.crash import Awaits
from tests.chaos.pipeline import QUICK_RELAY, Pipeline
from tests.conftest import Databases, FreshDatabase, KeyRings, Tokens, client_of
from tests.shared.effects import PATIENTS
from tests.shared.flaky import FlakyBroker
from tests.shared.wire import wire_to
from tests.waiting import until

SITE = "site-01"


async def is_killed_or(awaits: Awaits[None], is_done: Callable[[], Awaitable[bool]]) -> bool:
    """Run until it is killed, or has done what it was to do; whether it was killed."""
    task = asyncio.ensure_future(_awaited(awaits))

    async def has_ended() -> bool:
        return task.done() or await is_done()

    await until(has_ended)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return awaits.was_killed


async def _awaited(awaits: Awaits[None]) -> None:
    await awaits


async def test_a_relay_may_be_killed_at_every_await(pipeline: Pipeline) -> None:
    await pipeline.write(*PATIENTS, times=2)
    for at in count(1):
        await pipeline.begin_again()
        async with wire_to(pipeline.writer.worker) as wire:
            relay = Relay("writer", wire.dsn, pipeline.broker, QUICK_RELAY)
            was_killed = await is_killed_or(Awaits(relay.run(), at=at, cut=wire.unplug), pipeline.is_all_sent)
        await pipeline.relay_all()
        await pipeline.read_all()
        assert await pipeline.findings() == {}, f"killed at await {at}"
        if not was_killed:
            break
    assert at > 30


async def test_a_reader_may_be_killed_at_every_await(pipeline: Pipeline) -> None:
    await pipeline.write(*PATIENTS, times=2)
    await pipeline.relay_all()
    for at in count(1):
        await pipeline.read_anew()
        async with wire_to(pipeline.reader.worker) as wire, open_pool(wire.dsn, size=2) as pool:
            reading = pipeline.a_reader(pool).run()
            was_killed = await is_killed_or(Awaits(reading, at=at, cut=wire.unplug), pipeline.is_all_read)
        await pipeline.read_all()
        assert await pipeline.findings() == {}, f"killed at await {at}"
        if not was_killed:
            break
    assert at > 50
