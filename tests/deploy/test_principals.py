"""The access list of Kafka is what the services declare, and every line of it stands for something that is declared."""

import ast
from pathlib import Path

import pytest

from deploy.doors import SERVICES, consumes
from deploy.principals import Grant, grants, user_of
from deploy.secrets import KAFKA_ADMIN, KAFKA_PREPARE, KAFKA_USERS
from shared.events import TOPICS

ROOT = Path(__file__).resolve().parents[2]


def allowed(operation: str, resource: str) -> set[tuple[str, str]]:
    return {(one.user, one.name) for one in grants() if (one.operation, one.resource) == (operation, resource)}


def test_a_topic_is_written_by_its_publisher_and_read_by_who_consumes_it() -> None:
    assert allowed("WRITE", "TOPIC") == {(f"{topic.publisher}-worker", name) for name, topic in TOPICS.items()}
    reads = {(f"{service}-worker", topic.name) for service in SERVICES for topic in consumes(service)}
    assert allowed("READ", "TOPIC") == reads
    assert allowed("CREATE", "TOPIC") == allowed("DESCRIBE", "TOPIC") == {(KAFKA_PREPARE, name) for name in TOPICS}
    groups = {(f"{service}-worker", service) for service in SERVICES if consumes(service)}
    assert allowed("READ", "GROUP") == groups
    assert len(grants()) == len(TOPICS) * 3 + len(reads) + len(groups)


def test_everybody_who_logs_in_has_something_to_do_and_a_password() -> None:
    assert {one.user for one in grants()} | {KAFKA_ADMIN} == set(KAFKA_USERS)
    assert set(KAFKA_USERS) == {KAFKA_ADMIN, KAFKA_PREPARE} | {user_of(service) for service in SERVICES}


@pytest.mark.parametrize("service", [service for service in SERVICES if consumes(service)])
def test_a_worker_reads_in_a_group_that_is_open_to_no_other_service(service: str) -> None:
    tree = ast.parse((ROOT / "services" / service / "worker.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "Subscription"]
    assert named == [service]
    assert [other for other in SERVICES if other != service and other.startswith(service)] == []


def test_a_line_is_told_as_kafka_acls_takes_it() -> None:
    assert Grant("intake-worker", "WRITE", "TOPIC", "letters").options == (
        "--allow-principal User:intake-worker --operation Write --topic letters --resource-pattern-type literal"
    )
    assert Grant("feedback-worker", "READ", "GROUP", "feedback").options == (
        "--allow-principal User:feedback-worker --operation Read --group feedback --resource-pattern-type prefixed"
    )
