"""Intake's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.intake import pages
from services.intake.api import ROUTERS, entry, tokens
from services.intake.domain import Limit
from services.intake.settings import IntakeSettings
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.pages import STATIC
from shared.sealing import sealer_of
from shared.signing import SigningKeys

NAME = "intake"


def create_app(settings: IntakeSettings) -> FastAPI:
    """The application; it opens its pool when it starts.

    Raises:
        ValueError: a key is missing that this door needs.
    """
    if settings.link_key is None or not settings.signing_key_files:
        raise ValueError("SAMEPAGE_INTAKE_LINK_KEY or SAMEPAGE_INTAKE_SIGNING_KEY_FILES is not set")
    return create(
        NAME,
        settings,
        ROUTERS,
        state={
            "settings": settings,
            "sealer": sealer_of(settings.platform),
            "link_key": settings.link_key.get_secret_value().encode(),
            "signing_keys": SigningKeys(settings.signing_key_files),
            "link_limits": entry.Limits(address=Limit(20, 20), link=Limit(10, 10)),
            "token_limit": Limit(60, 60),
        },
        static={"/static/intake": pages.STATIC, "/static/shared": STATIC},
        entrance=Entrance(open_paths=f"{entry.OPEN_PATHS}|{tokens.OPEN_PATHS}"),
    )


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
