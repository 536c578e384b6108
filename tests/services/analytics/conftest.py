"""Analytics, and the operator who looks at it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Apps, Tokens, client_of


@pytest.fixture
async def analytics(app: Apps) -> FastAPI:
    """Analytics, to which nothing has come yet."""
    return await app("analytics")


@pytest.fixture
async def operator(analytics: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The operator of the network, whose token is for no site."""
    async with client_of(analytics, token("operator", [])) as client:
        yield client
