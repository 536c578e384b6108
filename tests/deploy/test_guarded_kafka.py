"""A real Kafka that asks who is there: everybody can do their work, and nobody anything else."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from fastapi import FastAPI
from pydantic import SecretStr
from structlog.testing import capture_logs

from deploy.acls import Changes, Cluster
from deploy.doors import SERVICES, consumes, publishes
from deploy.local.ports import HOST, keep_or_choose
from deploy.principals import Grant, grants, user_of
from deploy.secrets import KAFKA_ADMIN, KAFKA_PREPARE, KAFKA_USERS
from shared import outbox
from shared.broker import Broker, Message, Partition
from shared.db import open_pool, transaction
from shared.errors import Halt, Refused
from shared.events import CLINICIAN_DATA_UPDATED, TOPICS
from shared.kafka import KafkaAway, KafkaBroker
from shared.settings import MECHANISM, KafkaLogin
from tests.authority import an_authority
from tests.brokers import a_kafka
from tests.builders import PATIENT, SITE, an_assessment
from tests.conftest import Apps, worker_settings
from tests.shared.effects import running
from tests.waiting import until

pytestmark = pytest.mark.kafka

READERS = [service for service in SERVICES if consumes(service)]
UNSENT = "SELECT count(*) FROM outbox AS o, relay_cursor AS sent WHERE (o.xid, o.position) > (sent.xid, sent.position)"
PASSWORDS = {user: secrets.token_urlsafe(24) for user in KAFKA_USERS}


@dataclass(frozen=True)
class Guarded:
    """A cluster with the users, rights and topics of the network."""

    bootstrap_servers: str

    def login(self, user: str, password: str | None = None) -> KafkaLogin:
        return KafkaLogin(
            security_protocol="SASL_PLAINTEXT",
            username=user,
            password=SecretStr(password or PASSWORDS[user]),
        )

    def broker(self, user: str, password: str | None = None) -> KafkaBroker:
        return KafkaBroker(
            self.bootstrap_servers, client_id="test", login=self.login(user, password), answer_timeout_s=5
        )

    async def arrange(self, *more: Grant, user: str = KAFKA_ADMIN, **passwords: str) -> Changes:
        """Make the rights those of the network and these."""
        cluster = Cluster(self.bootstrap_servers, self.login(user))
        named = {name.replace("_", "-"): password for name, password in passwords.items()}
        return await asyncio.to_thread(cluster.arrange, grants() | set(more), named)


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    with a_kafka(tmp_path_factory.mktemp("guarded"), admin_password=PASSWORDS[KAFKA_ADMIN]) as (address, _):
        guarded = Guarded(address)
        others = {user.replace("-", "_"): PASSWORDS[user] for user in KAFKA_USERS if user != KAFKA_ADMIN}
        assert await guarded.arrange(**others) == Changes(len(others), len(grants()), 0)
        await guarded.broker(KAFKA_PREPARE).create_topics(list(TOPICS))
        yield guarded


async def write(broker: Broker, *topics: str) -> None:
    sink = await broker.sink()
    try:
        await sink.send_all([Message(topic, b"key", b"value") for topic in topics])
    finally:
        await sink.close()


async def read(broker: Broker, group: str, topics: list[str]) -> dict[Partition, int]:
    """Read until there was something of each topic, and commit; what was committed, by partition."""
    offsets: dict[Partition, int] = {}
    source = await broker.source(group, topics)
    try:
        async with asyncio.timeout(20):
            while {partition.topic for partition in offsets} < set(topics):
                batch = await source.fetch(max_records=500, timeout_ms=200)
                offsets |= {partition: records[-1].offset + 1 for partition, records in batch.items() if records}
        await source.commit(offsets)
    finally:
        await source.close()
    return offsets


async def committed(kafka: Guarded, group: str) -> dict[Partition, int]:
    """What the cluster knows of a group's progress."""
    login = {"sasl_plain_username": KAFKA_ADMIN, "sasl_plain_password": PASSWORDS[KAFKA_ADMIN]}
    admin = AIOKafkaAdminClient(
        bootstrap_servers=kafka.bootstrap_servers,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=MECHANISM,
        **login,
    )
    await admin.start()
    offsets = await admin.list_consumer_group_offsets(group)
    await admin.close()
    return {Partition(*place): known.offset for place, known in offsets.items()}


async def refused(asked: Awaitable[object]) -> str:
    """What is refused, and to whom."""
    with pytest.raises(Refused) as caught:
        await asked
    return str(caught.value).removeprefix("Kafka refuses ")


