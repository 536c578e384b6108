"""A patient's way in: the link, which a page exchanges for a session, and from there on to their own page.

Looking at a link changes nothing, so that a mail program that does so uses nothing up; the button on its page opens it.
Unknown, expired, revoked and locked links look the same. Opening again goes on where it was. Every try of a link that
there is or was is on record.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter, ValidationError

from services.intake import store
from services.intake.domain import Link, LinkState, openings, secret_hash
from services.intake.pages import Start, ask_to_open, say_too_often, say_unusable, show_start
from shared.audit import Entry, Kind
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.events import EnrollmentUpdated, SiteId
from shared.hand_over import GIVEN_AT, TAKEN_AT, assertion
from shared.http.access import allow
from shared.http.commands import pool_of
from shared.http.forms import form_of
from shared.http.language import Chosen, choice_of
from shared.http.rates import Buckets, address_of
from shared.http.record import begin_trail, keep_read
from shared.http.sign_in import begin, closed_to_patient
from shared.pages.speaking import Choice
from shared.revocations import link_of, subject_of
from shared.settings import Platform
from shared.signing import SigningKeys

router = APIRouter(include_in_schema=False)
OPEN_PATHS = r"l/.*"
PATIENTS_PATHS = r"start|hand-over|survey(/.*)?"
Patient = Annotated[Caller, Depends(allow(Role.PATIENT))]
_SITE_ID = TypeAdapter(SiteId)
_HANDED_OVER_FOR = timedelta(hours=1)


class LinkRates(NamedTuple):
    """How often links may be tried: by one address, and one link by all."""

    address: Buckets
    link: Buckets

    def wait_s(self, request: Request, secret: str) -> int:
        """Seconds to wait before this try; 0 when it may go on."""
        waits = (self.address.wait_s(address_of(request)), self.link.wait_s(secret_hash(secret).hex()))
        return math.ceil(max(waits))


class Asks(NamedTuple):
    """What the page of a link asks, and whom it says to call."""

    birth_year: bool
    care_line: str | None


class Found(NamedTuple):
    """A live link and its patient."""

    link: Link
    patient: EnrollmentUpdated


@router.get("/l/{site_id}/{secret}")
async def look_at_link(request: Request, site_id: str, secret: str, choice: Chosen) -> Response:
    """The page with the button that opens the link."""
    if wait_s := _rates(request).wait_s(request, secret):
        return _too_often(request, wait_s)
    if not _is_site_id(site_id):
        return _unusable(request)
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        found = await _behind(request, connection, site_id, secret)
        if found is not None:
            await _keep(request, connection, site_id, found.link, Kind.READ, 200)
        asks = await _asks(connection, site_id)
    return _unusable(request) if found is None else _asked(request, found, choice, asks)


@router.post("/l/{site_id}/{secret}")
async def open_link(request: Request, site_id: str, secret: str, choice: Chosen) -> Response:
    """Exchange the link for a session. A wrong birth year counts against the link, whoever gives it."""
    if wait_s := _rates(request).wait_s(request, secret):
        return _too_often(request, wait_s)
    birth_year = (await form_of(request)).get("birth_year", "").strip()
    if not _is_site_id(site_id):
        return _unusable(request)
    async with transaction(
        pool_of(request), SiteScope.of(site_id), locks=[(site_id, f"link:{secret_hash(secret).hex()}")]
    ) as connection:
        found = await _behind(request, connection, site_id, secret)
        if found is None:
            return _unusable(request)
        asks = await _asks(connection, site_id)
        if asks.birth_year and birth_year != str(found.patient.birth_year):
            await store.record_wrong_answer(connection, site_id, found.link.link_id)
            await _keep(request, connection, site_id, found.link, Kind.REFUSED, 422)
            return _asked(request, found, choice, asks, is_wrong=True)
        if not await store.record_opening(connection, site_id, found.link.link_id, datetime.now(UTC)):
            await _keep(request, connection, site_id, found.link, Kind.DENIED, 404)
            return _unusable(request)
        response = RedirectResponse("/start", status_code=303)
        caller = _caller(site_id, found.link)
        await begin(request, connection, response, caller, ends_at=found.link.expires_at)
    return response


@router.get("/start")
async def start(request: Request, caller: Patient, choice: Chosen) -> Response:
    """What is open to the patient now."""
    async with transaction(pool_of(request), caller.scope) as connection:
        found = await found_by(connection, caller)
        visit = None if found is None else await store.visit(connection, caller.scope, found.link.visit_id)
        if found is None or visit is None:
            return closed_to_patient(request)
        has_survey = await store.has_survey(connection, caller.scope, visit.visit_id)
        (site_id,) = caller.sites
        zone = ZoneInfo(await store.time_zone(connection, caller.scope, site_id) or "UTC")
        care_line = await _care_line(connection, site_id)
        await keep_read(request, connection, site_id, found.link.patient_id)
    platform: Platform = request.app.state.platform
    shown = Start(
        visit_at=visit.scheduled_at.astimezone(zone),
        link_ends_at=found.link.expires_at.astimezone(zone),
        openings=openings(visit.state, has_survey=has_survey),
        own_page=f"{platform.public_urls['dashboard']}/sign-in/own{choice.kept}",
        care_line=care_line,
    )
    spoken = choice.spoken(found.patient.language)
    return HTMLResponse(show_start(spoken, shown, is_synthetic=platform.is_synthetic))


@router.get(GIVEN_AT)
async def hand_over(
    request: Request,
    caller: Patient,
    to: Literal["dashboard", "feedback"],
    state: Annotated[str, Query(pattern=r"^[\w-]{20,100}$")],
) -> Response:
    """Send the patient back to the service that asks, with an assertion who they are, while the link lives."""
    async with transaction(pool_of(request), caller.scope) as connection:
        found = await found_by(connection, caller)
        if found is None:
            return closed_to_patient(request)
        (site_id,) = caller.sites
        await keep_read(request, connection, site_id, found.link.patient_id, status=303)
    platform: Platform = request.app.state.platform
    ends_at = min(found.link.expires_at, datetime.now(UTC) + _HANDED_OVER_FOR)
    keys: SigningKeys = request.app.state.signing_keys
    signed = assertion(keys, platform, caller, to=to, state=state, session_ends_at=ends_at)
    back = urlencode({"state": state, "assertion": signed})
    return RedirectResponse(f"{platform.public_urls[to]}{TAKEN_AT}?{back}", status_code=303)


async def _behind(request: Request, connection: Connection, site_id: str, secret: str) -> Found | None:
    """What the secret opens; a secret that opens nothing any more is on record."""
    scope = SiteScope.of(site_id)
    link = await store.link_with_secret(connection, scope, secret_hash(secret))
    found = await _found(connection, scope, link)
    if link is not None and found is None:
        await _keep(request, connection, site_id, link, Kind.DENIED, 404)
    return found


async def _asks(connection: Connection, site_id: str) -> Asks:
    asks = await store.asks_birth_year(connection, SiteScope.of(site_id), site_id)
    return Asks(asks, await _care_line(connection, site_id))


async def _care_line(connection: Connection, site_id: str) -> str | None:
    rule = await store.survey_rule(connection, SiteScope.of(site_id), site_id)
    return None if rule is None else rule.care_line


async def found_by(connection: Connection, caller: Caller) -> Found | None:
    """The link that the patient came by; None where the token names none, or another patient's."""
    link_id = link_of(caller.subject)
    if link_id is None or len(caller.sites) != 1:
        return None
    found = await _found(connection, caller.scope, await store.link(connection, caller.scope, link_id))
    return found if found is not None and found.link.patient_id == caller.patient_id else None


