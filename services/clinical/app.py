"""Clinical's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.clinical.api import ROUTERS
from services.clinical.settings import ClinicalAppSettings
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.keyring import KeyRing

NAME = "clinical"


def create_app(settings: ClinicalAppSettings) -> FastAPI:
    """The application; it opens its pool and the key ring when it starts."""
    return create(NAME, settings, ROUTERS, state={"settings": settings, "keyring": KeyRing(settings.keyring)})


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
