"""Everything on record about a patient, out of all services, and the asking too."""

import csv
import io
import json
import stat
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.audit.export import NAMES, rows_about, write_csv, write_ndjson
from deploy.audit.keys import key_file, make_key, public_folder, public_keys
from shared.audit import NETWORK
from shared.heads import book_of
from shared.settings import Platform
from tests.builders import PATIENT, SITE
from tests.conftest import Databases
from tests.shared.acts import look

OTHER_SITE = "lakeside"
BY = "records-office"


@pytest.fixture
async def databases(database: Databases) -> dict[str, str]:
    """Two services that have shown a patient at two sites, and another patient."""
    made = {service: await database(service) for service in ("intake", "dashboard")}
    for times, service in enumerate(("intake", "dashboard", "intake"), start=1):
        connection = await asyncpg.connect(made[service])
        await look(connection, SITE, times=times)
        await look(connection, OTHER_SITE)
        await look(connection, SITE, patient_id=uuid4())
        await connection.close()
    return made


async def test_all_rows_about_a_patient_come_in_the_order_of_time_with_those_of_the_export(
    databases: dict[str, str],
) -> None:
    rows = await rows_about(databases, PATIENT, None, by=BY)
    assert {row["patient_id"] for row in rows} == {PATIENT}
    assert [row["service"] for row in rows if row["kind"] == "read"] == ["intake"] * 2 + ["dashboard"] * 3 + [
        "intake"
    ] * 4
    times = [row["recorded_at"] for row in rows]
    assert times == sorted(times)
    exports = {(row["service"], row["site_id"], row["subject"]) for row in rows if row["kind"] == "export"}
    assert exports == {(service, site, BY) for service in databases for site in (SITE, OTHER_SITE)}


async def test_an_export_for_a_site_holds_and_marks_that_site_only(databases: dict[str, str]) -> None:
    rows = await rows_about(databases, PATIENT, OTHER_SITE, by=BY)
    assert {row["site_id"] for row in rows} == {OTHER_SITE}
    assert sum(row["kind"] == "export" for row in rows) == 2


async def test_an_audit_that_knows_nothing_of_the_patient_learns_nothing_from_the_asking(
    databases: dict[str, str], database: Databases
) -> None:
    asked = databases | {"analytics": await database("analytics")}
    assert {row["service"] for row in await rows_about(asked, PATIENT, None, by=BY)} == set(databases)


async def test_asking_about_somebody_who_is_not_known_is_on_record_all_the_same(databases: dict[str, str]) -> None:
    rows = await rows_about(databases, uuid4(), None, by=BY)
    assert [(row["service"], row["site_id"], row["kind"]) for row in rows] == [("intake", NETWORK, "export")]


async def test_both_forms_say_the_same(databases: dict[str, str]) -> None:
    rows = await rows_about(databases, PATIENT, None, by=BY)
    lines, table = io.StringIO(), io.StringIO()
    write_ndjson(rows, lines)
    write_csv(rows, table)
    objects = [json.loads(line) for line in lines.getvalue().splitlines()]
    records = list(csv.DictReader(io.StringIO(table.getvalue())))
    assert [list(one) for one in objects] == [list(NAMES)] * len(rows)
    for row, one, record in zip(rows, objects, records, strict=True):
        assert (UUID(one["patient_id"]), datetime.fromisoformat(one["recorded_at"])) == (PATIENT, row["recorded_at"])
        assert record == {
            name: " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
            for name, value in one.items()
        }


def test_a_new_key_signs_from_now_on_and_the_old_one_stays_known(tmp_path: Path) -> None:
    first, second = make_key(tmp_path), make_key(tmp_path)
    assert set(public_keys(public_folder(tmp_path))) == {first, second}
    assert stat.S_IMODE(key_file(tmp_path).stat().st_mode) == 0o600
    book = book_of(Platform(audit_folder=tmp_path / "heads", audit_key_file=key_file(tmp_path)), "intake")
    assert book is not None
    assert book.key.public_key() == public_keys(public_folder(tmp_path))[second]


def test_without_a_key_there_is_no_book() -> None:
    assert book_of(Platform(), "intake") is None
