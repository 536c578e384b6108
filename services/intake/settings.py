"""Settings of intake: `SAMEPAGE_INTAKE_*`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.keyring import KeyRingSettings
from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """`keyring` seals patients' words and erases them."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_INTAKE_", frozen=True)

    keyring: KeyRingSettings = Field(default_factory=KeyRingSettings)


class IntakeAppSettings(IntakeSettings):
    """The HTTP door's: `identifier_key` makes the keyed hash of the sites' own patient identifiers; losing it loses the
    match. During a rotation `other_identifier_key` is looked up too. `link_key` makes the secrets of patients' links.
    Links that were sent open without it; one is shown again by the key that made it, this or `other_link_key`.
    `signing_key_files` are the network's own: the first signs, all are published.
    """

    identifier_key: SecretStr = Field(min_length=32)
    other_identifier_key: SecretStr | None = Field(default=None, min_length=32)
    link_key: SecretStr = Field(min_length=32)
    other_link_key: SecretStr | None = Field(default=None, min_length=32)
    signing_key_files: tuple[Path, ...] = Field(min_length=1, description="PEM")
