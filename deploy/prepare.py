"""Everything that must be there before a door opens: databases at their newest version, topics with leaders."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.databases import KEY_RING, Database, KeyRingDatabase, ensure_database, ensure_keyring
from deploy.doors import DOORS, PROVIDER, SERVICES, Door, platform_settings
from deploy.local.errors import StackError
from deploy.local.network import Network, lay_out
from deploy.local.ports import HOST
from deploy.local.stack import Addresses, Stack
from deploy.migrate import upgrade
from deploy.supervisor import Supervisor
from services import READ_WORDS
from shared.events import TOPICS
from shared.kafka import KafkaBroker

_READY_S = 90.0


def prepare(root: Path, up: Callable[[Path], Addresses] | None = None) -> Network:
    """Start the local stack, by `up` where one is given, and make it ready for the doors; idempotent."""
    addresses = (up or Stack().up)(root)
    network = lay_out(root, addresses)
    broker = KafkaBroker(addresses.bootstrap_servers, client_id="prepare")
    asyncio.run(make_ready(network.databases, network.keyring_database, broker, addresses.postgres_admin_dsn))
    return network


def prepare_afresh(home: Path, up: Callable[[Path], Addresses] | None = None) -> Network:
    """The same without anything that was there before."""
    Stack().down(home)
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(parents=True)
    return prepare(home, up)


def place() -> Path:
    """Where the local stack keeps its data, in `var/`: this checkout, or what SAMEPAGE_PLACE names."""
    return Path(os.environ.get("SAMEPAGE_PLACE", Path(__file__).resolve().parent.parent))


def homes(root: Path) -> list[Path]:
    """Where a stack of this checkout may live: its own, and the demo's."""
    return [home for home in (root, root / "var" / "demo") if home.exists()]


def running_network(root: Path) -> Network:
    """The local network that runs: the checkout's own stack, or the demo's.

    Raises:
        StackError: neither runs.
    """
    for home in homes(root):
        if any(server.pid for server in Stack().status(home)):
            return lay_out(home, Stack().up(home), are_doors_open=True)
    raise StackError("Nothing runs here: start it with `samepage stack up` or `samepage demo`.")


def await_doors(network: Network, supervisor: Supervisor, awaited: Sequence[Door] = (*DOORS, PROVIDER)) -> None:
    """Wait until these doors answer: all ten and the provider when none are named.

    Raises:
        StackError: some do not, after 90 s; it names them.
    """
    until = time.monotonic() + _READY_S
    waiting = list(awaited)
    with httpx.Client(timeout=2) as client:
        while waiting:
            supervisor.watch()
            waiting = [door for door in waiting if not _is_ready(client, network.ports[door])]
            if time.monotonic() > until:
                names = ", ".join(map(str, waiting))
                raise StackError(f"These doors did not open in {_READY_S:.0f} s: {names}. See {supervisor.logs}.")
            time.sleep(0.1)


def _is_ready(client: httpx.Client, port: int) -> bool:
    try:
        return client.get(f"http://{HOST}:{port}/health/ready").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def make_ready(
    databases: Mapping[str, Database], keyring: KeyRingDatabase, broker: KafkaBroker, admin_dsn: str
) -> None:
    """Make the missing databases and roles, migrate, and make every topic."""
    for database in databases.values():
        await ensure_database(admin_dsn, database)
    await ensure_keyring(admin_dsn, keyring)
    await migrate(_owners(databases, keyring), broker)


def _owners(databases: Mapping[str, Database], keyring: KeyRingDatabase) -> dict[str, str]:
    return {**{service: database.owner for service, database in databases.items()}, KEY_RING: keyring.owner}


async def migrate(owners: Mapping[str, str], broker: KafkaBroker) -> None:
    """Migrate every database, by its owner's DSN, and make every topic."""
    for service, dsn in owners.items():
        await upgrade(service, dsn)
    await broker.create_topics(list(TOPICS))


class _Named(BaseSettings):
    """A service's database in the environment. The DSNs of the doors are asked for where their roles are to be made."""

    owner_database_url: SecretStr
    app_database_url: SecretStr = SecretStr("")
    worker_database_url: SecretStr = SecretStr("")


class _NamedKeyRing(BaseSettings):
    """The key ring's database likewise."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_KEYRING_")

    owner_database_url: SecretStr
    intake_database_url: SecretStr = SecretStr("")
    clinical_database_url: SecretStr = SecretStr("")
    dashboard_database_url: SecretStr = SecretStr("")


async def migrate_from_environment(admin_dsn: str | None) -> None:
    """The same for databases and broker named in the environment (containers, Kubernetes)."""
    named = {service: _Named(_env_prefix=f"SAMEPAGE_{service.upper()}_") for service in SERVICES}
    databases = {
        service: Database(
            owner=one.owner_database_url.get_secret_value(),
            app=one.app_database_url.get_secret_value(),
            worker=one.worker_database_url.get_secret_value(),
        )
        for service, one in named.items()
    }
    ring = _NamedKeyRing()
    readers = {service: getattr(ring, f"{service}_database_url").get_secret_value() for service in READ_WORDS}
    keyring = KeyRingDatabase(ring.owner_database_url.get_secret_value(), readers)
    platform = platform_settings()
    broker = KafkaBroker(platform.bootstrap_servers, client_id="prepare", login=platform.kafka)
    if admin_dsn is not None:
        await make_ready(databases, keyring, broker, admin_dsn)
    else:
        await migrate(_owners(databases, keyring), broker)
