"""The read model: made of events alone, read a row at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from shared.db import Connection, SiteScope, as_columns
from shared.events import LINK_REVOKED, SITE_UPDATED, Event, SiteUpdated
from shared.sealing import Patient

# Events that the read model shows, by topic: each stream reaches as far as its highest sequence.
ACCOUNT = f"""
    SELECT key AS name, sum((value ->> 'sequence')::bigint)::bigint AS n
    FROM patient_page, jsonb_each(facts -> 'sources') GROUP BY key
    UNION ALL SELECT '{SITE_UPDATED.name}', coalesce(sum(sequence), 0)::bigint FROM site
    UNION ALL SELECT '{LINK_REVOKED.name}', count(*) FROM ended_subject
"""


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page as it was assembled: JSON bytes, words sealed, with the digest that is its ETag.

    One that is shown without what is clinical has another ETag (`is_clinical`).
    """

    site_id: str
    time_zone: str
    content: bytes
    version: str
    shows_clinical_to_coordinators: bool
    care_line: str | None = None
    is_clinical: bool = True

    @property
    def etag(self) -> str:
        return f'"{self.version}"' if self.is_clinical else f'"{self.version}.organising"'

    def is_in(self, tags: str | None) -> bool:
        """Whether this version is among those of an `If-None-Match`; what compresses on the way makes them weak."""
        return self.etag in ((tag.strip().removeprefix("W/") for tag in tags.split(",")) if tags else ())

    def parsed(self) -> dict[str, Any]:
        """The page, its words still sealed."""
        page: dict[str, Any] = orjson.loads(self.content)
        return page


async def hold_facts(
    connection: Connection, patients: Collection[Patient], empty: Mapping[str, Any]
) -> dict[Patient, dict[str, Any]]:
    """The facts of these patients, their rows held until the transaction ends; a new patient's are `empty`.

    Two may find the same patient new at once: whose row is not inserted waits for the other's, and holds that.
    """
    held = await _held(connection, patients)
    if new := set(patients) - held.keys():
        await connection.execute(
            """
            INSERT INTO patient_page (site_id, patient_id, facts, page, version)
            SELECT site_id, patient_id, $3::jsonb, '', '' FROM unnest($1::text[], $2::uuid[]) AS p (site_id, patient_id)
            ON CONFLICT DO NOTHING
            """,
            *as_columns(sorted(new)),
            orjson.dumps(empty).decode(),
        )
        held |= await _held(connection, new)
    return held


async def _held(connection: Connection, patients: Collection[Patient]) -> dict[Patient, dict[str, Any]]:
    rows = await connection.fetch(
        """
        SELECT wanted.*, facts
        FROM unnest($1::text[], $2::uuid[]) AS wanted (site_id, patient_id) CROSS JOIN LATERAL (
            SELECT facts FROM patient_page AS held
            WHERE (held.site_id, held.patient_id) = (wanted.site_id, wanted.patient_id) LIMIT 1 FOR UPDATE
        ) AS held
        """,
        *as_columns(sorted(patients)),
    )
    return {Patient(row["site_id"], row["patient_id"]): orjson.loads(row["facts"]) for row in rows}


async def record_pages(connection: Connection, pages: Sequence[tuple[Patient, Mapping[str, Any], bytes, str]]) -> None:
    """Replace facts, page and version of patients whose rows are held: each is there, and found by its key."""
    rows = [(*key, orjson.dumps(facts).decode(), page, version) for key, facts, page, version in pages]
    await connection.execute(
        """
        INSERT INTO patient_page (site_id, patient_id, facts, page, version)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::jsonb[], $4::bytea[], $5::text[])
        ON CONFLICT (site_id, patient_id)
        DO UPDATE SET facts = excluded.facts, page = excluded.page, version = excluded.version
        """,
        *as_columns(rows),
    )


