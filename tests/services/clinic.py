"""A clinic that speaks to intake: what its system sends. Everything here is synthetic."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from tests.conftest import Tokens, client_of, new_key

SITE_BODY: dict[str, Any] = {
    "name": "Riverbend GI (synthetic)",
    "site_type": "academic",
    "time_zone": "America/Chicago",
}
ZONE = ZoneInfo(SITE_BODY["time_zone"])
# A visit in seven days is in the next week, whatever day it is.
NEXT_WEEK, LIST_OF_NEXT_WEEK = 7, "/visits?week=1"
PERSON: dict[str, Any] = {
    "identifier": "MRN-1",
    "birth_year": 1984,
    "sex": "female",
    "diagnosis": "crohns-disease",
}


def today() -> date:
    """The day at the site now: asked for in a test, not while tests are collected, or midnight comes in between."""
    return datetime.now(ZONE).date()


@dataclass
class Clinic:
    """The system of a site, speaking to intake."""

    intake: FastAPI
    system: httpx.AsyncClient
    site: str

    async def enrol(self, **changes: Any) -> str:
        return str(await self._posted("/v1/patients", PERSON | changes))

    async def visit(self, patient_id: str, *, days: float = 3) -> str:
        at = datetime.now(UTC) + timedelta(days=days)
        body = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": at.isoformat()}
        return str(await self._posted("/v1/visits", body))

    async def link(self, visit_id: str, **body: Any) -> str:
        """Address of a new link, as a browser asks for it from the application."""
        answer = await self.system.post(f"/v1/visits/{visit_id}/links", json=body, headers=new_key())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["link"])

    async def new_link(self, *, days: float = 3, **patient: Any) -> str:
        return await self.link(await self.visit(await self.enrol(**patient), days=days))

    async def _posted(self, path: str, body: dict[str, Any]) -> str:
        answer = await self.system.post(path, json=body, headers=new_key())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@asynccontextmanager
async def clinic_of(intake: FastAPI, token: Tokens, site: str) -> AsyncIterator[Clinic]:
    """The clinic of a site that intake knows from now on."""
    async with client_of(intake, token("system", [site])) as system:
        answer = await system.put(f"/v1/sites/{site}", json=SITE_BODY)
        assert answer.status_code == 200, answer.text
        yield Clinic(intake, system, site)
