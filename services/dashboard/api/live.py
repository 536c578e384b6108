"""An open page is told that there is a newer version of it, by server-sent events; what is new it asks for itself.

    event: version              there is another version than the one that was named last (`Last-Event-ID`)
    event: end                  this is over, and `why`: `signed-out`, `closed` (the glass), `again` (open another one)

No event says anything of the patient. In between comes a comment now and then, so that both sides know that the other
is there. Opening a stream is on record as a read, once; each page that is fetched for it is on record as any other.
"""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from services.dashboard import store
from services.dashboard.api.pages import Viewer
from services.dashboard.api.seeing import page_through_glass, site_through_glass
from services.dashboard.api.watching import Ending, Follower, Watch
from shared.audit import Entry, Kind
from shared.auth import Caller, expiry_of
from shared.db import transaction
from shared.http.access import only_own_page
from shared.http.commands import pool_of
from shared.http.record import trail_of
from shared.http.sign_in import session_of, sessions_of
from shared.sealing import Patient

router = APIRouter(tags=["page"])
STREAMS = r"(v1/)?patients/[^/]+/live"
HEARTBEAT_S = 10.0
_RETRY_MS = 3000
_HEADERS = {"x-accel-buffering": "no"}
# `itemSchema` is of OpenAPI 3.2, which tells the whole from one event.
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["version", "end"]},
        "id": {"type": "string", "description": "The version"},
        "data": {"type": "string", "description": "JSON"},
    },
}
_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {
        "description": "Events without end",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "itemSchema": _EVENT}},
    }
}
Known = Annotated[str | None, Header(alias="Last-Event-ID", description="The version that is on the screen")]


async def _place(request: Request, caller: Viewer) -> AsyncIterator[None]:
    """Counted before anything is looked up, and given back when the answer is over, however it ends."""
    watch: Watch = request.app.state.watch
    with watch.place_of(f"{caller.role} {caller.subject} {','.join(caller.scope.ids)}"):
        yield


_COUNTED = [Depends(_place)]


@router.get(
    "/v1/patients/{patient_id}/live", responses=_ANSWERS, response_class=StreamingResponse, dependencies=_COUNTED
)
async def follow_page(request: Request, patient_id: UUID, caller: Viewer, known: Known = None) -> Response:
    """Be told within a second that there is a newer version of the page.

    `id` of an event is the version: send the last one as `Last-Event-ID` when you come again. A stream ends after an
    hour, and when session, token or glass do; who cannot be taken in gets 503, or 429 for too many of their own.
    """
    return await _followed(request, caller, patient_id, known)


@router.get("/patients/{patient_id}/live", include_in_schema=False, dependencies=_COUNTED)
async def follow_shown_page(request: Request, patient_id: UUID, caller: Viewer, known: Known = None) -> Response:
    """The same for the script of the page."""
    return await _followed(request, caller, patient_id, known)


async def _followed(request: Request, caller: Caller, patient_id: UUID, known: str | None) -> Response:
    only_own_page(caller, patient_id)
    watch: Watch = request.app.state.watch
    follower = await _own(request, caller, patient_id) or await _through_glass(request, caller, patient_id)
    following = watch.followed_by(follower, pool_of(request), sessions_of(request))
    events = _events(follower, known, following, request.app.state.settings.limits.stream_s)
    return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)


async def _own(request: Request, caller: Caller, patient_id: UUID) -> Follower | None:
    """Somebody of the patient's own site, on record; None when the patient is not of theirs."""
    async with transaction(pool_of(request), caller.scope) as connection:
        stored = await store.page(connection, caller.scope, patient_id)
        if stored is None:
            return None
        await trail_of(request).keep(connection, [Entry(stored.site_id, Kind.READ, 200, patient_id)])
    return _follower(request, Patient(stored.site_id, patient_id), stored.version)


async def _through_glass(request: Request, caller: Caller, patient_id: UUID) -> Follower:
    there, now = await site_through_glass(request, caller, patient_id), sessions_of(request).clock()
    async with transaction(pool_of(request), there) as connection:
        stored, through, _ = await page_through_glass(request, connection, there, caller, patient_id, now)
        await trail_of(request).keep(connection, [Entry(stored.site_id, Kind.READ, 200, patient_id)])
    return _follower(request, Patient(stored.site_id, patient_id), stored.version, glass=through.glass_id)


def _follower(request: Request, patient: Patient, version: str, *, glass: UUID | None = None) -> Follower:
    session = session_of(request)
    token = request.headers.get("authorization", "").partition(" ")[2]
    return Follower(
        patient=patient,
        version=version,
        session=session,
        until=None if session is not None else expiry_of(token),
        glass=glass,
    )


async def _events(
    follower: Follower, known: str | None, following: AbstractContextManager[None], longest_s: float
) -> AsyncIterator[bytes]:
    """What the stream says. It says at once where somebody knows another version, and that all is well if not."""
    latest = time.monotonic() + longest_s
    with following:
        yield f"retry: {_RETRY_MS}\n\n".encode() if known == follower.version else _version(follower)
        while (left_s := latest - time.monotonic()) > 0:
            is_news = await follower.heard(min(HEARTBEAT_S, left_s))
            if follower.ending is not None:
                break
            yield _version(follower) if is_news else b":\n\n"
        yield _event("end", {"why": follower.ending or Ending.AGAIN})


def _version(follower: Follower) -> bytes:
    return b"id: %s\n%s" % (follower.version.encode(), _event("version", {"version": follower.version}))


def _event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
