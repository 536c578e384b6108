"""The tables of intake. The site leads every key."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db import new_metadata
from shared.tables import add_audit, add_erasure, add_outbox, add_sessions

metadata = new_metadata()
add_audit(metadata)
add_outbox(metadata)
add_erasure(metadata)
add_sessions(metadata)

site = Table(
    "site",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("site_type", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)

patient = Table(
    "patient",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("identifier_hash", LargeBinary, nullable=False),
    Column("enrolled_on", Date, nullable=False),
    Column("birth_year", Integer, nullable=False),
    Column("sex", Text, nullable=False),
    Column("education", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("diagnosis", Text, nullable=False),
    Column("clinician_id", Text),
    Column("consent", Text, nullable=False),
    Column("consent_decided_on", Date, nullable=False),
    Column("consent_reason", Text),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_patient_site"),
    Index("uq_patient_identifier", "site_id", "identifier_hash", unique=True),
)

visit = Table(
    "visit",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("visit_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("clinician_id", Text, nullable=False),
    Column("scheduled_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("checked_in_at", DateTime(timezone=True)),
    Column("completed_at", DateTime(timezone=True)),
    Column("told_at", DateTime(timezone=True), comment="How new the news are that it rests on"),
    Column("cancel_reason", Text),
    ForeignKeyConstraint(["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name="fk_visit_patient"),
    Index("ix_visit_patient", "site_id", "patient_id"),
    Index("ix_visit_scheduled", "site_id", "scheduled_at"),
)


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
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_survey_rule_site"),
)

link_rule = Table(
    "link_rule",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("asks_birth_year", Boolean, nullable=False),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_link_rule_site"),
)

visit_link = Table(
    "visit_link",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("link_id", Uuid, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256, and the secret itself is kept nowhere"),
    Column("visit_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("opened_at", DateTime(timezone=True), comment="When it was opened last"),
    Column("wrong_answers", SmallInteger, nullable=False, comment="Since the last right one"),
    ForeignKeyConstraint(["site_id", "visit_id"], ["visit.site_id", "visit.visit_id"], name="fk_visit_link_visit"),
    Index("uq_visit_link_secret", "site_id", "secret_hash", unique=True),
    Index("ix_visit_link_visit", "site_id", "visit_id"),
)

client = Table(
    "client",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("key_set", JSONB, nullable=False, comment="The client's public keys (JWK Set)"),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_client_site"),
)

consent_text = Table(
    "consent_text",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("added_by", Text, nullable=False),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_consent_text_site"),
)

consent_step = Table(
    "consent_step",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("number", SmallInteger, primary_key=True),
    Column("state", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("reason", Text),
    Column("mode", Text, comment="How it came in, null where nobody has said"),
    Column("text_version", Text),
    Column("text_language", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
    ForeignKeyConstraint(
        ["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name="fk_consent_step_patient"
    ),
    ForeignKeyConstraint(
        ["site_id", "text_version", "text_language"],
        ["consent_text.site_id", "consent_text.version", "consent_text.language"],
        name="fk_consent_step_text",
    ),
)

visit_name = Table(
    "visit_name",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("name_hash", LargeBinary, primary_key=True, comment="Keyed, of what the site's own system calls the visit"),
    Column("visit_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    ForeignKeyConstraint(["site_id", "visit_id"], ["visit.site_id", "visit.visit_id"], name="fk_visit_name_visit"),
    Index("ix_visit_name_patient", "site_id", "patient_id"),
)

import_file = Table(
    "import_file",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("import_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("described", Text, nullable=False, comment="Its name and its columns, sealed"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False),
    *(Column(name, Integer, nullable=False) for name in ("rows", "parts", "next_part")),
    *(Column(name, Integer, nullable=False) for name in ("accepted", "unchanged", "refused")),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_import_file_site"),
)

import_part = Table(
    "import_part",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("import_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", Text, nullable=False, comment="Some rows of the file, sealed"),
    ForeignKeyConstraint(
        ["site_id", "import_id"],
        ["import_file.site_id", "import_file.import_id"],
        name="fk_import_part_file",
        ondelete="CASCADE",
    ),
)

import_refusal = Table(
    "import_refusal",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("import_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("content", Text, nullable=False, comment="The row and what is wrong with it, sealed"),
    ForeignKeyConstraint(
        ["site_id", "import_id"],
        ["import_file.site_id", "import_file.import_id"],
        name="fk_import_refusal_file",
        ondelete="CASCADE",
    ),
)

import_known = Table(
    "import_known",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("row_hash", LargeBinary, primary_key=True, comment="Keyed, of a row that is in"),
    Column("patient_id", Uuid, nullable=False),
    Index("ix_import_known_patient", "site_id", "patient_id"),
)

alert_rule = Table(
    "alert_rule",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="Counts the changes of a site's rules"),
    Column("rule_id", Text, nullable=False),
    Column("rule", JSONB, nullable=False, comment="The whole rule as it stands after the change"),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_alert_rule_site"),
)

alert = Table(
    "alert",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("alert_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("survey_id", Uuid, nullable=False),
    Column("visit_id", Uuid, nullable=False),
    Column("form", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("answer", Double, nullable=False),
    Column("weight", Double, nullable=False, comment="Of two answers to one rule the one with more is worse"),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("is_late", Boolean, nullable=False),
    Column("repeats", Uuid, comment="The alert that this one only repeats"),
    Column("state", Text, nullable=False),
    Column("owner", Text),
    Column("version", Integer, nullable=False, comment="Counts what people did with it"),
    Column("outcome", Text),
    Column("closed_at", DateTime(timezone=True)),
    Column("waits_since", DateTime(timezone=True), nullable=False),
    Column("escalates_after", ARRAY(Integer), nullable=False, comment="Minutes without an owner, one a level"),
    Column("escalates_at", DateTime(timezone=True), comment="When the next level is due"),
    Column("escalation", SmallInteger, nullable=False),
    ForeignKeyConstraint(["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name="fk_alert_patient"),
    Index("ix_alert_patient", "site_id", "patient_id", "rule_id"),
    Index("ix_alert_submitted_at", "site_id", "submitted_at"),
    Index("ix_alert_waiting", "site_id", "raised_at", postgresql_where=text("state <> 'closed'")),
    Index("ix_alert_due", "escalates_at", postgresql_where=text("escalates_at IS NOT NULL")),
)

alert_step = Table(
    "alert_step",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("step_id", Uuid, primary_key=True),
    Column("alert_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("step", Text, nullable=False),
    Column("done_at", DateTime(timezone=True), nullable=False),
    Column("done_by", Text, nullable=False),
    Column("owner", Text),
    Column("outcome", Text),
    Column("escalation", SmallInteger, nullable=False),
    Column("note", Text, comment="What was written beside it, sealed for this step"),
    ForeignKeyConstraint(["site_id", "alert_id"], ["alert.site_id", "alert.alert_id"], name="fk_alert_step_alert"),
    Index("ix_alert_step_alert", "site_id", "alert_id"),
)

high_risk = Table(
    "high_risk",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("risk", Text, nullable=False),
    Column("call_due_on", Date),
    Column("flagged_by", Text, nullable=False),
    Column("flagged_at", DateTime(timezone=True), nullable=False),
    Column("ended_by", Text),
    Column("ended_at", DateTime(timezone=True)),
    ForeignKeyConstraint(
        ["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name="fk_high_risk_patient"
    ),
)

huddle = Table(
    "huddle",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("list_manager", Text, nullable=False),
    Column("next_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_huddle_site"),
)

contact = Table(
    "contact",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("addresses", Text, comment="E-mail and telephone, sealed for this record"),
    Column("has_email", Boolean, nullable=False),
    Column("has_phone", Boolean, nullable=False),
    Column("preferred", Text),
    Column("language", Text),
    Column("wants_messages", Boolean, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name="fk_contact_patient"
    ),
)

delivery_rule = Table(
    "delivery_rule",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("days_before", SmallInteger, nullable=False),
    Column("send_at", Time, nullable=False),
    Column("reminders", ARRAY(SmallInteger), nullable=False),
    Column("quiet_begins", Time),
    Column("quiet_ends", Time),
    Column("channels", ARRAY(Text), nullable=False),
    Column("sender_name", Text),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_delivery_rule_site"),
)

delivery_plan = Table(
    "delivery_plan",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("visit_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("basis", Text, nullable=False, comment="How what its messages were planned from stood then"),
)

link_delivery = Table(
    "link_delivery",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("delivery_id", Uuid, primary_key=True),
    Column("visit_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("visit_at", DateTime(timezone=True), nullable=False, comment="When the visit was to be, as it was planned"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column(
        "held_until",
        DateTime(timezone=True),
        nullable=False,
        comment="Nobody takes it before: a worker has it, or a try has just failed",
    ),
    Column("state", Text, nullable=False),
    Column("reason", Text, comment="Why it was stopped, or the code that the last try ended with"),
    Column("channel", Text),
    Column("link_id", Uuid),
    Column("attempts", SmallInteger, nullable=False),
    Column("repeats", SmallInteger, nullable=False, comment="Tries after one of which it is not known whether it went"),
    Column("made_by", Text, nullable=False),
    Column(
        "ended_at",
        DateTime(timezone=True),
        comment="When it was taken, refused or given up",
    ),
    ForeignKeyConstraint(["site_id", "visit_id"], ["visit.site_id", "visit.visit_id"], name="fk_link_delivery_visit"),
    Index(
        "uq_link_delivery_planned",
        "site_id",
        "visit_id",
        "kind",
        "visit_at",
        unique=True,
        postgresql_where="kind <> 'by-hand'",
    ),
    Index("ix_link_delivery_open", "due_at", postgresql_where="state IN ('planned', 'sending')"),
    Index("ix_link_delivery_visit", "site_id", "visit_id"),
)
