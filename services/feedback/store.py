"""Every statement of feedback. Reading functions take the scope of sites; a row of another site does not exist.

A row of `invitation` is made by whichever comes first, the visit or its survey; each topic changes its own columns
only, and only with a newer sequence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.feedback.domain import Invitation
from shared import erasures
from shared.db import Connection, SiteScope
from shared.events import FeedbackReceived, RecordChange, SurveyCompleted, VisitState, VisitUpdated
from shared.sealing import Patient


class VisitRow(NamedTuple):
    """A visit as it stands after the event with this sequence."""

    site_id: str
    sequence: int
    visit: VisitUpdated


class SurveyRow(NamedTuple):
    """A survey as it stands after the event with this sequence."""

    site_id: str
    sequence: int
    survey: SurveyCompleted


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """A visit of a patient: what decides whether it is open, and whether its feedback was given."""

    visit_id: UUID
    patient_id: UUID
    invitation: Invitation
    is_given: bool


async def record_enrolments(connection: Connection, enrolments: Sequence[tuple[str, UUID, int]]) -> None:
    """Remember patients as (site, patient, sequence of the enrolment); the newest sequence stays."""
    await connection.executemany(
        """
        INSERT INTO patient (site_id, patient_id, sequence) VALUES ($1, $2, $3)
        ON CONFLICT (site_id, patient_id) DO UPDATE SET sequence = excluded.sequence
        WHERE patient.sequence < excluded.sequence
        """,
        sorted(enrolments),
    )


async def record_visits(connection: Connection, visits: Sequence[VisitRow]) -> None:
    """Keep how each visit stands; the newest sequence stays."""
    await connection.executemany(
        """
        INSERT INTO invitation (site_id, visit_id, patient_id, visit_sequence, visit_state, visit_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (site_id, visit_id) DO UPDATE
        SET visit_sequence = excluded.visit_sequence, visit_state = excluded.visit_state, visit_at = excluded.visit_at
        WHERE invitation.visit_sequence < excluded.visit_sequence
        """,
        sorted(
            (site_id, visit.visit_id, visit.patient_id, sequence, visit.state, visit.completed_at or visit.scheduled_at)
            for site_id, sequence, visit in visits
        ),
    )


async def record_surveys(connection: Connection, surveys: Sequence[SurveyRow]) -> None:
    """Keep that each visit has a survey, and since when; the newest sequence stays. One in error is none."""
    await connection.executemany(
        """
        INSERT INTO invitation (site_id, visit_id, patient_id, survey_sequence, survey_id, submitted_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (site_id, visit_id) DO UPDATE
        SET survey_sequence = excluded.survey_sequence, survey_id = excluded.survey_id,
            submitted_at = excluded.submitted_at
        WHERE invitation.survey_sequence < excluded.survey_sequence
        """,
        sorted(
            (site_id, survey.visit_id, survey.patient_id, sequence, *_answered_by(survey))
            for site_id, sequence, survey in surveys
        ),
    )


def _answered_by(survey: SurveyCompleted) -> tuple[UUID | None, datetime | None]:
    if survey.change is RecordChange.ENTERED_IN_ERROR:
        return None, None
    return survey.survey_id, survey.submitted_at


async def record_erasure(connection: Connection, patient: Patient, erased_at: datetime) -> None:
    """Leave nothing of a patient but a tombstone."""
    await erasures.record(connection, patient, erased_at, tables=("feedback", "invitation", "patient"))


async def site_of(connection: Connection, scope: SiteScope, patient_id: UUID) -> str | None:
    """The one of these sites at which the patient is enrolled."""
    found: str | None = await connection.fetchval(
        "SELECT site_id FROM patient WHERE site_id = ANY($1) AND patient_id = $2", scope.ids, patient_id
    )
    return found


async def invitation(connection: Connection, scope: SiteScope, visit_id: UUID) -> InvitationRow | None:
    """What is known of a visit; None when nothing is."""
    row = await connection.fetchrow(f"{_INVITATIONS} AND visit_id = $2", scope.ids, visit_id)
    return None if row is None else _invitation(row)


async def invitations(connection: Connection, scope: SiteScope, patient_id: UUID) -> list[InvitationRow]:
    """What is known of a patient's visits, the latest first."""
    rows = await connection.fetch(
        f"{_INVITATIONS} AND patient_id = $2 ORDER BY visit_at DESC NULLS LAST, visit_id", scope.ids, patient_id
    )
    return [_invitation(row) for row in rows]


async def record_feedback(connection: Connection, site_id: str, feedback: FeedbackReceived) -> None:
    """Insert a visit's feedback."""
    await connection.execute(
        """
        INSERT INTO feedback (site_id, feedback_id, visit_id, patient_id, received_at, effort_to_understand,
                              effort_to_listen, effort_to_include, helped_discussion, helped_what_matters,
                              helped_decisions, used_in_visit, used_outside_visit, used_over_one_month)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        site_id,
        feedback.feedback_id,
        feedback.visit_id,
        feedback.patient_id,
        feedback.received_at,
        feedback.effort_to_understand,
        feedback.effort_to_listen,
        feedback.effort_to_include,
        feedback.helped_discussion,
        feedback.helped_what_matters,
        feedback.helped_decisions,
        feedback.used_in_visit,
        feedback.used_outside_visit,
        feedback.used_over_one_month,
    )


_INVITATIONS = """
SELECT visit_id, patient_id, visit_state, visit_at, submitted_at, EXISTS (
    SELECT FROM feedback WHERE feedback.site_id = invitation.site_id AND feedback.visit_id = invitation.visit_id
) AS is_given
FROM invitation WHERE site_id = ANY($1)
"""


def _invitation(row: asyncpg.Record) -> InvitationRow:
    state: str | None = row["visit_state"]
    visit_at: datetime | None = row["visit_at"]
    known = Invitation(None if state is None else VisitState(state), visit_at, row["submitted_at"])
    return InvitationRow(row["visit_id"], row["patient_id"], known, is_given=row["is_given"])
