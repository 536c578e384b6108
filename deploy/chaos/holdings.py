"""What each place has of surveys, of patients, of revoked links and, on the page, of all: one query each."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.chaos.told import Item
from deploy.databases import KEY_RING
from shared.db import Connection

# Every version is kept where it was written; the page has the newest; feedback knows only that there is one.
_VERSIONS = {
    "intake": """
        SELECT survey_id::text AS id, CASE WHEN change = 'entered-in-error' THEN 0 ELSE 1 + (
            SELECT count(*) FROM survey_version WHERE (survey_version.site_id, survey_version.survey_id)
            = (survey.site_id, survey.survey_id)
        ) END AS number FROM survey
    """,
    "dashboard": """
        SELECT survey.key AS id,
               CASE WHEN survey.value->>'change' = 'entered-in-error' THEN 0 ELSE (survey.value->>'version')::int END
               AS number
        FROM patient_page, jsonb_each(facts->'items'->'surveys') AS survey
    """,
    "feedback": "SELECT survey_id::text AS id, NULL AS number FROM invitation WHERE survey_id IS NOT NULL",
}
_REVOKED = {
    "intake": "SELECT link_id::text AS id FROM visit_link WHERE revoked_at IS NOT NULL",
    **dict.fromkeys(
        ("dashboard", "feedback"), "SELECT substr(subject, 6) AS id FROM ended_subject WHERE subject LIKE 'link:%'"
    ),
}
_SAYING_WHOSE = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name = 'patient_id' AND table_name <> ALL($1)
"""
# What outlives an erasure: who was erased, what was done and by whom, who looked.
_OUTLIVING = ("erasure", "audit", "view", "patient_page", "patient_key")
_PAGES = """
SELECT patient_id::text AS id FROM patient_page
WHERE facts->'erased' = 'null' OR EXISTS (SELECT 1 FROM jsonb_each(facts->'items') AS item WHERE item.value <> '{}')
"""
# What was taken back is kept with its mark. A page says that it was, and names it nowhere else.
_ITEMS = """
SELECT site_id, patient_id::text, section.key, item.key, CASE
    WHEN item.value->>'entered_in_error' IS NOT NULL THEN CASE
        WHEN position(item.key IN (shown - 'taken_back')::text) > 0 THEN 'shown in error'
        WHEN NOT shown->'taken_back' @> jsonb_build_array(jsonb_build_object('id', item.key)) THEN 'in error, not told'
        ELSE 'in error' END
    WHEN section.key = 'enrollment' THEN item.value->>'consent'
    WHEN section.key = 'visits' THEN item.value->>'state'
    WHEN section.key = 'labs' THEN (SELECT count(*)::text FROM jsonb_object_keys(item.value->'versions'))
    ELSE '' END
FROM patient_page, CAST(convert_from(page, 'UTF8') AS jsonb) AS shown,
     jsonb_each(facts->'items') AS section, jsonb_each(section.value) AS item
"""
_KEYS = "SELECT patient_id::text AS id FROM patient_key WHERE wrapped IS NOT NULL"


@dataclass(frozen=True)
class Holding:
    """See `deploy.chaos.evidence.Evidence`; None where a place has no such thing."""

    versions: Mapping[str, int | None] | None
    left: frozenset[str] | None
    revoked: frozenset[str] | None


async def holding_of(connection: Connection, place: str) -> Holding:
    """Of a service, or of the key ring. Analytics knows nobody: its figures tell."""
    versions = await connection.fetch(_VERSIONS[place]) if place in _VERSIONS else None
    revoked = await connection.fetch(_REVOKED[place]) if place in _REVOKED else None
    return Holding(
        versions=None if versions is None else {row["id"]: row["number"] for row in versions},
        left=None if place == "analytics" else await _left(connection, place),
        revoked=None if revoked is None else frozenset(row["id"] for row in revoked),
    )


async def items_of(dashboard: Connection) -> dict[Item, str]:
    """Everything that the facts of each patient have, and how it stands."""
    return {Item(*row[:4]): row[4] for row in await dashboard.fetch(_ITEMS)}


async def _left(connection: Connection, place: str) -> frozenset[str]:
    tables = [row["table_name"] for row in await connection.fetch(_SAYING_WHOSE, _OUTLIVING)]
    statements = [f"SELECT patient_id::text AS id FROM {table} WHERE patient_id IS NOT NULL" for table in tables]
    statements += {"dashboard": [_PAGES], KEY_RING: [_KEYS]}.get(place, [])
    return frozenset(row["id"] for row in await connection.fetch(" UNION ".join(statements)))
