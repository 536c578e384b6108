"""A patient of one site, and people of two: at the patient's and at another, under a clock that is set."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from deploy.ehrs import add_ehr
from services.dashboard.app import create_app
from services.dashboard.worker import SUBSCRIPTION
from shared.events import Body
from tests.builders import PATIENT, VISIT_AT, a_site, a_visit, an_enrollment, an_event
from tests.conftest import Apps, Tokens, client_of
from tests.services.dashboard.fake_ehr import FakeEhr, running_ehr
from tests.services.streams import arrive
from tests.sign_in.conftest import Clock

HERE, THERE = "lakeside", "riverbend"
OWN = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0a003")
NEIGHBOUR = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0a002")
WORDS = "Brought in unconscious, Quagga-Synthetic at the bedside"
BODY = {"site_id": THERE, "patient_id": str(PATIENT), "reason": "emergency", "words": WORDS}
PAGE, SHOWN = f"/v1/patients/{PATIENT}/page", f"/patients/{PATIENT}"
Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def clock() -> Clock:
    """In the visit at the patient's site: 10:20 there."""
    return Clock(VISIT_AT)


@pytest.fixture
async def dashboard(app: Apps, clock: Clock) -> AsyncIterator[FastAPI]:
    """The application under this clock, with two patients there and one here."""
    whole = await app("dashboard")
    there: list[Body] = [a_site(), an_enrollment(), a_visit(), an_enrollment(patient_id=NEIGHBOUR)]
    here: list[Body] = [a_site(name="Lakeside GI (synthetic)"), an_enrollment(patient_id=OWN)]
    events = [an_event(body, site_id=site) for site, bodies in ((THERE, there), (HERE, here)) for body in bodies]
    await arrive(whole, SUBSCRIPTION, *events)
    application = create_app(whole.state.settings, clock=clock)
    application.state.database = whole.state.database
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
def as_(dashboard: FastAPI, token: Tokens) -> Clients:
    """`as_("clinician", HERE, "dr-silva")`: a client of somebody."""

    def client(role: str, site: str, subject: str = "") -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return client_of(dashboard, token(role, [site], subject=subject))

    return client


@pytest.fixture
async def clinician(as_: Clients) -> AsyncIterator[httpx.AsyncClient]:
    """Of another site than the patient."""
    async with as_("clinician", HERE, "dr-silva") as client:
        yield client


@pytest.fixture
async def patient(dashboard: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The one whose page it is."""
    async with client_of(dashboard, token("patient", [THERE], patient_id=PATIENT)) as client:
        yield client


@pytest.fixture
async def coordinator(as_: Clients) -> AsyncIterator[httpx.AsyncClient]:
    """Of the patient's site."""
    async with as_("coordinator", THERE, "j-ortiz") as client:
        yield client


async def break_glass(clinician: httpx.AsyncClient, **changes: str) -> dict[str, Any]:
    answer = await clinician.post("/v1/break-glass", json=BODY | changes)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
async def ehr(dashboard: FastAPI) -> AsyncIterator[FakeEhr]:
    """Of the patient's site, registered there."""
    async with running_ehr() as running:
        await add_ehr(dashboard.state.database.worker, running.registered(THERE), by="somebody")
        yield running
