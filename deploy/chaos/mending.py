"""What an operator does about records that hold patients up: tries them again, drops them, and replays what is left.

By the operator's own functions, the ones behind `samepage dead-letters`, while workers read and clients write.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple

import asyncpg

from deploy.databases import connected
from deploy.doors import Door
from deploy.local.network import Network
from deploy.upkeep import letters
from deploy.upkeep.letters import subscription_of
from shared.broker import Partition, Stream
from shared.db import RETRYABLE
from shared.delivery import Subscription

_LOOK_S = 0.5
_LONGEST_S = 120.0
_SOME = 6
_PLACES = "SELECT topic, partition, next_offset FROM consumer_offset WHERE consumer = $1"


class Mended(NamedTuple):
    """How many records were dropped, and how many were found parked behind them."""

    dropped: int
    parked: int


def subscription_at(network: Network, service: str) -> Subscription:
    """How a service of this network applies what it reads."""
    key = network.environments[Door(service, "worker")].get("SAMEPAGE_ANALYTICS_PSEUDONYM_KEY", "")
    return subscription_of(service, network.databases[service].worker, key)


async def has_read(dsn: str, consumer: str, ends: Mapping[Partition, int]) -> bool:
    """Whether a consumer is as far as these ends."""
    async with connected(dsn) as connection:
        rows = await connection.fetch(_PLACES, consumer)
    places = {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    return all(places.get(partition, 0) >= end for partition, end in ends.items())


async def until_parked(
    readers: Mapping[str, str], streams: Collection[Stream], is_log_lost: Callable[[], bool], seconds: float
) -> None:
    """Wait until these services, by their DSNs, have parked some events of these streams. They will not where a log was
    lost before anybody had read what it would be parked behind.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            is_last_look = is_log_lost()
            found = [one for service, dsn in readers.items() for one in await letters.listed(dsn, service)]
            held_up = [one.state for one in found if one.stream in streams]
            if held_up.count("parked") >= _SOME or (is_last_look and not held_up):
                return
        except (asyncpg.PostgresError, *RETRYABLE):
            pass  # a server is away
        await asyncio.sleep(_LOOK_S)


async def mend(
    dsn: str, subscription: Subscription, streams: Collection[Stream], is_all_read: Callable[[], Awaitable[bool]]
) -> Mended:
    """Try again and then drop what is dead in these streams, until all is read and nothing of them is set aside.

    Whoever does not get there in two minutes leaves the rest to the auditor.
    """
    dropped, parked = 0, set()
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until:
        try:
            is_last_look = await is_all_read()
            held_up = [one for one in await letters.listed(dsn, subscription.name) if one.stream in streams]
            dead = [one.letter_id for one in held_up if one.state == "dead"]
            behind = {one.letter_id for one in held_up if one.state == "parked"}
            parked |= behind
            for letter_id in dead:
                await letters.replay(dsn, subscription, [letter_id])
                is_dropped = await letters.drop(dsn, subscription, letter_id, "nobody's", by="chaos-operator")
                dropped += is_dropped is not None
            if behind and not dead:
                await letters.replay(dsn, subscription, [])
            if is_last_look and not dead and not behind:
                break
        except (asyncpg.PostgresError, *RETRYABLE):
            dead = []  # a server is away
        if not dead:
            await asyncio.sleep(_LOOK_S)
    return Mended(dropped, len(parked))
