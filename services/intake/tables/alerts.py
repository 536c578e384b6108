"""Alerts, their rules, and who is watched more closely."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
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
    Column("told_level", SmallInteger, comment="The level that a notice was made of, since it last began to wait"),
    Column("told_at", DateTime(timezone=True), comment="When that notice was made"),
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

alert_notice_rule = Table(
    "alert_notice_rule",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("addresses", ARRAY(Text), nullable=False),
    Column("language", Text, nullable=False),
    Column("quiet_minutes", SmallInteger, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("told_at", DateTime(timezone=True), comment="When notices were made last"),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_alert_notice_rule_site"),
)

alert_notice = Table(
    "alert_notice",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("notice_id", Uuid, primary_key=True),
    Column("address", Text, nullable=False),
    Column("is_escalated", Boolean, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column(
        "held_until",
        DateTime(timezone=True),
        nullable=False,
        comment="Nobody takes it before: a worker has it, or a try has just failed",
    ),
    Column("state", Text, nullable=False),
    Column("reason", Text, comment="Why it was stopped, or the code that the last try ended with"),
    Column("attempts", SmallInteger, nullable=False),
    Column("repeats", SmallInteger, nullable=False, comment="Tries after one of which it is not known whether it went"),
    Column("ended_at", DateTime(timezone=True)),
    Index("ix_alert_notice_made_at", "site_id", "made_at"),
    Index("ix_alert_notice_open", "held_until", postgresql_where=text("state IN ('planned', 'sending')")),
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
