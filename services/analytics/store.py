"""Every statement of analytics."""

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from services.analytics import tables
from services.analytics.domain import Answer, SitePipeline
from shared.db import Connection, SiteScope, as_columns
from shared.events import (
    CLINICIAN_DATA_UPDATED,
    DASHBOARD_VIEWED,
    ENROLLMENT_UPDATED,
    FEEDBACK_RECEIVED,
    PATIENT_ERASED,
    SITE_UPDATED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
    YesNoUnsure,
)


class Person(NamedTuple):
    """A patient of a site, as analytics knows one: by pseudonym."""

    site_id: str
    person: str


def _guarded(table: Table) -> str:
    """Insert any number of facts, each thing once; one that is stored is replaced where it is older."""
    columns = ", ".join(table.columns.keys())
    arrays = ", ".join(
        f"${number}::{column.type.compile(_DIALECT)}[]" for number, column in enumerate(table.columns, start=1)
    )
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if not column.primary_key)
    return f"""
        INSERT INTO {table.name} AS old ({columns}) SELECT * FROM unnest({arrays})
        ON CONFLICT ({", ".join(table.primary_key.columns.keys())}) DO UPDATE SET {changes}
        WHERE old.sequence < excluded.sequence
    """


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_FACTS = {
    table.name: (_guarded(table), itemgetter(*table.columns.keys()), itemgetter(*table.primary_key.columns.keys()))
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

_OF_PERSONS = [name for name in _FACTS if "person" in tables.metadata.tables[name].columns]

# Events that the facts show, by topic: each stream reaches as far as its highest sequence. Of an erased person nothing
# is to be shown, so all that was read of them is.
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
ACCOUNT = f"""
    SELECT name, sum(n)::bigint AS n FROM (
        {ACCOUNT} UNION ALL SELECT topic, sum(sequence) FROM consumer_head WHERE (site_id, key) IN (
            SELECT site_id, key FROM consumer_head WHERE topic = '{PATIENT_ERASED.name}'
        ) GROUP BY topic
    ) AS shown GROUP BY name
"""


async def record_facts(connection: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write facts of one table; an older fact never replaces a newer one."""
    statement, values_of, identity_of = _FACTS[table]
    newest = {identity_of(row): values_of(row) for row in sorted(rows, key=itemgetter("sequence"))}
    await connection.execute(statement, *as_columns(newest.values()))


async def record_erasures(connection: Connection, people: Collection[Person]) -> None:
    """Leave nothing of these people but a tombstone each."""
    await connection.executemany(
        "INSERT INTO erasure (site_id, person) VALUES ($1, $2) ON CONFLICT DO NOTHING", list(people)
    )
    for table in _OF_PERSONS:
        await connection.executemany(f"DELETE FROM {table} WHERE site_id = $1 AND person = $2", list(people))


async def erased_among(connection: Connection, scope: SiteScope, people: Collection[str]) -> set[Person]:
    """Those of these people who were erased."""
    rows = await connection.fetch(
        "SELECT site_id, person FROM erasure WHERE site_id = ANY($1) AND person = ANY($2)", scope.ids, list(people)
    )
    return {Person(row["site_id"], row["person"].hex) for row in rows}


_DUE = """
    SELECT visit.site_id, visit.visit, date_trunc('month', visit.scheduled_at AT TIME ZONE 'UTC')::date AS month,
           EXISTS (SELECT 1 FROM survey WHERE survey.site_id = visit.site_id AND survey.visit = visit.visit AND counts
                   AND survey.submitted_at >= visit.scheduled_at - interval '14 days'
                   AND survey.submitted_at <= coalesce(visit.completed_at, visit.scheduled_at + interval '24 hours')
           ) AS is_answered,
           EXISTS (SELECT 1 FROM view WHERE view.site_id = visit.site_id AND view.visit = visit.visit
                   AND view.context = 'in-visit') AS is_viewed
    FROM visit JOIN enrolment USING (site_id, person)
    WHERE site_id = ANY($1) AND enrolment.consent = 'consented'
    AND (visit.state = 'completed' OR (visit.state <> 'cancelled' AND visit.scheduled_at < now()))
"""


async def funnel(connection: Connection, scope: SiteScope) -> asyncpg.Record:
    """Counts of the feasibility funnel, over consenting people. From the visits that were to take place by now, each is
    a part of the one before it: with a survey from the 14 days before, with feedback, used over one month.
    """
    return await _one(
        connection,
        f"""
        WITH person AS (SELECT * FROM enrolment WHERE site_id = ANY($1) AND consent = 'consented'),
        due AS ({_DUE}),
        given AS (SELECT feedback.* FROM feedback JOIN due USING (site_id, visit) WHERE is_answered)
        SELECT (SELECT count(*) FROM site WHERE site_id = ANY($1)) AS sites,
               (SELECT count(DISTINCT site_id) FROM survey JOIN person USING (site_id, person) WHERE counts)
                AS active_sites,
               (SELECT count(*) FROM (SELECT 1 FROM person WHERE clinician IS NOT NULL
                GROUP BY site_id, clinician HAVING count(*) > 5) AS busy) AS clinicians,
               (SELECT count(*) FROM person) AS enrolled,
               (SELECT count(*) FROM due) AS visits,
               (SELECT count(*) FROM due WHERE is_answered) AS surveys,
               (SELECT count(*) FROM given) AS feedback,
               (SELECT count(*) FROM given WHERE used_over_one_month) AS over_one_month
        """,
        scope,
    )


async def participation_by_month(connection: Connection, scope: SiteScope) -> list[asyncpg.Record]:
    """Visits due, those with a survey from the 14 days before, and those with the page opened, by month (UTC)."""
    return await connection.fetch(
        f"""
        SELECT month, count(*) AS visits, count(*) FILTER (WHERE is_answered) AS answered,
               count(*) FILTER (WHERE is_viewed) AS viewed
        FROM ({_DUE}) AS due GROUP BY month ORDER BY month
        """,
        scope.ids,
    )


async def participation_by_site(connection: Connection, scope: SiteScope) -> list[asyncpg.Record]:
    """The same by site; sites without a visit have zeros."""
    return await connection.fetch(
        f"""
        SELECT site.site_id, site.name, site.site_type, count(due.month) AS visits,
               count(*) FILTER (WHERE is_answered) AS answered, count(*) FILTER (WHERE is_viewed) AS viewed
        FROM site LEFT JOIN ({_DUE}) AS due USING (site_id)
        WHERE site_id = ANY($1) GROUP BY site.site_id, site.name, site.site_type ORDER BY site.name
        """,
        scope.ids,
    )


async def first_answers(connection: Connection, scope: SiteScope) -> list[Answer]:
    """Each consenting person's first response."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (site_id, person) feedback.*
        FROM feedback JOIN enrolment USING (site_id, person)
        WHERE site_id = ANY($1) AND enrolment.consent = 'consented'
        ORDER BY site_id, person, received_at, feedback
        """,
        scope.ids,
    )
    return [
        Answer(
            efforts=(row["effort_to_understand"], row["effort_to_listen"], row["effort_to_include"]),
            helped_discussion=row["helped_discussion"],
            helped_what_matters=row["helped_what_matters"],
            helped_decisions=row["helped_decisions"],
            used_in_visit=row["used_in_visit"] == YesNoUnsure.YES,
            used_outside_visit=row["used_outside_visit"] == YesNoUnsure.YES,
            used_over_one_month=row["used_over_one_month"],
        )
        for row in rows
    ]


async def pipeline(connection: Connection, scope: SiteScope) -> list[SitePipeline]:
    """Every site's last event, how long it took to get here, and what is set aside and not dropped."""
    rows = await connection.fetch(
        """
        SELECT site.site_id, site.name, last.applied_at, last.topic,
               extract(epoch FROM last.applied_at - last.sent_at)::float8 AS lag_s,
               (SELECT count(*) FROM dead_letter WHERE dead_letter.site_id = site.site_id AND state <> 'dropped')
                AS dead_letters,
               EXISTS (SELECT 1 FROM survey WHERE survey.site_id = site.site_id AND counts) AS has_started
        FROM site LEFT JOIN LATERAL (
            SELECT applied_at, sent_at, topic FROM delivery WHERE delivery.site_id = site.site_id
            ORDER BY applied_at DESC LIMIT 1
        ) AS last ON true
        WHERE site.site_id = ANY($1)
        """,
        scope.ids,
    )
    return [
        SitePipeline(
            site_id=row["site_id"],
            name=row["name"],
            last_event_at=row["applied_at"],
            last_topic=row["topic"],
            lag_s=row["lag_s"],
            dead_letters=row["dead_letters"],
            has_started=row["has_started"],
        )
        for row in rows
    ]


async def network_scope(connection: Connection, _: SiteScope) -> SiteScope:
    """Every site: operators see aggregates of the whole network."""
    rows = await connection.fetch("SELECT site_id FROM site")
    return SiteScope(frozenset(row["site_id"] for row in rows))


async def _one(connection: Connection, statement: str, scope: SiteScope) -> asyncpg.Record:
    row = await connection.fetchrow(statement, scope.ids)
    if row is None:
        raise LookupError("an aggregate without a row")
    return row
