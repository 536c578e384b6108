"""Every statement of analytics."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from services.analytics import tables
from shared.db import Connection, core_many
from shared.events import (
    CLINICIAN_DATA_UPDATED,
    DASHBOARD_VIEWED,
    ENROLLMENT_UPDATED,
    FEEDBACK_RECEIVED,
    SITE_UPDATED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
)


def _guarded(table: Table) -> tuple[str, tuple[str, ...]]:
    """Insert a fact, or replace it where the stored one is older."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changes = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return core_many(
        statement.on_conflict_do_update(
            index_elements=keys, set_=changes, where=table.c.sequence < statement.excluded.sequence
        )
    )


_FACTS = {
    table.name: _guarded(table)
    for table in (
        tables.site,
        tables.enrolment,
        tables.visit,
        tables.survey,
        tables.clinical_fact,
        tables.view,
        tables.feedback,
    )
}

# Events that the facts show, by topic: each stream reaches as far as its highest sequence.
ACCOUNT = " UNION ALL ".join(
    f"""
    SELECT '{topic.name}' AS name, coalesce(sum(newest), 0)::bigint AS n
    FROM (SELECT max(sequence) AS newest FROM {table} GROUP BY site_id, {stream}) AS streams
    """
    for topic, table, stream in (
        (SITE_UPDATED, "site", "site_id"),
        (ENROLLMENT_UPDATED, "enrolment", "person"),
        (VISIT_UPDATED, "visit", "person"),
        (SURVEY_COMPLETED, "survey", "person"),
        (CLINICIAN_DATA_UPDATED, "clinical_fact", "person"),
        (DASHBOARD_VIEWED, "view", "person"),
        (FEEDBACK_RECEIVED, "feedback", "person"),
    )
)


async def record_facts(connection: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write facts of one table; an older fact never replaces a newer one."""
    statement, names = _FACTS[table]
    await connection.executemany(statement, [tuple(row[name] for name in names) for row in rows])
