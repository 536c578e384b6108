"""A clinic at intake, for what is about links and clients."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Apps, Tokens
from tests.services.clinic import Clinic, clinic_of

SITE, OTHER = "site-01", "site-02"


@pytest.fixture
async def clinic(app: Apps, token: Tokens) -> AsyncIterator[Clinic]:
    async with clinic_of(await app("intake"), token, SITE) as clinic:
        yield clinic
