"""The tables that every service has, for Alembic's comparison; the statements stand beside the code that runs them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    FetchedValue,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """The tables of one service."""
    return MetaData(naming_convention=NAMES)


def add_outbox(metadata: MetaData) -> None:
    """The event log of a service that publishes, and the stored answers to its commands."""
    Table(
        "outbox",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("xid", BigInteger, FetchedValue(), primary_key=True),
        Column("position", BigInteger, FetchedValue(), primary_key=True),
        Column("recorded_at", DateTime(timezone=True), FetchedValue(), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("traceparent", Text),
        Column("value", LargeBinary, nullable=False),
        Index("ix_outbox_xid", "xid", "position"),
        Index("ix_outbox_event_id", "event_id"),
        Index("ix_outbox_recorded_at", "recorded_at", postgresql_using="brin"),
        postgresql_partition_by="RANGE (recorded_at)",
    )
    Table(
        "outbox_head",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("topic", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
    )
    Table(
        "relay_cursor",
        metadata,
        Column("name", Text, primary_key=True),
        Column("xid", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
    )
    Table(
        "idempotency",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("key", Text, primary_key=True, comment="SHA-256 of the key: clients make theirs of what they like"),
        Column("request_hash", LargeBinary, nullable=False, comment="HMAC-SHA-256 of the request under the key"),
        Column("status", SmallInteger, nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("recorded_at", DateTime(timezone=True), FetchedValue(), nullable=False),
    )


def add_erasure(metadata: MetaData) -> None:
    """The tombstones of a service that keeps patients."""
    Table(
        "erasure",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("patient_id", Uuid, primary_key=True),
        Column("erased_at", DateTime(timezone=True), nullable=False),
    )


def add_delivery(metadata: MetaData) -> None:
    """What a service that consumes remembers of its reading."""
    Table(
        "consumer_offset",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("next_offset", BigInteger, nullable=False),
        Column("last_event_id", Text),
    )
    Table(
        "consumer_head",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("topic", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
    )
    _add_what_became_of_events(metadata)


def _add_what_became_of_events(metadata: MetaData) -> None:
    Table(
        "delivery",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("record_offset", BigInteger, nullable=False),
        Column("sent_at", DateTime(timezone=True), nullable=False),
        Column("applied_at", DateTime(timezone=True), FetchedValue(), nullable=False),
        Index("ix_delivery_event_id", "event_id"),
    )
    Table(
        "dead_letter",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("letter_id", Uuid, primary_key=True, comment="A digest of the record and of its place"),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("record_offset", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("sequence", BigInteger),
        Column("headers", JSONB, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("timestamp_ms", BigInteger, nullable=False),
        Column("recorded_at", DateTime(timezone=True), FetchedValue(), nullable=False),
        CheckConstraint("state IN ('dead', 'parked', 'waiting', 'dropped')", name="state"),
        Index("ix_dead_letter_key", "site_id", "consumer", "topic", "key"),
    )


def add_audit(metadata: MetaData) -> None:
    """Who did what with whose data, and the chains over it (`shared.audit`, `shared.notary`)."""
    Table(
        "audit",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("number", BigInteger, FetchedValue(), primary_key=True),
        Column("xid", BigInteger, FetchedValue(), nullable=False),
        Column("recorded_at", DateTime(timezone=True), FetchedValue(), nullable=False),
        Column("subject", Text, nullable=False, comment="Who: the subject of the token"),
        Column("role", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("patient_id", Uuid),
        Column("method", Text, nullable=False),
        Column("route", Text, nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("trace_id", Text, nullable=False),
        Column("event_id", Uuid, comment="What was written: the receipt"),
        Column("asked", ARRAY(Text), nullable=False, comment="Ids that a refused request named, as name=id"),
        CheckConstraint("kind IN ('read', 'write', 'repeated', 'refused', 'denied', 'export')", name="kind"),
        Index("ix_audit_xid", "xid", "number"),
        Index("ix_audit_patient", "patient_id", "recorded_at", postgresql_where="patient_id IS NOT NULL"),
    )
    Table(
        "audit_chain",
        metadata,
        Column("site_id", Text, primary_key=True),
        Column("height", BigInteger, primary_key=True, autoincrement=False),
        Column("number", BigInteger, nullable=False),
        Column("row_hash", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Index("uq_audit_chain_number", "site_id", "number", unique=True),
    )
    Table(
        "notary_cursor",
        metadata,
        Column("name", Text, primary_key=True),
        Column("xid", BigInteger, nullable=False, comment="Every row of an older transaction is on its chain"),
        Column("lines", BigInteger, nullable=False, comment="Signed lines in the book of heads"),
    )


def add_sessions(metadata: MetaData, *, takes_assertions: bool = True) -> None:
    """What a service with pages remembers of who signed in.

    A session belongs to a person, who may be of several sites or of none, so no site leads its key.
    """
    Table(
        "session",
        metadata,
        Column("session_hash", LargeBinary, primary_key=True, comment="SHA-256 of the secret in the cookie"),
        Column("subject", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("sites", ARRAY(Text), nullable=False),
        Column("patient_id", Uuid),
        Column("provider_session", Text, comment="sid at the provider, for its word that the person signed out"),
        Column("id_token", Text),
        Column("opened_at", DateTime(timezone=True), nullable=False),
        Column("seen_at", DateTime(timezone=True), nullable=False),
        Column("ends_at", DateTime(timezone=True), nullable=False),
        Index("ix_session_ends_at", "ends_at"),
        Index("ix_session_subject", "subject"),
    )
    Table(
        "ended_subject",
        metadata,
        Column("subject", Text, primary_key=True, comment="Whose sessions are over (shared.revocations)"),
        Column("ended_at", DateTime(timezone=True), nullable=False),
    )
    if takes_assertions:
        Table(
            "spent_token",
            metadata,
            Column("site_id", Text, primary_key=True),
            Column("issuer", Text, primary_key=True),
            Column("token_id", Text, primary_key=True),
            Column("expires_at", DateTime(timezone=True), nullable=False),
            Index("ix_spent_token_expires_at", "expires_at"),
        )
