"""Settings of intake: `SAMEPAGE_INTAKE_*`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.key_sets import is_trustworthy
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


class _Messages(BaseModel):
    """Where messages leave, to patients and to the clinics' own people."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _ToServer(_Messages):
    """`timeout_s` is for the whole of a message, and shorter than a worker's hold."""

    timeout_s: float = Field(default=20.0, gt=0, le=60)


class SmtpSettings(_ToServer):
    """A mail server that takes mail from us. Without TLS it must be on this machine: a link is a key."""

    kind: Literal["smtp"]
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    from_address: str = Field(pattern=r"^[!-?A-~]+@[!-?A-~]+$")
    ca_file: FilePath | None = Field(default=None, description="An authority of your own that has signed for it")

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.security == "none" and not is_trustworthy(f"http://{self.host}"):
            raise ValueError("without TLS the server must be on this machine")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self


def _safe(url: str) -> str:
    if not is_trustworthy(url):
        raise ValueError("https, or on this machine")
    return url


class WebhookSettings(_ToServer):
    """A program of the site's own that takes each message as JSON, signed with `secret`, and sends it on."""

    kind: Literal["webhook"]
    url: Annotated[str, AfterValidator(_safe)]
    secret: SecretStr = Field(min_length=32)


class FolderSettings(_Messages):
    """A folder that gets a file for each message: for the demo, and for who fetches them from there."""

    kind: Literal["folder"]
    path: Path


MessengerSettings = Annotated[SmtpSettings | WebhookSettings | FolderSettings, Field(discriminator="kind")]


class IntakeWorkerSettings(IntakeSettings):
    """The Kafka door's, which also sends links to patients: it makes them with `link_key`, and shows those again that
    `other_link_key` made. By the same `messenger` it tells clinics of alerts. Without one nothing is sent, and what is
    due says so in metrics.
    """

    link_key: SecretStr = Field(min_length=32)
    other_link_key: SecretStr | None = Field(default=None, min_length=32)
    messenger: MessengerSettings | None = None

    @model_validator(mode="after")
    def _knows_where_links_lead(self) -> Self:
        if self.messenger is not None:
            self.platform.public_url("intake")
        return self
