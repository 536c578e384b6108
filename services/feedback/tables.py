"""The tables of feedback. The site leads every key."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, FetchedValue, Index, SmallInteger, Table, Text, Uuid

from shared.tables import add_audit, add_delivery, add_erasure, add_outbox, add_sessions, new_metadata

metadata = new_metadata()
add_audit(metadata)
add_outbox(metadata)
add_delivery(metadata)
add_erasure(metadata)
add_sessions(metadata)

patient = Table(
    "patient",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="Of the newest enrolment seen"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("visit_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("visit_sequence", BigInteger, FetchedValue(), nullable=False, comment="0: no visit has arrived yet"),
    Column("visit_state", Text),
    Column("visit_at", DateTime(timezone=True), comment="The end of the visit, or else its time"),
    Column("survey_sequence", BigInteger, FetchedValue(), nullable=False, comment="0: no survey has arrived yet"),
    Column("survey_id", Uuid),
    Column("submitted_at", DateTime(timezone=True)),
    Index("ix_invitation_patient", "site_id", "patient_id"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("feedback_id", Uuid, primary_key=True),
    Column("visit_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("effort_to_understand", SmallInteger, comment="0 to 9, null when skipped"),
    Column("effort_to_listen", SmallInteger, comment="0 to 9, null when skipped"),
    Column("effort_to_include", SmallInteger, comment="0 to 9, null when skipped"),
    Column("helped_discussion", Boolean),
    Column("helped_what_matters", Boolean),
    Column("helped_decisions", Boolean),
    Column("used_in_visit", Text, nullable=False),
    Column("used_outside_visit", Text, nullable=False),
    Column("used_over_one_month", Boolean),
    Index("uq_feedback_visit", "site_id", "visit_id", unique=True),
)
