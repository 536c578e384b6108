"""Signing in to a service's pages, and out again.

`/sign-in` sends the browser to the provider and `/sign-in/callback` opens a session for who comes back; `/sign-out`
ends it here and at the provider, and the provider tells `/sign-in/back-channel` when somebody signed out elsewhere. A
patient, who came by a link, is led over every service that they may have a session at.
Every sign-in gets a session of its own; one that the browser had before is ended.
"""

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from shared.audit import Entry, Kind
from shared.auth import Caller, Role
from shared.db import Connection, transaction
from shared.errors import Problem
from shared.hand_over import ENDED_AT, GIVEN_BY, PLACES
from shared.http.commands import caller_of, pool_of
from shared.http.flows import Flow
from shared.http.forms import form_of
from shared.http.language import choice_of
from shared.http.provider import Provider, ProviderAway, SignInRefused
from shared.http.record import begin_trail, scope_on_record
from shared.http.sessions import AtProvider, Ended, SessionEnded, Sessions
from shared.pages.notices import Action, notice
from shared.pages.speaking import Spoken
from shared.speech import Said

_log = structlog.get_logger()
router = APIRouter(include_in_schema=False)
provider_router = APIRouter(include_in_schema=False)
patients_router = APIRouter(include_in_schema=False)
LET_OFF = frozenset({"/signed-in"})
_AGAIN = Action("Sign in", "/sign-in")


