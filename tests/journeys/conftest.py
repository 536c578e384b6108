"""The whole system as it is run: a stack of its own, ten doors under the supervisor, clients for each role."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from deploy.demo.links import sign_in_link
from deploy.doors import DOORS, PROVIDER, Door
from deploy.local.network import Network
from deploy.local.stack import Stack
from deploy.prepare import await_doors, prepare_afresh
from deploy.provider import Person, keep_people
from deploy.supervisor import Supervisor
from shared.auth import Role
from tests.browser.chromium import chromium
from tests.conftest import VAR

__all__ = ["chromium"]


@dataclass
class System:
    """The running system. `home` is where its stack lives."""

    home: Path
    network: Network
    supervisor: Supervisor

    def client(self, service: str, role: Role, sites: list[str], *, patient_id: UUID | None = None) -> httpx.Client:
        """An HTTP client of a service's door, in a role."""
        token = self.network.issuer.token(role, sites, patient_id=patient_id)
        headers = {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.network.url(service), headers=headers, timeout=20)

    def sign_in_link(self, service: str, person: Person, to: str) -> str:
        """A link that leads this person through the provider to a page."""
        keep_people(self.network.people_file, [person])
        return sign_in_link(self.network.url(service), person.subject, to)

    def pid(self, door: str) -> int:
        service, kind = door.rsplit("-", 1)
        return self.supervisor.pid(Door(service, "app" if kind == "app" else "worker"))


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """Started once for all journeys; skips where there is no real Kafka."""
    home = VAR / "journeys"
    network = prepare_afresh(home)
    try:
        if network.addresses.broker_kind != "kafka":
            pytest.skip(network.addresses.note or "no Kafka here")
        with Supervisor(network.environments, home / "var" / "log") as supervisor:
            supervisor.start((*DOORS, PROVIDER))
            await_doors(network, supervisor)
            yield System(home, network, supervisor)
    finally:
        Stack().down(home)
