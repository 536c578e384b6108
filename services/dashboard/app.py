"""The dashboard's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.dashboard import pages
from services.dashboard.api import ROUTERS, own
from services.dashboard.settings import DashboardSettings
from shared.hand_over import Receiver
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.pages import STATIC
from shared.sealing import sealer_of

NAME = "dashboard"


def create_app(settings: DashboardSettings) -> FastAPI:
    """The application; it opens its pool when it starts."""
    return create(
        NAME,
        settings,
        ROUTERS,
        state={
            "settings": settings,
            "sealer": sealer_of(settings.platform),
            "receiver": Receiver(settings.platform, NAME),
        },
        static={"/static/dashboard": pages.STATIC, "/static/shared": STATIC},
        entrance=Entrance(patients_enter_at=own.ENTRY),
    )


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
