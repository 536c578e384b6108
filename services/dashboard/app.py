"""The dashboard's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.dashboard import pages
from services.dashboard.api import ROUTERS
from services.dashboard.settings import DashboardSettings
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.keyring import KeyRing
from shared.pages import STATIC

NAME = "dashboard"


def create_app(settings: DashboardSettings) -> FastAPI:
    """The application; it opens its pool and the key ring when it starts."""
    return create(
        NAME,
        settings,
        ROUTERS,
        state={"settings": settings},
        static={"/static/dashboard": pages.STATIC, "/static/shared": STATIC},
        opened={"keyring": KeyRing(settings.keyring)},
    )


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
