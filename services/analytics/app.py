"""Analytics' HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.analytics import pages
from services.analytics.api import ROUTERS
from services.analytics.settings import AnalyticsSettings
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe

NAME = "analytics"


def create_app(settings: AnalyticsSettings) -> FastAPI:
    """The application; it opens its pool when it starts."""
    return create(NAME, settings, ROUTERS, state={"settings": settings}, entrance=Entrance(static=pages.STATIC))


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
