"""Files that sites hand in."""

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from services.intake.tables.metadata import metadata

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

import_tried = Table(
    "import_tried",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("import_id", Uuid, primary_key=True),
    Column(
        "about",
        LargeBinary,
        primary_key=True,
        comment="The patient or visit: a keyed hash of what the site calls it, or our own id",
    ),
    Column("line", Integer, primary_key=True),
    Column("part", Integer, nullable=False),
    ForeignKeyConstraint(
        ["site_id", "import_id"],
        ["import_file.site_id", "import_file.import_id"],
        name="fk_import_tried_file",
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
