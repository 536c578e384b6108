"""The tables of the key ring: keys of sites under a root key, keys of patients under their site's.

A patient's row without a key is a tombstone. One row a patient, so that of making and erasing one comes first.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    FetchedValue,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from shared.tables import new_metadata

metadata = new_metadata()

site_key = Table(
    "site_key",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("root_id", Text, nullable=False, comment="The root key that it is wrapped by"),
    Column("wrapped", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), FetchedValue(), nullable=False),
)

patient_key = Table(
    "patient_key",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("generation", Integer, comment="Of the site's key that it is wrapped by; null when erased"),
    Column("wrapped", LargeBinary, comment="Null when erased"),
    Column("made_at", DateTime(timezone=True), FetchedValue(), nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    Column("reason", Text, comment="Why it was erased"),
    ForeignKeyConstraint(
        ["site_id", "generation"], ["site_key.site_id", "site_key.generation"], name="fk_patient_key_site_key"
    ),
    CheckConstraint(
        "num_nonnulls(generation, wrapped) IN (0, 2) AND num_nonnulls(erased_at, reason) IN (0, 2)"
        " AND (wrapped IS NULL) = (erased_at IS NOT NULL)",
        name="key_or_tombstone",
    ),
    Index("ix_patient_key_generation", "site_id", "generation"),
)
