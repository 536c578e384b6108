"""The drill of the runbook: every database dumped while writes flow, and restored into another server.

PostgreSQL's own tools do both; two servers are real, Kafka is the fake. It is kept, or lost with the first server.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from deploy.audit.chain import Fault
from deploy.audit.verify import Verification
from deploy.databases import KEY_RING, KeyRingDatabase, ensure_database, ensure_keyring
from deploy.doors import SERVICES, consumes, publishes
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.postgres import Postgres, program
from deploy.local.record import Part
from deploy.local.server import stop, wait_until_ready
from deploy.local.stack import Addresses
from deploy.upkeep.letters import subscription_of
from deploy.upkeep.reconcile import reconcile
from deploy.upkeep.recovery import refill
from services import READ_WORDS
from services.dashboard.worker import keep_closing_views
from shared import outbox
from shared.broker import Partition
from shared.consumer import Consumer
from shared.db import SiteScope, lock, open_pool, transaction
from shared.events import PARTITIONS, TOPICS, ErasureReason
from shared.heads import Book, key_id
from shared.keyring import KeyRing
from shared.memory_broker import MemoryBroker
from shared.notary import Notary, NotarySettings
from shared.relay import Relay
from shared.sealing import ERASED, Patient, in_record
from tests.builders import PATIENT, SITE, a_view, a_visit
from tests.conftest import ROOT, Databases, FreshDatabase, KeyRings
from tests.deploy.arrived import arrived_everywhere
from tests.shared.acts import look
from tests.shared.effects import running
from tests.shared.logs import reading as log_of
from tests.waiting import until

Network = Mapping[str, FreshDatabase]
PUBLISHERS = [service for service in SERVICES if publishes(service)]
READERS = [service for service in SERVICES if consumes(service)]
VISITS_READ_BY = ("dashboard", "feedback", "analytics")


async def tool(name: str, *arguments: str) -> str:
    """What one of PostgreSQL's programs says; it must succeed."""
    running = await asyncio.create_subprocess_exec(
        program(name), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await running.communicate()
    assert running.returncode == 0, error.decode()
    return out.decode()


@pytest.fixture
def other_server() -> Iterator[str]:
    """A superuser's DSN of another PostgreSQL server, on which there is nothing yet."""
    password, ports = secrets.token_hex(8), keep_or_choose((), 1)
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "data", Path(folder) / "log", password, is_password_new=False)
        part = Part(ports, server.start(ports))
        try:
            wait_until_ready(server, part)
            yield f"postgresql://postgres:{password}@{HOST}:{ports[0]}/postgres"
        finally:
            stop({"postgres": part})


def on(server: str, database: FreshDatabase) -> FreshDatabase:
    """The database of the same name on another server, for the same roles."""
    host = urlsplit(server).netloc.rpartition("@")[2]

    def moved(dsn: str) -> str:
        return urlsplit(dsn)._replace(netloc=f"{urlsplit(dsn).netloc.rpartition('@')[0]}@{host}").geturl()

    admin = f"{server.rpartition('/')[0]}/{database.admin.rpartition('/')[2]}"
    return FreshDatabase(moved(database.owner), moved(database.app), moved(database.worker), admin)


@dataclass(frozen=True)
class Backup:
    """What the runbook makes, in a folder."""

    folder: Path

    async def dump(self, name: str, database: FreshDatabase) -> None:
        await tool("pg_dump", "--format=custom", f"--file={self.folder / name}.dump", database.admin)

    async def restore(self, server: str) -> None:
        """Where `samepage migrate` has made the roles and empty databases."""
        for dump in sorted(self.folder.glob("*.dump")):
            how = ("--clean", "--if-exists", "--create", "--exit-on-error")
            await tool("pg_restore", *how, f"--dbname={server}", str(dump))


