"""Alerts: raised with the surveys that they are about, and each step that people or the clock take with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.intake.domain import Alert, AlertState, NewAlert, Outcome, Severity, StepKind
from shared.db import Connection, SiteScope, as_columns

_RAISE = """
INSERT INTO alert (site_id, alert_id, patient_id, survey_id, visit_id, form, rule_id, rule_version, severity, answer,
                   weight, submitted_at, raised_at, is_late, repeats, state, version, outcome, closed_at, waits_since,
                   escalates_after, escalates_at, escalation)
SELECT site_id, alert_id, patient_id, survey_id, visit_id, form, rule_id, rule_version, severity, answer,
       weight, submitted_at, raised_at, is_late, repeats, CASE WHEN repeats IS NULL THEN 'open' ELSE 'closed' END, 1,
       CASE WHEN repeats IS NOT NULL THEN 'suppressed' END, CASE WHEN repeats IS NOT NULL THEN raised_at END, raised_at,
       escalates_after::integer[], CASE WHEN repeats IS NULL THEN escalates_at END, 0
FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::float8[], $11::float8[], $12::timestamptz[], $13::timestamptz[], $14::boolean[], $15::uuid[],
            $16::text[], $17::timestamptz[], $18::timestamptz[])
     AS new (site_id, alert_id, patient_id, survey_id, visit_id, form, rule_id, rule_version, severity, answer, weight,
             submitted_at, raised_at, is_late, repeats_new, escalates_after, escalates_at, quiet_since)
CROSS JOIN LATERAL (
    SELECT coalesce((
        SELECT earlier.alert_id FROM alert AS earlier JOIN survey USING (site_id, survey_id)
        WHERE (earlier.site_id, earlier.patient_id, earlier.rule_id) = (new.site_id, new.patient_id, new.rule_id)
        AND survey.change <> 'entered-in-error'
        AND (earlier.state = 'open' OR (
            earlier.repeats IS NULL AND earlier.weight >= new.weight
            AND (earlier.survey_id = new.survey_id OR (
                earlier.raised_at > new.quiet_since
                AND earlier.submitted_at > new.submitted_at - (new.raised_at - new.quiet_since)
            ))
        ))
        ORDER BY earlier.state = 'closed', earlier.raised_at DESC LIMIT 1
    ), repeats_new) AS repeats
) AS decided
"""
_LIST = """
SELECT alert.*, patient.birth_year, patient.diagnosis, visit.scheduled_at, site.time_zone,
       survey.change = 'entered-in-error' AS is_in_error,
       survey.change = 'amended' AND survey.recorded_at > alert.raised_at AS is_amended,
       coalesce(repeated.times, 0) AS times_repeated,
       repeated.last_at AS last_repeated_at, repeated.worst AS worst_repeated,
       notices.made, notices.sent, notices.not_sent, notices.why_not
FROM alert
JOIN patient USING (site_id, patient_id)
JOIN visit USING (site_id, visit_id)
JOIN site USING (site_id)
JOIN survey USING (site_id, survey_id)
LEFT JOIN LATERAL (
    SELECT count(*) AS times, max(again.submitted_at) AS last_at,
           (array_agg(again.answer ORDER BY again.weight DESC))[1] AS worst
    FROM alert AS again
    WHERE (again.site_id, again.patient_id, again.rule_id) = (alert.site_id, alert.patient_id, alert.rule_id)
    AND again.repeats = alert.alert_id
) AS repeated ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS made, count(*) FILTER (WHERE notice.state = 'sent') AS sent,
           count(*) FILTER (WHERE notice.state IN ('came-back', 'failed', 'not-known')) AS not_sent,
           max(notice.reason) FILTER (WHERE notice.state <> 'stopped') AS why_not
    FROM alert_notice AS notice
    WHERE (notice.site_id, notice.made_at) = (alert.site_id, alert.told_at)
) AS notices ON true
"""


class Told(NamedTuple):
    """What became of the notices that were made last of an alert, one an address: so many, when, how many were taken,
    and how many were not and will not be tried again. `why_not` is the code that a try of one ended with.
    """

    at: datetime | None
    made: int
    sent: int
    not_sent: int
    why_not: str | None


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert beside what staff need to know whom it is about; whether its survey was marked as entered in error
    since, or amended; how often the answer came again meanwhile, and how bad it was at its worst; and who was told of
    it.
    """

    alert: Alert
    birth_year: int
    diagnosis: str
    visit_at: datetime
    time_zone: str
    is_in_error: bool
    is_amended: bool
    times_repeated: int
    last_repeated_at: datetime | None
    worst_repeated: float | None
    told: Told


