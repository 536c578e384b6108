"""Analytics, the operator who looks at it, and the pool of its worker."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from shared.db import Pool
from tests.conftest import Apps, Pools, Tokens, client_of


@pytest.fixture
async def analytics(app: Apps) -> FastAPI:
    """Analytics, to which nothing has come yet."""
    return await app("analytics")


@pytest.fixture
async def operator(analytics: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The operator of the network, whose token is for no site."""
    async with client_of(analytics, token("operator", [])) as client:
        yield client


@pytest.fixture
async def pool(pool_of: Pools) -> Pool:
    """A worker's, on a fresh database."""
    return await pool_of("analytics")
