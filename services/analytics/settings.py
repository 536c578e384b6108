"""Settings of analytics: `SAMEPAGE_ANALYTICS_*`."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """`pseudonym_key` turns ids into pseudonyms; another key makes figures that cannot be joined with the old.

    Only the worker makes pseudonyms. The HTTP door, which reads the facts of every site, is not given the key.
    """

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_ANALYTICS_", frozen=True)

    pseudonym_key: SecretStr | None = Field(default=None, min_length=32)
