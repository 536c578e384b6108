"""Forms that a site brought: kept for ever as they came, by their url and version."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection, SiteScope


class FormState(StrEnum):
    """Only an active form takes new answers; all of them are kept for the answers that they took."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class FormRow:
    """A form of a site without its items; `status` is what it said of itself when it came."""

    form_id: UUID
    url: str
    version: str
    status: str
    title: str
    uploaded_by: str
    uploaded_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.url}|{self.version}"

    @property
    def state(self) -> FormState:
        if self.retired_at is not None:
            return FormState.RETIRED
        return FormState(self.status) if self.activated_at is None else FormState.ACTIVE


@dataclass(frozen=True, slots=True)
class KeptForm(FormRow):
    """The same with its Questionnaire, which may be large."""

    resource: Mapping[str, Any] = field(kw_only=True)


async def record_form(connection: Connection, site_id: str, form: KeptForm) -> None:
    """Insert a form. Nothing of it but its state ever changes."""
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


async def record_form_state(
    connection: Connection, site_id: str, form_id: UUID, state: Literal[FormState.ACTIVE, FormState.RETIRED], by: str
) -> None:
    """Put a draft to use, or take a form out of use for good."""
    what = "activated" if state is FormState.ACTIVE else "retired"
    await connection.execute(
        f"UPDATE form_definition SET {what}_at = now(), {what}_by = $3 WHERE site_id = $1 AND form_id = $2",
        site_id,
        form_id,
        by,
    )


async def forms(connection: Connection, scope: SiteScope) -> list[FormRow]:
    """The forms of these sites, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM form_definition WHERE site_id = ANY($1) ORDER BY uploaded_at DESC, form_id", scope.ids
    )
    return [FormRow(**row) for row in rows]


async def form(connection: Connection, scope: SiteScope, form_id: UUID) -> KeptForm | None:
    """A form by its id, also when it was retired."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS}, resource FROM form_definition WHERE site_id = ANY($1) AND form_id = $2",
        scope.ids,
        form_id,
    )
    return None if row is None else _kept(row)


async def form_with(connection: Connection, scope: SiteScope, url: str, version: str) -> KeptForm | None:
    """A form by its url and version, also when it was retired."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}, resource FROM form_definition
        WHERE site_id = ANY($1) AND url = $2 AND version = $3
        """,
        scope.ids,
        url,
        version,
    )
    return None if row is None else _kept(row)


async def forms_named(connection: Connection, scope: SiteScope, names: Collection[str]) -> list[FormRow]:
    """The forms of these ids, of these `url|version`, and of these urls; the newest first, retired ones too."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM form_definition
        WHERE site_id = ANY($1) AND (form_id::text = ANY($2) OR url = ANY($2) OR url || '|' || version = ANY($2))
        ORDER BY uploaded_at DESC, form_id
        """,
        scope.ids,
        list(names),
    )
    return [FormRow(**row) for row in rows]


_COLUMNS = "form_id, url, version, status, title, uploaded_by, uploaded_at, activated_at, retired_at"


def _kept(row: asyncpg.Record) -> KeptForm:
    return KeptForm(**{**row, "resource": orjson.loads(row["resource"])})
