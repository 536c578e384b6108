"""The local stack through its front door: real servers, started, crashed and stopped in a checkout of their own."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.errors import StackError
from deploy.local.java import JavaTools
from deploy.local.postgres import program
from deploy.local.privileges import owner_of, run_as_owner
from deploy.local.process import run
from deploy.local.stack import Addresses, Stack

FAKE_JAVA = """#!/bin/sh
case "$*" in
  --version) echo 'openjdk 21.0.1 2030-01-01' ;;
  *) echo 'starting'; echo 'java.io.IOException: No space left on device' >&2; exit 1 ;;
esac
"""
FAKE_MAVEN = """#!/bin/sh
for word; do case "$word" in -DoutputDirectory=*) mkdir -p "${word#*=}" ;; esac; done
"""


@pytest.fixture(scope="session")
def kafka() -> Stack:
    missing = JavaTools.found(os.environ).missing
    if missing:
        pytest.skip(f"Kafka needs {missing}")
    return Stack(environ=os.environ | {"SAMEPAGE_BROKER": "kafka"})


@pytest.fixture(scope="session")
def kafka_root(kafka: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("kafka")
    yield root
    kafka.down(root)


@pytest.fixture
def tansu() -> Stack:
    return Stack(environ=os.environ | {"SAMEPAGE_BROKER": "tansu"})


@pytest.fixture
def root() -> Iterator[Path]:
    """Open to other users, as most checkouts are; `kafka_root` is private, which makes a difference to root."""
    with TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        root.chmod(0o755)
        yield root
        Stack().down(root)


def processes_in(root: Path) -> list[str]:
    """The processes whose working directory is inside; the stack's servers and their children all are."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(root):
                found.append((link.parent / "comm").read_text().strip())
        except OSError:
            continue
    return found


def crash(root: Path) -> None:
    for server in Stack().status(root):
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)


async def send(addresses: Addresses, topic: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=addresses.bootstrap_servers) as producer:
        await producer.send_and_wait(topic, value)


async def first_value(addresses: Addresses, topic: str) -> bytes:
    servers = addresses.bootstrap_servers
    async with AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return bytes((await consumer.getone()).value)


