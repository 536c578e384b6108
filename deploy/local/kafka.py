"""Apache Kafka as one process in KRaft mode.

Guarantee: topics and the cluster's identity survive a stop and a crash, also when the ports had to change; events are
kept without limit, and no topic comes into being because somebody mistyped its name. On this machine's loopback it asks
nobody who they are, unless it is given a super user: then it is guarded as in docker-compose.yml.
"""

import base64
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from deploy.local.java import JavaTools
from deploy.local.ports import HOST, broker_answers, is_open
from deploy.local.process import ProcessId, run, spawn
from deploy.local.record import BrokerKind
from deploy.secrets import KAFKA_ADMIN
from shared.settings import MECHANISM

SETTINGS = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "inter.broker.listener.name": "CLIENTS",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "log.retention.ms": "-1",
    "group.initial.rebalance.delay.ms": "0",
    # After a crash the broker is let in again only when its session from before has ended; the default is 9 seconds.
    "broker.session.timeout.ms": "5000",
    "broker.heartbeat.interval.ms": "1000",
    # One broker, so one copy of everything, and few partitions of Kafka's own topics.
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Its default, 128 MB, is half the heap.
    "log.cleaner.dedupe.buffer.size": "8388608",
}
OPEN = {"listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT"}
# Clients log in, and may do what a list lets them. The controller starts before it can know a SCRAM user: PLAIN.
GUARDED = {
    "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": MECHANISM,
    "sasl.mechanism.inter.broker.protocol": MECHANISM,
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "sasl.mechanism.controller.protocol": "PLAIN",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": f"User:{KAFKA_ADMIN}",
}


@dataclass(frozen=True)
class Kafka:
    """One broker that is its own controller; guarded when the super user has a password. `more` settings go before."""

    data: Path
    log: Path
    tools: JavaTools
    admin_password: str | None = field(default=None, repr=False)
    more: Mapping[str, str] = field(default_factory=dict)

    kind: ClassVar[BrokerKind] = "kafka"
    port_count: ClassVar[int] = 2

    def start(self, ports: tuple[int, ...]) -> ProcessId:
        """Fetch the jars and format the storage where that was not done, and start the broker."""
        self.tools.fetch_jars()
        if not self.data.exists():
            self._format(ports)
        settings = self._write_settings(self.data, ports)
        return spawn(self.kind, self.tools.run_kafka_class("kafka.Kafka", str(settings)), log=self.log, cwd=self.data)

    def answers(self, ports: tuple[int, ...]) -> bool:
        """Whether clients get metadata; where they must log in first, whether they may try to."""
        return broker_answers(ports[0]) if self.admin_password is None else is_open(ports[0])

    def _format(self, ports: tuple[int, ...]) -> None:
        """Make the storage beside its place, under a new cluster id, and move it there when it is complete."""
        draft = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        # An id that begins with a hyphen would be taken for an option: with this first byte it begins with an A.
        cluster = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        options = ["format", "--cluster-id", cluster, "--config", str(self._write_settings(draft, ports))]
        if self.admin_password is not None:
            options += ["--add-scram", f"{MECHANISM}=[name={KAFKA_ADMIN},password={self.admin_password}]"]
        run(self.tools.run_kafka_class("kafka.tools.StorageTool", *options), what="Formatting Kafka's storage")
        draft.rename(self.data)

    def _write_settings(self, data: Path, ports: tuple[int, ...]) -> Path:
        """The settings of this start: where the data are and which ports were free."""
        clients, controller = (f"{HOST}:{port}" for port in ports)
        guard = OPEN if self.admin_password is None else GUARDED | _logins(self.admin_password)
        settings = {
            **SETTINGS,
            **guard,
            "log.dirs": str(data),
            "listeners": f"CLIENTS://{clients},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{clients}",
            "controller.quorum.voters": f"1@{controller}",
            **self.more,
        }
        path = self.data.with_name("kafka.properties")
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path


def _logins(password: str) -> dict[str, str]:
    """As whom the broker itself logs in, at its clients' listener and at its controller's."""
    login = f'required username="{KAFKA_ADMIN}" password="{password}"'
    module = "org.apache.kafka.common.security"
    return {
        "listener.name.clients.scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule {login};",
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{module}.plain.PlainLoginModule {login} user_{KAFKA_ADMIN}="{password}";'
        ),
    }
