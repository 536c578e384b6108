"""Intake's own keys change while its doors work: what was made with the old key counts, and so does the new one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.intake.app import create_app
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import PERSON, Clinic
from tests.services.intake.conftest import SITE

OLD = {"identifier_key": "k" * 32, "link_key": "l" * 32}
NEW = {"identifier_key": "K" * 32, "link_key": "L" * 32}
# The door learns to look the new key up, then works with it, then forgets the old one.
LEARNS = OLD | {f"other_{name}": value for name, value in NEW.items()}
CHANGES = NEW | {f"other_{name}": value for name, value in OLD.items()}


@asynccontextmanager
async def with_keys(clinic: Clinic, token: Tokens, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A system of the site, speaking to another door on the same database, which has these keys."""
    changed = {name: SecretStr(value) for name, value in keys.items()}
    door: FastAPI = create_app(clinic.intake.state.settings.model_copy(update=changed))
    async with door.router.lifespan_context(door), client_of(door, token("system", [SITE])) as system:
        yield system


async def enrolled(system: httpx.AsyncClient) -> httpx.Response:
    return await system.post("/v1/patients", json=PERSON, headers=new_key())


PAIRS = [(OLD, LEARNS), (OLD, CHANGES), (LEARNS, CHANGES), (CHANGES, LEARNS), (CHANGES, NEW), (NEW, CHANGES)]


@pytest.mark.parametrize(("enrols", "knows"), PAIRS)
async def test_a_patient_is_known_by_an_identifier_under_either_key(
    clinic: Clinic, token: Tokens, enrols: dict[str, str], knows: dict[str, str]
) -> None:
    async with with_keys(clinic, token, enrols) as system:
        patient_id = (await enrolled(system)).json()["id"]
    async with with_keys(clinic, token, knows) as system:
        answer = await enrolled(system)
    assert (answer.status_code, answer.json()["patient_id"]) == (409, patient_id)


async def test_a_door_that_knows_the_old_key_no_more_does_not_know_who_came_by_it(
    clinic: Clinic, token: Tokens
) -> None:
    async with with_keys(clinic, token, OLD) as system:
        assert (await enrolled(system)).status_code == 201
    async with with_keys(clinic, token, NEW) as system:
        assert (await enrolled(system)).status_code == 201, "so the old key stays, as the runbook says"


async def test_a_link_opens_and_is_shown_again_under_either_key(clinic: Clinic, token: Tokens) -> None:
    visit_id, same = await clinic.visit(await clinic.enrol()), new_key()
    async with with_keys(clinic, token, OLD) as system:
        link = (await system.post(f"/v1/visits/{visit_id}/links", json={}, headers=same)).json()["link"]
    for keys in (LEARNS, CHANGES):
        async with with_keys(clinic, token, keys) as system:
            again = await system.post(f"/v1/visits/{visit_id}/links", json={}, headers=same)
            assert (again.json()["link"], again.headers["idempotent-replayed"]) == (link, "true")
            assert (await system.get(httpx.URL(link).path)).status_code == 200
    async with with_keys(clinic, token, NEW) as system:
        again = await system.post(f"/v1/visits/{visit_id}/links", json={}, headers=same)
        assert again.json()["type"] == "urn:samepage:problem:link-not-shown", "rather than one that opens nothing"
        assert (await system.get(httpx.URL(link).path)).status_code == 200, "what was sent still opens"
        assert (await system.post(f"/v1/visits/{visit_id}/links", json={}, headers=new_key())).status_code == 201
