"""What consumers have set aside: listed without a patient's data, tried again, or given up with a reason on record."""

from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from uuid import UUID

from deploy.doors import Door, settings_class
from shared import audit, dead_letters
from shared.audit import NETWORK, Entry, Kind, Purpose, act_of_program
from shared.auth import Role
from shared.db import open_pool, transaction
from shared.dead_letters import Place, SetAside
from shared.delivery import Outcome, Subscription


@dataclass(frozen=True)
class Tried:
    """What became of records that were tried again."""

    applied: int
    waiting: int
    still_set_aside: int

    def __str__(self) -> str:
        waiting = f", {self.waiting} waiting for an event that has not come" if self.waiting else ""
        return f"{self.applied} applied{waiting}, {self.still_set_aside} still set aside."


def subscription_of(service: str, dsn: str, pseudonym_key: str) -> Subscription:
    """How a service applies what it reads. Only analytics needs a key for it."""
    worker = import_module(f"services.{service}.worker")
    if service == "analytics":
        kind = settings_class(Door(service, "worker"))
        settings = kind.model_validate({"database_url": dsn, "pseudonym_key": pseudonym_key})
        of_settings: Subscription = worker.subscription_of(settings)
        return of_settings
    found: Subscription = worker.SUBSCRIPTION
    return found


async def listed(dsn: str, service: str) -> list[SetAside]:
    """Everything that a service has set aside, what was dropped too."""
    async with open_pool(dsn, size=1) as pool, transaction(pool) as connection:
        return await dead_letters.listed(connection, service)


async def replay(dsn: str, subscription: Subscription, letter_ids: Collection[UUID]) -> Tried:
    """Try these dead records again with all that is parked behind them; without any named, everything."""
    async with open_pool(dsn, size=2) as pool:
        async with transaction(pool) as connection:
            letters = await dead_letters.listed(connection, subscription.name)
        streams = {letter.stream for letter in letters if not letter_ids or letter.letter_id in letter_ids}
        outcome = await dead_letters.replay(pool, subscription, list(streams))
    return _tried(outcome)


def _tried(outcome: Outcome) -> Tried:
    states = Counter(letter.state for letter in outcome.letters)
    return Tried(len(outcome.applied), states["waiting"], states["dead"] + states["parked"])


async def drop(dsn: str, subscription: Subscription, letter_id: UUID, why: str, *, by: str) -> Tried | None:
    """Give a dead record up for good; None when none is set aside under this id. It is on record who did it and why."""
    act = act_of_program(by, Role.OPERATOR, Purpose.CARE, method="CLI", route="drop-dead-letter")
    async with open_pool(dsn, size=1) as pool, transaction(pool) as connection:
        found = await dead_letters.drop(connection, subscription, letter_id, why)
        if found is None:
            return None
        dropped, outcome = found
        stream, place = dropped.stream, Place(dropped.partition, dropped.offset)
        asked = [f"letter={letter_id}", f"place={place}"]
        entry = Entry(stream.site_id or NETWORK, Kind.WRITE, 200, _patient(stream.key), asked=asked)
        await audit.record(connection, act, [entry])
    return _tried(outcome)


def _patient(key: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(key)
    return None
