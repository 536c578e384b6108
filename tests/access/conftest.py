"""The matrix on each service in turn, and how much was tried at the end."""

from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from deploy.doors import SERVICES
from services import READ_WORDS
from shared.keyring import KeyRing
from shared.settings import Platform, SignIn
from shared.signing import ALGORITHM
from tests.access.inside import Inside
from tests.access.lines import LINES, SHARED
from tests.access.network import Door
from tests.access.tries import Tries
from tests.conftest import Apps, KeyRings, Tokens, unlimited

TRIED = pytest.StashKey[dict[str, Counter[str]]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many requests with ids of others were denied or did no more than others."""
    tried = config.stash.get(TRIED, {})
    if tried:
        terminalreporter.section("access")
        for service, counted in tried.items():
            line = f"{service}: {counted['combinations']} combinations tried in {counted['requests']} requests"
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def own_settings(own_settings: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """A provider to sign in at, so that its routes are there; it is never reached."""
    sign_in = SignIn(
        issuer="https://people.samepage.test",
        client_id="samepage",
        client_secret=SecretStr("for-tests-only"),
        algorithms=(ALGORITHM,),
    )
    told = {service: own_settings.get(service, {}) | {"sign_in": sign_in} for service in SERVICES}
    return told | {"dashboard": told["dashboard"] | {"glass_tries_per_hour": 100}}


@pytest.fixture(scope="session")
def platform(platform: Platform) -> Platform:
    """How often somebody may try is not what is asked here."""
    return unlimited(platform)


class Obliging:
    """Clinical, that does all it is asked for."""

    async def write_step(self, *_: object, **__: object) -> UUID:
        return uuid4()


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def door(service: str, app: Apps, token: Tokens, ring: KeyRing) -> Door:
    """The running service; where it asks another one, that is a kind one."""
    application = await app(service)
    if service == "dashboard":
        application.state.clinical = Obliging()
    return Door(service, application, token, ring)


@pytest.fixture
async def tries(door: Door) -> Tries:
    return await Tries.at(door, {**SHARED, **LINES[door.service]})


@pytest.fixture
async def inside(door: Door, keyring_of: KeyRings) -> AsyncIterator[Inside]:
    """Its database, and the key ring's where it has one."""
    dsns = [door.application.state.database.admin]
    if door.service in READ_WORDS:
        dsns.append((await keyring_of("admin")).database_url.get_secret_value())
    async with Inside.of(*dsns) as opened:
        yield opened


@pytest.fixture
def tried(service: str, pytestconfig: pytest.Config) -> Counter[str]:
    """How much was tried on the service in this run."""
    return pytestconfig.stash.setdefault(TRIED, {}).setdefault(service, Counter())
