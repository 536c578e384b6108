"""Settings come from the environment, once, at the edge: frozen objects that the composition roots hand down.

`SAMEPAGE_*` holds what all services share, `SAMEPAGE_<SERVICE>_*` what is one service's own. Structured ones are JSON;
one member alone can be given as `SAMEPAGE_DASHBOARD_SIGN_IN__CLIENT_SECRET`.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FilePath, IPvAnyNetwork, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.auth import Algorithm, Claims, Role, TrustedIssuer

_PEOPLE = frozenset({Role.CLINICIAN, Role.COORDINATOR, Role.OPERATOR})
# How every client of ours proves a password to Kafka: without sending it.
MECHANISM = "SCRAM-SHA-512"


class KafkaLogin(BaseSettings):
    """Who this process is to Kafka: nobody in particular on an open broker, else one user with one password.

    With SASL_SSL the broker is believed when `ca_file` has signed for it; without one, when an authority that this
    machine trusts has.
    """

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_KAFKA_", frozen=True, hide_input_in_errors=True)

    security_protocol: Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    username: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = Field(default=None, min_length=1)
    ca_file: FilePath | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """A half given login is a mistake, not a wish to do without."""
        needed = {"username", "password"} if self.security_protocol != "PLAINTEXT" else set()
        possible = needed | ({"ca_file"} if self.security_protocol == "SASL_SSL" else set())
        given = {name for name in ("username", "password", "ca_file") if getattr(self, name) is not None}
        wrong = [f"{name} is missing" for name in sorted(needed - given)]
        wrong += [f"{name} is of no use" for name in sorted(given - possible)]
        if wrong:
            raise ValueError(f"with security_protocol {self.security_protocol}: {', '.join(wrong)}")
        return self


class Rate(BaseModel):
    """At most `burst` at once, and `per_minute` in the long run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    burst: int = Field(ge=1)
    per_minute: float = Field(gt=0)


class Rates(BaseModel):
    """How often one client may ask one process; a door in several processes lets through as many times that.

    A client is the subject of a token or session; who has neither is one with all others at the same address.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: Rate = Rate(burst=300, per_minute=1_200)
    system: Rate = Rate(burst=20_000, per_minute=600_000)
    stranger: Rate = Rate(burst=120, per_minute=600)
    sign_in: Rate = Field(default=Rate(burst=60, per_minute=120), description="By address, a clinic's staff is one")
    token: Rate = Field(default=Rate(burst=60, per_minute=60), description="By address, for systems of the sites")
    links: Rate = Field(default=Rate(burst=20, per_minute=20), description="Patients' links, by address")
    link: Rate = Field(default=Rate(burst=10, per_minute=10), description="One link, whoever tries it")
    clients: int = Field(default=10_000, ge=1, description="How many are remembered; who asked longest ago is not")


class Platform(BaseSettings):
    """What every service is told alike."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_", env_nested_delimiter="__", frozen=True)

    environment: Literal["development", "production"] = "production"
    bootstrap_servers: str = "127.0.0.1:9092"
    kafka: KafkaLogin = Field(default_factory=KafkaLogin)
    is_log_kept: bool = Field(default=True, description="False for a memory-only broker, as the local stand-in is")
    issuers: tuple[TrustedIssuer, ...] = Field(default=(), description="Whose access tokens are believed")
    network: TrustedIssuer | None = Field(default=None, description="Our own issuer: intake's token endpoint")
    public_urls: dict[str, str] = Field(default={}, description="Where people reach each service: origin by name")
    session_idle_s: int = Field(default=15 * 60, ge=60, description="A session ends when nothing happens for this long")
    session_absolute_s: int = Field(default=12 * 3600, ge=60, description="A session ends after this long anyway")
    rates: Rates = Rates()
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Who is believed about whom it forwards for (`X-Forwarded-For`, `-Proto`); else nobody"
    )
    audit_folder: Path | None = Field(default=None, description="Outside the database: signed heads of the audit")
    audit_key_file: Path | None = Field(default=None, description="Ed25519 key (PEM) that a worker signs heads with")
    is_synthetic: bool = Field(default=False, description="Pages say that nobody here is real")
    log_level: str = "INFO"

    def public_url(self, service: str) -> str:
        """Where people reach a service.

        Raises:
            ValueError: nobody has said.
        """
        if service not in self.public_urls:
            raise ValueError(f"SAMEPAGE_PUBLIC_URLS does not say where people reach {service}")
        return self.public_urls[service]

    @property
    def trusted_issuers(self) -> tuple[TrustedIssuer, ...]:
        return self.issuers if self.network is None else (*self.issuers, self.network)


class Limits(BaseModel):
    """What a door takes in: of one request, and of all at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address_bytes: int = Field(default=8 * 1024, ge=1, description="Path and query")
    parameters: int = Field(default=50, ge=1, description="In the query")
    headers: int = Field(default=64, ge=1)
    header_bytes: int = Field(default=32 * 1024, ge=1, description="Names and values of all headers")
    header_s: float = Field(default=10.0, gt=0, description="Until all headers are there")
    body_bytes: int = Field(default=4 * 1024 * 1024, ge=1)
    strangers_bytes: int = Field(default=64 * 1024, ge=1, description="The body of who is not known: a form")
    body_s: float = Field(default=10.0, gt=0, description="From the headers until the body is there")
    upload_bytes: int = Field(default=64 * 1024 * 1024, ge=1, description="A file, where a route takes one")
    upload_s: float = Field(default=180.0, gt=0, description="From the headers until such a file is answered")
    uploads: int = Field(default=4, ge=1, description="Such files at once; who brings one takes no other's turn")
    streams: int = Field(default=2_000, ge=1, description="Streams open at once; they take no turn of a request")
    stream_s: float = Field(default=3_600.0, gt=0, description="Then a stream ends, and who listened opens another")
    request_s: float = Field(default=15.0, gt=0, description="Until the answer is out, waiting for a turn included")
    at_work: int = Field(default=64, ge=1, description="Requests answered at once")
    waiting: int = Field(default=512, ge=0, description="Requests waiting for their turn; the next gets 503 at once")


class SignIn(Claims):
    """The OpenID Connect provider of the people, and what we are called there. `roles` are those it may give."""

    issuer: str = Field(min_length=1)
    client_id: str
    client_secret: SecretStr | None = None
    algorithms: tuple[Algorithm, ...] = ("RS256",)
    roles: frozenset[Role] = _PEOPLE


class ServiceSettings(BaseSettings):
    """What every service has of its own. Subclasses set the prefix."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", frozen=True)

    platform: Platform = Field(default_factory=Platform)
    database_url: SecretStr
    sign_in: SignIn | None = Field(default=None, description="How people sign in to this service's pages")
    host: str = "127.0.0.1"
    app_port: int = 0
    worker_port: int = 0
    pool_size: int = Field(default=8, ge=1, le=64)
    limits: Limits = Limits()

    @property
    def trusted_issuers(self) -> tuple[TrustedIssuer, ...]:
        """Whose tokens are believed at the HTTP door."""
        return self.platform.trusted_issuers
