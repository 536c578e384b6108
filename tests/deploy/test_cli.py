"""`samepage` as people run it: what it prints, and that what can be expected to fail fails in one sentence."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from deploy.cli import main
from deploy.doors import DOORS, SERVICES, Door
from deploy.issuer import LocalIssuer
from deploy.keys.places import environment_of, keyring_in
from deploy.principals import grants
from shared.auth import Role, Verifier
from shared.errors import Problem

DATABASE = "postgresql://intake:canary-password@127.0.0.1:1/intake"
KEY_RING = environment_of(keyring_in(Path("nowhere"), DATABASE))


class Said(NamedTuple):
    code: int
    out: str
    error: str

    @property
    def sentence(self) -> str:
        """The one sentence that an expected failure says."""
        assert (self.code, self.error) == (1, "")
        (said,) = self.out.splitlines()
        return said


Samepage = Callable[..., Said]


@pytest.fixture
def samepage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Samepage:
    """`samepage("token", "operator")`, where no stack ever ran."""
    for name in [name for name in os.environ if name.startswith("SAMEPAGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SAMEPAGE_PLACE", str(tmp_path))

    def run(*arguments: str, **environment: str) -> Said:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, re.sub(r"[│╭╮╰╯─\s]+", " ", said.err).strip())

    return run


@pytest.mark.parametrize("arguments", [("token", "operator"), ("trace", str(uuid4())), ("rebuild", "dashboard")])
def test_where_nothing_runs_the_sentence_says_how_to_start_it(samepage: Samepage, arguments: tuple[str, ...]) -> None:
    assert samepage(*arguments).sentence == "Nothing runs here: start it with `samepage stack up` or `samepage demo`."


def test_a_token_is_one_that_the_services_believe(samepage: Samepage, tmp_path: Path) -> None:
    issuer, patient = LocalIssuer(tmp_path / "issuer"), uuid4()
    issuer.prepare()
    folder = ("--issuer-folder", str(issuer.folder))
    verifier = Verifier([issuer.trusted])
    made = samepage("token", "clinician", "--site", "riverbend", "--site", "lakeside", *folder)
    caller = asyncio.run(verifier.caller(made.out.strip()))
    assert (made.code, caller.role, caller.sites) == (0, Role.CLINICIAN, frozenset({"riverbend", "lakeside"}))
    made = samepage("token", "patient", "--site", "riverbend", "--patient", str(patient), *folder)
    assert asyncio.run(verifier.caller(made.out.strip())).patient_id == patient
    made = samepage("token", "operator", "--hours", "-1", *folder)
    with pytest.raises(Problem, match="not valid here"):
        asyncio.run(verifier.caller(made.out.strip()))


def test_an_issuer_that_was_never_made_is_named_in_one_sentence(samepage: Samepage, tmp_path: Path) -> None:
    said = samepage("token", "operator", "--issuer-folder", str(tmp_path / "none")).sentence
    assert "No such file" in said
    assert str(tmp_path / "none") in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "patient", "--site", "riverbend"), "A patient's token names the patient: give --patient."),
        (("token", "administrator"), "'administrator' is not one of"),
        (("trace", "not-an-id"), "Input should be a valid UUID"),
        (("run", "nothing", "app"), "The services are intake, clinical, dashboard, feedback, analytics, each"),
        (("rebuild", "intake"), "The consumers are clinical, dashboard, feedback, analytics."),
    ],
)
def test_what_is_asked_wrongly_is_said_with_the_usage(
    samepage: Samepage, arguments: tuple[str, ...], said: str
) -> None:
    done = samepage(*arguments)
    assert done.code == 2
    assert said in done.error
    assert done.error.startswith("Usage: ")


def test_a_door_without_its_settings_names_each_and_shows_no_secret(samepage: Samepage) -> None:
    said = samepage("run", "intake", "app").sentence
    for name in ("DATABASE_URL", "ROOT_KEYS_FILE", "TOMBSTONES_FILE"):
        assert f"SAMEPAGE_KEYRING_{name} (Field required)" in said
    said = samepage("run", "intake", "app", **KEY_RING).sentence
    assert "SAMEPAGE_INTAKE_DATABASE_URL (Field required)" in said
    assert "SAMEPAGE_INTAKE_IDENTIFIER_KEY (Field required)" in said
    own = {**KEY_RING, "SAMEPAGE_INTAKE_DATABASE_URL": DATABASE, "SAMEPAGE_INTAKE_IDENTIFIER_KEY": "canary"}
    said = samepage("run", "intake", "app", **own).sentence
    assert "SAMEPAGE_INTAKE_IDENTIFIER_KEY (" in said
    assert "canary" not in said
    said = samepage("run", "analytics", "worker", SAMEPAGE_ANALYTICS_DATABASE_URL=DATABASE).sentence
    assert "SAMEPAGE_ANALYTICS_PSEUDONYM_KEY (Field required)" in said
    said = samepage("run", "feedback", "app", SAMEPAGE_FEEDBACK_DATABASE_URL=DATABASE).sentence
    assert said == "Settings of feedback are missing or wrong: SAMEPAGE_NETWORK is not set"
    said = samepage("run", "intake", "app", SAMEPAGE_ENVIRONMENT="canary-land").sentence
    assert "SAMEPAGE_ENVIRONMENT (" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"SECURITY_PROTOCOL": "SASL_SSL", "USERNAME": "u"}, "with security_protocol SASL_SSL: password is missing"),
        ({"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "PASSWORD": "canary"}, "SASL_PLAINTEXT: username is missing"),
        ({"USERNAME": "u", "PASSWORD": "canary"}, "PLAINTEXT: password is of no use, username is of no use"),
        (
            {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "USERNAME": "u", "PASSWORD": "canary", "CA_FILE": __file__},
            "SASL_PLAINTEXT: ca_file is of no use",
        ),
        ({"SECURITY_PROTOCOL": "SSL"}, "SAMEPAGE_KAFKA_SECURITY_PROTOCOL (Input should be 'PLAINTEXT'"),
        ({"CA_FILE": "nowhere.pem"}, "SAMEPAGE_KAFKA_CA_FILE (Path does not point to a file)"),
    ],
)
@pytest.mark.parametrize("arguments", [("run", "intake", "worker"), ("acls", "--apply")])
def test_half_a_login_to_kafka_is_refused_at_the_start(
    samepage: Samepage, arguments: tuple[str, ...], login: dict[str, str], said: str
) -> None:
    own = {**KEY_RING, "SAMEPAGE_INTAKE_DATABASE_URL": DATABASE}
    sentence = samepage(
        *arguments, **own, **{f"SAMEPAGE_KAFKA_{name}": value for name, value in login.items()}
    ).sentence
    assert said in sentence
    assert "canary" not in sentence


def test_the_access_list_is_printed_for_kafka_acls(samepage: Samepage) -> None:
    lines = samepage("acls").out.splitlines()
    assert lines == sorted(grant.options for grant in grants())


def test_a_worker_whose_database_does_not_answer_says_so_and_ends() -> None:
    own = {**KEY_RING, "SAMEPAGE_INTAKE_DATABASE_URL": DATABASE, "SAMEPAGE_INTAKE_LINK_KEY": "l" * 32}
    command = [sys.executable, "-m", "deploy.cli", "run", "intake", "worker"]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False, timeout=60)
    said = Said(done.returncode, done.stdout, done.stderr).sentence
    assert said == "The database of intake does not answer: Connection refused"


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_the_process_of_a_door_loads_no_other_command_and_no_other_service(door: Door) -> None:
    look = f"import sys, deploy.cli, services.{door.service}.{door.kind}; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    )
    others = [f"services.{service}.{part}" for service in SERVICES for part in ("api", "store")]
    unneeded = {"deploy.commands", "alembic", "typer", *(one for one in others if f".{door.service}." not in one)}
    if door.service != "analytics":  # writes its statements after its tables
        unneeded.add("sqlalchemy")
    assert unneeded.isdisjoint(loaded)
