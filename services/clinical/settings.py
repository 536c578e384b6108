"""Settings of clinical: `SAMEPAGE_CLINICAL_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.auth import TrustedIssuer
from shared.keyring import KeyRingSettings
from shared.on_behalf import narrowed
from shared.settings import ServiceSettings


class ClinicalSettings(ServiceSettings):
    """What both doors are told."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_CLINICAL_", frozen=True)


class ClinicalAppSettings(ClinicalSettings):
    """The HTTP door's: `keyring` seals the words of plans."""

    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)
    on_behalf: TrustedIssuer | None = Field(
        default=None, description="The dashboard, which writes plans for people who are signed in there"
    )

    @property
    def trusted_issuers(self) -> tuple[TrustedIssuer, ...]:
        believed = super().trusted_issuers
        return believed if self.on_behalf is None else (*believed, narrowed(self.on_behalf, self.platform))
