"""PostgreSQL and Kafka in containers, as docker-compose.yml sets them: `pytest --stack containers` tests on these."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.local.kafka import GUARDED, OPEN
from deploy.local.ports import HOST, broker_answers, keep_or_choose
from deploy.local.process import wait_until
from deploy.local.stack import Addresses
from tests.containers.engine import COMPOSE, lacking, variable_of

PASSWORD = "for-tests-only"
_READY_SECONDS = 60


@contextmanager
def stack_in_containers() -> Iterator[Addresses]:
    """Both, for as long as the context lasts; skips where they cannot be had."""
    if (reason := lacking()) is not None:
        pytest.skip(reason)
    testcontainers_config.ryuk_disabled = True  # its image is one more to fetch, and the context ends both
    with _postgres() as admin_dsn, _kafka() as bootstrap_servers:
        yield Addresses(admin_dsn, bootstrap_servers, "kafka", None)


@contextmanager
def _postgres() -> Iterator[str]:
    settings = COMPOSE["services"]["postgres"]
    server = PostgresContainer(settings["image"], username="postgres", password=PASSWORD, dbname="postgres")
    server.with_command(settings["command"])
    _publish_on_loopback(server, 5432)
    with server:
        yield f"postgresql://postgres:{PASSWORD}@{HOST}:{server.get_exposed_port(5432)}/postgres"


@contextmanager
def _kafka() -> Iterator[str]:
    """Kafka tells its clients where it is, so its port is the same inside and outside."""
    (port,) = keep_or_choose((), 1)
    settings = COMPOSE["services"]["kafka"]
    listeners = {
        "KAFKA_LISTENERS": f"CLIENTS://:{port},CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"CLIENTS://{HOST}:{port}",
    }
    server = DockerContainer(settings["image"], env={**_unguarded(settings["environment"]), **listeners})
    _publish_on_loopback(server, port, port)
    with server:
        if not wait_until(lambda: broker_answers(port), seconds=_READY_SECONDS):
            pytest.fail(f"Kafka did not answer in {_READY_SECONDS} s: {server.get_logs()}")
        yield f"{HOST}:{port}"


def _unguarded(environment: Mapping[str, str]) -> dict[str, str]:
    """Tests make topics and readers as they need them, under no name: they have a broker that asks for none."""
    guard = {variable_of(name) for name in GUARDED}
    open_ = {variable_of(name): value for name, value in OPEN.items()}
    return {
        name: value for name, value in environment.items() if name not in guard and not name.endswith("JAAS_CONFIG")
    } | open_


def _publish_on_loopback(server: DockerContainer, inside: int, outside: int | None = None) -> None:
    """Testcontainers publishes on every interface; Docker itself takes an address with the port."""
    server.ports[str(inside)] = (HOST, outside) if outside else (HOST,)  # type: ignore[assignment]
