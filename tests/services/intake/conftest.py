"""A clinic at intake, for what is about links and clients."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import Apps, Tokens, client_of
from tests.services.clinic import Clinic, clinic_of
from tests.services.intake.alerted import SITE, Alerted, alerted_clinic
from tests.sign_in.conftest import Clock

OTHER = "site-02"
__all__ = ["SITE"]


@pytest.fixture
async def clinic(app: Apps, token: Tokens) -> AsyncIterator[Clinic]:
    async with clinic_of(await app("intake"), token, SITE) as clinic:
        yield clinic


@pytest.fixture
async def coordinator(clinic: Clinic, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """One of the clinic's, signed in."""
    async with client_of(clinic.intake, token("coordinator", [SITE], subject="chris-kim")) as coordinator:
        yield coordinator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def alerted(app: Apps, token: Tokens, clock: Clock) -> AsyncIterator[Alerted]:
    async with alerted_clinic(app, token, clock) as alerted:
        yield alerted
