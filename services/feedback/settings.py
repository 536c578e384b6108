"""Settings of feedback: `SAMEPAGE_FEEDBACK_*`."""

from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class FeedbackSettings(ServiceSettings):
    """Nothing beyond what every service has."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_FEEDBACK_", frozen=True)