class AlertStep(NamedTuple):
    """What somebody did with an alert, or the clock: then `done_by` is `clock`. `note` is sealed for this step."""

    step_id: UUID
    kind: StepKind
    done_at: datetime
    done_by: str
    note: str | None = None


class KeptStep(NamedTuple):
    """A step as it is kept, with how the alert stood after it."""

    step: AlertStep
    owner: str | None
    outcome: Outcome | None
    escalation: int


class Place(NamedTuple):
    """Where an alert stands in the list of the open ones: those without an owner first, then the oldest."""

    has_owner: bool
    raised_at: datetime
    alert_id: UUID


async def record_alerts(connection: Connection, alerts: Sequence[NewAlert]) -> None:
    """Insert alerts of any sites, whose patients are held: each open, or closed at once where it is a repeat."""
    rows = [
        (
            new.site_id,
            new.alert_id,
            new.patient_id,
            new.survey_id,
            new.visit_id,
            new.form,
            new.met.rule.id,
            new.met.rule.version,
            new.met.rule.settings.severity,
            new.met.answer,
            new.met.weight,
            new.submitted_at,
            new.raised_at,
            new.is_late,
            new.repeats,
            _as_array(new.met.rule.settings.escalates_after),
            new.first_escalation_at,
            new.quiet_since,
        )
        for new in alerts
    ]
    await connection.execute(_RAISE, *as_columns(rows))


async def alert(connection: Connection, scope: SiteScope, alert_id: UUID) -> ShownAlert | None:
    """An alert by its id."""
    row = await connection.fetchrow(f"{_LIST} WHERE alert.site_id = ANY($1) AND alert_id = $2", scope.ids, alert_id)
    return None if row is None else _shown(row)


async def waiting_alerts(connection: Connection, scope: SiteScope, after: Place | None, most: int) -> list[ShownAlert]:
    """The alerts that are not closed: those without an owner first, then the oldest."""
    rows = await connection.fetch(
        f"""
        {_LIST} WHERE alert.site_id = ANY($1) AND alert.state <> 'closed'
        AND ($2::boolean IS NULL OR (owner IS NOT NULL, raised_at, alert_id) > ($2, $3::timestamptz, $4::uuid))
        ORDER BY owner IS NOT NULL, raised_at, alert_id LIMIT $5
        """,
        scope.ids,
        *(after or (None, None, None)),
        most,
    )
    return [_shown(row) for row in rows]


async def alert_steps(connection: Connection, scope: SiteScope, alert_id: UUID) -> list[KeptStep]:
    """What was done with an alert, the first step first."""
    rows = await connection.fetch(
        "SELECT * FROM alert_step WHERE site_id = ANY($1) AND alert_id = $2 ORDER BY done_at, step_id",
        scope.ids,
        alert_id,
    )
    return [
        KeptStep(
            AlertStep(row["step_id"], StepKind(row["step"]), row["done_at"], row["done_by"], row["note"]),
            row["owner"],
            None if row["outcome"] is None else Outcome(row["outcome"]),
            row["escalation"],
        )
        for row in rows
    ]


