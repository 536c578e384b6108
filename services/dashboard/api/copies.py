"""A copy of a page that leaves the system, on record before it is handed out: for the patient, and for people of the
clinic who may read the page.

There is none through broken glass or by a link: what is lent for reading is not to be taken away.
"""

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from services.dashboard.api.pages import LOOKED_AT, Viewer, opener_of
from services.dashboard.api.seeing import shown_to
from services.dashboard.api.standing import is_here, own_page
from services.dashboard.domain import open_words, states_of_words
from services.dashboard.pages.export import Format, Paper, copy_of
from services.dashboard.pages.reader import Reader
from shared.audit import Entry, Kind, Purpose
from shared.auth import Caller, Role
from shared.db import transaction
from shared.errors import Problem, erased
from shared.events import ViewerRole
from shared.http.access import only_own_page
from shared.http.commands import pool_of
from shared.http.language import Chosen
from shared.http.rates import Buckets
from shared.http.record import trail_of
from shared.http.sign_in import sessions_of
from shared.sealing import WordsState

router = APIRouter(tags=["page"])
_MEMBERS: dict[str, Any] = {
    "made_at": {"type": "string", "format": "date-time", "description": "When the copy was made"},
    "up_to": {"type": ["string", "null"], "format": "date-time", "description": "The newest event that is in it"},
    "is_synthetic": {"type": "boolean", "description": "Nobody in it is real"},
    "page": {"$ref": "#/components/schemas/Page"},
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A file to keep. It is whole: where some words cannot be read now, the answer is 503.",
        "content": {
            "application/json": {
                "schema": {
                    "title": "PageCopy",
                    "type": "object",
                    "required": list(_MEMBERS),
                    "properties": _MEMBERS,
                },
            },
            "application/fhir+json": {
                "schema": {"type": "object", "description": "A FHIR R4 `Bundle` of the type `collection`"}
            },
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        },
    },
    410: {
        "description": "The patient was erased",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    },
}
AskedForm = Annotated[
    Format,
    Query(
        alias="format",
        description="`json`: all that the page has; `fhir`: what has a place in FHIR; `pdf`: to read and to print",
    ),
]


@router.get("/v1/patients/{patient_id}/export", responses=_ANSWERS, dependencies=LOOKED_AT)
async def export_page(
    request: Request, patient_id: UUID, caller: Viewer, choice: Chosen, form: AskedForm = Format.JSON
) -> Response:
    """A copy of the page with its words, made now. It says up to which events it reaches, and what is missing.

    A PDF speaks the language `lang`, else the one that the reader chose on a page, else a patient's own, else English.
    """
    only_own_page(caller, patient_id)
    rate: Buckets = request.app.state.copy_rate
    rate.take(caller.subject)
    found, _ = await own_page(request, caller, patient_id)
    stored, page = shown_to(caller, found)
    opened = open_words(page, await opener_of(request, stored.site_id, page))
    _refuse_halves(opened)
    now = sessions_of(request).clock().astimezone(ZoneInfo(stored.time_zone))
    paper: Paper = request.app.state.paper
    is_synthetic = request.app.state.platform.is_synthetic
    own = page["patient"]["language"] if caller.role is Role.PATIENT else None
    reader = Reader(now, ViewerRole(caller.role), choice.spoken(own).language)
    made = await copy_of(opened, form, reader, paper, is_synthetic=is_synthetic)
    await _put_on_record(request, caller, stored.site_id, patient_id)
    named = {"content-disposition": f'attachment; filename="{made.name}"'}
    return Response(made.content, media_type=made.media_type, headers=named)


def _refuse_halves(opened: dict[str, Any]) -> None:
    """A copy in which words are missing would look whole to whoever gets it.

    Raises:
        Problem: 410 when they are gone for good, which is the patient's erasure on its way; 503 when they are not.
    """
    states = states_of_words(opened)
    if WordsState.ERASED in states:
        raise erased()
    if WordsState.NOT_READABLE_NOW in states:
        detail = "Some words on the page cannot be read now, so there is no copy of it. Try again in a moment."
        raise Problem(503, "words-not-readable", detail, headers={"retry-after": "1"})


async def _put_on_record(request: Request, caller: Caller, site_id: str, patient_id: UUID) -> None:
    """That a copy leaves, unless the patient was erased while it was made.

    Raises:
        Problem: 410.
    """
    trail = trail_of(request)
    if caller.role is not Role.PATIENT:
        trail.purpose = Purpose.DISCLOSURE
    async with transaction(pool_of(request), caller.scope, locks=[(site_id, patient_id)]) as connection:
        if not await is_here(connection, caller.scope, patient_id):
            raise erased()
        await trail.keep(connection, [Entry(site_id, Kind.EXPORT, 200, patient_id)])
