"""Links for patients: a coordinator or the site's system makes, lists and revokes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict

from services.intake import store
from services.intake.api.standing import about_site, visit_at
from services.intake.domain import Link, LinkState, expiry, secret_hash, secret_of
from shared import outbox
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import Connection, SiteScope, lock, transaction
from shared.errors import conflict, unknown
from shared.events import LinkRevoked, SiteId, VisitState
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, IdempotencyKey, NamedSite, execute, pool_of
from shared.http.fields import Moment, YesNo
from shared.http.record import keep_read, trail_of
from shared.http.sign_in import sessions_of
from shared.outbox import Draft, Recorded
from shared.revocations import subject_of

router = APIRouter(tags=["links"])


class LinkBody(BaseModel):
    """`expires_at`: 14 days after the visit when not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expires_at: Moment | None = None


class MadeLink(Accepted):
    """`link` is for the patient's eyes: whoever has it can open what the patient can."""

    link: str


class LinkAnswer(BaseModel):
    """A link without its secret."""

    id: UUID
    state: LinkState
    made_by: str
    made_at: datetime
    expires_at: datetime
    opened_at: datetime | None


class Links(BaseModel):
    visit_id: UUID
    items: list[LinkAnswer]


class LinkRule(BaseModel):
    """`asks_birth_year`: a link opens only with the patient's birth year."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asks_birth_year: YesNo


@router.post("/v1/visits/{visit_id}/links", status_code=201, response_model=MadeLink)
async def make_link(
    request: Request, visit_id: UUID, body: LinkBody, caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Make a link for a visit. The same key gives the same link, though it is stored nowhere."""
    link_keys: Sequence[bytes] = request.app.state.link_keys
    site_id = caller.writing_site(site)
    visit = await visit_at(request, site_id, visit_id)
    command = Command[LinkBody](
        locks=lambda _site, _body: [str(visit.patient_id)],
        record=partial(_make, link_keys[0], caller, visit_id),
        about=visit.patient_id,
    )
    answer = await execute(request, command, Batch([body], is_single=True), site_id=site_id, key=key)
    made = orjson.loads(answer.body)
    headers = {name: value for name, value in answer.headers.items() if name == "idempotent-replayed"}
    link_id, scope = UUID(made["id"]), SiteScope.of(site_id)
    secret: str | None = secret_of(link_keys[0], site_id, link_id)
    if headers:
        async with transaction(pool_of(request), scope) as connection:
            secret = await store.known_secret(connection, scope, site_id, link_id, link_keys)
    if secret is None:
        raise conflict("link-not-shown", "The key of this link is not in use any more. Make another link.")
    made["link"] = f"{request.app.state.platform.public_urls['intake']}/l/{site_id}/{secret}"
    return Response(orjson.dumps(made), answer.status_code, headers, "application/json")


@router.get("/v1/visits/{visit_id}/links")
async def list_links(request: Request, visit_id: UUID, caller: SiteStaff, site: NamedSite = None) -> Links:
    """The links of a visit, the newest first, without their secrets."""
    now, site_id = datetime.now(UTC), caller.writing_site(site)
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        visit = await store.visit(connection, scope, visit_id)
        if visit is None:
            raise unknown("visit")
        links = await store.links_of(connection, scope, visit_id)
        await keep_read(request, connection, site_id, visit.patient_id)
    return Links(visit_id=visit_id, items=[_described(link, now) for link in links])


@router.delete("/v1/visits/{visit_id}/links/{link_id}", status_code=204)
async def revoke_link(
    request: Request, visit_id: UUID, link_id: UUID, caller: SiteStaff, site: NamedSite = None
) -> Response:
    """Revoke a link and end the sessions that it opened, everywhere; again changes nothing."""
    site_id = caller.writing_site(site)
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        link = await store.link(connection, scope, link_id)
        if link is None or link.visit_id != visit_id:
            raise unknown("link")
        await lock(connection, [(site_id, link.patient_id)])
        now = datetime.now(UTC)
        event = LinkRevoked(link_id=link_id, visit_id=visit_id, patient_id=link.patient_id, revoked_at=now)
        draft = Draft(site_id, str(link.patient_id), event)
        is_new = await store.record_link_revoked(connection, site_id, link_id, now)
        if is_new:
            await outbox.add(connection, [draft])
        entry = Entry(site_id, Kind.WRITE, 204, link.patient_id, draft.event_id if is_new else None)
        await trail_of(request).keep(connection, [entry])
        await sessions_of(request).end_all(connection, subject=subject_of(link_id))
    return Response(status_code=204)


@router.put("/v1/sites/{site_id}/link-rule")
async def put_link_rule(
    request: Request, site_id: Annotated[SiteId, Path()], body: LinkRule, caller: SiteStaff
) -> LinkRule:
    """Say what a site's links ask of who opens them."""
    async with about_site(request, caller, site_id, Kind.WRITE) as connection:
        await store.record_link_rule(connection, site_id, asks_birth_year=body.asks_birth_year)
    return body


async def _make(
    link_key: bytes, caller: Caller, visit_id: UUID, connection: Connection, site_id: str, body: LinkBody
) -> Recorded:
    visit = await store.visit(connection, SiteScope.of(site_id), visit_id)
    if visit is None:
        raise unknown("visit")
    if visit.state is VisitState.CANCELLED:
        raise conflict("visit-cancelled", "The visit was cancelled. A link belongs to a visit that takes place.")
    now = datetime.now(UTC)
    link = Link(
        link_id=uuid4(),
        visit_id=visit_id,
        patient_id=visit.patient_id,
        made_by=caller.subject,
        made_at=now,
        expires_at=expiry(visit.scheduled_at, body.expires_at, now),
    )
    await store.record_link(connection, site_id, link, secret_hash(secret_of(link_key, site_id, link.link_id)))
    return Recorded(str(link.link_id), [])


def _described(link: Link, now: datetime) -> LinkAnswer:
    return LinkAnswer(
        id=link.link_id,
        state=link.state(now),
        made_by=link.made_by,
        made_at=link.made_at,
        expires_at=link.expires_at,
        opened_at=link.opened_at,
    )
