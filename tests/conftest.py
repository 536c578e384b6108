"""The stack under the tests, and the doors into it.

`stack` is a PostgreSQL and a broker that live as long as the run. `database` gives a test a fresh, migrated database
of a service, copied from a template in a moment. `token` signs for any role.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.issuer import AUDIENCE, ISSUER, LocalIssuer
from deploy.local.databases import ensure_database, ensure_role
from deploy.local.keyring import DATABASE, READERS, role_of
from deploy.local.stack import Addresses, Stack
from deploy.migrate import upgrade
from shared.auth import Role
from shared.db import Pool, open_pool
from shared.keyring import KeyRing, KeyRingSettings
from shared.keyring.root_keys import new_root_key
from shared.settings import Platform, ServiceSettings

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "for-tests-only"


@pytest.fixture(scope="session")
def stack() -> Iterator[Addresses]:
    """A local stack of its own, under `var/test`; stopped at the end unless it ran before."""
    root = ROOT / "var" / "test"
    root.mkdir(parents=True, exist_ok=True)
    was_running = any(server.pid for server in Stack().status(root))
    yield Stack().up(root)
    if not was_running:
        Stack().down(root)


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Addresses) -> str:
    """Bootstrap servers of a real Kafka; skips where there is none."""
    if stack.broker_kind != "kafka":
        pytest.skip(stack.note or "no Kafka here")
    return stack.bootstrap_servers


Databases = Callable[[str], Awaitable[str]]
Pools = Callable[[str], Awaitable[Pool]]
Apps = Callable[[str], Awaitable[FastAPI]]


@pytest.fixture(scope="session")
async def template(stack: Addresses) -> Databases:
    """The migrated template database of a service, made once a run."""
    made: dict[str, str] = {}

    async def of(service: str) -> str:
        if service not in made:
            if service == DATABASE:
                for reader in READERS:
                    ensure_role(stack.postgres_admin_dsn, "postgres", role_of(reader), PASSWORD)
            name = f"template_{service}_{secrets.token_hex(4)}"
            await upgrade(service, ensure_database(stack.postgres_admin_dsn, name, PASSWORD))
            made[service] = name
        return made[service]

    return of


@pytest.fixture
async def database(stack: Addresses, template: Databases) -> AsyncIterator[Databases]:
    """`await database("intake")` is the DSN of a fresh, migrated database of intake."""
    names: list[str] = []

    async def fresh(service: str) -> str:
        owner = await template(service)
        name = f"{service}_{uuid4().hex[:12]}"
        await _execute(stack, f'CREATE DATABASE "{name}" TEMPLATE "{owner}" OWNER "{owner}" STRATEGY file_copy')
        names.append(name)
        server = stack.postgres_admin_dsn.rpartition("@")[2].partition("/")[0]
        return f"postgresql://{owner}:{PASSWORD}@{server}/{name}"

    yield fresh
    for name in names:
        await _execute(stack, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _execute(stack: Addresses, statement: str) -> None:
    connection = await asyncpg.connect(stack.postgres_admin_dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def pool_of(database: Databases) -> AsyncIterator[Pools]:
    """`await pool_of("clinical")` is a pool on a fresh database of a service."""
    opened = []

    async def pool(service: str) -> Pool:
        context = open_pool(await database(service), size=4)
        opened.append(context)
        return await context.__aenter__()

    yield pool
    for context in opened:
        await context.__aexit__(None, None, None)


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    """Signs tokens that `platform` believes."""
    issuer = LocalIssuer(tmp_path_factory.mktemp("issuer"))
    issuer.prepare()
    return issuer


Tokens = Callable[..., str]


@pytest.fixture(scope="session")
def token(issuer: LocalIssuer) -> Tokens:
    """`token("clinician", ["site-01"], patient_id=None)`: a signed token."""

    def sign(role: Role | str, sites: list[str], *, patient_id: UUID | None = None) -> str:
        return issuer.token(Role(role), sites, patient_id=patient_id)

    return sign


@pytest.fixture(scope="session")
def platform(issuer: LocalIssuer) -> Platform:
    """Platform settings of the tests."""
    return Platform(
        environment="development",
        issuer=ISSUER,
        audience=AUDIENCE,
        key_set_file=issuer.key_set_file,
        is_synthetic=True,
    )


KeyRings = Callable[[str], Awaitable[KeyRingSettings]]


@pytest.fixture
async def keyring_of(stack: Addresses, database: Databases, tmp_path: Path) -> KeyRings:
    """`await keyring_of("clinical")` is where that service finds the test's key ring; `keyring` is the owner of it."""
    root_keys, tombstones = tmp_path / "root-keys", tmp_path / "tombstones"
    root_keys.write_text(new_root_key("root-1"))
    tombstones.touch()
    made: list[str] = []

    async def find(role: str) -> KeyRingSettings:
        if not made:
            made.append(await database(DATABASE))
        url = made[0]
        if role != DATABASE:
            name = url.rpartition("/")[2]
            await _execute(stack, f'GRANT CONNECT ON DATABASE "{name}" TO {role_of(role)}')
            url = f"postgresql://{role_of(role)}:{PASSWORD}@{url.rpartition('@')[2]}"
        return KeyRingSettings(
            database_url=SecretStr(url), root_keys_file=root_keys, tombstones_file=tombstones, timeout_s=10
        )

    return find


@pytest.fixture
async def ring(keyring_of: KeyRings) -> AsyncIterator[KeyRing]:
    """The test's key ring as intake finds it, in a process of its own as it were."""
    async with KeyRing(await keyring_of("intake")) as opened:
        yield opened


Settings = Callable[..., Awaitable[Any]]


@pytest.fixture
def settings(database: Databases, platform: Platform, keyring_of: KeyRings) -> Settings:
    """`await settings(IntakeSettings, "intake", **own)`: settings of a service on a fresh database."""

    async def make(kind: type[ServiceSettings], service: str, **own: object) -> ServiceSettings:
        if "keyring" in kind.model_fields:
            own["keyring"] = await keyring_of(service)
        return kind(platform=platform, database_url=await database(service), **own)  # type: ignore[arg-type]

    return make


OWN_SETTINGS: dict[str, dict[str, object]] = {
    "intake": {"identifier_key": "k" * 32},
    "analytics": {"pseudonym_key": "p" * 32},
}


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Apps]:
    """`await app("intake")`: the running application of a service on a fresh database."""
    running = []

    async def start(service: str) -> FastAPI:
        classes = vars(import_module(f"services.{service}.settings"))
        kind = classes[f"{service.capitalize()}Settings"]
        application: FastAPI = import_module(f"services.{service}.app").create_app(
            await settings(kind, service, **OWN_SETTINGS.get(service, {}))
        )
        context = application.router.lifespan_context(application)
        await context.__aenter__()
        running.append(context)
        return application

    yield start
    for context in running:
        await context.__aexit__(None, None, None)


@asynccontextmanager
async def client_of(application: FastAPI, bearer: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an application in this process."""
    headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://samepage.test", headers=headers) as client:
        yield client


def new_key() -> dict[str, str]:
    """Headers with an idempotency key that was not used before."""
    return {"idempotency-key": uuid4().hex}


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float = 30) -> None:
    """Wait for a condition, looking fifty times a second; fail when it does not come true."""
    async with asyncio.timeout(seconds):
        while not await condition():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.02)