@asynccontextmanager
async def reading(network: Network, broker: MemoryBroker, *, relaying: bool) -> AsyncIterator[None]:
    """Every service's consumer, and with `relaying` its relay."""
    async with AsyncExitStack() as opened:
        jobs = [Relay(name, network[name].worker, broker).run() for name in PUBLISHERS if relaying]
        for name in READERS:
            pool = await opened.enter_async_context(open_pool(network[name].worker, size=2))
            jobs.append(Consumer(subscription_of(name, network[name].worker, "p" * 32), broker, pool).run())
        await opened.enter_async_context(running(*jobs))
        yield


async def write(network: Network) -> int:
    """A visit, with a look at it on record, in intake's database; its sequence."""
    async with (
        open_pool(network["intake"].app, size=1) as pool,
        transaction(pool, SiteScope.of(SITE)) as connection,
    ):
        await lock(connection, [(SITE, PATIENT)])
        await look(connection)
        (receipt,) = await outbox.add(connection, [outbox.Draft(SITE, str(PATIENT), a_visit(visit_id=uuid4()))])
    return receipt.sequence


async def head(network: Network, service: str) -> int:
    """How far this patient's visits are, there."""
    table = "outbox_head" if service == "intake" else "consumer_head"
    statement = f"SELECT sequence FROM {table} WHERE topic = 'visit-updated' AND key = $1"
    return int(await network[service].value(statement, str(PATIENT)))


async def until_all_have(network: Network, sequence: int) -> None:
    async def are_there() -> bool:
        return {await head(network, service) for service in VISITS_READ_BY} == {sequence}

    await until(are_there)


async def until_settled(network: Network) -> None:
    async def is_settled() -> bool:
        balances = await reconcile({name: network[name].worker for name in SERVICES}, grace_s=0)
        return all(one.is_settled and not one.set_aside for one in balances)

    await until(is_settled)


async def findings(database: FreshDatabase, book: Book) -> list[tuple[str, Fault]]:
    keys = {key_id(book.key.public_key()): book.key.public_key()}
    return [
        (one.site_id, one.fault) async for one in Verification("intake", database.worker, book.file, keys).findings()
    ]


@dataclass
class Written:
    """How far the writing is that goes on all the while."""

    sequence: int = 0

    async def keep_on(self, network: Network) -> None:
        while True:
            self.sequence = await write(network)
            await until_all_have(network, self.sequence)

    async def more(self) -> None:
        before = self.sequence

        async def is_more() -> bool:
            return self.sequence > before + 1

        await until(is_more)


@pytest.fixture
async def network(database: Databases) -> Network:
    """Everything that was accepted will be sent to a Kafka that holds nothing yet."""
    databases = await arrived_everywhere(database)
    for service in PUBLISHERS:
        await refill(databases, service)
    return databases


@pytest.fixture
async def broker() -> MemoryBroker:
    broker = MemoryBroker()
    await broker.create_topics(list(TOPICS))
    return broker


async def dumped(network: Network, broker: MemoryBroker, book: Book, backup: Backup) -> int:
    """Back up all services while visits are written, intake first; how many there are at the end, all arrived."""
    written = Written()

    async def is_signed() -> bool:
        return book.file.exists()

    notary = Notary("intake", network["intake"].worker, book, NotarySettings(poll_s=0.05, sign_s=0))
    async with reading(network, broker, relaying=True), running(notary.run()):
        async with running(written.keep_on(network)):
            await written.more()
            await until(is_signed)
            for service in SERVICES:
                await backup.dump(service, network[service])
                await written.more()
        await until_settled(network)
    assert await findings(network["intake"], book) == []
    return await head(network, "intake")


async def restored_on(server: str, network: Network, backup: Backup) -> Network:
    restored = {service: on(server, found) for service, found in network.items()}
    for found in restored.values():
        await ensure_database(server, found)
    await backup.restore(server)
    return restored


