"""Surveys with their versions and drafts, and the forms that sites brought."""

from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.intake.tables.metadata import metadata


def _versioned(*, is_key: bool = False) -> tuple[Column[Any], ...]:
    """What every version of a survey holds."""
    return (
        Column("visit_id", Uuid, nullable=False),
        Column("patient_id", Uuid, nullable=False),
        Column("form", Text, nullable=False),
        Column("submitted_at", DateTime(timezone=True), nullable=False),
        Column("response", JSONB, nullable=False, comment="As the patient gave it: answers and skips, in codes"),
        Column("words", Text, comment="What the patient said in words, sealed for this record"),
        Column("scores", JSONB, nullable=False),
        Column("version", Integer, primary_key=is_key, nullable=False),
        Column("change", Text, nullable=False),
        Column("change_reason", Text, comment="Why there is another version, as a code"),
        Column("mode", Text, nullable=False),
        Column("author", Text, nullable=False, comment="The subject who wrote it"),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    )


survey = Table(
    "survey",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("survey_id", Uuid, primary_key=True),
    *_versioned(),
    ForeignKeyConstraint(["site_id", "visit_id"], ["visit.site_id", "visit.visit_id"], name="fk_survey_visit"),
    Index("uq_survey_visit", "site_id", "visit_id", unique=True, postgresql_where=text("change <> 'entered-in-error'")),
)

survey_version = Table(
    "survey_version",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("survey_id", Uuid, primary_key=True),
    *_versioned(is_key=True),
    ForeignKeyConstraint(
        ["site_id", "survey_id"], ["survey.site_id", "survey.survey_id"], name="fk_survey_version_survey"
    ),
)

survey_draft = Table(
    "survey_draft",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("visit_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("form", Text, nullable=False, comment="Pinned when the patient began"),
    Column("language", Text, nullable=False),
    Column("part", SmallInteger, nullable=False, comment="How far the patient has come"),
    Column("answers", JSONB, nullable=False, comment="In codes, by item"),
    Column("skipped", JSONB, nullable=False, comment="Reasons, by item"),
    Column("words", JSONB, nullable=False, comment="Texts, each sealed for its item of this record"),
    Column("entered_by", JSONB, nullable=False, comment="The subject who entered each answer, by item"),
    Column("entered_at", JSONB, nullable=False, comment="When each answer was given, by item"),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True), comment="When it became a survey: nothing is in it since"),
    ForeignKeyConstraint(["site_id", "visit_id"], ["visit.site_id", "visit.visit_id"], name="fk_survey_draft_visit"),
)

survey_rule = Table(
    "survey_rule",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("care_line", Text, comment="The number that patients call, if the site gave one"),
    Column("left_out", ARRAY(Text), nullable=False, comment="Optional parts that the site does not ask"),
    Column("forms", JSONB, nullable=False, comment="The form of the site's own that is asked, by diagnosis"),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_survey_rule_site"),
)

form_definition = Table(
    "form_definition",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("form_id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("status", Text, nullable=False, comment="What the form said of itself when it came"),
    Column("title", Text, nullable=False),
    Column("resource", JSONB, nullable=False, comment="The FHIR Questionnaire, as it came"),
    Column("uploaded_by", Text, nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False),
    Column("retired_at", DateTime(timezone=True)),
    Column("retired_by", Text),
    Column("activated_at", DateTime(timezone=True)),
    Column("activated_by", Text),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_form_definition_site"),
    Index("uq_form_definition_version", "site_id", "url", "version", unique=True),
)
