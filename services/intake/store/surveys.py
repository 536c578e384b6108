"""Surveys, any number at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from shared.db import Connection, SiteScope, as_columns
from shared.events import (
    Diagnosis,
    Score,
    VisitState,
)


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """A submitted survey. `response` is what the patient gave in codes, `words` the rest of it, sealed."""

    survey_id: UUID
    visit_id: UUID
    patient_id: UUID
    form: str
    submitted_at: datetime
    response: dict[str, object]
    words: str | None
    scores: Sequence[Score]


async def has_survey(connection: Connection, scope: SiteScope, visit_id: UUID) -> bool:
    """Whether the visit has its survey already."""
    found = await connection.fetchval(
        "SELECT true FROM survey WHERE site_id = ANY($1) AND visit_id = $2", scope.ids, visit_id
    )
    return bool(found)


class Wanted(NamedTuple):
    """A survey that somebody wants to submit: whose it is and for which visit."""

    site_id: str
    patient_id: UUID
    visit_id: UUID


class Standing(NamedTuple):
    """How the patient and the visit of a survey stand; of an erased patient no diagnosis is known."""

    diagnosis: Diagnosis | None
    visit_patient_id: UUID | None
    visit_state: VisitState | None
    has_survey: bool


async def standings(connection: Connection, scope: SiteScope, wanted: Sequence[Wanted]) -> dict[Wanted, Standing]:
    """How it stands with each of these whose patient is, or was, enrolled."""
    rows = await connection.fetch(
        """
        SELECT wanted.*, diagnosis, visit.patient_id AS visit_patient_id, visit.state AS visit_state,
               survey.visit_id IS NOT NULL AS has_survey
        FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS wanted (site_id, patient_id, visit_id)
        LEFT JOIN patient ON (patient.site_id, patient.patient_id) = (wanted.site_id, wanted.patient_id)
        LEFT JOIN erasure ON (erasure.site_id, erasure.patient_id) = (wanted.site_id, wanted.patient_id)
        LEFT JOIN visit ON (visit.site_id, visit.visit_id) = (wanted.site_id, wanted.visit_id)
        LEFT JOIN survey ON (survey.site_id, survey.visit_id) = (wanted.site_id, wanted.visit_id)
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
        )
        for row in rows
    }


async def record_surveys(connection: Connection, surveys: Sequence[tuple[str, SurveyRow]]) -> None:
    """Insert surveys, each at its site."""
    rows = [
        (
            site_id,
            survey.survey_id,
            survey.visit_id,
            survey.patient_id,
            survey.form,
            survey.submitted_at,
            orjson.dumps(survey.response).decode(),
            survey.words,
            orjson.dumps([score.model_dump(mode="json") for score in survey.scores]).decode(),
        )
        for site_id, survey in surveys
    ]
    await connection.execute(
        """
        INSERT INTO survey (site_id, survey_id, visit_id, patient_id, form, submitted_at, response, words, scores)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[],
                             $7::jsonb[], $8::text[], $9::jsonb[])
        """,
        *as_columns(rows),
    )
