"""The application factory: what every HTTP door has, once."""

import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.staticfiles import StaticFiles

from shared import VERSION
from shared.auth import Verifier
from shared.db import RETRYABLE, Pool, open_pool
from shared.http import problems, sign_in
from shared.http.edge import Edge
from shared.http.record import OnRecord
from shared.settings import ServiceSettings


def create_app(
    name: str,
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    *,
    state: Mapping[str, object] | None = None,
    static: Mapping[str, Path] | None = None,
    let_off: frozenset[str] = frozenset(),
) -> FastAPI:
    """One service's HTTP door. Opens its pool when it starts.

    `state` is what its routes find in `app.state`: what is an asynchronous context is opened when it starts. `static`
    are folders by the path they are served at, `let_off` the paths that leave no row in the audit since they hold no
    patient's data: today no service has one.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool(settings.database_url.get_secret_value(), size=settings.pool_size) as pool:
            app.state.pool = pool
            async with AsyncExitStack() as stack:
                for value in (state or {}).values():
                    if isinstance(value, AbstractAsyncContextManager):
                        await stack.enter_async_context(value)
                _settle_memory()
                yield

    app = _bare(name, routers, lifespan=lifespan)
    app.include_router(_health)
    if settings.platform.environment == "development":
        app.include_router(sign_in.router)
    for path, folder in (static or {}).items():
        app.mount(path, StaticFiles(directory=folder))
    app.state.verifier = Verifier(settings.platform)
    for key, value in (state or {}).items():
        setattr(app.state, key, value)
    app.add_middleware(OnRecord, let_off=let_off)
    app.add_middleware(
        Edge,
        service=name,
        verifier=app.state.verifier,
        timeout_s=settings.request_timeout_s,
        max_body_bytes=settings.max_body_bytes,
    )
    return app


def document(name: str, routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The service's OpenAPI 3.1 document; needs no settings and opens nothing."""
    app = _bare(name, routers)
    openapi = app.openapi()
    openapi["components"].setdefault("securitySchemes", {})["token"] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    openapi["security"] = [{"token": []}]
    return openapi


def _bare(name: str, routers: Sequence[APIRouter], **options: Any) -> FastAPI:
    app = FastAPI(
        title=f"Samepage {name}",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
        generate_unique_id_function=lambda route: route.name,
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
        await request.app.state.pool.fetchval("SELECT 1", timeout=2)
    except RETRYABLE:
        return Response("no database\n", status_code=503, media_type="text/plain")
    refusals: Callable[[], Sequence[str]] = getattr(request.app.state, "refusals", list)
    if refused := refusals():
        return Response("\n".join([*refused, ""]), status_code=503, media_type="text/plain")
    return Response("ready\n", media_type="text/plain")


@_health.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
