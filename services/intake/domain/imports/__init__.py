"""Files that a site imports: which columns they have, how they are taken apart, how one is written."""

from services.intake.domain.imports.columns import COLUMNS, Column, ImportKind, column_names, is_column, read_cells
from services.intake.domain.imports.files import MOST_COLUMNS, FileReader, Row, UnreadableFile, as_csv

__all__ = [
    "COLUMNS",
    "MOST_COLUMNS",
    "Column",
    "FileReader",
    "ImportKind",
    "Row",
    "UnreadableFile",
    "as_csv",
    "column_names",
    "is_column",
    "read_cells",
]
