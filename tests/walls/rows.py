"""One row of a site in every table of a service: valid, synthetic, and with the same ids at every site."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Table

from deploy.migrate import metadata_of
from services.intake.domain import NETWORK_RULES
from shared.db import Connection
from tests.conftest import FreshDatabase

ID = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0f001")
NAME = "synthetic"
HASH = b"\x01" * 32
_BY_NAME: dict[str, object] = {
    "agreed": "on-paper",
    "change": "completed",
    "change_reason": "other",
    "cancel_reason": "cancelled",
    "cancelled_by": "patient",
    "channel": "email",
    "closed_by": "beacon",
    "consent": "consented",
    "context": "in-visit",
    "diagnosis": "crohns-disease",
    "drug_class": "other",
    "education": "not-said",
    "kind": "read",
    "language": "en",
    "mode": "phone",
    "preferred": "email",
    "reason": "emergency",
    "outcome": "called",
    "risk": "other",
    "role": "clinician",
    "rule": json.dumps(asdict(NETWORK_RULES["severe-pain"])),
    "rule_id": "severe-pain",
    "rule_version": "1.0",
    "scores": "[]",
    "severity": "urgent",
    "sex": "female",
    "site_type": "private",
    "text_language": "en",
    "step": "taken",
    "time_zone": "UTC",
    "visit_state": "completed",
}
_NOT_YET = ("ended_at", "ended_by")
_BY_TYPE: dict[type, object] = {
    UUID: ID,
    bool: True,
    bytes: HASH,
    date: date(2026, 10, 13),
    datetime: datetime(2026, 10, 13, 15, 20, tzinfo=UTC),
    object: "{}",  # JSON
    time: time(10),
    float: 1.0,
    int: 1,
    list: [],
    str: NAME,
}


def tables_of(service: str) -> list[Table]:
    """Its tables with a site, those that others refer to first."""
    return [table for table in metadata_of(service).sorted_tables if "site_id" in table.columns]


def a_row(table: Table, site: str) -> dict[str, Any]:
    """Values for every column that has no default in the database, and for every boolean: a default looks like none."""
    states = {
        "visit": "scheduled",
        "dead_letter": "dead",
        "consent_step": "dissented",
        "alert": "open",
        "link_delivery": "planned",
        "alert_notice": "planned",
    }
    named = _BY_NAME | {"site_id": site, "state": states.get(table.name)}
    if table.name == "consent_step":
        named["reason"] = "other"
    return {
        column.name: named.get(column.name, _BY_TYPE[column.type.python_type])
        for column in table.columns
        if (column.server_default is None or column.type.python_type is bool)
        and not (column.nullable and column.name in _NOT_YET)
    }


async def insert(connection: Connection, table: Table, site: str) -> None:
    """Insert a row of this site."""
    row = a_row(table, site)
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({places})", *row.values())


async def fill(database: FreshDatabase, tables: Iterable[Table], *sites: str) -> None:
    """A row of each site in each table, put there past the walls."""
    connection = await asyncpg.connect(database.admin)
    try:
        for table in tables:
            for site in sites:
                await insert(connection, table, site)
    finally:
        await connection.close()
