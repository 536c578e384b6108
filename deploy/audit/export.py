"""What all audits say of one patient, in the order of time. The asking is on record before it is answered."""

import csv
import getpass
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID, uuid4

import asyncpg

from shared.audit import COLUMNS, NETWORK, Act, Entry, Kind, Purpose, record
from shared.auth import Role

Row = Mapping[str, Any]
NAMES = ("service", *COLUMNS)
_SITES = "SELECT DISTINCT site_id FROM audit WHERE patient_id = $1 AND ($2::text IS NULL OR site_id = $2)"
_ROWS = "SELECT * FROM audit WHERE patient_id = $1 AND ($2::text IS NULL OR site_id = $2)"


async def rows_about(databases: Mapping[str, str], patient_id: UUID, site_id: str | None, *, by: str) -> list[Row]:
    """All rows about a patient, those of this export among them: one in each audit that was asked, of each site that
    it was asked about.
    """
    act = Act(by, Role.OPERATOR, Purpose.DISCLOSURE, "CLI", "audit-export", uuid4().hex, secrets.token_hex(16))
    found: list[Row] = []
    for service, dsn in databases.items():
        connection = await asyncpg.connect(dsn)
        try:
            sites = [row["site_id"] for row in await connection.fetch(_SITES, patient_id, site_id)]
            await record(
                connection,
                act,
                [Entry(site, Kind.EXPORT, 200, patient_id) for site in sites or [site_id or NETWORK]],
            )
            found += [{"service": service, **row} for row in await connection.fetch(_ROWS, patient_id, site_id)]
        finally:
            await connection.close()
    return sorted(found, key=lambda row: (row["recorded_at"], row["service"], row["number"]))


def write_ndjson(rows: Sequence[Row], out: TextIO) -> None:
    """One JSON object a line."""
    for row in rows:
        out.write(json.dumps({name: _plain(row[name]) for name in NAMES}, ensure_ascii=False) + "\n")


def write_csv(rows: Sequence[Row], out: TextIO) -> None:
    """The same as a table; ids that were asked for are separated by spaces."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(NAMES)
    writer.writerows([" ".join(value) if isinstance(value := _plain(row[name]), list) else value for name in NAMES]
                     for row in rows)  # fmt: skip


def login_name() -> str:
    """Who uses this machine now."""
    return f"command-line:{getpass.getuser()}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
