"""Surveys while they are answered, and what a site says to those who answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.db import Connection, SiteScope
from shared.events import Diagnosis, Language, SkipReason


@dataclass(frozen=True, slots=True)
class DraftRow:
    """What was answered so far. `words` are texts by item, each sealed for its item of this record.

    `entered_by`: the subject who entered each answer; of those from before that was kept nobody is known.
    `entered_at`: when each question was given the answer that it has, or lost it.
    `sent_at`: when it became a survey; nothing is in it since.
    """

    site_id: str
    visit_id: UUID
    patient_id: UUID
    form: str
    language: Language
    part: int
    answers: Mapping[str, Any]
    skipped: Mapping[str, SkipReason]
    words: Mapping[str, str]
    entered_by: Mapping[str, str]
    entered_at: Mapping[str, datetime]
    started_at: datetime
    saved_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SurveyRule:
    """Whom a site's patients call, which optional parts it does not ask, and which own form of which diagnosis."""

    care_line: str | None = None
    left_out: Sequence[str] = ()
    forms: Mapping[Diagnosis, str] = field(default_factory=dict)


async def draft(connection: Connection, scope: SiteScope, visit_id: UUID) -> DraftRow | None:
    """The draft of a visit's survey."""
    row = await connection.fetchrow(
        "SELECT * FROM survey_draft WHERE site_id = ANY($1) AND visit_id = $2", scope.ids, visit_id
    )
    if row is None:
        return None
    skipped = orjson.loads(row["skipped"])
    return DraftRow(
        site_id=row["site_id"],
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        form=row["form"],
        language=Language(row["language"]),
        part=row["part"],
        answers=orjson.loads(row["answers"]),
        skipped={item: SkipReason(reason) for item, reason in skipped.items()},
        words=orjson.loads(row["words"]),
        entered_by=orjson.loads(row["entered_by"]),
        entered_at={item: datetime.fromisoformat(at) for item, at in orjson.loads(row["entered_at"]).items()},
        started_at=row["started_at"],
        saved_at=row["saved_at"],
        sent_at=row["sent_at"],
    )


async def record_draft(connection: Connection, draft: DraftRow) -> None:
    """Insert a draft or replace it."""
    await connection.execute(
        """
        INSERT INTO survey_draft (site_id, visit_id, patient_id, form, language, part, answers, skipped, words,
                                  entered_by, entered_at, started_at, saved_at, sent_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (site_id, visit_id) DO UPDATE
        SET form = $4, language = $5, part = $6, answers = $7, skipped = $8, words = $9, entered_by = $10,
            entered_at = $11, started_at = $12, saved_at = $13, sent_at = $14
        """,
        draft.site_id,
        draft.visit_id,
        draft.patient_id,
        draft.form,
        draft.language,
        draft.part,
        orjson.dumps(draft.answers).decode(),
        orjson.dumps(draft.skipped).decode(),
        orjson.dumps(draft.words).decode(),
        orjson.dumps(draft.entered_by).decode(),
        orjson.dumps(draft.entered_at).decode(),
        draft.started_at,
        draft.saved_at,
        draft.sent_at,
    )


async def survey_rule(connection: Connection, scope: SiteScope, site_id: str) -> SurveyRule | None:
    """What a site says to those who answer; None when it said nothing."""
    row = await connection.fetchrow(
        "SELECT care_line, left_out, forms FROM survey_rule WHERE site_id = $1 AND site_id = ANY($2)",
        site_id,
        scope.ids,
    )
    if row is None:
        return None
    forms = {Diagnosis(diagnosis): form for diagnosis, form in orjson.loads(row["forms"]).items()}
    return SurveyRule(row["care_line"], row["left_out"], forms)


async def record_survey_rule(connection: Connection, site_id: str, rule: SurveyRule) -> None:
    """Insert or replace what a site says."""
    await connection.execute(
        """
        INSERT INTO survey_rule (site_id, care_line, left_out, forms) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site_id) DO UPDATE SET care_line = $2, left_out = $3, forms = $4
        """,
        site_id,
        rule.care_line,
        list(rule.left_out),
        orjson.dumps({str(diagnosis): form for diagnosis, form in rule.forms.items()}).decode(),
    )
