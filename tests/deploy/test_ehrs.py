"""`samepage ehr`: EHRs are registered with a site, listed and revoked, on record; what cannot be sure is refused."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI

from deploy.ehrs import add_ehr, ehrs_of, revoke_ehr
from deploy.local.errors import StackError
from services.dashboard import store
from services.dashboard.domain import Ehr
from services.dashboard.worker import SUBSCRIPTION
from tests.builders import a_site, an_event
from tests.conftest import Apps
from tests.services.held import held, until_waiting
from tests.services.streams import arrive
from tests.services.trails import trail

SITE, OTHER, OPERATOR = "riverbend", "lakeside", "command-line:an-operator"
SERVER = "https://ehr.test/fhir"
EHR = Ehr(SITE, "ehr", SERVER, "https://ehr.test/keys", SERVER, "samepage-app", ("https://ehr.test",))


@pytest.fixture
async def dashboard(app: Apps) -> FastAPI:
    application = await app("dashboard")
    await arrive(application, SUBSCRIPTION, *(an_event(a_site(), site_id=site) for site in (SITE, OTHER)))
    return application


async def test_an_ehr_is_registered_replaced_revoked_and_registered_again_on_record(dashboard: FastAPI) -> None:
    dsn = dashboard.state.database.worker
    newer = replace(EHR, client_id="another", origins=())
    for ehr in (EHR, newer):
        await add_ehr(dsn, ehr, by=OPERATOR)
        assert await ehrs_of(dsn, SITE) == [ehr]
    await revoke_ehr(dsn, SITE, "ehr", by=OPERATOR)
    (revoked,) = await ehrs_of(dsn, SITE)
    assert revoked.revoked_at is not None
    await add_ehr(dsn, EHR, by=OPERATOR)
    assert await ehrs_of(dsn, SITE) == [EHR]
    assert await ehrs_of(dsn, OTHER) == []
    rows = await trail(dashboard, subject=OPERATOR)
    assert [row["route"] for row in rows] == ["ehr-add", "ehr-add", "ehr-revoke", "ehr-add"]
    assert {(row["site_id"], tuple(row["asked"])) for row in rows} == {(SITE, (f"ehr={SITE}.ehr",))}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"site_id": "nowhere"}, "The site nowhere is not known"),
        ({"name": "The EHR"}, "lower-case letters"),
        ({"key_set": "http://ehr.test/keys"}, "https"),
        ({"key_set": "/etc/keys"}, "https"),
        ({"fhir_server": "http://ehr.test/fhir"}, "https"),
        ({"origins": ("https://ehr.test/frame",)}, "nothing after it"),
        ({"origins": ("https://*.ehr.test",)}, "no pattern"),
        ({"origins": ("https://ehr.test;script-src",)}, "no pattern"),
        ({"origins": ("*",)}, "https"),
        ({"origins": ("https://",)}, "https"),
        ({"origins": ("https://EHR.test",)}, "lower case"),
        ({"origins": ("https://épic.test",)}, "one host"),
        ({"origins": ("https://u@ehr.test",)}, "one host"),
        ({"origins": ("https://ehr.test?",)}, "nothing after it"),
        ({"origins": ("https://ehr\n.test",)}, "one host"),
        ({"origins": ("https://ehr.test\n",)}, "nothing after it"),
        ({"origins": ("https://ehr.test:443",)}, "perhaps a port"),
        ({"origins": ("http://localhost:80",)}, "perhaps a port"),
        ({"client_id": ""}, "cannot be empty"),
    ],
)
async def test_what_could_be_somebody_elses_is_not_registered(
    dashboard: FastAPI, changes: dict[str, object], sentence: str
) -> None:
    dsn = dashboard.state.database.worker
    with pytest.raises(StackError, match=sentence):
        await add_ehr(dsn, replace(EHR, **changes), by=OPERATOR)  # type: ignore[arg-type]
    assert await ehrs_of(dsn, SITE) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"origins": ("https://ehr-1.test:8443", "http://localhost:8080", "http://127.0.0.1:443")},
        {"fhir_server": "http://[::1]:8080/fhir"},
        {"key_set": "http://127.0.0.1/keys"},
    ],
)
def test_pages_at_another_port_and_what_is_on_this_machine_may_be_registered(changes: dict[str, Any]) -> None:
    assert replace(EHR, **changes).wrong() is None


async def test_no_two_ehrs_have_one_issuer_or_one_fhir_server(dashboard: FastAPI) -> None:
    dsn = dashboard.state.database.worker
    await add_ehr(dsn, EHR, by=OPERATOR)
    for changes in ({"issuer": "https://else.test"}, {"fhir_server": "https://else.test"}):
        with pytest.raises(StackError, match="Another registered EHR"):
            await add_ehr(dsn, replace(EHR, site_id=OTHER, **changes), by=OPERATOR)  # type: ignore[arg-type]
    assert await ehrs_of(dsn, OTHER) == []
    with pytest.raises(StackError, match="There is no EHR"):
        await revoke_ehr(dsn, OTHER, "ehr", by=OPERATOR)


async def test_of_two_that_are_registered_at_once_with_one_issuer_the_later_is_refused(dashboard: FastAPI) -> None:
    dsn = dashboard.state.database.worker
    async with held(dashboard) as connection:
        await store.record_ehr(connection, replace(EHR, site_id=OTHER), datetime.now(UTC))
        adding = asyncio.create_task(add_ehr(dsn, EHR, by=OPERATOR))
        await until_waiting(dashboard)
    with pytest.raises(StackError, match="Another registered EHR"):
        await adding
    assert await ehrs_of(dsn, SITE) == []
    await revoke_ehr(dsn, OTHER, "ehr", by=OPERATOR)
    await add_ehr(dsn, EHR, by=OPERATOR)
    with pytest.raises(StackError, match="Another registered EHR"):
        await add_ehr(dsn, replace(EHR, site_id=OTHER), by=OPERATOR)
