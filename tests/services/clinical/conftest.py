"""Clinical, which has heard of three patients, and the system that writes to it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from services.clinical.worker import SUBSCRIPTION
from tests.builders import PATIENT, SITE, an_enrollment, an_event
from tests.conftest import Tokens, client_of
from tests.services.clinical.writes import NEIGHBOUR, OTHER_SITE, STRANGER
from tests.services.streams import arrive


@pytest.fixture
async def clinical(app: Callable[[str], Awaitable[FastAPI]]) -> FastAPI:
    """Clinical, to which three enrolments have come."""
    application = await app("clinical")
    await arrive(
        application,
        SUBSCRIPTION,
        an_event(an_enrollment(patient_id=PATIENT)),
        an_event(an_enrollment(patient_id=NEIGHBOUR)),
        an_event(an_enrollment(patient_id=STRANGER), site_id=OTHER_SITE),
    )
    return application


@pytest.fixture
async def system(clinical: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The system of the site."""
    async with client_of(clinical, token("system", [SITE])) as client:
        yield client
