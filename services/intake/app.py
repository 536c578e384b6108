"""Intake's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.intake import pages
from services.intake.api import ROUTERS, entry, surveys, tokens
from services.intake.settings import IntakeAppSettings
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.http.rates import Buckets
from shared.keyring import KeyRing
from shared.signing import SigningKeys

NAME = "intake"


def create_app(settings: IntakeAppSettings) -> FastAPI:
    """The application; it opens its pool and the key ring when it starts."""
    rates, ring = settings.platform.rates, KeyRing(settings.keyring)
    return create(
        NAME,
        settings,
        ROUTERS,
        state={
            "settings": settings,
            "keyring": ring,
            "submission": surveys.submission_with(ring),
            "link_keys": [
                key.get_secret_value().encode()
                for key in (settings.link_key, settings.other_link_key)
                if key is not None
            ],
            "signing_keys": SigningKeys(settings.signing_key_files),
            "link_rates": entry.LinkRates(Buckets(rates.links, rates.clients), Buckets(rates.link, rates.clients)),
            "token_rate": Buckets(rates.token, rates.clients),
        },
        entrance=Entrance(static=pages.STATIC, open_paths=f"{entry.OPEN_PATHS}|{tokens.OPEN_PATHS}"),
    )


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