@pytest.mark.parametrize("is_kafka_lost", [False, True], ids=["Kafka is kept", "Kafka is lost too"])
async def test_restored_services_agree_again_and_go_on(
    network: Network, broker: MemoryBroker, other_server: str, tmp_path: Path, is_kafka_lost: bool
) -> None:
    backup, book = Backup(tmp_path), Book("intake", tmp_path / "intake.heads.jsonl", Ed25519PrivateKey.generate())
    last = await dumped(network, broker, book, backup)
    restored = await restored_on(other_server, network, backup)
    at_dump = {service: await head(restored, service) for service in ("intake", *VISITS_READ_BY)}
    assert at_dump["intake"] < at_dump["dashboard"] < at_dump["feedback"] < at_dump["analytics"] < last
    assert await findings(restored["intake"], book) == [(SITE, Fault.CUT_OFF)], "it is said that rows are gone"

    if is_kafka_lost:
        broker, has_been = MemoryBroker(), at_dump["analytics"]
        await broker.create_topics(list(TOPICS))
    else:
        has_been = last
        async with reading(restored, broker, relaying=False):
            await until_all_have(restored, last)
    refilled = [await refill(restored, service) for service in PUBLISHERS]
    assert refilled[0].counted_on == 1, "intake counts on behind what its readers have"
    async with reading(restored, broker, relaying=True):
        await until_settled(restored)
        assert await write(restored) == has_been + 1
        await until_all_have(restored, has_been + 1)
        await until_settled(restored)
    for service in VISITS_READ_BY:
        lost = has_been - max(at_dump["intake"], at_dump[service]) if is_kafka_lost else 0
        applied = "SELECT count(*) FROM delivery WHERE topic = 'visit-updated'"
        assert await restored[service].value(applied) == has_been + 1 - lost, "each once, but for what is gone"


def order_of_the_runbook() -> list[str]:
    """In which a restore starts services again, each refilled just before."""
    runbook = (ROOT / "docs" / "runbooks" / "operating.md").read_text()
    found = re.search(r"in this order: ([a-z, ]+)\.", runbook)
    assert found is not None
    return found[1].split(", ")


def test_a_restore_starts_whoever_reads_before_whom_they_read() -> None:
    """A worker writes too: what its readers have not read of Kafka by then, it would write over."""
    order = order_of_the_runbook()
    assert sorted(order) == sorted(SERVICES)
    for place, service in enumerate(order):
        readers = {name for name in SERVICES if set(consumes(name)) & set(publishes(service))}
        assert readers <= set(order[:place]), service


async def until_read(network: Network, broker: MemoryBroker, service: str) -> None:
    """Wait until its lag is 0."""
    topics = [topic.name for topic in consumes(service)]
    partitions = [Partition(topic, number) for topic in topics for number in range(PARTITIONS)]
    statement = "SELECT sum(next_offset) FROM consumer_offset WHERE consumer = $1"

    async def is_read() -> bool:
        ends = sum(log.end for log in (await source.bounds(partitions)).values())
        return bool(await network[service].value(statement, service) == ends)

    async with log_of(broker, "operator", topics) as source:
        await until(is_read)


@asynccontextmanager
async def workers_started_again(network: Network, broker: MemoryBroker) -> AsyncIterator[None]:
    """As the runbook has it, with all that the dashboard's worker does."""
    async with AsyncExitStack() as opened:
        for service in order_of_the_runbook():
            pool = await opened.enter_async_context(open_pool(network[service].worker, size=2))
            jobs: list[Coroutine[object, object, None]] = []
            if service in PUBLISHERS:
                await refill(network, service)
                jobs.append(Relay(service, network[service].worker, broker).run())
            if service in READERS:
                subscription = subscription_of(service, network[service].worker, "p" * 32)
                jobs.append(Consumer(subscription, broker, pool).run())
            if service == "dashboard":
                jobs.append(keep_closing_views(pool, timedelta(minutes=30)))
            await opened.enter_async_context(running(*jobs))
            if service in READERS:
                await until_read(network, broker, service)
        yield


