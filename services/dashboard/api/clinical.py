"""Clinical, which owns the plan, as it is asked for somebody who is signed in here."""

import asyncio
from collections.abc import Mapping
from ssl import SSLContext
from typing import Any, Self
from uuid import UUID

import httpx2
import orjson
import structlog

from shared.auth import Caller
from shared.errors import FieldError, Problem
from shared.key_sets import is_trustworthy
from shared.on_behalf import OWNER, TAKEN_BACK_AT, WRITTEN_AT, token_for
from shared.sealing import Patient
from shared.settings import Platform
from shared.signing import SigningKeys
from shared.telemetry import current_trace

_TIMEOUT_S = 5.0
_DONE = (200, 201)
_REFUSED = (400, 404, 409, 410, 422)
_log = structlog.get_logger()


class ClinicalAway(Exception):
    """It did not say what became of the write. Sent again with the same key, it is done once."""


class Clinical:
    """Writes of the plan. A token for one goes to `url` alone, through nobody's proxy: https, or this machine.

    Raises:
        ValueError: it is neither.
    """

    def __init__(self, platform: Platform, keys: SigningKeys, tls: SSLContext, url: str | None = None) -> None:
        self._platform = platform
        self._keys = keys
        self._tls = tls
        self._url = url or platform.public_url(OWNER)
        if not is_trustworthy(self._url):
            raise ValueError("clinical is reached by https, or on this machine")

    async def __aenter__(self) -> Self:
        self._client = httpx2.AsyncClient(base_url=self._url, timeout=_TIMEOUT_S, verify=self._tls, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def write_step(
        self, caller: Caller, patient: Patient, changes: Mapping[str, Any], *, key: str, step_id: UUID | None = None
    ) -> UUID:
        """Add a step, or change one; the receipt.

        Raises:
            Problem: clinical's own, which says what is wrong.
            ClinicalAway
        """
        method, path = ("POST", "") if step_id is None else ("PATCH", f"/{step_id}")
        return await self._ask(caller, patient, method, path, changes, key)

    async def take_back_step(self, caller: Caller, patient: Patient, reason: str, *, key: str, step_id: UUID) -> UUID:
        """Say that a step was entered in error; the receipt.

        Raises:
            Problem: clinical's own, which says what is wrong.
            ClinicalAway
        """
        return await self._ask(caller, patient, "POST", f"/{step_id}{TAKEN_BACK_AT}", {"reason": reason}, key)

    async def _ask(
        self, caller: Caller, patient: Patient, method: str, path: str, said: Mapping[str, Any], key: str
    ) -> UUID:
        token = token_for(self._keys, self._platform, caller, patient.site_id)
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "idempotency-key": key,
            "traceparent": current_trace() or "",
        }
        body = orjson.dumps({"patient_id": patient.patient_id, **said})
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._client.request(method, f"{WRITTEN_AT}{path}", content=body, headers=headers)
            document = orjson.loads(answer.content)
            if answer.status_code in _DONE:
                return UUID(document["receipt"])
            if answer.status_code in _REFUSED:
                raise _problem(answer.status_code, document)
            raise ValueError(f"answered {answer.status_code}")
        except (httpx2.HTTPError, TimeoutError, ValueError, LookupError, TypeError, AttributeError) as failure:
            _log.warning("plan not written", failure=type(failure).__name__, reason=str(failure))
            raise ClinicalAway(type(failure).__name__) from None


def _problem(status: int, document: Mapping[str, Any]) -> Problem:
    kind = document["type"].rpartition(":")[2]
    errors = [FieldError(error["field"], error["expected"]) for error in document.get("errors", ())]
    return Problem(status, kind, document["detail"], errors=errors)
