"""The stack under the tests, and the doors into it.

`stack` is a PostgreSQL and a broker that live as long as the run: the local ones, or with `--stack containers` those of
docker-compose.yml. `database` gives a test a fresh, migrated database of a service, copied from a template in a moment.
Applications run under the application's role and what a worker does under the worker's, so that every test proves their
grants; a test looks past the walls through its `FreshDatabase`. `token` signs for any role.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import asyncpg
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import settings as examples
from pydantic import SecretStr
from starlette.types import ASGIApp

from deploy.databases import (
    KEY_RING,
    Database,
    KeyRingDatabase,
    database_on,
    ensure_database,
    ensure_keyring,
    keyring_on,
)
from deploy.doors import SERVICES, Door, settings_class
from deploy.issuer import LocalIssuer
from deploy.keys.places import ensure_files, keyring_in
from deploy.local.ports import HOST
from deploy.local.stack import Addresses, Stack
from deploy.migrate import upgrade
from services import READ_WORDS, ROLES
from shared.auth import Role, TrustedIssuer
from shared.db import Connection, Pool, open_pool
from shared.http.wire import wire
from shared.keyring import KeyRing, KeyRingSettings
from shared.settings import Limits, Platform, Rate, Rates, ServiceSettings
from shared.signing import ALGORITHM, SigningKeys, make_key_file
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / os.environ.get("PYTEST_XDIST_WORKER", ".")
"""What a run leaves behind; each process of a run that is shared out has a folder of its own."""
PASSWORD = "for-tests-only"
# What a run's databases and logs take at most, with as much again.
_ROOM = 4 << 30
# How long an example takes says nothing on a machine that has other work.
examples.register_profile("unhurried", deadline=None)
examples.load_profile("unhurried")


def _end_as_by_ctrl_c() -> None:
    """Let SIGTERM end a run as Ctrl-C does, so that its servers are stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_configure() -> None:
    """The process that shares a run out runs no test."""
    _end_as_by_ctrl_c()


def pytest_runtest_setup() -> None:
    """Once more at each test: some give signals back."""
    _end_as_by_ctrl_c()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", choices=("local", "containers"), default="local", help="where PostgreSQL and Kafka run")


def outside_fixtures(folder: str) -> Path:
    """Test inputs written by others; skips where they are not at hand."""
    found = Path(os.environ.get("SAMEPAGE_FIXTURES", ROOT.parent / "shared" / "fixtures")) / folder
    if not found.is_dir():
        pytest.skip(f"no outside fixtures `{folder}` here: SAMEPAGE_FIXTURES names the folder that holds them")
    return found


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Iterator[Addresses]:
    """A PostgreSQL and a broker of the run's own."""
    if pytestconfig.getoption("stack") == "containers":
        from tests.containers.stack import stack_in_containers  # noqa: PLC0415 - slow to import, and seldom asked for

        opened = stack_in_containers()
    else:
        opened = _local_stack()
    with opened as addresses:
        yield addresses


