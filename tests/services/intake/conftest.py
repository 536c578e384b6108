"""A site with a patient who has a visit, for what is about links and clients."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Apps, Tokens, client_of, new_key

SITE, OTHER = "site-01", "site-02"


@dataclass
class Clinic:
    """The system of a site, speaking to intake."""

    intake: FastAPI
    system: httpx.AsyncClient
    site: str = SITE

    async def enrol(self, **changes: Any) -> str:
        body = {"identifier": "MRN-1", "birth_year": 1984, "sex": "female", "diagnosis": "crohns-disease", **changes}
        return str(await self._posted("/v1/patients", body))

    async def visit(self, patient_id: str, *, days: float = 3) -> str:
        at = datetime.now(UTC) + timedelta(days=days)
        body = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": at.isoformat()}
        return str(await self._posted("/v1/visits", body))

    async def link(self, visit_id: str, **body: Any) -> str:
        """Address of a new link, as a browser asks for it from the application."""
        answer = await self.system.post(f"/v1/visits/{visit_id}/links", json=body, headers=new_key())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["link"])

    async def new_link(self, **patient: Any) -> str:
        return await self.link(await self.visit(await self.enrol(**patient)))

    async def _posted(self, path: str, body: dict[str, Any]) -> str:
        answer = await self.system.post(path, json=body, headers=new_key())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture
async def clinic(app: Apps, token: Tokens) -> AsyncIterator[Clinic]:
    intake = await app("intake")
    async with client_of(intake, token("system", [SITE])) as system:
        body = {"name": "Riverbend GI", "site_type": "academic", "time_zone": "America/Chicago"}
        assert (await system.put(f"/v1/sites/{SITE}", json=body)).status_code == 200
        yield Clinic(intake, system)
