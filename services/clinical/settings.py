"""Settings of clinical: `SAMEPAGE_CLINICAL_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.keyring import KeyRingSettings
from shared.settings import ServiceSettings


class ClinicalSettings(ServiceSettings):
    """`keyring` seals the words of plans."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_CLINICAL_", frozen=True)

    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)
