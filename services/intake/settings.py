"""Settings of intake: `SAMEPAGE_INTAKE_*`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """`identifier_key` makes the keyed hash of the sites' own patient identifiers; losing it loses the match.

    `link_key` makes the secrets of patients' links; with another one, links that were sent still open, but cannot be
    shown again.
    """

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_INTAKE_", frozen=True)

    identifier_key: SecretStr = Field(min_length=32)
    link_key: SecretStr | None = Field(default=None, min_length=32, description="The HTTP door's only")
    signing_key_files: tuple[Path, ...] = Field(default=(), description="PEM; the first signs, all are published")
