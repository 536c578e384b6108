"""The key ring of this machine: a database with an owner and a role for each service that reads words, and two files.

The file of root keys is made with one key, the file of tombstones empty; neither is ever made anew or emptied.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from deploy.local.databases import ensure_database, ensure_role
from shared.keyring import KeyRingSettings
from shared.keyring.root_keys import new_root_key

DATABASE = "keyring"
READERS = ("intake", "clinical", "dashboard")


def role_of(service: str) -> str:
    """Who a service is in the key ring's database; its migrations grant by these names."""
    return f"{DATABASE}_{service}"


ROLES = (DATABASE, *map(role_of, READERS))


def ensure_keyring(admin_dsn: str, folder: Path, passwords: Mapping[str, str]) -> dict[str, KeyRingSettings]:
    """The settings of each service that reads words, and the owner's under the database's own name."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root_keys, tombstones = folder / "root-keys", folder / "tombstones"
    _keep(root_keys, new_root_key("root-1"))
    _keep(tombstones, "")
    owner = ensure_database(admin_dsn, DATABASE, passwords[DATABASE])
    urls = {
        service: ensure_role(admin_dsn, DATABASE, role_of(service), passwords[role_of(service)]) for service in READERS
    }
    return {
        name: KeyRingSettings(database_url=SecretStr(url), root_keys_file=root_keys, tombstones_file=tombstones)
        for name, url in {DATABASE: owner, **urls}.items()
    }


def environment_of(settings: KeyRingSettings) -> dict[str, str]:
    """What tells a service where the key ring is."""
    return {
        "SAMEPAGE_KEYRING_DATABASE_URL": settings.database_url.get_secret_value(),
        "SAMEPAGE_KEYRING_ROOT_KEYS_FILE": str(settings.root_keys_file),
        "SAMEPAGE_KEYRING_TOMBSTONES_FILE": str(settings.tombstones_file),
    }


def _keep(file: Path, content: str) -> None:
    """A file that is there stays; a new one is readable by its owner only."""
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(content)
