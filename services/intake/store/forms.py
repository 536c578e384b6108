"""Forms that a site brought: kept for ever as they came, by their url and version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection, SiteScope


@dataclass(frozen=True, slots=True)
class FormRow:
    """A form of a site; `resource` is its Questionnaire, and `status` what that said of itself when it came."""

    form_id: UUID
    url: str
    version: str
    status: str
    title: str
    resource: Mapping[str, Any]
    uploaded_by: str
    uploaded_at: datetime
    retired_at: datetime | None = None


async def record_form(connection: Connection, site_id: str, form: FormRow) -> None:
    """Insert a form. Nothing of it but its retirement ever changes."""
    await connection.execute(
        """
        INSERT INTO form_definition
            (site_id, form_id, url, version, status, title, resource, uploaded_by, uploaded_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        site_id,
        form.form_id,
        form.url,
        form.version,
        form.status,
        form.title,
        orjson.dumps(form.resource).decode(),
        form.uploaded_by,
        form.uploaded_at,
    )


async def record_form_retired(connection: Connection, site_id: str, form_id: UUID, at: datetime, by: str) -> None:
    """Retire a form; one that was retired before stays as it is."""
    await connection.execute(
        """
        UPDATE form_definition SET retired_at = $3, retired_by = $4
        WHERE site_id = $1 AND form_id = $2 AND retired_at IS NULL
        """,
        site_id,
        form_id,
        at,
        by,
    )


async def forms(connection: Connection, scope: SiteScope) -> list[FormRow]:
    """The forms of these sites, the newest first."""
    rows = await connection.fetch(
        "SELECT * FROM form_definition WHERE site_id = ANY($1) ORDER BY uploaded_at DESC, form_id", scope.ids
    )
    return [_form(row) for row in rows]


async def form(connection: Connection, scope: SiteScope, form_id: UUID) -> FormRow | None:
    """A form by its id, also when it was retired."""
    row = await connection.fetchrow(
        "SELECT * FROM form_definition WHERE site_id = ANY($1) AND form_id = $2", scope.ids, form_id
    )
    return None if row is None else _form(row)


async def form_with(connection: Connection, scope: SiteScope, url: str, version: str) -> FormRow | None:
    """A form by its url and version, also when it was retired."""
    row = await connection.fetchrow(
        "SELECT * FROM form_definition WHERE site_id = ANY($1) AND url = $2 AND version = $3", scope.ids, url, version
    )
    return None if row is None else _form(row)


def _form(row: asyncpg.Record) -> FormRow:
    return FormRow(
        form_id=row["form_id"],
        url=row["url"],
        version=row["version"],
        status=row["status"],
        title=row["title"],
        resource=orjson.loads(row["resource"]),
        uploaded_by=row["uploaded_by"],
        uploaded_at=row["uploaded_at"],
        retired_at=row["retired_at"],
    )
