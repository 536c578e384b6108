"""The application factory: what every HTTP door has, once."""

import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.staticfiles import StaticFiles

from shared import VERSION
from shared.auth import Role, Verifier
from shared.db import RETRYABLE, Pool, open_pool
from shared.hand_over import ASKED_AT, PLACES, Receiver
from shared.http import openapi, own, problems, sign_in
from shared.http.compression import STATIC_PATH, Compressed
from shared.http.direct import DirectRoute, Shortcut
from shared.http.edge import Edge
from shared.http.gate import Framers, Gate
from shared.http.language import KeptLanguage
from shared.http.own import OwnPage
from shared.http.policy import policy
from shared.http.provider import Provider
from shared.http.rates import Crowd
from shared.http.receipts import Arrivals
from shared.http.record import OnRecord
from shared.http.sessions import Clock, Sessions, utc_now
from shared.pages import STATIC
from shared.settings import ServiceSettings


@dataclass(frozen=True)
class Entrance:
    """How people come in to a service with pages.

    `static` is the folder of its pages' own files; `open_paths` is a pattern of paths that answer without a session,
    `patients_paths` one of those that are for patients: from there nobody is led to the staff's sign-in. `own_page` is
    where a patient lands who is handed over by the service that sends the links; `uploads` is a pattern of paths that
    people and systems may send large files to, `streams` one of those whose answer goes on for as long as they listen;
    `homes` are where a role begins who signed in for no page; `framers` says which sessions began in a frame.
    """

    static: Path | None = None
    open_paths: str | None = None
    uploads: str | None = None
    streams: str | None = None
    patients_paths: str | None = None
    own_page: OwnPage | None = None
    homes: Mapping[Role, str] = field(default_factory=dict)
    framers: Framers | None = None
    clock: Clock = utc_now


def create_app(
    name: str,
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    *,
    state: Mapping[str, object] | None = None,
    let_off: frozenset[str] = frozenset(),
    entrance: Entrance | None = None,
) -> FastAPI:
    """One service's HTTP door. Opens its pool when it starts.

    `state` is what its routes find in `app.state`: what is an asynchronous context is opened when it starts. `let_off`
    are paths that leave no row in the audit since they hold no patient's data; a service with pages has an `entrance`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            pool = open_pool(settings.database_url.get_secret_value(), size=settings.pool_size)
            app.state.pool = await stack.enter_async_context(pool)
            for value in (state or {}).values():
                if isinstance(value, AbstractAsyncContextManager):
                    await stack.enter_async_context(value)
            _settle_memory()
            yield

    app = _bare(name, routers, lifespan=lifespan)
    app.include_router(_health)
    app.state.platform = settings.platform
    app.state.arrivals = Arrivals()
    for key, value in (state or {}).items():
        setattr(app.state, key, value)
    if entrance is not None:
        _open_to_people(app, name, settings, entrance)
    direct = [route for router in routers for route in router.routes if isinstance(route, DirectRoute)]
    app.add_middleware(Shortcut, routes=direct, handlers=app.exception_handlers)
    _bound(app, name, settings, entrance, let_off)
    return app


def _bound(
    app: FastAPI, name: str, settings: ServiceSettings, entrance: Entrance | None, let_off: frozenset[str]
) -> None:
    """What every request passes before its route, the outermost last."""
    if entrance is not None:
        app.add_middleware(KeptLanguage)
        app.add_middleware(Compressed)
    app.add_middleware(OnRecord, let_off=let_off if entrance is None else let_off | sign_in.LET_OFF)
    app.add_middleware(
        Edge,
        service=name,
        gate=Gate(
            Verifier(settings.trusted_issuers),
            sessions=None if entrance is None else app.state.sessions,
            open_paths=None if entrance is None else entrance.open_paths,
            uploads=None if entrance is None else entrance.uploads,
            framers=None if entrance is None else entrance.framers,
            streams=None if entrance is None else entrance.streams,
        ),
        limits=settings.limits,
        crowd=Crowd(settings.platform.rates),
        usual=_policy_of(name, settings, entrance),
    )


def _policy_of(name: str, settings: ServiceSettings, entrance: Entrance | None) -> Mapping[str, str]:
    return policy(
        forms_lead_to=() if entrance is None else _where_signing_out_leads(name, settings),
        is_https=settings.platform.public_urls.get(name, "").startswith("https:"),
    )


def _open_to_people(app: FastAPI, name: str, settings: ServiceSettings, entrance: Entrance) -> None:
    """Sessions, and the provider where one is set. Signing out leads there, so its address may follow a form."""
    app.mount(f"{STATIC_PATH}shared", StaticFiles(directory=STATIC))
    if entrance.static is not None:
        app.mount(f"{STATIC_PATH}{name}", StaticFiles(directory=entrance.static))
    address = settings.platform.public_urls.get(name, "")
    app.state.sessions = Sessions(name, settings.platform, entrance.clock)
    app.state.provider = None if settings.sign_in is None else Provider(settings.sign_in, address)
    app.state.patients_paths = entrance.patients_paths
    app.state.homes = entrance.homes
    app.state.patients_enter_at = None if entrance.own_page is None else ASKED_AT
    app.include_router(sign_in.router)
    if settings.sign_in is not None:
        app.include_router(sign_in.provider_router)
    if name in PLACES:
        app.include_router(sign_in.patients_router)
    if entrance.own_page is not None:
        app.state.own_page = entrance.own_page
        app.state.receiver = Receiver(settings.platform, name)
        app.include_router(own.router)


def _where_signing_out_leads(name: str, settings: ServiceSettings) -> list[str]:
    """Origins: of the provider, and of every service that a patient is signed in to."""
    there = [] if settings.sign_in is None else [settings.sign_in.issuer]
    if name in PLACES:
        there += [settings.platform.public_url(place) for place in PLACES]
    return [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, there)]


def document(name: str, routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The service's OpenAPI 3.1 document; needs no settings and opens nothing."""
    return openapi.described(_bare(name, routers))


# FastAPI would ask for providers that nobody sets, with every request: what is measured is in `shared.telemetry`.
_OWN_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def _bare(name: str, routers: Sequence[APIRouter], **options: Any) -> FastAPI:
    app = FastAPI(
        title=f"Samepage {name}",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
        generate_unique_id_function=lambda route: route.name,
        telemetry=_OWN_TELEMETRY,
        **options,
    )
    for router in routers:
        app.include_router(router)
    problems.install(app)
    return app


def _settle_memory() -> None:
    """What was made while starting lives for ever: keep the collector off it (a third of the p99 when measured)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def worker_health(pool: Pool, refusals: Callable[[], Sequence[str]]) -> FastAPI:
    """Health and metrics of a process that has no other HTTP door; not ready while the broker refuses it something."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(_health)
    app.state.pool = pool
    app.state.refusals = refusals
    return app


_health = APIRouter(include_in_schema=False)


@_health.get("/health/live")
async def live() -> Response:
    return Response("alive\n", media_type="text/plain")


@_health.get("/health/ready")
async def ready(request: Request) -> Response:
    try:
        async with request.app.state.pool.acquire(timeout=2) as connection:
            await connection.fetchval("SELECT 1", timeout=2)
    except RETRYABLE:
        return Response("no database\n", status_code=503, media_type="text/plain")
    refusals: Callable[[], Sequence[str]] = getattr(request.app.state, "refusals", list)
    if refused := refusals():
        return Response("\n".join([*refused, ""]), status_code=503, media_type="text/plain")
    return Response("ready\n", media_type="text/plain")


@_health.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
