"""Settings come from the environment, once, at the edge: frozen objects that the composition roots hand down.

`SAMEPAGE_*` holds what all services share, `SAMEPAGE_<SERVICE>_*` what is one service's own.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Platform(BaseSettings):
    """What every service is told alike."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_", frozen=True)

    environment: Literal["development", "production"] = "production"
    bootstrap_servers: str = "127.0.0.1:9092"
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
