"""The whole system on this machine: where each database and door is, and the environment that tells the doors.

Kept in `var/network.json` (readable by its owner only), so that a restart finds the same ports, passwords and keys.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from deploy.audit.keys import key_file, make_key
from deploy.databases import Database, KeyRingDatabase, database_on, keyring_on
from deploy.doors import DOORS, PROVIDER, SERVICES, Door
from deploy.issuer import LocalIssuer
from deploy.keys.places import ensure_files, environment_of, keyring_in
from deploy.local.errors import StackError
from deploy.local.people import LocalPeople
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.stack import Addresses, audit_folder
from deploy.secrets import Secrets, completed
from services.intake.settings import FolderSettings
from shared.keyring import KeyRingSettings

# Intake's worker finishes erasures, and opens the addresses that it sends links to.
HAVE_KEYS = (Door("intake", "app"), Door("intake", "worker"), Door("clinical", "app"), Door("dashboard", "app"))


@dataclass(frozen=True)
class Network:
    """Where everything is. `environments` hold secrets, by door: each goes to that door only.

    `audit` holds the signed heads of the audit, beside the keys of who signs them. `keyring` is for its owner, who
    rotates keys.
    """

    addresses: Addresses
    databases: Mapping[str, Database]
    ports: Mapping[Door, int]
    issuer: LocalIssuer
    audit: Path
    people_file: Path
    environments: Mapping[Door, Mapping[str, str]] = field(repr=False)
    keyring_database: KeyRingDatabase
    keyring: KeyRingSettings

    def url(self, service: str) -> str:
        """Base URL of a service's HTTP door."""
        return f"http://{HOST}:{self.ports[Door(service, 'app')]}"


def lay_out(root: Path, addresses: Addresses, *, are_doors_open: bool = False) -> Network:
    """Addresses of databases and doors, keys and environments for a running stack; made if missing, else as before.

    With `are_doors_open` the known ports stay, taken as they are; else a taken port is replaced.
    """
    file = root / "var" / "network.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    kept = _kept(known.get("secrets", {}))
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
    audit = root / "var" / audit_folder(addresses.broker_kind)
    if not key_file(audit).exists():
        make_key(audit)
    platform = _platform(addresses, issuer) | people.told_to_all()
    signing = {"SAMEPAGE_AUDIT_FOLDER": str(audit / "heads"), "SAMEPAGE_AUDIT_KEY_FILE": str(key_file(audit))}
    environments = {
        door: platform
        | _own(door, databases[door.service], by_door[door], kept)
        | people.told_to(door)
        | (_messenger(root) if door == Door("intake", "worker") else {})
        | (signing if door.kind == "worker" else {})
        for door in DOORS
    }
    environments[PROVIDER] = people.told_to_provider()
    key_database = keyring_on(addresses.postgres_admin_dsn, kept.database_passwords)
    keyring = keyring_in(root / "var" / "keyring", key_database.owner)
    ensure_files(keyring.root_keys_file, keyring.tombstones_file)
    for door in HAVE_KEYS:
        dsn = SecretStr(key_database.readers[door.service])
        environments[door] |= environment_of(keyring.model_copy(update={"database_url": dsn}))
    return Network(addresses, databases, by_door, issuer, audit, people.file, environments, key_database, keyring)


def _kept(known: dict[str, Any]) -> Secrets:
    try:
        return completed(known)
    except TypeError:
        raise StackError("var/ is of an older version of this checkout: `make clean` removes it.") from None


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
    if door == Door("intake", "app"):
        variables[f"{prefix}_IDENTIFIER_KEY"] = kept.identifier_key
    if door.service == "intake":
        variables[f"{prefix}_LINK_KEY"] = kept.link_key
    if door == Door("analytics", "worker"):
        variables[f"{prefix}_PSEUDONYM_KEY"] = kept.pseudonym_key
    return variables


def _messenger(root: Path) -> dict[str, str]:
    """Messages to patients are files here, and leave this machine in no way."""
    told = FolderSettings(kind="folder", path=root / "var" / "messages")
    return {"SAMEPAGE_INTAKE_MESSENGER": told.model_dump_json()}


def _write_private(file: Path, content: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(content)