@pytest.mark.parametrize("service", [service for service in SERVICES if publishes(service)])
async def test_a_worker_writes_what_its_service_publishes_and_nothing_else(kafka: Guarded, service: str) -> None:
    own = [topic.name for topic in publishes(service)]
    broker = kafka.broker(user_of(service))
    await write(broker, *own)
    for topic in TOPICS.keys() - set(own):
        assert await refused(write(broker, topic)) == f"{user_of(service)} the topic {topic}"
    assert await refused(write(broker, *own, "invented")) == f"{user_of(service)} the topic invented"


@pytest.mark.parametrize("service", READERS)
async def test_a_worker_reads_what_its_service_consumes_and_commits_in_its_own_groups(
    kafka: Guarded, service: str
) -> None:
    for topic in consumes(service):
        await write(kafka.broker(user_of(topic.publisher)), topic.name)
    own, broker = [topic.name for topic in consumes(service)], kafka.broker(user_of(service))
    for group in (service, f"{service}-rebuild"):
        offsets = await read(broker, group, own)
        assert (await committed(kafka, group)).items() >= offsets.items()


@pytest.mark.parametrize("service", READERS)
async def test_a_worker_reads_nothing_else_and_in_nobody_elses_group(kafka: Guarded, service: str) -> None:
    own, user = [topic.name for topic in consumes(service)], user_of(service)
    broker = kafka.broker(user)
    for topic in TOPICS.keys() - set(own):
        assert await refused(read(broker, service, [topic])) == f"{user} the topic {topic}"
    for other in {*SERVICES, "invented"} - {service}:
        assert await refused(read(broker, other, own)) == f"{user} the group {other}"


async def test_who_consumes_nothing_reads_nothing(kafka: Guarded) -> None:
    broker = kafka.broker("intake-worker")
    for topic in publishes("intake"):  # these it may look at, for it writes them
        assert await refused(read(broker, "intake", [topic.name])) == "intake-worker the group intake"


async def test_who_publishes_nothing_writes_nothing(kafka: Guarded) -> None:
    assert await refused(kafka.broker("analytics-worker").sink()) == "analytics-worker every topic, for writing"


@pytest.mark.parametrize("user", [user for user in KAFKA_USERS if user != KAFKA_ADMIN])
async def test_nobody_makes_a_topic_that_is_not_declared(kafka: Guarded, user: str) -> None:
    with pytest.raises(Halt, match=r"^invented was not created: TopicAuthorizationFailedError"):
        await kafka.broker(user).create_topics(["invented"])


async def test_who_makes_the_topics_neither_writes_nor_reads_them_nor_gives_rights(kafka: Guarded) -> None:
    broker, topic = kafka.broker(KAFKA_PREPARE), next(iter(TOPICS))
    await broker.create_topics([topic])
    assert await refused(write(broker, topic)) == "prepare every topic, for writing"
    assert await refused(read(broker, KAFKA_PREPARE, [topic])) == "prepare the group prepare"
    with pytest.raises(Refused, match=r"^Kafka does not let prepare change users and access lists$"):
        await kafka.arrange(user=KAFKA_PREPARE)


async def test_a_wrong_password_is_called_that(kafka: Guarded) -> None:
    for user in ("intake-worker", "nobody"):
        broker = kafka.broker(user, "canary-password")
        for asked in (broker.sink(), broker.source("intake", [*TOPICS]), broker.create_topics([*TOPICS])):
            said = await refused(asked)
            assert said == f"Kafka does not know {user} by this password (SaslAuthenticationFailed)"
    with pytest.raises(Refused, match=r"^Kafka does not know admin by this password$"):
        Cluster(kafka.bootstrap_servers, kafka.login(KAFKA_ADMIN, "canary-password")).arrange(grants(), {})


async def test_who_gives_no_name_gets_no_answer(kafka: Guarded) -> None:
    with pytest.raises(KafkaAway):
        await KafkaBroker(kafka.bootstrap_servers, client_id="test", answer_timeout_s=2).sink()


async def test_a_new_password_holds_at_once_and_who_is_inside_stays(kafka: Guarded) -> None:
    (topic,) = publishes("feedback")
    inside = await kafka.broker("feedback-worker").sink()
    await kafka.arrange(feedback_worker="another-password")
    try:
        await inside.send_all([Message(topic.name, b"key", b"by the old one")])
        assert "does not know" in await refused(kafka.broker("feedback-worker").sink())
        await write(kafka.broker("feedback-worker", "another-password"), topic.name)
    finally:
        await inside.close()
        await kafka.arrange(feedback_worker=PASSWORDS["feedback-worker"])


