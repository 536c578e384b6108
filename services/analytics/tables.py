"""The tables of analytics: one fact table a stream. `person`, `visit` and the like are pseudonyms, not ids."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    true,
)

from shared.tables import add_audit, add_delivery, add_sessions, new_metadata

metadata = new_metadata()
add_audit(metadata)
add_delivery(metadata)
add_sessions(metadata, takes_assertions=False)

site = Table(
    "site",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("site_type", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

enrolment = Table(
    "enrolment",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("person", Uuid, primary_key=True),
    Column("enrolled_on", Date, nullable=False),
    Column("birth_year", Integer, nullable=False),
    Column("sex", Text, nullable=False),
    Column("education", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("diagnosis", Text, nullable=False),
    Column("clinician", Uuid),
    Column("consent", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

visit = Table(
    "visit",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("visit", Uuid, primary_key=True),
    Column("person", Uuid, nullable=False),
    Column("clinician", Uuid, nullable=False),
    Column("scheduled_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    Column("sequence", BigInteger, nullable=False),
    Index("ix_visit_person", "site_id", "person"),
)

survey = Table(
    "survey",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("survey", Uuid, primary_key=True),
    Column("visit", Uuid, nullable=False),
    Column("person", Uuid, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("answered", SmallInteger, nullable=False),
    Column("skipped", SmallInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("counts", Boolean, nullable=False, server_default=true(), comment="False: it was entered in error"),
    Index("ix_survey_visit", "site_id", "visit"),
)

clinical_fact = Table(
    "clinical_fact",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("fact", Uuid, primary_key=True),
    Column("person", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("effective_at", DateTime(timezone=True), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("counts", Boolean, nullable=False, server_default=true(), comment="False: it was entered in error"),
)

view = Table(
    "view",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("view", Uuid, primary_key=True),
    Column("visit", Uuid),
    Column("person", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("is_shared_screen", Boolean, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("duration_ms", Integer),
    Column("sequence", BigInteger, nullable=False),
    Index("ix_view_visit", "site_id", "visit"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("feedback", Uuid, primary_key=True),
    Column("visit", Uuid, nullable=False),
    Column("person", Uuid, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("effort_to_understand", SmallInteger),
    Column("effort_to_listen", SmallInteger),
    Column("effort_to_include", SmallInteger),
    Column("helped_discussion", Boolean),
    Column("helped_what_matters", Boolean),
    Column("helped_decisions", Boolean),
    Column("used_in_visit", Text, nullable=False),
    Column("used_outside_visit", Text, nullable=False),
    Column("used_over_one_month", Boolean),
    Column("sequence", BigInteger, nullable=False),
    Index("ix_feedback_visit", "site_id", "visit"),
)

erasure = Table(
    "erasure",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("person", Uuid, primary_key=True),
)
