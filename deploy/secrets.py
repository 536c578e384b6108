"""The secrets of a development network, made once: the local stack keeps them under var/, docker compose in `.env`.

Standard library only: `python3 -m deploy.secrets` (`make secrets`) runs where nothing is installed.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from services import READ_WORDS, ROLES, SERVICES

SIGNED_IN_TO = ("intake", "dashboard", "analytics")
ENV_FILE = Path(__file__).resolve().parent.parent / ".env"
# Who logs in to Kafka: the super user, who lets the others; who makes the topics; the worker of each service.
KAFKA_ADMIN, KAFKA_PREPARE = "admin", "prepare"
KAFKA_USERS = (KAFKA_ADMIN, KAFKA_PREPARE, *(f"{service}-worker" for service in SERVICES))
_ABOUT = "# Secrets of this checkout's containers, for development. The data in their volumes know no others."

_LOGINS = (
    *(f"{service}_{role}" for service in SERVICES for role in ROLES),
    *(f"keyring_{name}" for name in ("owner", *READ_WORDS)),
)


@dataclass(frozen=True)
class Secrets:
    """Made once a network; `database_passwords` by the role that logs in with it, `client_secrets`
    by the service that people sign in to."""

    identifier_key: str = field(repr=False)
    link_key: str = field(repr=False)
    pseudonym_key: str = field(repr=False)
    client_secrets: dict[str, str] = field(repr=False)
    database_passwords: dict[str, str] = field(repr=False)


def new_secrets() -> Secrets:
    """Fresh ones."""
    return Secrets(
        identifier_key=secrets.token_urlsafe(32),
        link_key=secrets.token_urlsafe(32),
        pseudonym_key=secrets.token_urlsafe(32),
        client_secrets={service: secrets.token_urlsafe(32) for service in SIGNED_IN_TO},
        database_passwords={login: secrets.token_urlsafe(24) for login in _LOGINS},
    )


def completed(known: Mapping[str, Any]) -> Secrets:
    """Those that are known, and fresh ones for what nobody asked for when they were made.

    Raises:
        TypeError: some are known that nobody asks for any more.
    """
    made = asdict(new_secrets())
    by_name = {name: made[name] | known.get(name, {}) for name in ("client_secrets", "database_passwords")}
    return Secrets(**made | dict(known) | by_name)


def compose_variables() -> dict[str, str]:
    """Fresh secrets under the names that docker-compose.yml asks for."""
    made = new_secrets()
    passwords = made.database_passwords | {"postgres": secrets.token_urlsafe(24)}
    passwords |= {f"kafka_{user}".replace("-", "_"): secrets.token_urlsafe(24) for user in KAFKA_USERS}
    return {
        "SAMEPAGE_IDENTIFIER_KEY": made.identifier_key,
        "SAMEPAGE_LINK_KEY": made.link_key,
        "SAMEPAGE_PSEUDONYM_KEY": made.pseudonym_key,
        **{f"SAMEPAGE_{service.upper()}_CLIENT_SECRET": secret for service, secret in made.client_secrets.items()},
        **{f"SAMEPAGE_{name.upper()}_PASSWORD": password for name, password in passwords.items()},
    }


def write_env_file(file: Path) -> bool:
    """Write those that the file lacks, readable by its owner only; False where it lacks none. What it has stays."""
    lines = file.read_text().splitlines() if file.exists() else [_ABOUT]
    known = {line.partition("=")[0] for line in lines}
    lacking = [f"{name}={value}" for name, value in compose_variables().items() if name not in known]
    if lacking:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write("\n".join([*lines, *lacking, ""]))
    return bool(lacking)


if __name__ == "__main__":
    print(".env has the secrets now." if write_env_file(ENV_FILE) else ".env is there already and stays as it is.")
