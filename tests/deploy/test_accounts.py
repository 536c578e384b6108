"""The demo's accounts find every difference that is planted into databases which agree."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path

import asyncpg
import pytest
from rich.console import Console

from deploy.databases import KeyRingDatabase
from deploy.demo.accounts import Account, accounts_when_settled, as_json, as_table
from deploy.doors import SERVICES, consumes
from deploy.issuer import LocalIssuer
from deploy.keys.places import keyring_in
from deploy.local.network import Network
from deploy.local.stack import Addresses
from tests.conftest import Databases, FreshDatabase
from tests.deploy.arrived import EVENTS, arrived_everywhere

SENT = Counter(event.topic for event in EVENTS)
CONSUMERS = [service for service in SERVICES if consumes(service)]
AGREEING = Account("visit-updated", "feedback", sent=3, accepted=3, published=4, consumed=3, dead=0, shown=3)


@pytest.fixture
async def network(database: Databases, issuer: LocalIssuer) -> Network:
    """A network in which every event was accepted and has arrived; on a broker that keeps no log."""
    databases = await arrived_everywhere(database)
    addresses, keyring = Addresses("", "", "tansu", None), KeyRingDatabase("", {})
    return Network(addresses, databases, {}, issuer, Path(), Path(), {}, keyring, keyring_in(Path(), ""))


async def differences(network: Network, sent: Counter[str] = SENT) -> dict[tuple[str, str], list[str]]:
    accounts = await accounts_when_settled(network, sent, lambda: None, longest_s=0)
    assert len(accounts) == sum(len(consumes(service)) for service in CONSUMERS)
    return {(account.consumer, account.topic): account.differences for account in accounts if account.differences}


async def plant(network: Network, service: str, statement: str) -> None:
    database = network.databases[service]
    assert isinstance(database, FreshDatabase)
    connection = await asyncpg.connect(database.admin)
    try:
        assert (await connection.execute(statement)).split()[-1] != "0", "nothing was planted"
    finally:
        await connection.close()


async def test_where_everything_arrived_nothing_differs_and_each_planted_difference_is_named(network: Network) -> None:
    assert await differences(network) == {}

    found = await differences(network, SENT + Counter({"survey-completed": 1}))
    assert found == {
        (consumer, "survey-completed"): ["accepted is not what was sent"]
        for consumer in ("dashboard", "feedback", "analytics")
    }

    await plant(network, "feedback", "DELETE FROM delivery WHERE topic = 'visit-updated'")
    expected = {("feedback", "visit-updated"): ["not all was consumed"]}
    assert await differences(network) == expected

    await plant(network, "analytics", "DELETE FROM feedback")
    expected |= {("analytics", "feedback-received"): ["not all is shown"]}
    assert await differences(network) == expected

    await plant(network, "dashboard", "UPDATE patient_page SET facts = '{}'")
    found = await differences(network)
    shown = {topic for consumer, topic in found if consumer == "dashboard"}
    assert {"survey-completed", "clinician-data-updated", "visit-updated", "enrollment-updated"} <= shown
    expected |= {("dashboard", topic): ["not all is shown"] for topic in shown}
    assert found == expected

    await plant(network, "clinical", "DELETE FROM outbox WHERE topic = 'clinician-data-updated'")
    found = await differences(network)
    assert "not all was consumed" in found["analytics", "clinician-data-updated"]
    assert "accepted is not what was sent" in found["analytics", "clinician-data-updated"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"sent": None, "published": None, "shown": None}, []),
        ({"sent": 4}, ["accepted is not what was sent"]),
        ({"published": 2}, ["not all was published"]),
        ({"consumed": 2}, ["not all was consumed"]),
        ({"consumed": 4}, ["not all was consumed"]),
        ({"dead": 1}, ["not all was consumed"]),
        ({"shown": 2}, ["not all is shown"]),
        ({"shown": 4}, ["not all is shown"]),
    ],
)
def test_an_account_says_in_words_what_does_not_add_up(change: dict[str, int | None], said: list[str]) -> None:
    account = replace(AGREEING, **change)  # type: ignore[arg-type]
    assert account.differences == said
    assert json.loads(as_json([account]))[0]["differences"] == said
    paper = StringIO()
    Console(width=200, file=paper).print(as_table([account]))
    assert "; ".join(said) in paper.getvalue()


async def test_what_is_still_on_its_way_is_waited_for(network: Network) -> None:
    await plant(network, "feedback", "UPDATE delivery SET topic = 'elsewhere' WHERE topic = 'visit-updated'")
    arrivals: list[asyncio.Task[None]] = []

    def watch() -> None:
        if not arrivals:
            back = "UPDATE delivery SET topic = 'visit-updated' WHERE topic = 'elsewhere'"
            arrivals.append(asyncio.create_task(plant(network, "feedback", back)))

    accounts = await accounts_when_settled(network, SENT, watch, longest_s=30)
    await arrivals[0]
    assert not [account for account in accounts if account.differences]
