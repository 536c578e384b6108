"""Where the key ring is: a database with a role for each service that reads words, and two files outside of it.

The file of root keys is made with one key, the file of tombstones empty; neither is ever made anew or emptied.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from shared.keyring import KeyRingSettings
from shared.keyring.root_keys import new_root_key


def ensure_files(root_keys: Path, tombstones: Path) -> None:
    """Make what is missing: a root key, and the list of tombstones."""
    for file, content in ((root_keys, new_root_key("root-1")), (tombstones, "")):
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(content)


def keyring_in(folder: Path, dsn: str) -> KeyRingSettings:
    """The key ring with its two files in one folder, as the role of this DSN finds it."""
    return KeyRingSettings(
        database_url=SecretStr(dsn), root_keys_file=folder / "root-keys", tombstones_file=folder / "tombstones"
    )


def environment_of(settings: KeyRingSettings) -> Mapping[str, str]:
    """What tells a door where the key ring is."""
    return {
        "SAMEPAGE_KEYRING_DATABASE_URL": settings.database_url.get_secret_value(),
        "SAMEPAGE_KEYRING_ROOT_KEYS_FILE": str(settings.root_keys_file),
        "SAMEPAGE_KEYRING_TOMBSTONES_FILE": str(settings.tombstones_file),
    }
