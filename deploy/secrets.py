"""The secrets of a development network, made once: the local stack keeps them under var/, docker compose in `.env`.

Standard library only: `python3 -m deploy.secrets` (`make secrets`) runs where nothing is installed.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services import SERVICES

SIGNED_IN_TO = ("dashboard", "analytics")
ROLES = ("owner", "app", "worker")
ENV_FILE = Path(__file__).resolve().parent.parent / ".env"
_ABOUT = "# Secrets of this checkout's containers, for development. The data in their volumes know no others.\n"


@dataclass(frozen=True)
class Secrets:
    """Made once a network; `database_passwords` by the role that logs in with it, `client_secrets`
    by the service that people sign in to."""

    seal_key: str
    identifier_key: str
    link_key: str
    pseudonym_key: str
    client_secrets: dict[str, str]
    database_passwords: dict[str, str]


def new_secrets() -> Secrets:
    """Fresh ones."""
    return Secrets(
        seal_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        identifier_key=secrets.token_urlsafe(32),
        link_key=secrets.token_urlsafe(32),
        pseudonym_key=secrets.token_urlsafe(32),
        client_secrets={service: secrets.token_urlsafe(32) for service in SIGNED_IN_TO},
        database_passwords={f"{service}_{role}": secrets.token_urlsafe(24) for service in SERVICES for role in ROLES},
    )


def completed(known: Mapping[str, Any]) -> Secrets:
    """Those that are known, and fresh ones for what nobody asked for when they were made."""
    made = asdict(new_secrets())
    kept = {name: known.get(name, value) for name, value in made.items()}
    return Secrets(**kept | {"database_passwords": made["database_passwords"] | kept["database_passwords"]})


def compose_variables() -> dict[str, str]:
    """Fresh secrets under the names that docker-compose.yml asks for."""
    made = new_secrets()
    passwords = made.database_passwords | {"postgres": secrets.token_urlsafe(24)}
    return {
        "SAMEPAGE_SEAL_KEY": made.seal_key,
        "SAMEPAGE_IDENTIFIER_KEY": made.identifier_key,
        "SAMEPAGE_PSEUDONYM_KEY": made.pseudonym_key,
    } | {f"SAMEPAGE_{name.upper()}_PASSWORD": password for name, password in passwords.items()}


def write_env_file(file: Path) -> bool:
    """Write them where there is no such file, readable by its owner only; False where there is one, which stays."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as out:
        out.write(_ABOUT)
        out.writelines(f"{name}={value}\n" for name, value in compose_variables().items())
    return True


if __name__ == "__main__":
    print(".env is written." if write_env_file(ENV_FILE) else ".env is there already and stays as it is.")
