"""Settings come from the environment, once, at the edge: frozen objects that the composition roots hand down.

`SAMEPAGE_*` holds what all services share, `SAMEPAGE_<SERVICE>_*` what is one service's own.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

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


class Platform(BaseSettings):
    """What every service is told alike."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_", frozen=True)

    environment: Literal["development", "production"] = "production"
    bootstrap_servers: str = "127.0.0.1:9092"
    kafka: KafkaLogin = Field(default_factory=KafkaLogin)
    is_log_kept: bool = Field(default=True, description="False for a memory-only broker, as the local stand-in is")
    issuer: str = Field(default="", description="Exact `iss` of the tokens that are believed")
    audience: str = "samepage"
    key_set_file: Path = Field(default=Path("jwks.json"), description="The issuer's public keys (JWK Set)")
    audit_folder: Path | None = Field(default=None, description="Outside the database: signed heads of the audit")
    audit_key_file: Path | None = Field(default=None, description="Ed25519 key (PEM) that a worker signs heads with")
    is_synthetic: bool = Field(default=False, description="Pages say that nobody here is real")
    log_level: str = "INFO"


class ServiceSettings(BaseSettings):
    """What every service has of its own. Subclasses set the prefix."""

    model_config = SettingsConfigDict(frozen=True)

    platform: Platform = Field(default_factory=Platform)
    database_url: SecretStr
    host: str = "127.0.0.1"
    app_port: int = 0
    worker_port: int = 0
    pool_size: int = Field(default=8, ge=1, le=64)
    max_body_bytes: int = 4 * 1024 * 1024
    request_timeout_s: float = 15.0
