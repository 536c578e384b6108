"""Secrets are shown nowhere: not by what holds them, not by a door that cannot start, not by the image."""

import dataclasses
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings

import deploy
import services
import shared
from deploy.doors import Door, settings_class
from deploy.local.errors import StackError
from deploy.local.network import lay_out
from deploy.local.stack import Addresses
from deploy.mounted import FOLDER, take_in
from services import ROLES, SERVICES
from tests.conftest import ROOT
from tests.deploy.test_network import secrets_of

CANARY = "Quagga-Synthetic-1984-of-thirty-two-characters"
# By name, what holds a secret or an address with a password in it.
NAMED_LIKE_SECRETS = re.compile(r"(^|_)(key|password|secret|token|dsn)s?$|database_url$|^environ(ments)?$")
# Named so and none: a record's key is a patient's id, keys of an audit are public or a folder, a rate is of tokens; and
# what is handed on at once: a token that was just made, one of a session that was just ended.
NONE = {
    "shared.http.sessions.Ended",
    *("shared.broker.Stream", "shared.broker.Message", "shared.broker.Record", "shared.events.envelope.Event"),
    *("shared.outbox.Draft", "shared.outbox.Progress", "deploy.upkeep.reconcile.Place", "shared.settings.Rates"),
    *(
        "shared.group_commit.GroupWork",
        "shared.group_commit._Waiting",
        "shared.http.commands._Kept",
        *("shared.http.conclusion.StoredAnswer", "shared.group_commit.GroupSettings"),
    ),
    *("deploy.audit.command.Places", "deploy.audit.verify.Verification.keys", "shared.http.provider._Described.token"),
    *("services.intake.api.tokens.AccessToken", "shared.http.public_keys.KeySetDocument", "shared.heads.Book.key"),
    *("shared.keyring.settings.KeyRingSettings.cached_keys",),
    *("services.intake.domain.forms.Form.key", "services.intake.domain.questionnaires.definition.Constraint.key"),
    *("services.intake.pages.worklist.Worklist.key", "services.intake.pages.worklist.Around.key"),
    "services.dashboard.api.ehr_servers.SmartServer.token",  # where tokens are asked for
}


def classes() -> Iterator[type]:
    for package in (shared, services, deploy):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                for found in vars(import_module(module.name)).values():
                    if inspect.isclass(found) and found.__module__ == module.name:
                        yield found


def fields() -> Iterator[tuple[str, Any]]:
    """Every field that is named like a secret, with its type, or with whether its `repr` hides it."""
    for found in classes():
        name = f"{found.__module__}.{found.__qualname__}"
        if dataclasses.is_dataclass(found):
            shown: dict[str, Any] = {field.name: not field.repr for field in dataclasses.fields(found)}
        elif issubclass(found, BaseModel):
            shown = {field: info.annotation for field, info in found.model_fields.items()}
        else:
            shown = dict.fromkeys(getattr(found, "_fields", ()), False)
        for field, how in shown.items():
            if NAMED_LIKE_SECRETS.search(field) and not {name, f"{name}.{field}"} & NONE:
                yield f"{name}.{field}", how