async def record_sites(connection: Connection, events: Sequence[Event]) -> None:
    """Insert or change sites; an older fact never replaces a newer one."""
    await connection.executemany(
        """
        INSERT INTO site (site_id, name, time_zone, sequence, shows_clinical_to_coordinators, care_line)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (site_id) DO UPDATE
        SET name = $2, time_zone = $3, sequence = $4, shows_clinical_to_coordinators = $5, care_line = $6
        WHERE site.sequence < $4
        """,
        [
            (
                event.site_id,
                event.body.name,
                event.body.time_zone,
                event.sequence,
                event.body.shows_clinical_to_coordinators,
                event.body.care_line,
            )
            for event in events
            if isinstance(event.body, SiteUpdated)
        ],
    )


async def page(connection: Connection, scope: SiteScope, patient_id: UUID) -> StoredPage | None:
    """A patient's page as it was last assembled."""
    found = await pages(connection, scope, [Patient(site_id, patient_id) for site_id in scope.ids])
    return next(iter(found.values()), None)


async def pages(connection: Connection, scope: SiteScope, patients: Sequence[Patient]) -> dict[Patient, StoredPage]:
    """The pages of those of these patients who have one, as they were last assembled."""
    rows = await connection.fetch(
        """
        SELECT wanted.*, coalesce(site.time_zone, 'UTC') AS time_zone, page, version,
            coalesce(site.shows_clinical_to_coordinators, false) AS shows_clinical_to_coordinators, care_line
        FROM unnest($1::text[], $2::uuid[]) AS wanted (site_id, patient_id) CROSS JOIN LATERAL (
            SELECT page, version FROM patient_page AS own
            WHERE (own.site_id, own.patient_id) = (wanted.site_id, wanted.patient_id) LIMIT 1
        ) AS own LEFT JOIN site ON site.site_id = wanted.site_id
        WHERE wanted.site_id = ANY($3)
        """,
        [patient.site_id for patient in patients],
        [patient.patient_id for patient in patients],
        scope.ids,
    )
    return {
        Patient(row["site_id"], row["patient_id"]): StoredPage(
            site_id=row["site_id"],
            time_zone=row["time_zone"],
            content=row["page"],
            version=row["version"],
            shows_clinical_to_coordinators=row["shows_clinical_to_coordinators"],
            care_line=row["care_line"],
        )
        for row in rows
    }


async def newer_versions(
    connection: Connection, scope: SiteScope, known: Collection[tuple[Patient, str]]
) -> dict[tuple[Patient, str], str]:
    """The versions of those of these pages that are no longer the one that is known."""
    rows = await connection.fetch(
        """
        SELECT known.site_id, known.patient_id, known.version AS known, own.version
        FROM unnest($1::text[], $2::uuid[], $3::text[]) AS known (site_id, patient_id, version) CROSS JOIN LATERAL (
            SELECT version FROM patient_page AS own
            WHERE (own.site_id, own.patient_id) = (known.site_id, known.patient_id) LIMIT 1
        ) AS own
        WHERE known.site_id = ANY($4) AND own.version <> known.version
        """,
        *as_columns(((*patient, version) for patient, version in known), width=3),
        scope.ids,
    )
    return {(Patient(row["site_id"], row["patient_id"]), row["known"]): row["version"] for row in rows}


class Home(NamedTuple):
    """The site that a patient's page is of, its time zone, and the patient's language where it is known."""

    site_id: str
    time_zone: str
    language: str | None


async def home_of(connection: Connection, scope: SiteScope, patient_id: UUID) -> Home | None:
    """Where a patient's page is; None when there is none."""
    row = await connection.fetchrow(
        """
        SELECT patient_page.site_id, coalesce(site.time_zone, 'UTC') AS time_zone,
            jsonb_path_query_first(facts, '$.items.enrollment.*.language') #>> '{}' AS language
        FROM patient_page LEFT JOIN site USING (site_id) WHERE patient_page.site_id = ANY($1) AND patient_id = $2
        """,
        scope.ids,
        patient_id,
    )
    return None if row is None else Home(*row)


async def site_name(connection: Connection, scope: SiteScope, site_id: str) -> str | None:
    """What a site is called; None when it is not known."""
    found: str | None = await connection.fetchval(
        "SELECT name FROM site WHERE site_id = ANY($1) AND site_id = $2", scope.ids, site_id
    )
    return found
