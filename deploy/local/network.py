"""The whole system on this machine: where each database and door is, and the environment that tells the doors.

Kept in `var/network.json` (readable by its owner only), so that a restart finds the same ports, passwords and keys.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.doors import DOORS, PROVIDER, SERVICES, Door
from deploy.issuer import LocalIssuer
from deploy.local.databases import ensure_database
from deploy.local.people import SIGNED_IN_TO, LocalPeople
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.stack import Addresses

READS_WORDS = ("intake", "clinical", "dashboard")


@dataclass(frozen=True)
class Secrets:
    """Made once a checkout."""

    seal_key: str
    identifier_key: str
    link_key: str
    pseudonym_key: str
    client_secrets: dict[str, str]
    database_passwords: dict[str, str]


@dataclass(frozen=True)
class Network:
    """Where everything is. `environments` hold secrets, by service: each goes to that service's doors only."""

    addresses: Addresses
    databases: Mapping[str, str]
    ports: Mapping[Door, int]
    issuer: LocalIssuer
    people_file: Path
    environments: Mapping[str, Mapping[str, str]]

    def url(self, service: str) -> str:
        """Base URL of a service's HTTP door."""
        return f"http://{HOST}:{self.ports[Door(service, 'app')]}"


def lay_out(root: Path, addresses: Addresses, *, are_doors_open: bool = False) -> Network:
    """Databases, ports, keys and the environment for a running stack; made if missing, else as before.

    With `are_doors_open` the known ports stay, taken as they are; else a taken port is replaced.
    """
    file = root / "var" / "network.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    kept = Secrets(**(asdict(_new_secrets()) | known.get("secrets", {})))
    ports, doors = tuple(known.get("ports", ())), (*DOORS, PROVIDER)
    if not are_doors_open or len(ports) != len(doors):
        ports = keep_or_choose(ports, len(doors))
    _write_private(file, json.dumps({"secrets": asdict(kept), "ports": list(ports)}))
    issuer = LocalIssuer(root / "var" / "issuer")
    issuer.prepare()
    databases = {
        service: ensure_database(addresses.postgres_admin_dsn, service, kept.database_passwords[service])
        for service in SERVICES
    }
    by_door = dict(zip(doors, ports, strict=True))
    people = LocalPeople(root / "var" / "people", by_door, kept.client_secrets)
    people.prepare()
    platform = _platform(addresses, issuer) | people.told_to_all()
    environments = {
        service: platform | _own(service, databases[service], by_door, kept) | people.told_to(service)
        for service in SERVICES
    }
    environments[PROVIDER.service] = people.told_to_provider()
    return Network(addresses, databases, by_door, issuer, people.file, environments)


def _platform(addresses: Addresses, issuer: LocalIssuer) -> dict[str, str]:
    return {
        "SAMEPAGE_ENVIRONMENT": "development",
        "SAMEPAGE_BOOTSTRAP_SERVERS": addresses.bootstrap_servers,
        "SAMEPAGE_IS_LOG_KEPT": str(addresses.broker_kind == "kafka").lower(),
        "SAMEPAGE_ISSUERS": f"[{issuer.trusted.model_dump_json()}]",
        "SAMEPAGE_IS_SYNTHETIC": "true",
    }


def _own(service: str, database: str, ports: Mapping[Door, int], kept: Secrets) -> dict[str, str]:
    """A service's own settings and secrets, and no other's."""
    prefix = f"SAMEPAGE_{service.upper()}"
    variables = {f"{prefix}_DATABASE_URL": database}
    for door, port in ports.items():
        if door.service == service:
            variables[f"{prefix}_{door.kind.upper()}_PORT"] = str(port)
    if service in READS_WORDS:
        variables["SAMEPAGE_SEAL_KEY"] = kept.seal_key
    if service == "intake":
        variables[f"{prefix}_IDENTIFIER_KEY"] = kept.identifier_key
        variables[f"{prefix}_LINK_KEY"] = kept.link_key
    if service == "analytics":
        variables[f"{prefix}_PSEUDONYM_KEY"] = kept.pseudonym_key
    return variables


def _new_secrets() -> Secrets:
    return Secrets(
        seal_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        identifier_key=secrets.token_urlsafe(32),
        link_key=secrets.token_urlsafe(32),
        pseudonym_key=secrets.token_urlsafe(32),
        client_secrets={service: secrets.token_urlsafe(32) for service in SIGNED_IN_TO},
        database_passwords={service: secrets.token_urlsafe(24) for service in SERVICES},
    )


def _write_private(file: Path, content: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(content)
