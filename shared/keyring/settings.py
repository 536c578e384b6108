"""Where the key ring is: `SAMEPAGE_KEYRING_*`. Only services that read words are told."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class KeyRingSettings(BaseSettings):
    """`cache_s` is how long an unwrapped key may stay in a process, and so how long erasing may take to be felt."""

    model_config = SettingsConfigDict(env_prefix="SAMEPAGE_KEYRING_", frozen=True)

    database_url: SecretStr
    root_keys_file: Path = Field(description="Mounted secret: a line `id base64` for each root key, the newest last")
    tombstones_file: Path = Field(description="Outside the database, and one file for all: who was erased")
    cache_s: float = Field(default=30.0, ge=0)
    cached_keys: int = Field(default=10_000, ge=1)
    timeout_s: float = Field(default=1.0, gt=0, description="Longest wait for the key ring; then it is away")
    pool_size: int = Field(default=4, ge=1, le=64)
