"""What all audits say of one patient, in the order of time. The asking is on record before it is answered."""

import csv
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID

from deploy.databases import connected
from shared.audit import COLUMNS, NETWORK, Entry, Kind, Purpose, act_of_program, record
from shared.auth import Role
from shared.db import Connection

Row = Mapping[str, Any]
NAMES = ("service", *COLUMNS)
_ABOUT = "FROM audit WHERE patient_id = $1 AND ($2::text IS NULL OR site_id = $2)"


async def rows_about(databases: Mapping[str, str], patient_id: UUID, site_id: str | None, *, by: str) -> list[Row]:
    """All rows about a patient, and with them the row of this export in each audit and for each site that they are of.

    Where nothing is known, that the question was asked stands in the first audit: no other learns of a patient.
    """
    act = act_of_program(by, Role.OPERATOR, Purpose.DISCLOSURE, method="CLI", route="audit-export")
    async with AsyncExitStack() as opened:
        audits = {service: await opened.enter_async_context(connected(dsn)) for service, dsn in databases.items()}
        sites = {service: await _sites(audit, patient_id, site_id) for service, audit in audits.items()}
        if not any(sites.values()):
            sites[next(iter(audits))] = [site_id or NETWORK]
        for service, audit in audits.items():
            await record(audit, act, [Entry(site, Kind.EXPORT, 200, patient_id) for site in sites[service]])
        found: list[Row] = [
            {"service": service, **row}
            for service, audit in audits.items()
            for row in await audit.fetch(f"SELECT * {_ABOUT}", patient_id, site_id)
        ]
    return sorted(found, key=lambda row: (row["recorded_at"], row["service"], row["number"]))


async def _sites(audit: Connection, patient_id: UUID, site_id: str | None) -> list[str]:
    return [row["site_id"] for row in await audit.fetch(f"SELECT DISTINCT site_id {_ABOUT}", patient_id, site_id)]


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


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
