"""Settings of clinical: `SAMEPAGE_CLINICAL_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.keyring import KeyRingSettings
from shared.settings import ServiceSettings


class ClinicalSettings(ServiceSettings):
    """What both doors are told."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_CLINICAL_", frozen=True)


class ClinicalAppSettings(ClinicalSettings):
    """The HTTP door's: `keyring` seals the words of plans."""

    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)
