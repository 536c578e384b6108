"""The dashboard's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.dashboard import pages
from services.dashboard.api import ROUTERS
from services.dashboard.api.calling import framers
from services.dashboard.api.cds import OPEN_PATHS
from services.dashboard.api.clinical import Clinical
from services.dashboard.api.ehr_servers import EhrServers
from services.dashboard.api.live import STREAMS
from services.dashboard.api.page_examples import page_examples
from services.dashboard.api.seeing import looking
from services.dashboard.api.smart import SmartApp
from services.dashboard.api.watching import Watch
from services.dashboard.pages.export import Paper
from services.dashboard.settings import DashboardAppSettings
from shared.http import public_keys
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe
from shared.http.rates import Buckets
from shared.http.sessions import Clock, utc_now
from shared.keyring import KeyRing
from shared.signing import SigningKeys

NAME = "dashboard"


def create_app(settings: DashboardAppSettings, *, clock: Clock = utc_now) -> FastAPI:
    """The application; it opens its pool and the key ring when it starts."""
    servers, address = EhrServers(), settings.platform.public_urls.get(NAME, "")
    keys = SigningKeys(settings.signing_key_files)
    clinical = None
    if settings.signing_key_files:
        clinical = Clinical(settings.platform, keys, servers.tls, settings.clinical_url)
    return create(
        NAME,
        settings,
        ROUTERS,
        state={
            "settings": settings,
            "keyring": KeyRing(settings.keyring),
            "looking": looking(),
            "ehr_servers": servers,
            "smart_app": SmartApp(servers, address, settings.ehr_secrets),
            "watch": Watch(),
            "paper": Paper(),
            "copy_rate": Buckets(settings.copies, settings.platform.rates.clients),
            "signing_keys": keys,
            "clinical": clinical,
        },
        entrance=Entrance(
            static=pages.STATIC,
            open_paths=rf"{OPEN_PATHS}|{public_keys.OPEN_PATHS}",
            own_page="/patients/{}".format,
            framers=framers,
            streams=STREAMS,
            clock=clock,
        ),
    )


def document() -> dict[str, Any]:
    """The OpenAPI document. Examples are put in at the end: FastAPI would leave out what is null."""
    described = describe(NAME, ROUTERS)
    described["components"]["examples"] = page_examples()
    return described
