"""People at a provider, and services that they sign in to."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.local.ports import HOST, keep_or_choose
from deploy.provider import Client, Person, Provider
from services.dashboard.api import ROUTERS
from services.dashboard.api.seeing import looking
from services.dashboard.settings import DashboardSettings
from shared.auth import Role
from shared.http.app import Entrance, create_app
from shared.settings import Platform, SignIn
from shared.signing import ALGORITHM, SigningKeys, make_key_file
from tests.conftest import URLS, VAR, Databases, served
from tests.sign_in.browser import Browser
from tests.sign_in.keycloak import Keycloak, missing, start
from tests.sign_in.providers import PEOPLE, SITE, People

HOME = URLS["dashboard"]
_SECRET = "secret-of-the-dashboard"


@dataclass
class Clock:
    """Tells the time that it is set to."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class DevelopmentPeople:
    """The provider for development, on a port. `provider.alter` makes it lie."""

    provider: Provider

    def sign_in(self, service: str) -> SignIn:
        return SignIn(
            issuer=self.provider.issuer,
            client_id=f"samepage-{service}",
            client_secret=SecretStr(_SECRET),
            algorithms=(ALGORITHM,),
        )

    async def choose(self, browser: Browser, page: httpx.Response, person: str, *, until: str = "") -> httpx.Response:
        return await browser.submit(page, until=until, subject=person)

    def asks(self, page: httpx.Response) -> bool:
        return "Who are you?" in page.text


@pytest.fixture(scope="session")
def provider_keys(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two keys that a provider can sign with."""
    folder = tmp_path_factory.mktemp("provider")
    files = [folder / "one.pem", folder / "two.pem"]
    for file in files:
        make_key_file(file)
    return files


@pytest.fixture
async def development(provider_keys: list[Path]) -> AsyncIterator[DevelopmentPeople]:
    (port,) = keep_or_choose((), 1)
    people = [Person(name, name, role, () if role is Role.OPERATOR else (SITE,)) for name, role in PEOPLE.items()]
    client = Client("samepage-dashboard", _SECRET, f"{HOME}/sign-in/callback", f"{HOME}/signed-out")
    provider = Provider(f"http://127.0.0.1:{port}", SigningKeys(provider_keys[:1]), [client], lambda: people)
    async with served(provider.app(), port):
        yield DevelopmentPeople(provider)


@dataclass(frozen=True)
class Ehr:
    """A system of the site: its private key, and the key set that it is registered with."""

    key: ec.EllipticCurvePrivateKey
    key_set: dict[str, Any]


@pytest.fixture(scope="session")
def ehr() -> Ehr:
    key = ec.generate_private_key(ec.SECP384R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return Ehr(key, {"keys": [{**public, "kid": "ehr-1", "alg": "ES384", "use": "sig"}]})


@pytest.fixture(scope="session")
def back_channel_port() -> int:
    """Where Keycloak tells the dashboard of sign-outs, while a test listens there."""
    (port,) = keep_or_choose((), 1)
    return port


@pytest.fixture(scope="session")
def keycloak(ehr: Ehr, back_channel_port: int) -> Iterator[Keycloak]:
    """Started once a run; skips where it cannot be."""
    if (lacking := missing()) is not None:
        pytest.skip(f"Keycloak needs {lacking}, not found here")
    home = VAR / "keycloak"
    home.mkdir(parents=True, exist_ok=True)
    (port,) = keep_or_choose((), 1)
    back = f"http://{HOST}:{back_channel_port}"
    server = start(home, port, dashboard=HOME, back=back, ehr_keys=ehr.key_set)
    yield server
    server.stop()


@pytest.fixture(params=["development", pytest.param("keycloak", marks=pytest.mark.keycloak)])
def people(request: pytest.FixtureRequest) -> People:
    """Each provider in turn: what holds for the small one must hold for a real one."""
    found: People = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


Signers = Callable[[People], Awaitable[FastAPI]]


@pytest.fixture
async def dashboard_of(database: Databases, platform: Platform, clock: Clock) -> AsyncIterator[Signers]:
    """`await dashboard_of(people)`: the running dashboard, to which these people sign in."""
    async with AsyncExitStack() as running:

        async def start(people: People) -> FastAPI:
            found = await database("dashboard")
            settings = DashboardSettings(
                platform=platform,
                database_url=SecretStr(found.app),
                sign_in=people.sign_in("dashboard"),
            )
            entrance = Entrance(clock=clock)
            state = {"settings": settings, "looking": looking(), "clinical": None}
            application = create_app("dashboard", settings, ROUTERS, state=state, entrance=entrance)
            application.state.database = found
            await running.enter_async_context(application.router.lifespan_context(application))
            return application

        yield start


@pytest.fixture
async def dashboard(dashboard_of: Signers, people: People) -> FastAPI:
    return await dashboard_of(people)


@pytest.fixture
async def browser(dashboard: FastAPI) -> AsyncIterator[Browser]:
    async with Browser({HOME: dashboard}) as browser:
        yield browser


def change_flow(browser: Browser, **changes: str) -> None:
    """Write other things into what the browser keeps of the sign-in that is under way."""
    (name,) = [one for one in browser.cookies if "-flow-" in one]
    flow = json.loads(urlsafe_b64decode(browser.cookies[name].strip('"')))
    browser.set_cookie(name, urlsafe_b64encode(json.dumps(flow | changes).encode()).decode(), HOME)
