"""Settings of the dashboard: `SAMEPAGE_DASHBOARD_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.keyring import KeyRingSettings
from shared.settings import ServiceSettings


class DashboardSettings(ServiceSettings):
    """What both doors are told."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_DASHBOARD_", frozen=True)


class DashboardAppSettings(DashboardSettings):
    """The HTTP door's: `keyring` opens the words on a page."""

    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)