async def execute(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_root_makes_a_database_where_neither_data_nor_programs_are_open_to_others(tmp_path: Path) -> None:
    data, wheel = tmp_path / "data", Path(program("initdb")).parents[2]
    copytree(wheel.with_name(f"{wheel.name}.libs"), tmp_path / f"{wheel.name}.libs")
    installed = copytree(wheel / "pginstall18", tmp_path / wheel.name / "pginstall18")
    data.mkdir(mode=0o700)
    owner = owner_of(data)
    assert owner is not None
    os.chown(data, *owner)
    tmp_path.chmod(0o700)
    initdb = [str(installed / "bin" / "initdb"), f"--pgdata={data}", "--auth=trust"]
    run(run_as_owner(data, initdb), what="initdb", cwd=data)
    assert (data / "PG_VERSION").read_text() == "18\n"
    assert (data / "PG_VERSION").stat().st_uid == owner[0]


@pytest.mark.kafka
def test_a_second_up_finds_the_running_stack(kafka: Stack, kafka_root: Path) -> None:
    first = kafka.up(kafka_root)
    before = kafka.status(kafka_root)
    assert kafka.up(kafka_root) == first
    assert kafka.status(kafka_root) == before
    assert (first.broker_kind, first.note) == ("kafka", None)


@pytest.mark.kafka
async def test_events_and_rows_survive_down_and_up_and_down_leaves_no_process(kafka: Stack, kafka_root: Path) -> None:
    addresses = kafka.up(kafka_root)
    await send(addresses, "kept", b"event")
    await execute(addresses.postgres_admin_dsn, "CREATE TABLE kept AS SELECT 7 AS number")
    kafka.down(kafka_root)
    assert processes_in(kafka_root) == []
    assert [server.pid for server in kafka.status(kafka_root)] == [None, None]

    again = kafka.up(kafka_root)
    assert again == addresses
    assert await first_value(again, "kept") == b"event"
    assert (await execute(again.postgres_admin_dsn, "SELECT number FROM kept"))[0]["number"] == 7


@pytest.mark.kafka
async def test_after_a_crash_of_both_servers_up_finds_what_was_committed(kafka: Stack, kafka_root: Path) -> None:
    addresses = kafka.up(kafka_root)
    await send(addresses, "crashed", b"event")
    await execute(addresses.postgres_admin_dsn, "CREATE TABLE crashed AS SELECT 8 AS number")
    crash(kafka_root)

    again = kafka.up(kafka_root)
    assert await first_value(again, "crashed") == b"event"
    assert (await execute(again.postgres_admin_dsn, "SELECT number FROM crashed"))[0]["number"] == 8


@pytest.mark.kafka
async def test_taken_ports_and_a_lost_record_cost_no_data(kafka: Stack, kafka_root: Path) -> None:
    addresses = kafka.up(kafka_root)
    await send(addresses, "moved", b"event")
    await execute(addresses.postgres_admin_dsn, "CREATE TABLE moved AS SELECT 9 AS number")
    kafka.down(kafka_root)
    taken = [server.port for server in kafka.status(kafka_root)]
    with ExitStack() as held:
        for port in taken:
            held.enter_context(socket.create_server(("127.0.0.1", port)))
        elsewhere = kafka.up(kafka_root)
    assert not {server.port for server in kafka.status(kafka_root)} & set(taken)
    assert await first_value(elsewhere, "moved") == b"event"

    kafka.down(kafka_root)
    (kafka_root / "var" / "stack.json").unlink()
    unrecorded = kafka.up(kafka_root)
    assert (await execute(unrecorded.postgres_admin_dsn, "SELECT number FROM moved"))[0]["number"] == 9


async def test_the_memory_only_broker_runs_and_every_start_begins_empty(root: Path, tansu: Stack) -> None:
    addresses = tansu.up(root)
    assert addresses.broker_kind == "tansu"
    assert addresses.note is not None
    assert "memory only" in addresses.note
    await send(addresses, "forgotten", b"event")
    assert await first_value(addresses, "forgotten") == b"event"
    await execute(addresses.postgres_admin_dsn, "CREATE TABLE forgotten ()")
    assert tansu.up(root) == addresses

    crash(root)
    again = tansu.up(root)
    assert await execute(again.postgres_admin_dsn, "SELECT FROM pg_tables WHERE tablename = 'forgotten'") == []
    tansu.down(root)
    assert processes_in(root) == []


async def test_without_the_broker_that_was_running_postgres_starts_empty_too(root: Path, tansu: Stack) -> None:
    addresses = tansu.up(root)
    await execute(addresses.postgres_admin_dsn, "CREATE TABLE forgotten ()")
    pids = {server.kind: server.pid for server in tansu.status(root)}
    os.kill(pids["tansu"] or 0, signal.SIGKILL)
    again = tansu.up(root)
    assert await execute(again.postgres_admin_dsn, "SELECT FROM pg_tables WHERE tablename = 'forgotten'") == []


def test_the_password_is_readable_by_its_owner_only(root: Path, tansu: Stack) -> None:
    addresses = tansu.up(root)
    record = root / "var" / "stack.json"
    assert record.stat().st_mode & 0o777 == 0o600
    assert json.loads(record.read_text())["postgres_password"] in addresses.postgres_admin_dsn
    assert addresses.postgres_admin_dsn not in repr(addresses)


def test_without_java_the_note_says_what_is_missing_and_asking_for_kafka_is_refused(root: Path, tmp_path: Path) -> None:
    without_java = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    with pytest.raises(StackError, match="Kafka needs Java 17 or newer and Maven"):
        Stack(environ=without_java | {"SAMEPAGE_BROKER": "kafka"}).up(root)
    addresses = Stack(environ=without_java).up(root)
    assert addresses.note is not None
    assert addresses.note.startswith("Kafka needs Java 17 or newer and Maven")


def test_another_broker_is_refused_while_one_runs(root: Path, tansu: Stack) -> None:
    tansu.up(root)
    with pytest.raises(StackError, match="runs with tansu; stop it"):
        Stack(environ=os.environ | {"SAMEPAGE_BROKER": "kafka"}).up(root)


def test_a_full_disk_is_said_in_one_sentence_and_nothing_stays_running(root: Path, tmp_path: Path) -> None:
    for name, script in (("java", FAKE_JAVA), ("mvn", FAKE_MAVEN)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    with pytest.raises(StackError, match=r"storage failed: java\.io\.IOException: No space left on device") as caught:
        Stack(environ={"PATH": path, "HOME": str(tmp_path)}).up(root)
    assert "\n" not in str(caught.value)
    assert processes_in(root) == []


@pytest.mark.kafka
def test_a_damaged_data_directory_is_said_in_one_sentence(root: Path, kafka: Stack, tansu: Stack) -> None:
    tansu.up(root)
    tansu.down(root)
    (root / "var" / "postgres-tansu").rename(root / "var" / "postgres")
    (root / "var" / "postgres" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(StackError, match=r"postgres stopped while starting: .*FATAL: .*incompatible"):
        kafka.up(root)
    assert processes_in(root) == []


def test_a_recycled_pid_is_not_killed(root: Path) -> None:
    own = {"pid": os.getpid(), "started": "another boot/1"}
    record = {"postgres_password": "p", "broker_kind": "tansu", "parts": {"tansu": {"ports": [1], "process": own}}}
    (root / "var").mkdir()
    (root / "var" / "stack.json").write_text(json.dumps(record))
    Stack().down(root)
    assert [server.pid for server in Stack().status(root)] == [None]


@pytest.mark.kafka
def test_a_server_that_the_record_does_not_know_is_left_alone(kafka: Stack, kafka_root: Path) -> None:
    before = kafka.up(kafka_root)
    record = kafka_root / "var" / "stack.json"
    set_aside = record.rename(record.with_name("aside.json"))
    with pytest.raises(StackError, match=r"lock file .* already exists"):
        kafka.up(kafka_root)
    set_aside.rename(record)
    assert kafka.up(kafka_root) == before


def test_an_unreadable_record_counts_as_none(root: Path, tansu: Stack) -> None:
    (root / "var").mkdir()
    (root / "var" / "stack.json").write_text('{"parts": ')
    assert tansu.status(root) == ()
    assert tansu.up(root).broker_kind == "tansu"
