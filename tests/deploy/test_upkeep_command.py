"""What an operator types, on the databases that the environment names: what is said, and the exit code."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner, Result

from deploy.commands import app
from deploy.doors import SERVICES, Door
from deploy.local.errors import StackError
from deploy.places import named_databases, owner_of, pseudonym_key, reached_broker, reached_database, told
from tests.builders import PATIENT, SITE
from tests.conftest import Databases, FreshDatabase
from tests.deploy.arrived import arrived_everywhere
from tests.deploy.test_upkeep import set_aside, write

LETTER_ID = "[0-9a-f-]{36}"
Samepage = Callable[..., Awaitable[Result]]


@pytest.fixture
async def network(database: Databases) -> Mapping[str, FreshDatabase]:
    return await arrived_everywhere(database)


@pytest.fixture
def environment(network: Mapping[str, FreshDatabase], tmp_path: Path) -> dict[str, str]:
    """What names every database, where no stack ever ran."""
    named = {"SAMEPAGE_PLACE": str(tmp_path), "SAMEPAGE_ANALYTICS_PSEUDONYM_KEY": "p" * 32}
    for service, found in network.items():
        named[f"SAMEPAGE_{service.upper()}_DATABASE_URL"] = found.worker
        named[f"SAMEPAGE_{service.upper()}_OWNER_DATABASE_URL"] = found.owner
    return named


@pytest.fixture
def samepage(environment: dict[str, str]) -> Samepage:
    """`await samepage("reconcile")`, in a thread, since it runs a loop of its own."""

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments, env=environment))

    return run


def refusal(done: Result) -> str:
    """The one sentence that `samepage` says of what can be expected to fail."""
    assert isinstance(done.exception, StackError)
    return str(done.exception)


async def ids(samepage: Samepage) -> list[str]:
    """Of what is set aside, as the list gives them."""
    return [line.split()[1] for line in (await samepage("dead-letters", "list")).stdout.splitlines()]


async def test_what_is_set_aside_is_listed_a_line_each_without_a_patient(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    assert (await samepage("dead-letters", "list")).stdout == "Nothing is set aside.\n"
    await set_aside(network, 2)
    done = await samepage("dead-letters", "list")
    first, second = done.stdout.splitlines()
    assert re.match(f"dashboard  {LETTER_ID}  visit-updated/0@1  dead  ", first)
    assert first.endswith(f" UTC  {SITE}  the handler raised ValueError")
    assert re.match(f"dashboard  {LETTER_ID}  visit-updated/0@2  parked  ", second)
    assert str(PATIENT) not in done.stdout
    assert (await samepage("dead-letters", "list", "--service", "feedback")).stdout == "Nothing is set aside.\n"


async def test_replaying_says_what_became_of_it_and_fails_while_something_still_does(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    await set_aside(network, 2)
    value = await network["dashboard"].value("SELECT value FROM dead_letter WHERE state = 'dead'")
    await network["dashboard"].run("UPDATE dead_letter SET value = 'not JSON' WHERE state = 'dead'")
    done = await samepage("dead-letters", "replay", "dashboard")
    assert (done.exit_code, done.stdout) == (1, "0 applied, 2 still set aside.\n")
    await network["dashboard"].run(f"UPDATE dead_letter SET value = '\\x{value.hex()}' WHERE state = 'dead'")
    dead, parked = await ids(samepage)
    assert refusal(await samepage("dead-letters", "replay", "dashboard", parked)) == (
        f"No dead record of dashboard has the id {parked}."
    )
    done = await samepage("dead-letters", "replay", "dashboard", dead)
    assert (done.exit_code, done.stdout) == (0, "2 applied, 0 still set aside.\n")


async def test_dropping_says_what_went_on_behind_it_and_who_did_it_is_on_record(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    await set_aside(network, 2)
    dead, _ = await ids(samepage)
    drop = ("dead-letters", "drop", "dashboard", dead, "--reason", "of a test", "--by", "tester")
    done = await samepage(*drop)
    said = "Dropped. Of what was parked behind it: 1 applied, 0 still set aside.\n"
    assert (done.exit_code, done.stdout) == (0, said)
    assert refusal(await samepage(*drop)) == f"No dead record of dashboard has the id {dead}."
    assert await network["dashboard"].value("SELECT subject FROM audit WHERE route = 'drop-dead-letter'") == "tester"


async def test_dropping_a_record_without_a_sequence_says_that_what_was_behind_it_waits(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    await set_aside(network, 2)
    others = "SELECT jsonb_agg(one) FROM jsonb_array_elements(headers) AS one WHERE one ->> 0 <> 'ce_sequence'"
    await network["dashboard"].run(f"UPDATE dead_letter SET headers = ({others}) WHERE state = 'dead'")
    dead, _ = await ids(samepage)
    done = await samepage("dead-letters", "drop", "dashboard", dead, "--reason", "of a test", "--by", "tester")
    said = "0 applied, 1 waiting for an event that has not come, 0 still set aside."
    assert (done.exit_code, " ".join(done.stdout.split())) == (0, f"Dropped. Of what was parked behind it: {said}")


async def test_reconciling_fails_and_names_who_lacks_what(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    done = await samepage("reconcile")
    assert done.exit_code == 0
    assert "enrollment-updated" in done.stdout
    await write(network)
    assert (await samepage("reconcile")).exit_code == 0, "it is on its way"
    done = await samepage("reconcile", "--grace", "0")
    assert done.exit_code == 1
    assert f"visit-updated at feedback: missing for {PATIENT} of {SITE}" in done.stdout


async def test_reconciling_says_until_when_there_are_partitions_when_that_is_soon(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    assert "partitions" not in (await samepage("reconcile")).stdout
    (month,) = await network["intake"].rows("SELECT date_trunc('month', now() + interval '2 months') AS begins")
    await network["intake"].run(f"DROP TABLE outbox_{month['begins']:%Y%m}")
    done = await samepage("reconcile")
    said = f"The outbox of intake has partitions until {month['begins']:%Y-%m-01}: run `samepage migrate`."
    assert said in " ".join(done.stdout.split())
    assert done.stdout.count("has partitions") == 1
    assert done.exit_code == 0, "nothing is missing"
    ends = REGISTRY.get_sample_value("samepage_outbox_months_end_timestamp_seconds", {"service": "intake"})
    assert ends == month["begins"].timestamp()


async def test_of_many_the_first_are_named_and_the_others_counted(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    await network["intake"].run(
        "INSERT INTO outbox_head SELECT 'riverbend', 'visit-updated', gen_random_uuid(), 1 FROM generate_series(1, 25)"
    )
    said = (await samepage("reconcile", "--grace", "0")).stdout
    assert said.count("visit-updated at feedback: missing for") == 20
    assert "... and 5 more." in said


async def test_refilling_says_what_is_sent_again_and_to_whom(
    network: Mapping[str, FreshDatabase], samepage: Samepage
) -> None:
    assert (await samepage("refill", "clinical")).stdout == (
        "4 events are sent again, and read again by dashboard, analytics.\n"
    )
    await network["clinical"].run("UPDATE outbox SET xid = xid + 1000000000; UPDATE outbox_head SET sequence = 1")
    said = " ".join((await samepage("refill", "clinical")).stdout.split())
    assert "The outbox was another server's" in said
    assert "1 streams lack events that readers have: they count on behind them." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("refill", "analytics"), "It publishes nothing."),
        (("dead-letters", "list", "--service", "intake"), "The consumers are clinical, dashboard"),
        (("dead-letters", "replay", "intake"), "The consumers are clinical, dashboard"),
        (("dead-letters", "replay", "dashboard", "visit-updated/0@1"), "Input should be a valid UUID"),
        (("rebuild", "dashboard", "--back", "--only-compare"), "Give one of"),
    ],
)
async def test_what_is_asked_wrongly_is_said(samepage: Samepage, arguments: tuple[str, ...], said: str) -> None:
    done = await samepage(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


async def test_a_rebuild_without_the_owner_says_who_is_needed(samepage: Samepage, environment: dict[str, str]) -> None:
    del environment["SAMEPAGE_CLINICAL_OWNER_DATABASE_URL"]
    said = refusal(await samepage("rebuild", "clinical"))
    assert said == "This needs the owner of clinical's database: name SAMEPAGE_CLINICAL_OWNER_DATABASE_URL."


async def test_going_back_where_nothing_was_swapped_is_one_sentence(samepage: Samepage) -> None:
    said = refusal(await samepage("rebuild", "analytics", "--back"))
    assert said == "There is nothing to go back to: no rebuild was swapped in."


def test_databases_are_those_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEPAGE_PLACE", str(tmp_path))
    for service in SERVICES:
        assert named_databases() is None, "not while one is missing"
        with pytest.raises(StackError, match="Nothing runs here"):
            reached_database(service)
        monkeypatch.setenv(f"SAMEPAGE_{service.upper()}_DATABASE_URL", f"postgresql://{service}")
        assert reached_database(service).worker == f"postgresql://{service}"
    named = named_databases()
    assert named is not None
    assert {service: found.worker for service, found in named.items()} == {
        service: f"postgresql://{service}" for service in SERVICES
    }


def test_a_door_is_told_what_the_environment_says_where_that_names_its_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMEPAGE_PLACE", str(tmp_path))
    for find in (lambda: told(Door("analytics", "worker")), pseudonym_key, lambda: reached_broker("analytics")):
        with pytest.raises(StackError, match="Nothing runs here"):
            find()
    monkeypatch.setenv("SAMEPAGE_ANALYTICS_DATABASE_URL", "postgresql://analytics")
    assert pseudonym_key() == ""
    monkeypatch.setenv("SAMEPAGE_ANALYTICS_PSEUDONYM_KEY", "canary")
    assert pseudonym_key() == told(Door("analytics", "worker"))["SAMEPAGE_ANALYTICS_PSEUDONYM_KEY"] == "canary"
    assert reached_broker("analytics") is not None


def test_an_owner_that_nobody_names_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEPAGE_INTAKE_DATABASE_URL", "postgresql://intake")
    with pytest.raises(StackError, match="SAMEPAGE_INTAKE_OWNER_DATABASE_URL"):
        owner_of("intake", reached_database("intake"))
    monkeypatch.setenv("SAMEPAGE_INTAKE_OWNER_DATABASE_URL", "postgresql://owner")
    assert owner_of("intake", reached_database("intake")) == "postgresql://owner"
