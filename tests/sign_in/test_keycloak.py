"""What only a real provider does: it tells of sign-outs elsewhere, changes its keys, and gives systems their tokens."""

import time
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from fastapi import FastAPI

from shared.auth import Issuer, Role, Verifier
from shared.errors import Problem
from shared.key_sets import KeySet
from tests.conftest import served
from tests.sign_in.browser import Browser
from tests.sign_in.conftest import HOME, Ehr, Signers
from tests.sign_in.keycloak import EHR, Keycloak
from tests.sign_in.providers import SITE
from tests.waiting import until

pytestmark = pytest.mark.keycloak
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
async def dashboard(dashboard_of: Signers, keycloak: Keycloak) -> FastAPI:
    return await dashboard_of(keycloak)


def proof(keycloak: Keycloak, ehr: Ehr, **changes: Any) -> str:
    """The assertion of a system for Keycloak's token endpoint."""
    now = int(time.time())
    claims = {"iss": EHR, "sub": EHR, "aud": keycloak.token_endpoint, "iat": now, "exp": now + 60, "jti": uuid4().hex}
    return jwt.encode(claims | changes, ehr.key, algorithm="ES384", headers={"kid": "ehr-1"})


async def asked(keycloak: Keycloak, assertion: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    async with httpx.AsyncClient(timeout=20) as system:
        return await system.post(keycloak.token_endpoint, data=form)


async def test_who_is_signed_out_by_an_administrator_is_out_here_too(
    dashboard: FastAPI, browser: Browser, keycloak: Keycloak, back_channel_port: int
) -> None:
    page = await browser.open(f"{HOME}/signed-in")
    assert (await keycloak.choose(browser, page, "kim")).status_code == 200
    async with served(dashboard, back_channel_port):
        keycloak.end_sessions_of("kim")

        async def is_out() -> bool:
            return not await dashboard.state.database.value("SELECT count(*) FROM session")

        await until(is_out)
    assert keycloak.asks(await browser.open(f"{HOME}/signed-in"))


async def test_a_system_proves_itself_and_gets_a_token_for_its_site_and_role(keycloak: Keycloak, ehr: Ehr) -> None:
    answer = await asked(keycloak, proof(keycloak, ehr))
    assert answer.status_code == 200, answer.text
    caller = await Verifier([keycloak.trusted]).caller(answer.json()["access_token"])
    assert caller.role is Role.SYSTEM
    assert caller.sites == {SITE}


async def test_an_assertion_is_taken_once_and_for_this_endpoint_only(keycloak: Keycloak, ehr: Ehr) -> None:
    assertion = proof(keycloak, ehr)
    assert (await asked(keycloak, assertion)).status_code == 200
    assert (await asked(keycloak, assertion)).status_code in {400, 401}
    assert (await asked(keycloak, proof(keycloak, ehr, aud="https://elsewhere.test/token"))).status_code in {400, 401}


async def test_a_role_that_keycloak_is_not_trusted_with_is_not_believed(keycloak: Keycloak, ehr: Ehr) -> None:
    token = (await asked(keycloak, proof(keycloak, ehr))).json()["access_token"]
    trusted = keycloak.trusted.model_copy(update={"roles": frozenset({Role.CLINICIAN})})
    with pytest.raises(Problem):
        await Verifier([trusted]).caller(token)


async def test_old_and_new_key_count_while_keycloak_changes_its_keys(keycloak: Keycloak, ehr: Ehr) -> None:
    now = 0.0
    issuer = Issuer(keycloak.trusted, KeySet(keycloak.key_set, clock=lambda: now))
    before = (await asked(keycloak, proof(keycloak, ehr))).json()["access_token"]
    assert (await issuer.claims(before))["iss"] == keycloak.issuer
    keycloak.add_signing_key()
    after = (await asked(keycloak, proof(keycloak, ehr))).json()["access_token"]
    ids = [jwt.get_unverified_header(token)["kid"] for token in (before, after)]
    assert ids[0] != ids[1]
    with pytest.raises(KeyError):
        await issuer.claims(after)
    now = 61.0
    assert (await issuer.claims(after))["azp"] == EHR, "a minute after the last look, the set is read again"
    assert (await issuer.claims(before))["azp"] == EHR, "and what the old key signed still counts"