@contextmanager
def _local_stack() -> Iterator[Addresses]:
    """Stopped at the end unless it ran before.

    In memory where there is room: a database is 400 small files, and a run makes and drops thousands of databases.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own name in it, as in `var`
    is_in_memory = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    root = memory / f"samepage-test-{crc32(bytes(VAR)):08x}" if is_in_memory else VAR / "test"
    root.mkdir(parents=True, exist_ok=True)
    was_running = any(server.pid for server in Stack().status(root))
    addresses = Stack().up(root)
    try:
        with ThreadPoolExecutor(1) as beside:  # who asks first may be in a loop
            beside.submit(asyncio.run, _forget_at_a_power_cut(addresses.postgres_admin_dsn)).result()
        yield addresses
    finally:
        if not was_running:
            Stack().down(root)
            if is_in_memory:
                shutil.rmtree(root)


async def _forget_at_a_power_cut(admin_dsn: str) -> None:
    """Let PostgreSQL wait for no disk: every test makes databases, and none of them outlives the machine."""
    async with _connected(admin_dsn) as connection:
        for setting in ("fsync", "full_page_writes"):
            await connection.execute(f"ALTER SYSTEM SET {setting} = off")
        await connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Addresses) -> str:
    """Bootstrap servers of a real Kafka; skips where there is none."""
    if stack.broker_kind != "kafka":
        pytest.skip(stack.note or "no Kafka here")
    return stack.bootstrap_servers


@dataclass(frozen=True)
class FreshDatabase(Database):
    """A database of one test. Its methods work as the superuser, whom no wall stops."""

    admin: str = field(repr=False)

    async def rows(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """The rows of a statement."""
        async with _connected(self.admin) as connection:
            return list(await connection.fetch(statement, *arguments))

    async def value(self, statement: str, *arguments: object) -> Any:
        """The first value of the first row; None when there is none."""
        async with _connected(self.admin) as connection:
            return await connection.fetchval(statement, *arguments)

    async def run(self, script: str) -> None:
        """Statements without parameters, all or none."""
        async with _connected(self.admin) as connection:
            await connection.execute(script)


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


Templates = Callable[[str], Awaitable[str]]
Databases = Callable[[str], Awaitable[FreshDatabase]]
Pools = Callable[[str | FreshDatabase], Awaitable[Pool]]
Apps = Callable[[str], Awaitable[FastAPI]]


def reached(stack: Addresses, name: str, *, template: str) -> FreshDatabase:
    """The database `name`, as the roles that were made for `template` reach it."""
    made = database_on(stack.postgres_admin_dsn, template, {f"{template}_{role}": PASSWORD for role in ROLES})
    dsns = (made.owner, made.app, made.worker, stack.postgres_admin_dsn)
    return FreshDatabase(*(f"{dsn.rpartition('/')[0]}/{name}" for dsn in dsns))


def _readers(stack: Addresses, name: str) -> KeyRingDatabase:
    """The key ring's database `name` as each service reaches it."""
    logins = (f"{name}_owner", *(f"{KEY_RING}_{service}" for service in READ_WORDS))
    return keyring_on(stack.postgres_admin_dsn, dict.fromkeys(logins, PASSWORD), name=name)


@pytest.fixture(scope="session")
async def template(stack: Addresses) -> AsyncIterator[Templates]:
    """The name of the migrated template database of a service, made once a run."""
    made: dict[str, str] = {}

    async def of(service: str) -> str:
        if service not in made:
            made[service] = name = f"template_{service}_{secrets.token_hex(4)}"
            database = reached(stack, name, template=name)
            await ensure_database(stack.postgres_admin_dsn, database)
            if service == KEY_RING:
                await ensure_keyring(stack.postgres_admin_dsn, replace(_readers(stack, name), owner=database.owner))
            await upgrade(service, database.owner)
        return made[service]

    yield of
    for name in made.values():
        await drop(stack, name)


async def drop(stack: Addresses, name: str) -> None:
    """Take away a database and the roles that were made for it."""
    await _execute(stack, f'DROP DATABASE "{name}" WITH (FORCE)')
    await _execute(stack, f'DROP ROLE "{name}_owner", "{name}_app", "{name}_worker"')