@provider_router.get("/sign-in")
async def sign_in(
    request: Request, to: str = "/signed-in", login_hint: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """Set out to the provider. Whose session here was left alone must say anew who they are."""
    sessions = sessions_of(request)
    flow = Flow.new(to, asked_at=sessions.clock().timestamp() if await _was_left_alone(request) else None)
    try:
        response = RedirectResponse(await _provider_of(request).authorization_url(flow, login_hint), status_code=303)
    except ProviderAway:
        return _away(request)
    flow.keep(response, sessions)
    return response


@provider_router.get("/sign-in/callback")
async def come_back(
    request: Request, state: str = "", code: str = "", iss: str | None = None, error: str | None = None
) -> Response:
    """Open a session for who comes back from the provider."""
    flow = Flow.returned(request, sessions_of(request), state)
    if flow is None:
        why = "This browser did not begin that sign-in, or it took too long."
        return _page(request, 400, "Please sign in once more", why, _AGAIN)
    response = await _answer(request, flow, code="" if error else code, issuer=iss)
    flow.forget(response, sessions_of(request))
    return response


async def _answer(request: Request, flow: Flow, *, code: str, issuer: str | None) -> Response:
    try:
        if not code:
            raise SignInRefused("the provider said no")
        caller, at_provider = await _provider_of(request).signed_in(flow, code, issuer)
    except SignInRefused as refused:
        _log.warning("sign-in refused", reason=str(refused))
        why = "Your organization did not confirm that you have a role here."
        return _page(request, 403, "You are not signed in", why, _AGAIN)
    except ProviderAway:
        return _away(request)
    response = RedirectResponse(flow.to, status_code=303)
    async with transaction(pool_of(request), scope_on_record(caller)) as connection:
        await begin(request, connection, response, caller, at_provider=at_provider)
    return response


@provider_router.post("/sign-in/back-channel")
async def hear_of_sign_out(request: Request) -> Response:
    """The provider says that somebody signed out elsewhere: end their sessions here."""
    form = await form_of(request)
    try:
        subject, provider_session = await _provider_of(request).signed_out(form.get("logout_token", ""))
    except (SignInRefused, ProviderAway):
        raise Problem(400, "no-logout-token", "The logout token is not valid here.") from None
    async with transaction(pool_of(request)) as connection:
        await sessions_of(request).end_all(connection, subject=subject, provider_session=provider_session)
    return Response()


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session here, then at the provider; a patient's at every service that they have one at."""
    ended = await _end(request)
    if ended is not None and ended.role is Role.PATIENT:
        response = _led_out(request, PLACES[0])
    else:
        response = RedirectResponse(await _end_at_provider(request, ended and ended.id_token) or "/signed-out", 303)
    sessions_of(request).take(response, request.cookies)
    return response


@patients_router.get(ENDED_AT)
async def sign_patient_out(request: Request) -> Response:
    """On a patient's way out: end their session here and lead on. Nobody else loses one who is brought here."""
    ended = await _end(request, of=Role.PATIENT)
    following = PLACES[PLACES.index(sessions_of(request).service) + 1 :]
    response = _led_out(request, following[0] if following else None)
    if ended is not None:
        sessions_of(request).take(response, request.cookies)
    return response


@router.get("/signed-out")
async def say_signed_out(request: Request) -> Response:
    """Where the way out ends."""
    has_provider, has_patients = request.app.state.provider is not None, request.app.state.patients_paths is not None
    html = notice(
        Said("You are signed out", "Ha cerrado la sesión"),
        Said("You can close this page.", "Puede cerrar esta página."),
        spoken=choice_of(request).if_any or (Spoken() if has_provider and not has_patients else None),
        actions=[_AGAIN] if has_provider else [],
        is_synthetic=request.app.state.platform.is_synthetic,
    )
    return HTMLResponse(html)


@router.get("/signed-in")
async def say_signed_in(request: Request) -> Response:
    """Where a sign-in ends that was for no page: the page that the role begins with, if there is one."""
    caller = caller_of(request)
    if home := request.app.state.homes.get(caller.role):
        return RedirectResponse(home, status_code=303)
    where = ", ".join(sorted(caller.sites)) or "the network"
    is_synthetic = request.app.state.platform.is_synthetic
    words = f"You are here as {caller.role} of {where}."
    return HTMLResponse(notice("You are signed in", words, is_synthetic=is_synthetic, is_signed_in=True))


def lead_in(request: Request, ended: SessionEnded | None) -> Response:
    """The answer to a browser that asks for a page and has no session, or one that is over."""
    to = request.scope["path"] + (f"?{request.url.query}" if request.url.query else "")
    if request.method == "POST":
        to = "/"  # what a form is sent to is no page to come back to
    again = f"/sign-in?to={quote(to, safe='')}"
    has_provider = request.app.state.provider is not None and not _is_patients(request)
    if ended is None and has_provider:
        return RedirectResponse(again, status_code=303)
    if ended is None or ended.role is Role.PATIENT:
        return closed_to_patient(request)
    if getattr(request.state, "framed_by", ()):
        return _page(request, 401, "This page is closed", "It closes by itself. Open it from the chart again.")
    minutes = request.app.state.platform.session_idle_s // 60
    why = f"Nothing happened here for {minutes} minutes." if ended.was_idle else "Your session had come to its end."
    return _page(request, 401, "You were signed out", why, Action("Sign in again", again))


async def begin(
    request: Request,
    connection: Connection,
    response: Response,
    caller: Caller,
    *,
    at_provider: AtProvider | None = None,
    ends_at: datetime | None = None,
) -> None:
    """Open a session of the caller, on record, and put it into the browser; the one that it had before ends.

    The transaction is bound to the caller's sites (`shared.http.record.scope_on_record`).
    """
    sessions, in_frame = sessions_of(request), at_provider is not None and at_provider.in_frame
    entries = [
        Entry(site_id, Kind.WRITE, response.status_code, caller.patient_id) for site_id in scope_on_record(caller).ids
    ]
    await begin_trail(request, caller).keep(connection, entries)
    for secret in sessions.secrets_in(request.cookies):
        await sessions.end(connection, secret)
    secret = await sessions.open(connection, caller, ends_at=ends_at, at_provider=at_provider)
    sessions.give(response, secret, request.cookies, in_frame=in_frame)


def sessions_of(request: Request) -> Sessions:
    """The sessions of this service."""
    sessions: Sessions = request.app.state.sessions
    return sessions


def session_of(request: Request) -> bytes | None:
    """The name of the session that the caller came by; None who came by a token."""
    name: bytes | None = getattr(request.state, "session", None)
    return name


def _is_patients(request: Request) -> bool:
    paths: str | None = request.app.state.patients_paths
    return paths is not None and re.fullmatch(f"/({paths})", request.scope["path"]) is not None


async def _was_left_alone(request: Request) -> bool:
    sessions = sessions_of(request)
    try:
        await sessions.caller(pool_of(request), request.cookies.get(sessions.cookie, ""))
    except SessionEnded as ended:
        return ended.was_idle
    return False


async def _end(request: Request, *, of: Role | None = None) -> Ended | None:
    sessions = sessions_of(request)
    ended = None
    async with transaction(pool_of(request)) as connection:
        for secret in sessions.secrets_in(request.cookies):
            ended = await sessions.end(connection, secret, of=of) or ended
    return ended


def _led_out(request: Request, place: str | None) -> Response:
    """To the next place where the patient may have a session; at the end, to where they came in."""
    urls = request.app.state.platform.public_urls
    return RedirectResponse(f"{urls[GIVEN_BY]}/signed-out" if place is None else f"{urls[place]}{ENDED_AT}", 303)


async def _end_at_provider(request: Request, id_token: str | None) -> str | None:
    if id_token is None or request.app.state.provider is None:
        return None
    try:
        return await _provider_of(request).end_session_url(id_token, back="/signed-out")
    except ProviderAway:
        return None


def _provider_of(request: Request) -> Provider:
    provider: Provider = request.app.state.provider
    return provider


def _away(request: Request) -> Response:
    why = "The sign-in of your organization does not answer. Nothing is wrong with your account."
    return _page(request, 503, "Signing in does not work now", why, _AGAIN)


def closed_to_patient(request: Request) -> Response:
    entry: str | None = request.app.state.patients_enter_at
    html = notice(
        Said("This page is closed", "Esta página está cerrada"),
        Said(
            "It closes by itself, to keep it private. To open it, use the link from your clinic again.",
            "Se cierra sola, para proteger su privacidad. Para abrirla, use otra vez el enlace de su clínica.",
        ),
        spoken=choice_of(request).if_any,
        actions=[Action(Said("Open it again", "Abrirla otra vez"), entry)] if entry else [],
        is_synthetic=request.app.state.platform.is_synthetic,
    )
    return HTMLResponse(html, 401)


def _page(request: Request, status: int, title: str, words: str, *actions: Action) -> Response:
    html = notice(title, words, actions=actions, is_synthetic=request.app.state.platform.is_synthetic)
    return HTMLResponse(html, status)
