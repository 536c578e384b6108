"""On record before it is answered: what was shown or written, and what was refused.

One middleware inside the edge, for every caller whom the edge knows:
- An answer of success leaves only when its route has put something on record. A route that forgets it cannot answer.
- 403 and 404 leave a row with the ids that were asked for, in a transaction of its own. The caller learns no more.
- When that row cannot be written the answer is 503.

Calls without a valid token are counted by the edge and leave nothing here. Where somebody shows who they are only while
a request is answered (a link, a sign-in), `begin_trail` puts that request on record.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import structlog
from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import audit
from shared.audit import Act, Entry, Kind, Purpose
from shared.auth import Caller, Role
from shared.db import RETRYABLE, Connection, SiteScope, transaction
from shared.errors import Problem
from shared.http import problems
from shared.telemetry import current_trace_id

_log = structlog.get_logger()
_PURPOSES: Mapping[Role, Purpose] = {
    Role.PATIENT: Purpose.OWN_RECORD,
    Role.CLINICIAN: Purpose.CARE,
    Role.COORDINATOR: Purpose.CARE,
    Role.SYSTEM: Purpose.CARE,
    Role.OPERATOR: Purpose.NETWORK_FIGURES,
}
DENIALS = (403, 404)
_IDS_IN_QUERIES = ("patient_id", "visit_id", "step_id", "wait_for")
_SITE = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")


class Trail:
    """What one request leaves behind; kept in `request.state`."""

    def __init__(self, scope: Scope, caller: Caller, let_off: frozenset[str]) -> None:
        self._scope = scope
        self._caller = caller
        self._let_off = let_off
        self.purpose = _PURPOSES[caller.role]
        self.is_kept = False
        self._is_refusal_kept = False

    async def keep(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Put this request on record in the transaction of what it does.

        Raises:
            Problem: 503 when that cannot be written.
        """
        await audit.record(connection, self.act, entries)
        self.is_kept = True

    def kept(self, refusal: Problem) -> Problem:
        """A refusal to raise, once the transaction that has it on record is committed: it leaves no row of its own."""
        self._is_refusal_kept = True
        return refusal

    async def settle(self, status: int) -> Problem | None:
        """Called with the answer's status before it leaves; the problem to answer instead, if it may not leave."""
        route = self._scope.get("route")
        if route is None:
            return None
        if status < 400 and not self.is_kept and route.path not in self._let_off:
            _log.error("a route answers without a record", route=route.path)
            return Problem(500, "unexpected", "Our mistake; it is on record.")
        if status in DENIALS and not self._is_refusal_kept:
            try:
                await self._deny(status)
            except Problem as problem:
                return problem
            except RETRYABLE:
                return audit.unrecorded()
        return None

    async def _deny(self, status: int) -> None:
        asked = dict(_ids(self._scope))
        patient = asked.pop("patient_id", None)
        entry = Entry(
            site_id=_site(self._caller, Headers(scope=self._scope).get("samepage-site")),
            kind=Kind.DENIED,
            status=status,
            patient_id=None if patient is None else UUID(patient),
            asked=[f"{name}={value}" for name, value in asked.items()],
        )
        async with transaction(self._scope["app"].state.pool, SiteScope.of(entry.site_id)) as connection:
            await self.keep(connection, [entry])

    @property
    def act(self) -> Act:
        """The request, as all its rows name it."""
        return Act(
            subject=self._caller.subject,
            role=self._caller.role,
            purpose=self.purpose,
            method=self._scope["method"],
            route=self._scope["route"].name,
            request_id=self._scope["state"]["request_id"],
            trace_id=current_trace_id(),
        )


class OnRecord:
    """Wraps the application, inside the edge.

    `let_off` are paths that a signed-in caller may use without leaving a row, since nothing there tells of anybody.
    """

    def __init__(self, app: ASGIApp, *, let_off: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._let_off = let_off

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("state", {}).get("caller") if scope["type"] == "http" else None
        if caller is None:
            await self._app(scope, receive, send)
            return
        trail = scope["state"]["trail"] = Trail(scope, caller, self._let_off)
        is_withheld = False

        async def send_on(message: Message) -> None:
            nonlocal is_withheld
            if message["type"] == "http.response.start":
                problem = await trail.settle(message["status"])
                if problem is not None:
                    is_withheld = True
                    await problems.answer(Request(scope), problem)(scope, receive, send)
            if not is_withheld:
                await send(message)

        await self._app(scope, receive, send_on)


def trail_of(request: Request) -> Trail:
    """The record of this request."""
    trail: Trail = request.state.trail
    return trail


def begin_trail(request: Request, caller: Caller) -> Trail:
    """The record of a request that began as nobody's, now that it has shown whose it is."""
    trail = request.state.trail = Trail(request.scope, caller, frozenset())
    return trail


def kind_of(refusal: Problem) -> Kind:
    """How a refusal goes on record: as denied, where the caller may not do that or not know of it."""
    return Kind.DENIED if refusal.status in DENIALS else Kind.REFUSED


def scope_on_record(caller: Caller) -> SiteScope:
    """In whose audits it stands what somebody does for all their sites: the network's for whom is of none."""
    return caller.scope if caller.sites else SiteScope.of(audit.NETWORK)


async def keep_read(
    request: Request, connection: Connection, site_id: str, patient_id: UUID | None, *, status: int = 200
) -> None:
    """Put on record, in the transaction that reads it, that something is about to be shown."""
    await trail_of(request).keep(connection, [Entry(site_id, Kind.READ, status, patient_id)])


def ids_of(item: BaseModel) -> list[str]:
    """The ids that an item names beside its patient, as `name=id`."""
    return [f"{name}={value}" for name, value in item if isinstance(value, UUID) and name != "patient_id"]


def _ids(scope: Scope) -> Iterator[tuple[str, str]]:
    """Well-formed ids in path, query and the site's header: nothing else that was sent is ever kept."""
    query = QueryParams(scope["query_string"])
    in_query = [(name, query[name]) for name in _IDS_IN_QUERIES if name in query]
    for name, value in [*in_query, *scope.get("path_params", {}).items()]:
        try:
            yield name, str(UUID(str(value)))
        except ValueError:
            if name == "site_id" and _SITE.match(str(value)):
                yield name, str(value)
    site = Headers(scope=scope).get("samepage-site", "")
    if _SITE.match(site):
        yield "samepage-site", site


def _site(caller: Caller, named: str | None) -> str:
    """In whose audit a refusal stands: the site that the caller speaks for; with several, the one that was named."""
    if named in caller.sites:
        return named
    return next(iter(caller.sites)) if len(caller.sites) == 1 else audit.NETWORK