@pytest.mark.parametrize(("name", "how"), list(fields()), ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_named_like_a_secret_is_hidden_by_what_holds_it(name: str, how: Any) -> None:
    kinds = set(get_args(how)) - {type(None)} or {how}
    if get_origin(how) is dict:
        kinds.discard(str)  # its names
    assert how is True or kinds == {SecretStr}, name


def test_the_walk_finds_the_secrets_that_there_are() -> None:
    found = {name.partition(".")[2] for name, _ in fields()}
    assert {"settings.KafkaLogin.password", "settings.ServiceSettings.database_url"} <= found
    assert {
        "intake.settings.IntakeAppSettings.link_key",
        "intake.settings.SmtpSettings.password",
        "intake.settings.WebhookSettings.secret",
        "databases._Login.password",
        "secrets.Secrets.link_key",
    } <= found
    assert len([one for one in classes() if issubclass(one, BaseSettings)]) > 10


SETTINGS = {
    "SAMEPAGE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "SAMEPAGE_KAFKA_USERNAME": "somebody",
    "SAMEPAGE_KAFKA_PASSWORD": CANARY,
    "SAMEPAGE_KEYRING_DATABASE_URL": f"postgresql://somebody:{CANARY}@127.0.0.1:1/keyring",
    "SAMEPAGE_KEYRING_ROOT_KEYS_FILE": "nowhere",
    "SAMEPAGE_KEYRING_TOMBSTONES_FILE": "nowhere",
    "SAMEPAGE_INTAKE_DATABASE_URL": f"postgresql://somebody:{CANARY}@127.0.0.1:1/intake",
    "SAMEPAGE_INTAKE_IDENTIFIER_KEY": CANARY,
    "SAMEPAGE_INTAKE_LINK_KEY": CANARY,
    "SAMEPAGE_INTAKE_SIGNING_KEY_FILES": "[]",
    "SAMEPAGE_INTAKE_MESSENGER": '{"kind": "smtp", "host": "mail.test", "username": "x", "from_address": "x@x.test"}',
    "SAMEPAGE_INTAKE_MESSENGER__PASSWORD": CANARY,
    "SAMEPAGE_INTAKE_SIGN_IN": f'{{"issuer": "https://x.test", "client_id": "x", "client_secret": "{CANARY}"}}',
    "SAMEPAGE_PUBLIC_URLS": '{"intake": "https://intake.samepage.test"}',
}


@pytest.mark.parametrize("kind", ["app", "worker"])
def test_settings_show_no_secret_however_they_are_printed(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    for name, value in (SETTINGS | {"SAMEPAGE_INTAKE_SIGNING_KEY_FILES": '["x.pem"]'}).items():
        monkeypatch.setenv(name, value)
    settings = settings_class(Door("intake", kind))()
    assert CANARY in settings.database_url.get_secret_value()
    assert CANARY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert CANARY not in repr(settings.platform) + str(vars(settings))


def strings_in(kept: Any) -> Iterator[str]:
    """Every string of what was kept as JSON, at any depth."""
    if isinstance(kept, str):
        yield kept
    else:
        for below in kept.values():
            yield from strings_in(below)


def test_the_local_network_shows_no_secret(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    addresses = Addresses(f"postgresql://postgres:{CANARY}@127.0.0.1:1/postgres", "127.0.0.1:2", "kafka", None)
    shown = repr(lay_out(tmp_path, addresses))
    secrets = list(strings_in(secrets_of(tmp_path)))
    assert len(set(secrets)) > len(SERVICES) * len(ROLES), "the passwords of all roles are among them"
    assert not [secret for secret in [CANARY, *secrets] if secret in shown]


def said_by_a_door(kind: str, **changes: str) -> str:
    """All that a door says that cannot start."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("SAMEPAGE_")} | SETTINGS | changes
    command = [sys.executable, "-m", "deploy.cli", "run", "intake", kind]
    ended = subprocess.run(command, env=told, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


HALF = f'{{"issuer": "https://x.test", "client_secret": "{CANARY}'
CANNOT_START = [
    ("app", {}),
    ("worker", {}),
    ("app", {"SAMEPAGE_INTAKE_DATABASE_URL": f"postgresql://somebody:{CANARY}@127.0.0.1:port/intake"}),
    ("worker", {"SAMEPAGE_INTAKE_DATABASE_URL": f"postgresql://somebody:{CANARY}@127.0.0.1:1/x?sslmode={CANARY}"}),
    ("worker", {"SAMEPAGE_INTAKE_DATABASE_URL": f"{CANARY}@nowhere"}),
    ("app", {"SAMEPAGE_INTAKE_SIGN_IN": HALF}),
    ("app", {"SAMEPAGE_INTAKE_SIGN_IN": f'["{CANARY}"]'}),
    ("app", {"SAMEPAGE_INTAKE_LINK_KEY": CANARY[:20]}),
    ("app", {"SAMEPAGE_KAFKA_SECURITY_PROTOCOL": CANARY}),
    ("worker", {"SAMEPAGE_KAFKA_CA_FILE": CANARY}),
]


@pytest.mark.parametrize(("kind", "changes"), CANNOT_START, ids=lambda value: value if isinstance(value, str) else "")
def test_a_door_that_cannot_start_tells_no_secret(kind: str, changes: dict[str, str]) -> None:
    assert CANARY[:20] not in said_by_a_door(kind, **changes)


def test_settings_are_taken_from_mounted_files(tmp_path: Path) -> None:
    (tmp_path / "SAMEPAGE_INTAKE_LINK_KEY").write_text(f"{CANARY}\n")
    (tmp_path / "..data").write_text("what Kubernetes puts beside them")
    environment = {FOLDER: str(tmp_path)}
    take_in(environment)
    assert environment == {FOLDER: str(tmp_path), "SAMEPAGE_INTAKE_LINK_KEY": CANARY}
    with pytest.raises(
        StackError, match="SAMEPAGE_INTAKE_LINK_KEY is in the environment and in SAMEPAGE_SECRETS_FOLDER"
    ):
        take_in(environment)
    nothing: dict[str, str] = {}
    take_in(nothing)
    assert nothing == {}


def test_a_mounted_secret_does_not_stand_in_the_environment_that_the_system_shows(tmp_path: Path) -> None:
    (tmp_path / "SAMEPAGE_CANARY").write_text(CANARY)
    program = (
        "import os; from pathlib import Path; from deploy.mounted import take_in; take_in(os.environ);"
        "print(os.environ['SAMEPAGE_CANARY'], Path('/proc/self/environ').read_bytes())"
    )
    if not Path("/proc/self/environ").exists():
        pytest.skip("no /proc here")
    told = {**os.environ, FOLDER: str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-c", program], env=told, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.count(CANARY) == 1


def test_the_image_is_built_from_no_secret() -> None:
    """Nothing is handed to the build but code: no argument, no variable, and no file that is kept out of git."""
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert copied == [["requirements.lock"], ["shared"], ["services"], ["deploy"]]
    assert not [line for line in lines if re.match(r"\s*(ARG|ADD|RUN --mount=type=secret)", line)]
    assert [line for line in lines if line.startswith("ENV")] == ["ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"!requirements.lock", "!shared", "!services", "!deploy"} == {one for one in ignored if one.startswith("!")}
    assert "*" in ignored