@pytest.fixture
async def database(stack: Addresses, template: Templates) -> AsyncIterator[Databases]:
    """`await database("intake")` is a fresh, migrated database of intake."""
    names: list[str] = []

    async def fresh(service: str) -> FreshDatabase:
        source = await template(service)
        name = f"{service}_{uuid4().hex[:12]}"
        await _execute(stack, f'CREATE DATABASE "{name}" TEMPLATE "{source}" OWNER "{source}_owner" STRATEGY file_copy')
        names.append(name)
        return reached(stack, name, template=source)

    yield fresh
    for name in names:
        await _execute(stack, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _execute(stack: Addresses, statement: str) -> None:
    async with _connected(stack.postgres_admin_dsn) as connection:
        await connection.execute(statement)


@pytest.fixture
async def pool_of(database: Databases) -> AsyncIterator[Pools]:
    """`await pool_of("clinical")` is a worker's pool on a fresh database of a service, or on one that a test has."""
    async with AsyncExitStack() as opened:

        async def pool(where: str | FreshDatabase) -> Pool:
            found = await database(where) if isinstance(where, str) else where
            return await opened.enter_async_context(open_pool(found.worker, size=4))

        yield pool


@asynccontextmanager
async def undone(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing behind, so that a test can begin with nothing many times."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield connection
        finally:
            await transaction.rollback()


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

    def sign(role: Role | str, sites: list[str], *, patient_id: UUID | None = None, subject: str = "") -> str:
        return issuer.token(Role(role), sites, patient_id=patient_id, subject=subject)

    return sign


URLS = {service: f"https://{service}.samepage.test" for service in SERVICES}
# Routes where people and systems sign in: they answer strangers. Every other needs a token or a session.
OPEN_ROUTES = {
    "/l/{site_id}/{secret}",
    "/oauth/token",
    "/.well-known/jwks.json",
    "/.well-known/smart-configuration",
    "/cds-services",
    "/cds-services/samepage-patient-view",
    "/cds-services/samepage-patient-view/feedback",
    "/launch",
    "/launch/callback",
}


def new_key_in(folder: Path) -> Path:
    """A new key file in this folder, its key set `jwks.json` beside it."""
    file = folder / "key.pem"
    make_key_file(file)
    file.with_name("jwks.json").write_text(json.dumps(SigningKeys([file]).key_set()))
    return file


@pytest.fixture(scope="session")
def network_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of the network's own issuer."""
    return new_key_in(tmp_path_factory.mktemp("network"))


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
        is_synthetic=True,
    )


def unlimited(platform: Platform) -> Platform:
    """The same, where nobody is told to wait."""
    much = Rate(burst=1_000_000, per_minute=60_000_000)
    often = dict.fromkeys(Rates.model_fields.keys() - {"clients"}, much)
    return platform.model_copy(update={"rates": Rates.model_validate(often)})


KeyRings = Callable[[str], Awaitable[KeyRingSettings]]


@pytest.fixture
async def keyring_of(stack: Addresses, database: Databases, tmp_path: Path) -> KeyRings:
    """`await keyring_of("clinical")` is where that service finds the test's key ring; `owner` owns it, and no wall
    stops `admin`.
    """
    files = keyring_in(tmp_path, "")
    ensure_files(files.root_keys_file, files.tombstones_file)
    made: list[FreshDatabase] = []

    async def find(role: str) -> KeyRingSettings:
        if not made:
            made.append(await database(KEY_RING))
        (there,) = made
        dsns = {"admin": there.admin, "owner": there.owner, **_readers(stack, there.owner.rpartition("/")[2]).readers}
        return files.model_copy(update={"database_url": SecretStr(dsns[role]), "timeout_s": 10})

    return find


@pytest.fixture
async def ring(keyring_of: KeyRings) -> AsyncIterator[KeyRing]:
    """The test's key ring as intake finds it, in a process of its own as it were."""
    async with KeyRing(await keyring_of("intake")) as opened:
        yield opened


@pytest.fixture(scope="session")
def own_settings(network_key: Path) -> dict[str, dict[str, object]]:
    """What a service must be told beside what all are, and the key ring."""
    return {
        # A stream ends while a test waits for its answer.
        "dashboard": {"limits": Limits(stream_s=0.2)},
        "intake": {"identifier_key": "k" * 32, "link_key": "l" * 32, "signing_key_files": (network_key,)},
    }


@pytest.fixture
async def app(
    database: Databases, platform: Platform, keyring_of: KeyRings, own_settings: dict[str, dict[str, object]]
) -> AsyncIterator[Apps]:
    """`await app("intake")`: the running application of a service on a fresh database, its `state.database`."""
    async with AsyncExitStack() as running:

        async def start(service: str) -> FastAPI:
            kind: Callable[..., ServiceSettings] = settings_class(Door(service, "app"))
            own = own_settings.get(service, {})
            if service in READ_WORDS:
                own = own | {"keyring": await keyring_of(service)}
            found = await database(service)
            settings = kind(platform=platform, database_url=found.app, **own)
            application: FastAPI = import_module(f"services.{service}.app").create_app(settings)
            application.state.service, application.state.database = service, found
            await running.enter_async_context(application.router.lifespan_context(application))
            return application

        yield start


def worker_settings(application: FastAPI) -> Any:
    """The settings of the Kafka door beside an application's HTTP door."""
    found: FreshDatabase = application.state.database
    kind = settings_class(Door(application.state.service, "worker"))
    told = dict(application.state.settings) | {"database_url": found.worker, "pseudonym_key": "p" * 32}
    return kind.model_validate({name: value for name, value in told.items() if name in kind.model_fields})


@asynccontextmanager
async def client_of(application: FastAPI, bearer: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an application in this process."""
    headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://samepage.test", headers=headers) as client:
        yield client


@asynccontextmanager
async def served(application: ASGIApp, port: int, limits: Limits | None = None) -> AsyncIterator[str]:
    """The application on a port of this machine, in this loop; its address."""
    http = wire(limits or Limits())
    server = uvicorn.Server(
        uvicorn.Config(application, host=HOST, port=port, http=http, log_config=None, lifespan="off")
    )
    running = asyncio.create_task(server.serve())

    async def is_up() -> bool:
        return server.started or running.done()

    try:
        await until(is_up)
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        await running


def new_key() -> dict[str, str]:
    """Headers with an idempotency key that was not used before."""
    return {"idempotency-key": uuid4().hex}
