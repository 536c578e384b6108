"""Sends to the services' public doors: a bounded number at once, until answered, nothing twice.

A POST carries an Idempotency-Key made of what it says, so that sending it again, now or in another run, gives the
stored answer. What is not answered (no connection, 503) is sent again with the same key. Items that a service cannot
take *yet*, because an event has not reached it, are sent again among themselves.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx
import orjson

from deploy.demo.network import Body
from deploy.local.errors import StackError

MOST_AT_ONCE = 8
ITEMS_A_BATCH = 200
# Something that the service has not heard of yet, and a visit that it does not yet know to be completed.
_NOT_YET = frozenset({"not-found", "not-open"})
_UNANSWERED = frozenset({502, 503, 504})


class LoadFailed(StackError):
    """Loading cannot go on: a service does not answer, or refuses what the loader may do at all."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Recorded, now or in an earlier run."""

    id: str
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """`kind` is the last part of the problem's type."""

    kind: str
    detail: str


Outcome = Accepted | Rejected


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to go on for without an answer, and with items that a service cannot take yet."""

    unanswered_s: float = 60.0
    not_yet_s: float = 90.0


class Sender:
    """Speaks to the doors as the system of the sites. Use it as an async context."""

    def __init__(self, doors: Mapping[str, str], token: str, patience: Patience) -> None:
        limits = httpx.Limits(max_connections=MOST_AT_ONCE)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._clients = {
            service: httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30, trust_env=False)
            for service, url in doors.items()
        }
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def change(self, method: str, service: str, path: str, site_id: str, body: Body) -> Outcome:
        """PUT or PATCH one thing; such a change needs no key, since doing it twice is doing it once."""
        answer = await self._answered(method, service, path, orjson.dumps(body), {"samepage-site": site_id})
        return _outcome(answer.json() if answer.is_success else {"problem": answer.json()})

    async def post(
        self, service: str, path: str, site_id: str, bodies: Sequence[Body], *, after: str | None = None
    ) -> list[Outcome]:
        """POST items as one batch; an outcome for each. `after`: a receipt to wait for at the service first."""
        outcomes: dict[int, Outcome] = {}
        open_items = list(range(len(bodies)))
        until = time.monotonic() + self._patience.not_yet_s
        attempt, pause = 0, 0.1
        query = f"?wait_for={after}" if after else ""
        while True:
            content = orjson.dumps([bodies[position] for position in open_items])
            headers = {"samepage-site": site_id, "idempotency-key": _key(path, site_id, content, attempt)}
            answer = await self._answered("POST", service, path + query, content, headers)
            if answer.status_code != httpx.codes.OK:
                raise LoadFailed(f"{service} refuses POST {path}: {_detail(answer)}")
            outcomes |= zip(open_items, map(_outcome, answer.json()["items"]), strict=True)
            open_items = [position for position in open_items if _is_too_early(outcomes[position])]
            is_replay = "idempotent-replayed" in answer.headers
            if not open_items or (time.monotonic() > until and not is_replay):
                return [outcomes[position] for position in range(len(bodies))]
            attempt += 1
            if not is_replay:
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)

    async def _answered(
        self, method: str, service: str, path: str, content: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        """The answer, however often it takes to ask.

        Raises:
            LoadFailed: none came within the patience, or one that no repetition changes.
        """
        until = time.monotonic() + self._patience.unanswered_s
        pause, reason = 0.1, ""
        while time.monotonic() < until:
            try:
                async with self._gate:
                    answer = await self._clients[service].request(method, path, content=content, headers=headers)
            except httpx.TransportError as error:
                reason = type(error).__name__
            else:
                if answer.status_code in (401, 403) or answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
                    raise LoadFailed(f"{service} refuses {method} {path}: {_detail(answer)}")
                if answer.status_code not in _UNANSWERED:
                    return answer
                reason = _detail(answer)
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)
        raise LoadFailed(f"{service} does not answer {method} {path}: {reason}")


def _key(path: str, site_id: str, content: bytes, attempt: int) -> str:
    digest = hashlib.sha256(f"{path}\n{site_id}\n".encode() + content).hexdigest()
    return f"demo-{digest[:40]}-{attempt}"


def _outcome(item: Mapping[str, Any]) -> Outcome:
    problem = item.get("problem")
    if problem is None:
        return Accepted(item.get("id", ""), item.get("receipt"))  # what is set, and not made, has neither
    fields = "; ".join(f"{error['field']}: {error['expected']}" for error in problem.get("errors", ())[:3])
    return Rejected(str(problem["type"]).rpartition(":")[2], fields or problem["detail"])


def _is_too_early(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.kind in _NOT_YET


def _detail(answer: httpx.Response) -> str:
    try:
        return f"{answer.status_code}, {answer.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
