"""`samepage audit` as it is called: places out of the environment, words on the screen, exit codes."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy.audit.keys import key_file, make_key, public_keys
from deploy.commands import app
from deploy.doors import SERVICES
from deploy.local.stack import Addresses
from shared.notary import extend
from tests.builders import PATIENT, SITE
from tests.conftest import Databases
from tests.shared.acts import look


@pytest.fixture
async def environment(database: Databases, tmp_path: Path) -> dict[str, str]:
    """Five services of which the dashboard has shown a page."""
    made = {f"SAMEPAGE_{service.upper()}_DATABASE_URL": (await database(service)).worker for service in SERVICES}
    connection = await asyncpg.connect(made["SAMEPAGE_DASHBOARD_DATABASE_URL"])
    await look(connection)
    await extend(connection, "dashboard")
    await connection.close()
    make_key(tmp_path)
    return made | {"SAMEPAGE_AUDIT_FOLDER": str(tmp_path), "SAMEPAGE_AUDIT_KEY_FILE": str(key_file(tmp_path))}


async def samepage(*words: str, env: dict[str, str]) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["audit", *words], env={"COLUMNS": "200", **env})


async def test_an_audit_that_is_whole_ends_with_0_and_one_that_is_not_with_1_and_the_row(
    environment: dict[str, str], stack: Addresses
) -> None:
    whole = await samepage("verify", env=environment)
    assert (whole.exit_code, [name for name in SERVICES if name not in whole.output]) == (0, [])
    name = environment["SAMEPAGE_DASHBOARD_DATABASE_URL"].rpartition("/")[2]
    superuser = await asyncpg.connect(f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{name}")
    await superuser.execute("SET session_replication_role = replica; UPDATE audit SET subject = 'nobody'")
    await superuser.close()
    changed = await samepage("verify", env=environment)
    assert changed.exit_code == 1
    assert f"dashboard, {SITE}: changed: row 1, at height 1, is not what was sealed" in changed.output
    others = await samepage("verify", "--service", "intake", "--service", "clinical", env=environment)
    assert (others.exit_code, "dashboard" in others.output) == (0, False)


async def test_an_export_goes_to_the_screen_or_to_a_file_in_either_form(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shown = await samepage("export", "--patient", str(PATIENT), "--by", "records-office", env=environment)
    assert [json.loads(line)["kind"] for line in shown.output.splitlines()] == ["read", "export"]
    file = tmp_path / "about.csv"
    words = ("export", "--patient", str(PATIENT), "--site", SITE, "--format", "csv", "--to", str(file))
    assert (await samepage(*words, env=environment)).exit_code == 0
    assert [line.split(",")[7] for line in file.read_text().splitlines()] == ["kind", "read", "export", "export"]


async def test_a_key_is_made_where_there_is_none_and_changed_when_asked(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path))
    for words, count in ((("--if-missing",), 1), (("--if-missing",), 1), ((), 2)):
        assert (await samepage("new-key", *folder, *words, env={})).exit_code == 0
        assert len(public_keys(tmp_path / "public")) == count
