"""What docker-compose.yml and Prometheus are told is what the code has: its doors, settings, secrets and metrics."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.doors import DOORS, SERVICES, Door
from deploy.health import port_of
from deploy.issuer import ISSUER
from deploy.local.kafka import GUARDED, SETTINGS
from deploy.local.network import HAVE_KEYS
from deploy.secrets import KAFKA_ADMIN, KAFKA_PREPARE, KAFKA_USERS, SIGNED_IN_TO, compose_variables, write_env_file
from shared import telemetry
from shared.auth import TrustedIssuer
from shared.settings import SignIn
from tests.containers.engine import variable_of

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_FILE)
PROMETHEUS = ROOT / "deploy" / "prometheus"
DOOR_NAMES = {str(door) for door in DOORS}


def environment_of(service: str) -> dict[str, str]:
    environment: dict[str, str] = COMPOSE["services"][service]["environment"]
    return environment


def test_every_door_is_run_and_watched() -> None:
    commands = {name: service.get("command") for name, service in COMPOSE["services"].items()}
    assert {name: commands.get(name) for name in DOOR_NAMES} == {
        str(door): ["run", door.service, door.kind] for door in DOORS
    }
    doors, upkeep = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    assert upkeep["static_configs"] == [{"targets": ["reconcile:8000"]}]
    assert set(doors["static_configs"][0]["targets"]) == {
        f"{door}:{port_of(environment_of(str(door)))}" for door in DOORS
    }


def test_doors_that_share_a_network_have_each_a_port_of_their_own_that_is_published_on_this_machine_only() -> None:
    sharing = {name for name, one in COMPOSE["services"].items() if one.get("network_mode") == "service:doors"}
    assert sharing == {str(door) for door in DOORS if door.kind == "app"} | {"people"}
    ports = [(name, value) for one in sharing for name, value in environment_of(one).items() if name.endswith("_PORT")]
    inside = {str(value) for _, value in ports}
    published = [binding.partition(":") for binding in COMPOSE["services"]["doors"]["ports"]]
    assert {host for host, _, _ in published} == {"127.0.0.1"}
    assert inside == {mapped.rpartition("}:")[2] for _, _, mapped in published}
    assert len(inside) == len(ports) == len(sharing)


def test_everybody_is_told_the_same_of_issuers_and_addresses() -> None:
    platform = COMPOSE["x-platform"]
    issuer, network, urls = (json.loads(platform[f"SAMEPAGE_{name}"]) for name in ("ISSUERS", "NETWORK", "PUBLIC_URLS"))
    assert TrustedIssuer.model_validate(*issuer).issuer == ISSUER
    assert TrustedIssuer.model_validate(network).issuer == urls["intake"]
    assert urls.keys() == set(SERVICES)
    provider = environment_of("people")
    clients = json.loads(provider["SAMEPAGE_PROVIDER_CLIENTS"])
    assert [client["client_id"] for client in clients] == [f"samepage-{service}" for service in SIGNED_IN_TO]
    for service, client in zip(SIGNED_IN_TO, clients, strict=True):
        own = environment_of(f"{service}-app")
        sign_in = SignIn.model_validate_json(own[f"SAMEPAGE_{service.upper()}_SIGN_IN"])
        assert (sign_in.issuer, sign_in.client_id) == (provider["SAMEPAGE_PROVIDER_ISSUER"], client["client_id"])
        assert own[f"SAMEPAGE_{service.upper()}_SIGN_IN__CLIENT_SECRET"] == client["secret"]
        assert client["redirect_uri"] == f"{urls[service]}/sign-in/callback"


def test_kafka_is_set_as_on_the_local_stack() -> None:
    environment = {name: str(value).lower() for name, value in environment_of("kafka").items()}
    settings = (SETTINGS | GUARDED).items()
    local = {variable_of(name): value.lower() for name, value in settings}
    assert environment.items() >= local.items()


def test_who_speaks_to_kafka_is_itself_there() -> None:
    names = {name: service.get("environment", {}) for name, service in COMPOSE["services"].items()}
    users = {name: found for name in names if (found := names[name].get("SAMEPAGE_KAFKA_USERNAME"))}
    assert users == {user: user for user in KAFKA_USERS if user.endswith("-worker")} | {
        "migrate": KAFKA_PREPARE,
        "acls": KAFKA_ADMIN,
    }
    for name, user in users.items():
        secret = f"${{SAMEPAGE_KAFKA_{user}_PASSWORD:?run `make secrets`}}".upper().replace("-", "_")
        assert names[name]["SAMEPAGE_KAFKA_PASSWORD"].upper().replace("-", "_") == secret
        assert names[name]["SAMEPAGE_KAFKA_SECURITY_PROTOCOL"] == "SASL_PLAINTEXT"


def test_every_secret_is_asked_for_and_none_has_a_default() -> None:
    assert set(re.findall(r"\$\{(\w+):\?run `make secrets`\}", COMPOSE_FILE)) == compose_variables().keys()
    others = set(re.findall(r"\$\{(\w+)", COMPOSE_FILE)) - compose_variables().keys()
    assert others == {f"SAMEPAGE_{what.upper()}_PORT" for what in (*SERVICES, "people", "prometheus")} | {
        "COMPOSE_PROJECT_NAME"
    }


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_door_is_given_its_own_secrets_and_no_others(door: Door) -> None:
    given = set(re.findall(r"\$\{SAMEPAGE_(\w+?):\?", " ".join(map(str, environment_of(str(door)).values()))))
    own = {f"{door.service}_{door.kind}_PASSWORD".upper()}
    own |= {f"KEYRING_{door.service}_PASSWORD".upper()} if door in HAVE_KEYS else set()
    own |= {f"KAFKA_{door.service}_WORKER_PASSWORD".upper()} if door.kind == "worker" else set()
    own |= {"IDENTIFIER_KEY"} if door == Door("intake", "app") else set()
    own |= {"LINK_KEY"} if door.service == "intake" else set()
    own |= {f"{door.service}_CLIENT_SECRET".upper()} if door.service in SIGNED_IN_TO and door.kind == "app" else set()
    own |= {"PSEUDONYM_KEY"} if door == Door("analytics", "worker") else set()
    assert given == own


def test_secrets_once_made_stay_as_they_are_and_are_their_owners_only(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert write_env_file(file)
    first = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert set(re.findall(r"^(\w+)=.{32,}$", first, re.MULTILINE)) == compose_variables().keys()
    assert not write_env_file(file)
    assert file.read_text() == first
    kept = "SAMEPAGE_IDENTIFIER_KEY=as-it-was\n"
    file.write_text(kept)
    assert write_env_file(file)
    assert file.read_text().startswith(kept)
    assert {line.partition("=")[0] for line in file.read_text().splitlines()} == compose_variables().keys()
    assert compose_variables().items().isdisjoint(compose_variables().items())


def test_alerts_ask_for_metrics_that_there_are() -> None:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    asked = {name for rule in groups[0]["rules"] for name in re.findall(r"samepage_\w+", rule["expr"])}
    assert len(asked) == 14
    assert asked <= set(re.findall(r'"(samepage_\w+)"', Path(telemetry.__file__).read_text()))
