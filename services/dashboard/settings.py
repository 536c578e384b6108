"""Settings of the dashboard: `SAMEPAGE_DASHBOARD_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.keyring import KeyRingSettings
from shared.settings import ServiceSettings


class DashboardSettings(ServiceSettings):
    """`keyring` opens the words on a page."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_DASHBOARD_", frozen=True)

    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)
