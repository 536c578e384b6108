"""Links that patients come in by, how they are delivered, and the sites' systems."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.intake.tables.metadata import metadata

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
