"""Surveys, any number at once, and their versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from pydantic import TypeAdapter

from shared.db import Connection, SiteScope, as_columns
from shared.events import CorrectionReason, Diagnosis, EntryMode, RecordChange, Score, VisitState


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """A version of a survey. `response` is what the patient gave in codes, `words` the rest of it, sealed."""

    site_id: str
    survey_id: UUID
    visit_id: UUID
    patient_id: UUID
    form: str
    submitted_at: datetime
    response: Mapping[str, Any]
    words: str | None
    scores: Sequence[Score]
    author: str
    recorded_at: datetime
    version: int = 1
    change: RecordChange = RecordChange.COMPLETED
    reason: CorrectionReason | None = None
    mode: EntryMode = EntryMode.SELF


async def has_survey(connection: Connection, scope: SiteScope, visit_id: UUID) -> bool:
    """Whether the visit has its survey already."""
    found = await connection.fetchval(
        "SELECT true FROM survey WHERE site_id = ANY($1) AND visit_id = $2 AND change <> 'entered-in-error'",
        scope.ids,
        visit_id,
    )
    return bool(found)


class Wanted(NamedTuple):
    """A survey that somebody wants to submit: whose it is and for which visit."""

    site_id: str
    patient_id: UUID
    visit_id: UUID


class Standing(NamedTuple):
    """How the patient and the visit of a survey stand; of an erased patient no diagnosis is known.

    `left_out` are the optional parts that the site does not ask.
    `rule_change` is the number of the last change that the site made of its rules of alerts; None when it made none.
    """

    diagnosis: Diagnosis | None
    visit_patient_id: UUID | None
    visit_state: VisitState | None
    has_survey: bool
    left_out: frozenset[str]
    rule_change: int | None


async def standings(connection: Connection, scope: SiteScope, wanted: Sequence[Wanted]) -> dict[Wanted, Standing]:
    """How it stands with each of these whose patient is, or was, enrolled."""
    rows = await connection.fetch(
        """
        SELECT wanted.*, diagnosis, visit.patient_id AS visit_patient_id, visit.state AS visit_state,
               survey.visit_id IS NOT NULL AS has_survey,
               (SELECT left_out FROM survey_rule WHERE survey_rule.site_id = wanted.site_id) AS left_out,
               (SELECT max(number) FROM alert_rule WHERE alert_rule.site_id = wanted.site_id) AS rule_change
        FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS wanted (site_id, patient_id, visit_id)
        LEFT JOIN LATERAL (
            SELECT patient_id, diagnosis FROM patient
            WHERE (patient.site_id, patient.patient_id) = (wanted.site_id, wanted.patient_id) LIMIT 1
        ) AS patient ON true
        LEFT JOIN LATERAL (
            SELECT patient_id FROM erasure
            WHERE (erasure.site_id, erasure.patient_id) = (wanted.site_id, wanted.patient_id) LIMIT 1
        ) AS erasure ON true
        LEFT JOIN LATERAL (
            SELECT patient_id, state FROM visit
            WHERE (visit.site_id, visit.visit_id) = (wanted.site_id, wanted.visit_id) LIMIT 1
        ) AS visit ON true
        LEFT JOIN LATERAL (
            SELECT visit_id FROM survey
            WHERE (survey.site_id, survey.visit_id) = (wanted.site_id, wanted.visit_id)
            AND change <> 'entered-in-error' LIMIT 1
        ) AS survey ON true
        WHERE wanted.site_id = ANY($4) AND (patient.patient_id IS NOT NULL OR erasure.patient_id IS NOT NULL)
        """,
        *as_columns(wanted),
        scope.ids,
    )
    return {
        Wanted(row["site_id"], row["patient_id"], row["visit_id"]): Standing(
            diagnosis=None if row["diagnosis"] is None else Diagnosis(row["diagnosis"]),
            visit_patient_id=row["visit_patient_id"],
            visit_state=None if row["visit_state"] is None else VisitState(row["visit_state"]),
            has_survey=row["has_survey"],
            left_out=frozenset(row["left_out"] or ()),
            rule_change=row["rule_change"],
        )
        for row in rows
    }


async def drafts_saved_at(connection: Connection, scope: SiteScope, wanted: Sequence[Wanted]) -> dict[Wanted, datetime]:
    """When the drafts of these visits were saved last."""
    rows = await connection.fetch(
        """
        SELECT wanted.*, saved_at
        FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS wanted (site_id, patient_id, visit_id) CROSS JOIN LATERAL (
            SELECT saved_at FROM survey_draft AS draft
            WHERE (draft.site_id, draft.visit_id) = (wanted.site_id, wanted.visit_id) LIMIT 1
        ) AS draft WHERE wanted.site_id = ANY($4)
        """,
        *as_columns(wanted),
        scope.ids,
    )
    return {Wanted(row["site_id"], row["patient_id"], row["visit_id"]): row["saved_at"] for row in rows}


async def record_surveys(connection: Connection, surveys: Sequence[SurveyRow]) -> None:
    """Insert surveys, each at its site; nothing is left in the drafts of their visits."""
    await connection.execute(
        f"""
        WITH new AS (
            SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[],
                                 $7::jsonb[], $8::text[], $9::jsonb[], $10::integer[], $11::text[], $12::text[],
                                 $13::text[], $14::text[], $15::timestamptz[]) AS new ({_COLUMNS})
        ), sent AS (
            UPDATE survey_draft AS draft SET answers = '{{}}', skipped = '{{}}', words = '{{}}', entered_by = '{{}}',
                entered_at = '{{}}', sent_at = recorded_at
            FROM new WHERE (draft.site_id, draft.visit_id) = (new.site_id, new.visit_id)
        )
        INSERT INTO survey ({_COLUMNS}) SELECT * FROM new
        """,
        *as_columns(map(_values, surveys)),
    )


async def record_correction(connection: Connection, survey: SurveyRow) -> None:
    """Make this the survey as it stands, and keep what stood there before as the version that it was."""
    await connection.execute(
        f"""
        INSERT INTO survey_version ({_COLUMNS})
        SELECT {_COLUMNS} FROM survey WHERE site_id = $1 AND survey_id = $2
        """,
        survey.site_id,
        survey.survey_id,
    )
    await connection.execute(
        """
        UPDATE survey SET form = $5, submitted_at = $6, response = $7, words = $8, scores = $9, version = $10,
                          change = $11, change_reason = $12, mode = $13, author = $14, recorded_at = $15
        WHERE site_id = $1 AND (survey_id, visit_id, patient_id) = ($2, $3, $4)
        """,
        *_values(survey),
    )


async def survey(connection: Connection, scope: SiteScope, survey_id: UUID) -> SurveyRow | None:
    """A survey as it stands."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM survey WHERE site_id = ANY($1) AND survey_id = $2", scope.ids, survey_id
    )
    return None if row is None else _survey(row)


