"""Settings of the dashboard: `SAMEPAGE_DASHBOARD_*`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.keyring import KeyRingSettings
from shared.settings import Rate, ServiceSettings


class DashboardSettings(ServiceSettings):
    """What both doors are told."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_DASHBOARD_", frozen=True)

    silent_s: int = Field(
        default=1800, ge=60, description="A look that nothing was heard of is closed by a time-out after this"
    )


class DashboardAppSettings(DashboardSettings):
    """The HTTP door's: `keyring` opens the words on a page. With a key that clinical believes the plan is written on
    it; without one it is for reading.
    """

    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)
    signing_key_files: tuple[Path, ...] = Field(default=(), description="PEM: the first signs, all are published")
    clinical_url: str | None = Field(default=None, description="Where clinical is reached, where not as people do")
    glass_open_s: int = Field(default=3600, ge=60, le=12 * 3600, description="Broken glass closes by itself after this")
    glass_tries_per_hour: int = Field(default=10, ge=1, le=100, description="How often one clinician may try")
    copies: Rate = Field(default=Rate(burst=20, per_minute=5), description="How often one person may take a copy")
    ehr_secrets: dict[str, SecretStr] = Field(
        default={}, description="Secrets that EHRs have given us as their client, by `<site>.<name>`"
    )
