"""What each door of the local network is told: its own settings and secrets, and nothing of another's."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.doors import DOORS, PROVIDER, SERVICES, Door
from deploy.local.network import HAVE_KEYS, Network, lay_out
from deploy.local.stack import Addresses

ADDRESSES = Addresses("postgresql://postgres:superuser's@127.0.0.1:5432/postgres", "127.0.0.1:9092", "kafka", None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose stack has run."""
    (tmp_path / "var").mkdir()
    return tmp_path


def secrets_of(root: Path) -> dict[str, Any]:
    secrets: dict[str, Any] = json.loads((root / "var" / "network.json").read_text())["secrets"]
    return secrets


def told(network: Network, door: Door) -> str:
    return json.dumps(dict(network.environments[door]))


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_door_knows_the_password_of_its_own_role_and_no_other(root: Path, door: Door) -> None:
    network = lay_out(root, ADDRESSES)
    passwords = secrets_of(root)["database_passwords"]
    assert {role for role, password in passwords.items() if password in told(network, door)} == {
        f"{door.service}_{door.kind}",
        *({f"keyring_{door.service}"} if door in HAVE_KEYS else ()),
    }
    assert len(set(passwords.values())) == 3 * len(SERVICES) + 4
    assert "superuser" not in told(network, door)


def test_a_key_is_given_to_the_doors_that_use_it(root: Path) -> None:
    network = lay_out(root, ADDRESSES)
    keys = {name: key for name, key in secrets_of(root).items() if name.endswith("_key")}
    assert {name: {door for door in DOORS if key in told(network, door)} for name, key in keys.items()} == {
        "identifier_key": {Door("intake", "app")},
        "link_key": {Door("intake", "app"), Door("intake", "worker")},
        "pseudonym_key": {Door("analytics", "worker")},
    }


def test_a_service_that_people_sign_in_to_and_the_provider_know_its_secret_there(root: Path) -> None:
    network = lay_out(root, ADDRESSES)
    for service, secret in secrets_of(root)["client_secrets"].items():
        knowing = {door for door in (*DOORS, PROVIDER) if secret in told(network, door)}
        assert knowing == {Door(service, "app"), PROVIDER}


def test_a_network_from_before_there_were_roles_keeps_its_keys_and_gets_passwords_that_stay(root: Path) -> None:
    file = root / "var" / "network.json"
    lay_out(root, ADDRESSES)
    kept = json.loads(file.read_text())
    kept["secrets"]["database_passwords"] = dict.fromkeys(SERVICES, "before")
    file.write_text(json.dumps(kept))
    first, again = lay_out(root, ADDRESSES), lay_out(root, ADDRESSES)
    assert first.environments == again.environments
    assert kept["secrets"]["identifier_key"] in told(first, Door("intake", "app"))
    assert "before" not in first.databases["intake"].app