async def newest_survey(
    connection: Connection, scope: SiteScope, patient_id: UUID, form_begins: str
) -> SurveyRow | None:
    """The survey that a patient submitted last to a form whose name begins so."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM survey
        WHERE site_id = ANY($1)
          AND visit_id = ANY(ARRAY(SELECT visit_id FROM visit WHERE site_id = ANY($1) AND patient_id = $2))
          AND starts_with(form, $3) AND change <> 'entered-in-error'
        ORDER BY submitted_at DESC, survey_id LIMIT 1
        """,
        scope.ids,
        patient_id,
        form_begins,
    )
    return None if row is None else _survey(row)


async def earlier_versions(connection: Connection, scope: SiteScope, survey_id: UUID) -> list[SurveyRow]:
    """What stood there before, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM survey_version WHERE site_id = ANY($1) AND survey_id = $2 ORDER BY version DESC",
        scope.ids,
        survey_id,
    )
    return [_survey(row) for row in rows]


_SCORES = TypeAdapter(Sequence[Score])
_COLUMNS = (
    "site_id, survey_id, visit_id, patient_id, form, submitted_at, response, words, scores, version, change, "
    "change_reason, mode, author, recorded_at"
)


def _values(survey: SurveyRow) -> tuple[object, ...]:
    return (
        survey.site_id,
        survey.survey_id,
        survey.visit_id,
        survey.patient_id,
        survey.form,
        survey.submitted_at,
        orjson.dumps(survey.response).decode(),
        survey.words,
        _SCORES.dump_json(survey.scores).decode(),
        survey.version,
        survey.change,
        survey.reason,
        survey.mode,
        survey.author,
        survey.recorded_at,
    )


def _survey(row: asyncpg.Record) -> SurveyRow:
    return SurveyRow(
        site_id=row["site_id"],
        survey_id=row["survey_id"],
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        form=row["form"],
        submitted_at=row["submitted_at"],
        response=orjson.loads(row["response"]),
        words=row["words"],
        scores=_SCORES.validate_json(row["scores"]),
        author=row["author"],
        recorded_at=row["recorded_at"],
        version=row["version"],
        change=RecordChange(row["change"]),
        reason=row["change_reason"] and CorrectionReason(row["change_reason"]),
        mode=EntryMode(row["mode"]),
    )
