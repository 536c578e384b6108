"""Settings of the dashboard: `SAMEPAGE_DASHBOARD_*`."""

from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class DashboardSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_DASHBOARD_", frozen=True)
