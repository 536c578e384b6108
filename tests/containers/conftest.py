"""The system as `docker compose up` runs it, in a project and on ports of its own."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.doors import SERVICES
from deploy.local.ports import HOST, keep_or_choose
from deploy.secrets import compose_variables
from shared.auth import Role
from tests.containers.engine import docker, lacking


@dataclass(frozen=True)
class Project:
    """One compose project. `variables` are its secrets and published ports."""

    name: str
    variables: Mapping[str, str]

    def compose(self, *words: str) -> str:
        return docker("compose", "--project-name", self.name, *words, environ=self.variables)

    def url(self, what: str) -> str:
        """Where a service's HTTP door, or Prometheus, is published."""
        return f"http://{HOST}:{self.variables[f'SAMEPAGE_{what.upper()}_PORT']}"

    def client(self, service: str, role: Role, sites: list[str]) -> httpx.Client:
        """An HTTP client of a service's door, with a token that the project's issuer signed."""
        options = [f"--site={site}" for site in sites]
        token = self.compose("run", "--rm", "--no-deps", "-T", "issuer", "token", role, *options).strip()
        return httpx.Client(base_url=self.url(service), headers={"authorization": f"Bearer {token}"}, timeout=20)

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine knows of each running container, by its service."""
        ids = self.compose("ps", "--quiet").split()
        inspected: list[dict[str, Any]] = json.loads(docker("inspect", *ids))
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in inspected}

    def leftovers(self) -> list[str]:
        """Containers, volumes and networks of the project, in use or not."""
        own = ("--quiet", "--filter", f"label=com.docker.compose.project={self.name}")
        listed = (docker("ps", "--all", *own), docker("volume", "ls", *own), docker("network", "ls", *own))
        return " ".join(listed).split()

    def down(self) -> None:
        self.compose("--profile", "demo", "down", "--volumes")


@contextmanager
def new_project() -> Iterator[Project]:
    """A project of which nothing runs; what is started of it is taken away at the end. Skips where it cannot run."""
    if (reason := lacking()) is not None:
        pytest.skip(reason)
    published = (*SERVICES, "people", "prometheus")
    ports = keep_or_choose((), len(published))
    variables = {f"SAMEPAGE_{what.upper()}_PORT": str(port) for what, port in zip(published, ports, strict=True)}
    project = Project(f"samepage-test-{secrets.token_hex(3)}", compose_variables() | variables)
    try:
        yield project
    finally:
        project.down()
        docker("image", "rm", "--force", project.name)


@pytest.fixture
def project() -> Iterator[Project]:
    """A project of which nothing runs yet."""
    with new_project() as project:
        yield project


@pytest.fixture(scope="module")
def composed() -> Iterator[Project]:
    """The whole system, up and healthy."""
    with new_project() as project:
        try:
            project.compose("up", "--detach", "--wait", "--wait-timeout", "240")
        except AssertionError as failure:
            failure.add_note(project.compose("logs", "--tail", "20"))
            raise
        yield project
