"""Settings of analytics: `SAMEPAGE_ANALYTICS_*`."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """Of its own the HTTP door, which reads the facts of every site, has nothing: least of all the pseudonym key."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_ANALYTICS_", frozen=True)


class AnalyticsWorkerSettings(AnalyticsSettings):
    """The Kafka door's: `pseudonym_key` turns ids into pseudonyms; another key makes figures that cannot be joined with
    the old.
    """

    pseudonym_key: SecretStr = Field(min_length=32)
