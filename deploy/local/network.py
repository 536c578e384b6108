"""The whole system on this machine: where each database and door is, and the environment that tells the doors.

Kept in `var/network.json` (readable by its owner only), so that a restart finds the same ports, passwords and keys.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.databases import Database, database_on
from deploy.doors import DOORS, PROVIDER, SERVICES, Door
from deploy.issuer import LocalIssuer
from deploy.local.people import LocalPeople
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.stack import Addresses
from deploy.secrets import Secrets, completed

READ_WORDS = tuple(Door(service, "app") for service in ("intake", "clinical", "dashboard"))


@dataclass(frozen=True)
class Network:
    """Where everything is. `environments` hold secrets, by door: each goes to that door only."""

    addresses: Addresses
    databases: Mapping[str, Database]
    ports: Mapping[Door, int]
    issuer: LocalIssuer
    people_file: Path
    environments: Mapping[Door, Mapping[str, str]]

    def url(self, service: str) -> str:
        """Base URL of a service's HTTP door."""
        return f"http://{HOST}:{self.ports[Door(service, 'app')]}"


def lay_out(root: Path, addresses: Addresses, *, are_doors_open: bool = False) -> Network:
    """Addresses of databases and doors, keys and environments for a running stack; made if missing, else as before.

    With `are_doors_open` the known ports stay, taken as they are; else a taken port is replaced.
    """
    file = root / "var" / "network.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    kept = completed(known.get("secrets", {}))
    ports, doors = tuple(known.get("ports", ())), (*DOORS, PROVIDER)
    if not are_doors_open or len(ports) != len(doors):
        ports = keep_or_choose(ports, len(doors))
    _write_private(file, json.dumps({"secrets": asdict(kept), "ports": list(ports)}))
    issuer = LocalIssuer(root / "var" / "issuer")
    issuer.prepare()
    databases = {
        service: database_on(addresses.postgres_admin_dsn, service, kept.database_passwords) for service in SERVICES
    }
    by_door = dict(zip(doors, ports, strict=True))
    people = LocalPeople(root / "var" / "people", by_door, kept.client_secrets)
    people.prepare()
    platform = _platform(addresses, issuer) | people.told_to_all()
    environments = {
        door: platform | _own(door, databases[door.service], by_door[door], kept) | people.told_to(door)
        for door in DOORS
    }
    environments[PROVIDER] = people.told_to_provider()
    return Network(addresses, databases, by_door, issuer, people.file, environments)


def _platform(addresses: Addresses, issuer: LocalIssuer) -> dict[str, str]:
    return {
        "SAMEPAGE_ENVIRONMENT": "development",
        "SAMEPAGE_BOOTSTRAP_SERVERS": addresses.bootstrap_servers,
        "SAMEPAGE_IS_LOG_KEPT": str(addresses.broker_kind == "kafka").lower(),
        "SAMEPAGE_ISSUERS": f"[{issuer.trusted.model_dump_json()}]",
        "SAMEPAGE_IS_SYNTHETIC": "true",
    }


def _own(door: Door, database: Database, port: int, kept: Secrets) -> dict[str, str]:
    """A door's own settings and secrets, and no other's."""
    prefix = f"SAMEPAGE_{door.service.upper()}"
    variables = {
        f"{prefix}_DATABASE_URL": database.app if door.kind == "app" else database.worker,
        f"{prefix}_{door.kind.upper()}_PORT": str(port),
    }
    if door in READ_WORDS:
        variables["SAMEPAGE_SEAL_KEY"] = kept.seal_key
    if door.service == "intake":
        variables[f"{prefix}_IDENTIFIER_KEY"] = kept.identifier_key
    if door == Door("intake", "app"):
        variables[f"{prefix}_LINK_KEY"] = kept.link_key
    if door == Door("analytics", "worker"):
        variables[f"{prefix}_PSEUDONYM_KEY"] = kept.pseudonym_key
    return variables


def _write_private(file: Path, content: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(content)
