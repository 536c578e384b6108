"""Every statement of analytics."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert

from services.analytics import tables
from shared.db import Connection, core_many


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


async def record_facts(connection: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write facts of one table; an older fact never replaces a newer one."""
    statement, names = _FACTS[table]
    await connection.executemany(statement, [tuple(row[name] for name in names) for row in rows])
