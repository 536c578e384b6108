"""Settings of intake: `SAMEPAGE_INTAKE_*`."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.keyring import KeyRingSettings
from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """`identifier_key` makes the keyed hash of the sites' own patient identifiers; losing it loses the match.

    `keyring` seals patients' words and erases them.
    """

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_INTAKE_", frozen=True)

    identifier_key: SecretStr = Field(min_length=32)
    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)
