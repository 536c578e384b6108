"""What was accepted against what each service shows: one account a topic and consumer, from the services' own data."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module

from rich.table import Table

from deploy.databases import connected
from deploy.doors import SERVICES, consumes, publishes
from deploy.local.network import Network
from shared.broker import Partition
from shared.events import PARTITIONS, TOPICS
from shared.kafka import KafkaBroker


@dataclass(frozen=True)
class Account:
    """One topic in one consuming service. `sent` is what the clients were told, null where a door makes its own events.

    `published` counts records on Kafka, which may hold one event twice, and is null on a memory-only broker, which
    does not count them right; the others count events.
    """

    topic: str
    consumer: str
    sent: int | None
    accepted: int
    published: int | None
    consumed: int
    dead: int
    shown: int | None

    @property
    def differences(self) -> list[str]:
        """What does not add up, in words."""
        wrong = []
        if self.sent is not None and self.sent != self.accepted:
            wrong.append("accepted is not what was sent")
        if self.published is not None and self.published < self.accepted:
            wrong.append("not all was published")
        if self.consumed != self.accepted or self.dead:
            wrong.append("not all was consumed")
        if self.shown is not None and self.shown != self.accepted:
            wrong.append("not all is shown")
        return wrong


async def accounts_when_settled(
    network: Network, sent: Mapping[str, int], watch: Callable[[], None], *, longest_s: float = 120.0
) -> list[Account]:
    """The accounts as soon as nothing differs, or as they stand after `longest_s`."""
    until = time.monotonic() + longest_s
    while True:
        watch()
        accounts = await _accounts(network, sent)
        if not any(account.differences for account in accounts) or time.monotonic() > until:
            return accounts
        await asyncio.sleep(0.5)


async def _accounts(network: Network, sent: Mapping[str, int]) -> list[Account]:
    accepted: dict[str, int] = {}
    for service in SERVICES:
        if publishes(service):
            accepted |= await _counts(
                network.databases[service].worker, "SELECT topic AS name, count(*) AS n FROM outbox GROUP BY topic"
            )
    is_counted = network.addresses.broker_kind == "kafka"
    published = await _published(network.addresses.bootstrap_servers) if is_counted else {}
    accounts = []
    for service in SERVICES:
        topics = consumes(service)
        if not topics:
            continue
        dsn = network.databases[service].worker
        consumed = await _counts(dsn, "SELECT topic AS name, count(*) AS n FROM delivery GROUP BY topic")
        dead = await _counts(dsn, "SELECT topic AS name, count(*) AS n FROM dead_letter GROUP BY topic")
        shown = await _shown(service, dsn)
        accounts += [
            Account(
                topic=topic.name,
                consumer=service,
                sent=sent.get(topic.name),
                accepted=accepted.get(topic.name, 0),
                published=published.get(topic.name),
                consumed=consumed.get(topic.name, 0),
                dead=dead.get(topic.name, 0),
                shown=None if shown is None else shown.get(topic.name, 0),
            )
            for topic in topics
        ]
    return accounts


async def _published(bootstrap_servers: str) -> dict[str, int]:
    partitions = [Partition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]
    source = await KafkaBroker(bootstrap_servers, client_id="accounts").source("accounts", list(TOPICS))
    try:
        bounds = await source.bounds(partitions)
    finally:
        await source.close()
    return {
        topic: sum(
            bounds[Partition(topic, number)].end - bounds[Partition(topic, number)].start
            for number in range(PARTITIONS)
        )
        for topic in TOPICS
    }


async def _shown(service: str, dsn: str) -> dict[str, int] | None:
    """Events whose effect the read model shows, by topic; None where a service has no `ACCOUNT` to tell by."""
    statement: str | None = getattr(import_module(f"services.{service}.store"), "ACCOUNT", None)
    return None if statement is None else await _counts(dsn, statement)


async def _counts(dsn: str, statement: str) -> dict[str, int]:
    async with connected(dsn) as connection:
        return {row["name"]: row["n"] for row in await connection.fetch(statement)}


def as_table(accounts: Sequence[Account]) -> Table:
    """For people."""
    table = Table("Topic", "Consumer", *("Sent", "Accepted", "Published", "Consumed", "Dead", "Shown"), "Difference")
    for account in accounts:
        numbers = (account.sent, account.accepted, account.published, account.consumed, account.dead, account.shown)
        cells = ["" if number is None else f"{number:,}" for number in numbers]
        table.add_row(account.topic, account.consumer, *cells, "; ".join(account.differences))
    return table


def as_json(accounts: Sequence[Account]) -> str:
    """For programs: one line."""
    return json.dumps([{**asdict(account), "differences": account.differences} for account in accounts])
