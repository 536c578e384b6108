"""The tables of the dashboard. `patient_page` and `site` are projections: made from events alone."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.tables import add_audit, add_delivery, add_outbox, add_sessions, new_metadata

metadata = new_metadata()
add_audit(metadata)
add_outbox(metadata)
add_delivery(metadata)
add_sessions(metadata)

patient_page = Table(
    "patient_page",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("facts", JSONB, nullable=False, comment="What the events say, folded"),
    Column("page", LargeBinary, nullable=False, comment="The page as JSON, words still sealed"),
    Column("version", Text, nullable=False, comment="Digest of the page: its ETag"),
)

site = Table(
    "site",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("shows_clinical_to_coordinators", Boolean, nullable=False, server_default=text("false")),
    Column("care_line", Text, comment="The number that patients call, if the site gave one"),
)

broken_glass = Table(
    "broken_glass",
    metadata,
    Column("site_id", Text, primary_key=True, comment="Of the patient"),
    Column("glass_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("subject", Text, nullable=False, comment="Who broke it: the subject of the token"),
    Column("of_sites", ARRAY(Text), nullable=False, comment="Of whom broke it, sorted"),
    Column("reason", Text, nullable=False),
    Column("words", Text, nullable=False, comment="Sealed"),
    Column("broken_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", Text),
    Column("reviewed_at", DateTime(timezone=True)),
    Column("reviewed_by", Text),
    Index("ix_broken_glass_patient", "site_id", "patient_id", "broken_at"),
    Index("ix_broken_glass_broken_at", "site_id", "broken_at"),
)

glass_try = Table(
    "glass_try",
    metadata,
    Column("site_id", Text, primary_key=True, comment="Of who tried"),
    Column("try_id", Uuid, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("tried_at", DateTime(timezone=True), nullable=False),
    Column("at_site", Text, nullable=False, comment="Where the patient should be"),
    Column("patient_id", Uuid, nullable=False),
    Column("glass_id", Uuid, comment="What it led to, null when to nothing"),
    Index("ix_glass_try_subject", "site_id", "subject", "tried_at"),
)

link_code = Table(
    "link_code",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("code_hash", LargeBinary, nullable=False, comment="SHA-256, and the code itself is kept nowhere"),
    Column("agreed", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Index("uq_link_code_hash", "site_id", "code_hash", unique=True),
)

link_try = Table(
    "link_try",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("try_id", Uuid, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("tried_at", DateTime(timezone=True), nullable=False),
    Index("ix_link_try_subject", "site_id", "subject", "tried_at"),
)

linked_patient = Table(
    "linked_patient",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("link_id", Uuid, primary_key=True, comment="Of this side: the other has its own"),
    Column("patient_id", Uuid, nullable=False),
    Column("other_site", Text, nullable=False),
    Column("other_name", Text, nullable=False),
    Column("other_patient_id", Uuid, comment="Null when one of the two was erased"),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("agreed", Text, nullable=False),
    Column("agreed_with", Text, nullable=False, comment="To whom of this site the patient said yes"),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", Text),
    Index("ix_linked_patient_patient", "site_id", "patient_id"),
    Index("ix_linked_patient_other", "other_site", "other_patient_id"),
)

view = Table(
    "view",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("view_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("visit_id", Uuid),
    Column("subject", Text, nullable=False, comment="Who looked: the subject of the token"),
    Column("role", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("is_shared_screen", Boolean, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("duration_ms", Integer),
    Column("panels", ARRAY(Text), nullable=False),
    Column("closed_by", Text, comment="How it is known that it is over; null while it is not"),
    Column("heard_at", DateTime(timezone=True), comment="Last, after it was opened; null when never"),
    Index("ix_view_patient", "site_id", "patient_id", "opened_at"),
    Index("ix_view_open", "opened_at", postgresql_where=text("closed_by IS NULL")),
)

ehr = Table(
    "ehr",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("issuer", Text, nullable=False, comment="iss of the tokens that it calls us with"),
    Column("key_set", Text, nullable=False, comment="Address of the keys (JWK Set) that sign them"),
    Column("fhir_server", Text, nullable=False, comment="iss of its launches"),
    Column("client_id", Text, nullable=False, comment="What we are called there"),
    Column("origins", ARRAY(Text), nullable=False, comment="Of its pages: they may frame ours, and call us"),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Index("uq_ehr_issuer", "issuer", unique=True, postgresql_where=text("revoked_at IS NULL")),
    Index("uq_ehr_fhir_server", "fhir_server", unique=True, postgresql_where=text("revoked_at IS NULL")),
)