async def test_a_right_that_nobody_declares_any_more_is_taken_away(kafka: Guarded) -> None:
    (topic,) = publishes("clinical")
    too_much = Grant("feedback-worker", "WRITE", "TOPIC", topic.name)
    assert await kafka.arrange(too_much) == Changes(0, 1, 0)
    writing = await kafka.broker("feedback-worker").sink()
    await writing.send_all([Message(topic.name, b"key", b"value")])
    assert await kafka.arrange() == Changes(0, 0, 1)
    said = await refused(writing.send_all([Message(topic.name, b"key", b"value")]))
    assert said == f"feedback-worker the topic {topic.name}"
    await writing.close()


def test_the_command_makes_it_so_and_finds_nothing_to_do_the_second_time(kafka: Guarded) -> None:
    environment = {
        "SAMEPAGE_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SAMEPAGE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "SAMEPAGE_KAFKA_USERNAME": KAFKA_ADMIN,
        "SAMEPAGE_KAFKA_PASSWORD": PASSWORDS[KAFKA_ADMIN],
        "SAMEPAGE_KAFKA_INTAKE_WORKER_PASSWORD": PASSWORDS["intake-worker"],
        "SAMEPAGE_KAFKA_PREPARE_PASSWORD": "",
    }
    command = [sys.executable, "-m", "deploy.cli", "acls", "--apply"]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 users have their passwords; 0 rights were added, 0 removed.\n"


Health = Callable[[], Awaitable[tuple[int, str]]]


@asynccontextmanager
async def at_work(application: FastAPI, service: str, broker: Broker) -> AsyncIterator[Health]:
    """The worker of a service beside its application; what it says of its health, once it says anything."""
    (port,) = keep_or_choose((), 1)
    settings = worker_settings(application).model_copy(update={"worker_port": port})
    work = import_module(f"services.{service}.worker").run(settings, broker)

    async def health() -> tuple[int, str]:
        try:
            answer = await client.get("/health/ready")
        except httpx.ConnectError:
            return 0, ""
        return answer.status_code, answer.text

    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as client, running(work):
        yield health


async def test_a_worker_with_wrong_rights_says_so_and_goes_on_by_itself_when_it_has_the_right_ones(
    kafka: Guarded, app: Apps
) -> None:
    application = await app("clinical")
    async with open_pool(application.state.database.admin, size=1) as pool, transaction(pool) as connection:
        await outbox.add(connection, [outbox.Draft(SITE, str(PATIENT), an_assessment())])
    wrong = [
        f"Kafka refuses feedback-worker the topic {CLINICIAN_DATA_UPDATED.name}",
        "Kafka refuses feedback-worker the group clinical",
    ]

    async def is_unready() -> bool:
        return await health() == (503, "\n".join([*wrong, ""]))

    async def is_ready_and_all_sent() -> bool:
        return await health() == (200, "ready\n") and await application.state.database.value(UNSENT) == 0

    with capture_logs() as logged:
        async with at_work(application, "clinical", kafka.broker("feedback-worker")) as health:
            await until(is_unready)
            await kafka.arrange(
                Grant("feedback-worker", "WRITE", "TOPIC", CLINICIAN_DATA_UPDATED.name),
                Grant("feedback-worker", "READ", "GROUP", "clinical"),
            )
            await until(is_ready_and_all_sent)
    await kafka.arrange()
    assert set(wrong) <= {entry.get("failure") for entry in logged}


async def test_a_worker_with_a_wrong_password_says_so_though_it_has_nothing_to_send(kafka: Guarded, app: Apps) -> None:
    async def is_unready() -> bool:
        status, said = await health()
        return status == 503 and said.startswith("Kafka does not know intake-worker by this password")

    async with at_work(await app("intake"), "intake", kafka.broker("intake-worker", "canary-password")) as health:
        await until(is_unready)
        assert "canary" not in (await health())[1]


async def test_a_connection_can_be_sealed_and_a_broker_that_nobody_signed_for_is_not_spoken_to(tmp_path: Path) -> None:
    own, another = (an_authority(tmp_path / name) for name in ("own", "another"))
    sealed = {
        "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:SASL_PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(own.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(own.ca),
    }
    with a_kafka(tmp_path, admin_password=PASSWORDS[KAFKA_ADMIN], more=sealed) as (address, _):
        in_clear = Guarded(address).login(KAFKA_ADMIN)
        login, deceived = (
            in_clear.model_copy(update={"security_protocol": "SASL_SSL", "ca_file": authority.ca})
            for authority in (own, another)
        )
        broker, misled, unsealed = (
            KafkaBroker(address, client_id="test", login=one) for one in (login, deceived, in_clear)
        )
        await broker.create_topics([*TOPICS])
        await write(broker, *TOPICS)
        assert Cluster(address, login).arrange(grants(), {}) == Changes(0, len(grants()), 0)
        with pytest.raises(Refused, match=f"^Nobody we trust has signed for Kafka at {address}$"):
            await misled.sink()
        with pytest.raises(KafkaAway):
            await unsealed.sink()
