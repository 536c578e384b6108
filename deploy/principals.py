"""Who may do what on Kafka, as the services declare it: no topic and no reader is named here.

The worker of a service writes what the service publishes, reads what it consumes, and joins the groups that begin with
the service's name (a rebuild reads in one of its own). Who makes the topics does nothing else. HTTP doors do not speak
to Kafka, so they are nobody there. What is not listed is denied, for the broker lets nobody do what no list allows.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from deploy.doors import SERVICES, Door, consumes, publishes
from deploy.secrets import KAFKA_PREPARE
from shared.events import TOPICS

Operation = Literal["CREATE", "DESCRIBE", "READ", "WRITE"]


class Grant(NamedTuple):
    """One line of the access list; to a group by the beginning of its name, to a topic by its whole name."""

    user: str
    operation: Operation
    resource: Literal["TOPIC", "GROUP"]
    name: str

    @property
    def pattern(self) -> Literal["LITERAL", "PREFIXED"]:
        """How the name is meant."""
        return "PREFIXED" if self.resource == "GROUP" else "LITERAL"

    @property
    def options(self) -> str:
        """As `kafka-acls --add` takes it."""
        what = f"--operation {self.operation.capitalize()} --{self.resource.lower()} {self.name}"
        return f"--allow-principal User:{self.user} {what} --resource-pattern-type {self.pattern.lower()}"


def user_of(service: str) -> str:
    """As whom the worker of a service logs in."""
    return str(Door(service, "worker"))


def grants() -> frozenset[Grant]:
    """The whole list."""
    return frozenset(_of_preparation()) | {grant for service in SERVICES for grant in _of_worker(service)}


def _of_preparation() -> Iterator[Grant]:
    for topic in TOPICS:
        yield Grant(KAFKA_PREPARE, "CREATE", "TOPIC", topic)
        yield Grant(KAFKA_PREPARE, "DESCRIBE", "TOPIC", topic)  # to wait until every partition has a leader


def _of_worker(service: str) -> Iterator[Grant]:
    user = user_of(service)
    for topic in publishes(service):
        yield Grant(user, "WRITE", "TOPIC", topic.name)
    for topic in consumes(service):
        yield Grant(user, "READ", "TOPIC", topic.name)
    if consumes(service):
        yield Grant(user, "READ", "GROUP", service)
