"""A clinic under a clock that is set, whose patients give answers that alert. Everything here is synthetic."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from services.intake.app import create_app
from tests.conftest import Apps, Tokens, client_of, new_key
from tests.services.clinic import NEXT_WEEK, Clinic, clinic_of
from tests.sign_in.conftest import Clock
from tests.survey import CROHNS, answers_to, survey_of

Json = dict[str, Any]
People = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
SITE = "site-01"
PAIN = {"pain_nrs": 9}
LATELY = {"ed_visits": 1, "ed_in_2_weeks": True}


@dataclass
class Alerted:
    """The clinic, one of its coordinators, and what they see."""

    clinic: Clinic
    coordinator: httpx.AsyncClient
    clock: Clock

    async def patient(self) -> str:
        return await self.clinic.enrol(identifier=uuid4().hex)

    async def survey(self, patient_id: str, answers: Json | None = None, **changes: Any) -> Json:
        """A survey that the patient submits now, for a visit of its own."""
        body = survey_of(patient_id, await self.clinic.visit(patient_id, days=NEXT_WEEK), **changes)
        body["answers"] = answers_to(CROHNS) | (PAIN if answers is None else answers)
        # The clinic's clock may be ahead, and nothing is submitted in what is the future to the door.
        body.setdefault("submitted_at", min(self.clock(), datetime.now(UTC)).isoformat())
        answer = await self.clinic.system.post("/v1/surveys", json=body, headers=new_key())
        assert answer.status_code == 201, answer.text
        document: Json = answer.json()
        return document

    async def in_error(self, survey_id: str) -> None:
        """Say that a survey should never have been."""
        path, said = f"/v1/surveys/{survey_id}/entered-in-error", {"replaces": 1, "reason": "wrong-patient"}
        answer = await self.coordinator.post(path, json=said, headers=new_key())
        assert answer.status_code == 201, answer.text

    async def alert(self, answers: Json | None = None) -> Json:
        """The alert of a new patient's survey."""
        patient_id = await self.patient()
        await self.survey(patient_id, answers)
        return next(one for one in await self.open() if one["patient_id"] == patient_id)

    async def open(self) -> list[Json]:
        """The list of those that are not closed."""
        answer = await self.coordinator.get("/v1/alerts")
        assert answer.status_code == 200, answer.text
        items: list[Json] = answer.json()["items"]
        return items

    async def one(self, alert_id: str) -> Json:
        answer = await self.coordinator.get(f"/v1/alerts/{alert_id}")
        assert answer.status_code == 200, answer.text
        document: Json = answer.json()
        return document

    async def step(self, alert: Json, step: str, *, by: httpx.AsyncClient | None = None, **body: Any) -> httpx.Response:
        """A step with an alert as it was seen."""
        path, said = f"/v1/alerts/{alert['id']}/{step}", {"version": alert["version"], **body}
        return await (by or self.coordinator).post(path, json=said, headers=new_key())

    async def rule(self, rule: str, **changes: Any) -> httpx.Response:
        """A rule of the site as it is to be."""
        body = {"is_on": True, "threshold": 8, "severity": "urgent", "escalates_after": [60, 240], "quiet_days": 7}
        return await self.coordinator.put(f"/v1/sites/{SITE}/alert-rules/{rule}", json=body | changes)


@asynccontextmanager
async def alerted_clinic(app: Apps, token: Tokens, clock: Clock) -> AsyncIterator[Alerted]:
    """Intake under this clock, with a clinic that it knows."""
    whole = await app("intake")
    intake: FastAPI = create_app(whole.state.settings, clock=clock)
    intake.state.database, intake.state.service = whole.state.database, whole.state.service
    async with (
        intake.router.lifespan_context(intake),
        clinic_of(intake, token, SITE) as clinic,
        client_of(intake, token("coordinator", [SITE], subject="j-ortiz")) as coordinator,
    ):
        yield Alerted(clinic, coordinator, clock)
