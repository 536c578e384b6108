"""The drill of the runbook: every database dumped while writes flow, and restored into another server.

PostgreSQL's own tools do both; two servers are real, Kafka is the fake. It is kept, or lost with the first server.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from deploy.audit.chain import Fault
from deploy.audit.verify import Verification
from deploy.databases import KEY_RING
from deploy.doors import SERVICES, consumes, publishes
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.postgres import Postgres, program
from deploy.local.record import Part
from deploy.local.server import stop, wait_until_ready
from deploy.local.stack import Addresses
from deploy.upkeep.letters import subscription_of
from deploy.upkeep.reconcile import reconcile
from deploy.upkeep.recovery import refill
from shared import outbox
from shared.consumer import Consumer
from shared.db import SiteScope, lock, open_pool, transaction
from shared.events import TOPICS, ErasureReason
from shared.heads import Book, key_id
from shared.keyring import KeyRing
from shared.memory_broker import MemoryBroker
from shared.notary import Notary, NotarySettings
from shared.relay import Relay
from shared.sealing import ERASED, Patient, in_record
from tests.builders import PATIENT, SITE, a_visit
from tests.conftest import Databases, FreshDatabase, KeyRings
from tests.deploy.arrived import arrived_everywhere
from tests.shared.acts import look
from tests.shared.effects import running
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

    async def roles(self, server: str) -> None:
        said = await tool("pg_dumpall", "--roles-only", f"--dbname={server}")
        kept = [line for line in said.splitlines() if "ROLE postgres" not in line]
        (self.folder / "roles.sql").write_text("\n".join(kept))

    async def dump(self, name: str, database: FreshDatabase) -> None:
        await tool("pg_dump", "--format=custom", f"--file={self.folder / name}.dump", database.admin)

    async def restore(self, server: str) -> None:
        await tool("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={self.folder / 'roles.sql'}", server)
        for dump in sorted(self.folder.glob("*.dump")):
            await tool("pg_restore", "--create", "--exit-on-error", f"--dbname={server}", str(dump))


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


@pytest.mark.parametrize("is_kafka_lost", [False, True], ids=["Kafka is kept", "Kafka is lost too"])
async def test_restored_services_agree_again_and_go_on(
    network: Network, broker: MemoryBroker, stack: Addresses, other_server: str, tmp_path: Path, is_kafka_lost: bool
) -> None:
    backup, book = Backup(tmp_path), Book("intake", tmp_path / "intake.heads.jsonl", Ed25519PrivateKey.generate())
    last = await dumped(network, broker, book, backup)
    await backup.roles(stack.postgres_admin_dsn)
    await backup.restore(other_server)
    restored = {service: on(other_server, found) for service, found in network.items()}
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


async def test_after_a_restore_the_audit_is_signed_anew_and_whole(
    network: Network, broker: MemoryBroker, stack: Addresses, other_server: str, tmp_path: Path
) -> None:
    backup, book = Backup(tmp_path), Book("intake", tmp_path / "intake.heads.jsonl", Ed25519PrivateKey.generate())
    await dumped(network, broker, book, backup)
    await backup.roles(stack.postgres_admin_dsn)
    await backup.restore(other_server)
    intake = on(other_server, network["intake"])
    begun = replace(book, file=tmp_path / "begun-anew" / "intake.heads.jsonl")
    await intake.run("UPDATE notary_cursor SET lines = 0")

    async def is_signed() -> bool:
        return begun.file.exists() and await findings(intake, begun) == []

    async with running(Notary("intake", intake.worker, begun, NotarySettings(poll_s=0.05, sign_s=0)).run()):
        await write({"intake": intake})
        await until(is_signed)
    assert [fault for _, fault in await findings(intake, book)] != [], "the book from before still tells what is gone"


async def test_a_restored_key_ring_opens_words_and_no_words_of_who_was_erased_since(
    keyring_of: KeyRings, database: Databases, stack: Addresses, other_server: str, tmp_path: Path
) -> None:
    """The file of tombstones is not restored with it."""
    settings = await keyring_of("intake")
    stays, goes, place = Patient(SITE, PATIENT), Patient(SITE, uuid4()), in_record(UUID(int=1), "words")
    dsn = settings.database_url.get_secret_value()
    there = FreshDatabase(dsn, dsn, dsn, f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{dsn.rpartition('/')[2]}")
    backup = Backup(tmp_path)
    async with KeyRing(settings) as ring:
        words = {patient: (await ring.sealer(patient)).seal("made up", place) for patient in (stays, goes)}
        await backup.roles(stack.postgres_admin_dsn)
        await backup.dump(KEY_RING, there)
        await ring.erase(goes, ErasureReason.LEGAL_ORDER, datetime.now(UTC))
    await backup.restore(other_server)
    moved = settings.model_copy(update={"database_url": SecretStr(on(other_server, there).worker)})
    async with KeyRing(moved) as ring:
        assert (await ring.opener(stays))(words[stays], place).text == "made up"
        assert (await ring.opener(goes))(words[goes], place) == ERASED
