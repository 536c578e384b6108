"""The dashboard's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.dashboard import pages
from services.dashboard.api import ROUTERS
from services.dashboard.api.live import STREAMS
from services.dashboard.api.seeing import looking
from services.dashboard.api.watching import Watch
from services.dashboard.settings import DashboardAppSettings
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.http.sessions import Clock, utc_now
from shared.keyring import KeyRing

NAME = "dashboard"


def create_app(settings: DashboardAppSettings, *, clock: Clock = utc_now) -> FastAPI:
    """The application; it opens its pool and the key ring when it starts."""
    return create(
        NAME,
        settings,
        ROUTERS,
        state={
            "settings": settings,
            "keyring": KeyRing(settings.keyring),
            "looking": looking(),
            "watch": Watch(),
        },
        entrance=Entrance(static=pages.STATIC, streams=STREAMS, own_page="/patients/{}".format, clock=clock),
    )


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
