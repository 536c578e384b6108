"""The provider as a process of the local stack."""

from pathlib import Path

import uvicorn
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.provider.people import known_people
from deploy.provider.provider import Client, Provider
from shared.signing import SigningKeys


class ProviderSettings(BaseSettings):
    """`SAMEPAGE_PROVIDER_*`."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_PROVIDER_", frozen=True)

    issuer: str
    host: str
    port: int
    key_file: Path
    people_file: Path
    clients: tuple[Client, ...]


def run() -> None:
    """Run until a signal."""
    settings = ProviderSettings()
    provider = Provider(
        settings.issuer, SigningKeys([settings.key_file]), settings.clients, lambda: known_people(settings.people_file)
    )
    uvicorn.run(provider.app(), host=settings.host, port=settings.port, log_level="warning", access_log=False)
