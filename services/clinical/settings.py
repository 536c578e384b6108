"""Settings of clinical: `SAMEPAGE_CLINICAL_*`."""

from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class ClinicalSettings(ServiceSettings):
    """Nothing beyond what every service has."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_CLINICAL_", frozen=True)
