"""Intake's HTTP door."""

import hmac
from typing import Any

from fastapi import FastAPI

from services.intake import pages
from services.intake.api import ROUTERS, entry, imports, surveys, tokens
from services.intake.api.alerting import Alerting
from services.intake.api.importing import Importer, Seal
from services.intake.api.own_forms import OwnForms
from services.intake.domain import Identifiers
from services.intake.settings import IntakeAppSettings
from shared.auth import Role
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.http.rates import Buckets
from shared.http.sessions import Clock, utc_now
from shared.keyring import KeyRing
from shared.signing import SigningKeys

NAME = "intake"


def create_app(settings: IntakeAppSettings, *, clock: Clock = utc_now) -> FastAPI:
    """The application; it opens its pool and the key ring when it starts."""
    rates, ring = settings.platform.rates, KeyRing(settings.keyring)
    means = surveys.Means(ring, Alerting(clock), OwnForms())
    keys = [
        key.get_secret_value().encode()
        for key in (settings.identifier_key, settings.other_identifier_key)
        if key is not None
    ]
    return create(
        NAME,
        settings,
        ROUTERS,
        state={
            "settings": settings,
            "keyring": ring,
            "identifiers": Identifiers(keys),
            "import_seal": Seal([hmac.digest(key, b"imported files", "sha256") for key in keys]),
            "importer": Importer(),
            "means": means,
            "submission": surveys.submission_with(means),
            "link_keys": [
                key.get_secret_value().encode()
                for key in (settings.link_key, settings.other_link_key)
                if key is not None
            ],
            "signing_keys": SigningKeys(settings.signing_key_files),
            "link_rates": entry.LinkRates(Buckets(rates.links, rates.clients), Buckets(rates.link, rates.clients)),
            "token_rate": Buckets(rates.token, rates.clients),
        },
        entrance=Entrance(
            static=pages.STATIC,
            open_paths=f"{entry.OPEN_PATHS}|{tokens.OPEN_PATHS}",
            patients_paths=entry.PATIENTS_PATHS,
            uploads=imports.UPLOADS,
            homes={Role.COORDINATOR: "/visits", Role.CLINICIAN: "/alerts"},
            clock=clock,
        ),
    )


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