FORGOTTEN_VIEW = f"""
INSERT INTO view (site_id, view_id, patient_id, opened_at, subject, role, context, is_shared_screen, panels)
VALUES ('{SITE}', gen_random_uuid(), '{PATIENT}', now() - interval '1 day', 'dr-1', 'clinician', 'outside', false,
        '{{}}')
"""
VIEWS = "SELECT count(*) FROM view"


async def test_what_a_restored_worker_writes_at_once_is_not_taken_for_what_kafka_has(
    network: Network, broker: MemoryBroker, other_server: str, tmp_path: Path
) -> None:
    """The dump knows of a look that nobody closed, and not of the one that was published after it."""
    backup = Backup(tmp_path)
    await network["dashboard"].run(FORGOTTEN_VIEW)
    async with reading(network, broker, relaying=True):
        await until_settled(network)
        for service in SERVICES:
            await backup.dump(service, network[service])
        before = await network["analytics"].value(VIEWS)
        async with (
            open_pool(network["dashboard"].app, size=1) as pool,
            transaction(pool, SiteScope.of(SITE)) as connection,
        ):
            await outbox.add(connection, [outbox.Draft(SITE, str(PATIENT), a_view(view_id=uuid4()))])
        await until_settled(network)
    restored = await restored_on(other_server, network, backup)

    async def are_both_there() -> bool:
        return bool(await restored["analytics"].value(VIEWS) == before + 2)

    async with workers_started_again(restored, broker):
        await until(are_both_there)
        await until_settled(restored)
    assert await restored["dashboard"].value("SELECT count(*) FROM view WHERE closed_by = 'timeout'") == 1


async def test_after_a_restore_the_audit_is_signed_anew_and_whole(
    network: Network, broker: MemoryBroker, other_server: str, tmp_path: Path
) -> None:
    backup, book = Backup(tmp_path), Book("intake", tmp_path / "intake.heads.jsonl", Ed25519PrivateKey.generate())
    await dumped(network, broker, book, backup)
    intake = (await restored_on(other_server, network, backup))["intake"]
    begun = replace(book, file=tmp_path / "begun-anew" / "intake.heads.jsonl")
    await intake.run("UPDATE notary_cursor SET lines = 0")

    async def is_signed() -> bool:
        return begun.file.exists() and await findings(intake, begun) == []

    async with running(Notary("intake", intake.worker, begun, NotarySettings(poll_s=0.05, sign_s=0)).run()):
        await write({"intake": intake})
        await until(is_signed)
    assert [fault for _, fault in await findings(intake, book)] != [], "the book from before still tells what is gone"


async def test_a_restored_key_ring_opens_words_and_no_words_of_who_was_erased_since(
    keyring_of: KeyRings, stack: Addresses, other_server: str, tmp_path: Path
) -> None:
    """The file of tombstones is not restored with it."""

    async def dsn_of(role: str) -> str:
        return (await keyring_of(role)).database_url.get_secret_value()

    settings = await keyring_of("intake")
    stays, goes, place = Patient(SITE, PATIENT), Patient(SITE, uuid4()), in_record(UUID(int=1), "words")
    owner = await dsn_of("owner")
    there = FreshDatabase(owner, "", "", f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{owner.rpartition('/')[2]}")
    backup = Backup(tmp_path)
    async with KeyRing(settings) as ring:
        words = {patient: (await ring.sealer(patient)).seal("made up", place) for patient in (stays, goes)}
        await backup.dump(KEY_RING, there)
        await ring.erase(goes, ErasureReason.LEGAL_ORDER, datetime.now(UTC))
    readers = {role: on(other_server, replace(there, app=await dsn_of(role))).app for role in READ_WORDS}
    await ensure_keyring(other_server, KeyRingDatabase(on(other_server, there).owner, readers))
    await backup.restore(other_server)
    moved = settings.model_copy(update={"database_url": SecretStr(readers["intake"])})
    async with KeyRing(moved) as ring:
        assert (await ring.opener(stays))(words[stays], place).text == "made up"
        assert (await ring.opener(goes))(words[goes], place) == ERASED
