"""The stack under the tests, and the doors into it.

`stack` is a PostgreSQL and a broker that live as long as the run. `database` gives a test a fresh, migrated database
of a service, copied from a template in a moment. `token` signs for any role.
"""

import asyncio
import base64
import contextlib
import json
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
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp

from deploy.doors import SERVICES
from deploy.issuer import LocalIssuer
from deploy.local.databases import ensure_database
from deploy.local.ports import HOST
from deploy.local.stack import Addresses, Stack
from deploy.migrate import upgrade
from shared.auth import Role, TrustedIssuer
from shared.db import Pool, open_pool
from shared.settings import Platform, ServiceSettings
from shared.signing import ALGORITHM, SigningKeys, make_key_file

ROOT = Path(__file__).resolve().parent.parent
SEAL_KEY = base64.b64encode(bytes(range(32))).decode()
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


URLS = {service: f"https://{service}.samepage.test" for service in SERVICES}


@pytest.fixture(scope="session")
def network_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key file of the network's own issuer, its key set `jwks.json` beside it."""
    file = tmp_path_factory.mktemp("network") / "key.pem"
    make_key_file(file)
    file.with_name("jwks.json").write_text(json.dumps(SigningKeys([file]).key_set()))
    return file


@pytest.fixture(scope="session")
def platform(issuer: LocalIssuer, network_key: Path) -> Platform:
    """Platform settings of the tests."""
    return Platform(
        environment="development",
        issuers=(issuer.trusted,),
        network=TrustedIssuer(
            issuer=URLS["intake"],
            algorithms=(ALGORITHM,),
            key_set=str(network_key.with_name("jwks.json")),
            roles=frozenset({Role.SYSTEM}),
        ),
        public_urls=URLS,
        seal_key=SecretStr(SEAL_KEY),
        is_synthetic=True,
    )


Settings = Callable[..., Awaitable[Any]]


@pytest.fixture
def settings(database: Databases, platform: Platform) -> Settings:
    """`await settings(IntakeSettings, "intake", **own)`: settings of a service on a fresh database."""

    async def make(kind: type[ServiceSettings], service: str, **own: object) -> ServiceSettings:
        return kind(platform=platform, database_url=await database(service), **own)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def own_settings(network_key: Path) -> dict[str, dict[str, object]]:
    """What a service must be told beside what all are."""
    return {
        "intake": {"identifier_key": "k" * 32, "link_key": "l" * 32, "signing_key_files": (network_key,)},
        "analytics": {"pseudonym_key": "p" * 32},
    }


@pytest.fixture
async def app(settings: Settings, own_settings: dict[str, dict[str, object]]) -> AsyncIterator[Apps]:
    """`await app("intake")`: the running application of a service on a fresh database."""
    running = []

    async def start(service: str) -> FastAPI:
        classes = vars(import_module(f"services.{service}.settings"))
        kind = classes[f"{service.capitalize()}Settings"]
        application: FastAPI = import_module(f"services.{service}.app").create_app(
            await settings(kind, service, **own_settings.get(service, {}))
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


@asynccontextmanager
async def served(application: ASGIApp, port: int) -> AsyncIterator[str]:
    """The application on a port of this machine, in this loop; its address."""
    server = uvicorn.Server(uvicorn.Config(application, host=HOST, port=port, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())

    async def is_up() -> bool:
        return server.started or running.done()

    await until(is_up)
    yield f"http://{HOST}:{port}"
    server.should_exit = True
    await running


def new_key() -> dict[str, str]:
    """Headers with an idempotency key that was not used before."""
    return {"idempotency-key": uuid4().hex}


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float = 30) -> None:
    """Wait for a condition, looking fifty times a second; fail when it does not come true."""
    async with asyncio.timeout(seconds):
        while not await condition():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.02)