async def _found(connection: Connection, scope: SiteScope, link: Link | None) -> Found | None:
    if link is None or link.state(datetime.now(UTC)) is not LinkState.LIVE:
        return None
    patient = await store.enrolment(connection, scope, link.patient_id)
    return None if patient is None else Found(link, patient)


async def _keep(request: Request, connection: Connection, site_id: str, link: Link, kind: Kind, status: int) -> None:
    """Put on record what became of a try, as one of whoever has the link."""
    trail = begin_trail(request, _caller(site_id, link))
    await trail.keep(connection, [Entry(site_id, kind, status, link.patient_id)])


def _caller(site_id: str, link: Link) -> Caller:
    return Caller(subject_of(link.link_id), Role.PATIENT, frozenset({site_id}), link.patient_id)


def _asked(request: Request, found: Found, choice: Choice, asks: Asks, *, is_wrong: bool = False) -> Response:
    html = ask_to_open(
        choice.spoken(found.patient.language),
        asks_birth_year=asks.birth_year,
        is_wrong=is_wrong,
        care_line=asks.care_line,
        is_synthetic=request.app.state.platform.is_synthetic,
    )
    return HTMLResponse(html, 422 if is_wrong else 200)


def _unusable(request: Request) -> Response:
    return HTMLResponse(
        say_unusable(choice_of(request).if_any, is_synthetic=request.app.state.platform.is_synthetic), 404
    )


def _too_often(request: Request, wait_s: int) -> Response:
    html = say_too_often(choice_of(request).if_any, is_synthetic=request.app.state.platform.is_synthetic)
    return HTMLResponse(html, 429, {"retry-after": str(wait_s)})


def _rates(request: Request) -> LinkRates:
    rates: LinkRates = request.app.state.link_rates
    return rates


def _is_site_id(text: str) -> bool:
    try:
        _SITE_ID.validate_python(text)
    except ValidationError:
        return False
    return True
