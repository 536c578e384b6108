"""The whole system on this machine: where each database and door is, and the environment that tells the doors.

Kept in `var/network.json` (readable by its owner only), so that a restart finds the same ports, passwords and keys.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.doors import DOORS, SERVICES, Door
from deploy.issuer import AUDIENCE, ISSUER, LocalIssuer
from deploy.local.databases import ensure_database
from deploy.local.errors import StackError
from deploy.local.keyring import DATABASE, READERS, ROLES, ensure_keyring, environment_of
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.stack import Addresses
from shared.keyring import KeyRingSettings


@dataclass(frozen=True)
class Secrets:
    """Made once a checkout."""

    identifier_key: str
    pseudonym_key: str
    database_passwords: dict[str, str]


@dataclass(frozen=True)
class Network:
    """Where everything is. `environments` hold secrets, by service: each goes to that service's doors only.

    `keyring` is for the key ring's owner, who migrates it and rotates keys.
    """

    addresses: Addresses
    databases: Mapping[str, str]
    ports: Mapping[Door, int]
    issuer: LocalIssuer
    environments: Mapping[str, Mapping[str, str]]
    keyring: KeyRingSettings

    def url(self, service: str) -> str:
        """Base URL of a service's HTTP door."""
        return f"http://{HOST}:{self.ports[Door(service, 'app')]}"


def lay_out(root: Path, addresses: Addresses, *, are_doors_open: bool = False) -> Network:
    """Databases, ports, keys and the environment for a running stack; made if missing, else as before.

    With `are_doors_open` the known ports stay, taken as they are; else a taken port is replaced.
    """
    file = root / "var" / "network.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    kept = _kept(known["secrets"]) if known else _new_secrets()
    ports = tuple(known.get("ports", ()))
    if not are_doors_open or not ports:
        ports = keep_or_choose(ports, len(DOORS))
    _write_private(file, json.dumps({"secrets": asdict(kept), "ports": list(ports)}))
    issuer = LocalIssuer(root / "var" / "issuer")
    issuer.prepare()
    databases = {
        service: ensure_database(addresses.postgres_admin_dsn, service, kept.database_passwords[service])
        for service in SERVICES
    }
    by_door = dict(zip(DOORS, ports, strict=True))
    platform = _platform(addresses, issuer)
    environments = {service: platform | _own(service, databases[service], by_door, kept) for service in SERVICES}
    keyrings = ensure_keyring(addresses.postgres_admin_dsn, root / "var" / "keyring", kept.database_passwords)
    for service in READERS:
        environments[service] |= environment_of(keyrings[service])
    return Network(addresses, databases, by_door, issuer, environments, keyrings[DATABASE])


def _kept(known: Mapping[str, Any]) -> Secrets:
    try:
        return Secrets(**known)
    except TypeError:
        raise StackError("var/ is of an older version of this checkout: `make clean` removes it.") from None


def _platform(addresses: Addresses, issuer: LocalIssuer) -> dict[str, str]:
    return {
        "SAMEPAGE_ENVIRONMENT": "development",
        "SAMEPAGE_BOOTSTRAP_SERVERS": addresses.bootstrap_servers,
        "SAMEPAGE_IS_LOG_KEPT": str(addresses.broker_kind == "kafka").lower(),
        "SAMEPAGE_ISSUER": ISSUER,
        "SAMEPAGE_AUDIENCE": AUDIENCE,
        "SAMEPAGE_KEY_SET_FILE": str(issuer.key_set_file),
        "SAMEPAGE_IS_SYNTHETIC": "true",
    }


def _own(service: str, database: str, ports: Mapping[Door, int], kept: Secrets) -> dict[str, str]:
    """A service's own settings and secrets, and no other's."""
    prefix = f"SAMEPAGE_{service.upper()}"
    variables = {f"{prefix}_DATABASE_URL": database}
    for door, port in ports.items():
        if door.service == service:
            variables[f"{prefix}_{door.kind.upper()}_PORT"] = str(port)
    if service == "intake":
        variables[f"{prefix}_IDENTIFIER_KEY"] = kept.identifier_key
    if service == "analytics":
        variables[f"{prefix}_PSEUDONYM_KEY"] = kept.pseudonym_key
    return variables


def _new_secrets() -> Secrets:
    return Secrets(
        identifier_key=secrets.token_urlsafe(32),
        pseudonym_key=secrets.token_urlsafe(32),
        database_passwords={service: secrets.token_urlsafe(24) for service in (*SERVICES, *ROLES)},
    )


def _write_private(file: Path, content: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(content)
