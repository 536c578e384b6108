"""The list of coming visits, each with how far its link and its survey have come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.intake.domain import Cancellation, Contact, DeliveryState, LinkProgress, link_progress
from services.intake.store.contacts import contact_in
from services.intake.store.patients import cancelled_in
from shared.db import Connection, SiteScope
from shared.events import Language, VisitState

MOST_VISITS = 500
_LIST = """
SELECT visit.site_id, visit.visit_id, visit.patient_id, visit.clinician_id, scheduled_at, visit.state,
       checked_in_at, completed_at, cancel_reason, cancelled_by,
       patient.birth_year, patient.sex, patient.diagnosis, patient.consent,
       high_risk.patient_id IS NOT NULL AS is_at_high_risk,
       survey.submitted_at AS answered_at, survey.response->>'language' AS answered_in,
       draft.form AS draft_form, draft.part AS draft_part, draft.answers AS draft_answers, draft.saved_at,
       linked_at, opened_at, latest.state AS delivery, coalesce(latest.ended_at, latest.due_at) AS delivery_at,
       messages.sent_at, asked_at,
       has_email, has_phone, preferred, contact.language, wants_messages
FROM visit
JOIN patient ON (patient.site_id, patient.patient_id) = (visit.site_id, visit.patient_id)
LEFT JOIN high_risk ON (high_risk.site_id, high_risk.patient_id) = (visit.site_id, visit.patient_id)
     AND high_risk.ended_at IS NULL
LEFT JOIN survey ON (survey.site_id, survey.visit_id) = (visit.site_id, visit.visit_id)
     AND survey.change <> 'entered-in-error'
LEFT JOIN survey_draft AS draft ON (draft.site_id, draft.visit_id) = (visit.site_id, visit.visit_id)
     AND draft.sent_at IS NULL
LEFT JOIN contact ON (contact.site_id, contact.patient_id) = (visit.site_id, visit.patient_id)
LEFT JOIN LATERAL (
    SELECT max(made_at) AS linked_at, max(visit_link.opened_at) AS opened_at FROM visit_link
    WHERE (visit_link.site_id, visit_link.visit_id) = (visit.site_id, visit.visit_id) AND revoked_at IS NULL
) AS links ON true
LEFT JOIN LATERAL (
    SELECT link_delivery.state, link_delivery.ended_at, due_at FROM link_delivery
    WHERE (link_delivery.site_id, link_delivery.visit_id) = (visit.site_id, visit.visit_id)
    AND link_delivery.state <> 'stopped'
    ORDER BY ended_at DESC NULLS LAST, due_at LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT max(link_delivery.ended_at) FILTER (WHERE link_delivery.state IN ('sent', 'not-known')) AS sent_at,
           max(due_at) FILTER (WHERE kind = 'by-hand' AND link_delivery.state IN ('planned', 'sending')) AS asked_at
    FROM link_delivery
    WHERE (link_delivery.site_id, link_delivery.visit_id) = (visit.site_id, visit.visit_id)
) AS messages ON true
"""


class Person(NamedTuple):
    """Whom a visit is of, as far as intake knows them."""

    birth_year: int
    sex: str
    diagnosis: str
    consent: str
    is_at_high_risk: bool


class StartedSurvey(NamedTuple):
    """A survey that is being answered: its form, how far the patient has come, and the answers in codes."""

    form: str
    part: int
    answers: Mapping[str, Any]
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class VisitWithLink:
    """A visit of the list, with what its link has come to.

    `delivery` is the latest message that was not stopped, `delivery_at` when it ended or is due. `sent_at` is when one
    went last, as `Outlook.last_sent_at` has it; `asked_at` when one goes that a person has asked for.
    """

    site_id: str
    visit_id: UUID
    patient_id: UUID
    clinician_id: str
    scheduled_at: datetime
    state: VisitState
    checked_in_at: datetime | None
    completed_at: datetime | None
    cancelled: Cancellation
    person: Person
    answered_at: datetime | None
    answered_in: Language | None
    started: StartedSurvey | None
    linked_at: datetime | None
    opened_at: datetime | None
    delivery: DeliveryState | None
    delivery_at: datetime | None
    sent_at: datetime | None
    asked_at: datetime | None
    contact: Contact | None

    @property
    def progress(self) -> LinkProgress:
        """What has happened last."""
        return link_progress(
            self.delivery,
            has_link=self.linked_at is not None,
            is_opened=self.opened_at is not None,
            is_started=self.started is not None,
            has_survey=self.answered_at is not None,
            wants_messages=self.contact is None or self.contact.wants_messages,
        )


async def visits_with_links(
    connection: Connection, scope: SiteScope, begins: datetime, ends: datetime | None
) -> list[VisitWithLink]:
    """The visits from `begins` up to `ends`, or all that come, in their order, each with how its link stands.

    Those that were cancelled are left out, and what is behind the first 500.
    """
    rows = await connection.fetch(
        f"""
        {_LIST}
        WHERE visit.site_id = ANY($1) AND scheduled_at >= $2 AND ($3::timestamptz IS NULL OR scheduled_at < $3)
        AND visit.state <> 'cancelled'
        ORDER BY scheduled_at, visit.visit_id LIMIT $4
        """,
        scope.ids,
        begins,
        ends,
        MOST_VISITS,
    )
    return [_listed(row) for row in rows]


async def visit_with_link(connection: Connection, scope: SiteScope, visit_id: UUID) -> VisitWithLink | None:
    """One visit as the list has it, a cancelled one too."""
    row = await connection.fetchrow(
        f"{_LIST} WHERE visit.site_id = ANY($1) AND visit.visit_id = $2", scope.ids, visit_id
    )
    return None if row is None else _listed(row)


def _listed(row: asyncpg.Record) -> VisitWithLink:
    return VisitWithLink(
        site_id=row["site_id"],
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        clinician_id=row["clinician_id"],
        scheduled_at=row["scheduled_at"],
        state=VisitState(row["state"]),
        checked_in_at=row["checked_in_at"],
        completed_at=row["completed_at"],
        cancelled=cancelled_in(row),
        person=Person(*(row[name] for name in Person._fields)),
        answered_at=row["answered_at"],
        answered_in=None if row["answered_in"] is None else Language(row["answered_in"]),
        started=None if row["draft_form"] is None else _started(row),
        linked_at=row["linked_at"],
        opened_at=row["opened_at"],
        delivery=None if row["delivery"] is None else DeliveryState(row["delivery"]),
        delivery_at=row["delivery_at"],
        sent_at=row["sent_at"],
        asked_at=row["asked_at"],
        contact=None if row["wants_messages"] is None else contact_in(row),
    )


def _started(row: asyncpg.Record) -> StartedSurvey:
    return StartedSurvey(row["draft_form"], row["draft_part"], orjson.loads(row["draft_answers"]), row["saved_at"])