async def record_alert_step(connection: Connection, alert: Alert, step: AlertStep) -> bool:
    """Keep a step of a person and how the alert stands after it; False when somebody else came first.

    What is open again is told of again.
    """
    status = await connection.execute(
        """
        UPDATE alert SET state = $3, owner = $4, version = $5, outcome = $6, closed_at = $7, waits_since = $8,
                         escalates_at = $9, escalation = CASE WHEN $3 = 'open' THEN $10 ELSE escalation END,
                         told_level = CASE WHEN $3 = 'open' THEN NULL ELSE told_level END,
                         told_at = CASE WHEN $3 = 'open' THEN NULL ELSE told_at END
        WHERE site_id = $1 AND alert_id = $2 AND version = $5 - 1
        """,
        alert.site_id,
        alert.alert_id,
        alert.state,
        alert.owner,
        alert.version,
        alert.outcome,
        alert.closed_at,
        alert.waits_since,
        alert.escalates_at,
        alert.escalation,
    )
    if status != "UPDATE 1":
        return False
    await _record_steps(connection, [(alert, step)])
    return True


async def hold_due_alerts(connection: Connection, now: datetime, most: int) -> list[Alert]:
    """Alerts of all sites that nobody took in time, the longest due first; those that somebody else holds are left."""
    rows = await connection.fetch(
        "SELECT * FROM alert WHERE escalates_at <= $1 ORDER BY escalates_at LIMIT $2 FOR UPDATE SKIP LOCKED", now, most
    )
    return [_alert(row) for row in rows]


async def record_escalations(connection: Connection, alerts: Sequence[tuple[Alert, AlertStep]]) -> None:
    """Keep the levels that these alerts have reached, with a step each. They are held (`hold_due_alerts`)."""
    await connection.execute(
        """
        UPDATE alert SET escalation = reached.escalation, escalates_at = reached.escalates_at
        FROM unnest($1::text[], $2::uuid[], $3::smallint[], $4::timestamptz[])
             AS reached (site_id, alert_id, escalation, escalates_at)
        WHERE (alert.site_id, alert.alert_id) = (reached.site_id, reached.alert_id)
        """,
        *as_columns((one.site_id, one.alert_id, one.escalation, one.escalates_at) for one, _ in alerts),
    )
    await _record_steps(connection, alerts)


async def _record_steps(connection: Connection, steps: Sequence[tuple[Alert, AlertStep]]) -> None:
    rows = [
        (
            alert.site_id,
            step.step_id,
            alert.alert_id,
            alert.patient_id,
            step.kind,
            step.done_at,
            step.done_by,
            alert.owner,
            alert.outcome,
            alert.escalation,
            step.note,
        )
        for alert, step in steps
    ]
    await connection.execute(
        """
        INSERT INTO alert_step (site_id, step_id, alert_id, patient_id, step, done_at, done_by, owner, outcome,
                                escalation, note)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[],
                             $8::text[], $9::text[], $10::smallint[], $11::text[])
        """,
        *as_columns(rows),
    )


def _as_array(minutes: Sequence[int]) -> str:
    return f"{{{','.join(map(str, minutes))}}}"


def _shown(row: asyncpg.Record) -> ShownAlert:
    return ShownAlert(
        alert=_alert(row),
        birth_year=row["birth_year"],
        diagnosis=row["diagnosis"],
        visit_at=row["scheduled_at"],
        time_zone=row["time_zone"],
        is_in_error=row["is_in_error"],
        is_amended=row["is_amended"],
        times_repeated=row["times_repeated"],
        last_repeated_at=row["last_repeated_at"],
        worst_repeated=row["worst_repeated"],
        told=Told(row["told_at"], row["made"], row["sent"], row["not_sent"], row["why_not"]),
    )


def _alert(row: asyncpg.Record) -> Alert:
    return Alert(
        site_id=row["site_id"],
        alert_id=row["alert_id"],
        patient_id=row["patient_id"],
        survey_id=row["survey_id"],
        visit_id=row["visit_id"],
        form=row["form"],
        rule_id=row["rule_id"],
        rule_version=row["rule_version"],
        severity=Severity(row["severity"]),
        answer=row["answer"],
        submitted_at=row["submitted_at"],
        raised_at=row["raised_at"],
        is_late=row["is_late"],
        repeats=row["repeats"],
        state=AlertState(row["state"]),
        owner=row["owner"],
        version=row["version"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        closed_at=row["closed_at"],
        waits_since=row["waits_since"],
        escalates_after=tuple(row["escalates_after"]),
        escalation=row["escalation"],
    )
