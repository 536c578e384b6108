"""A file taken apart while it arrives, in memory that does not grow with it: CSV as spreadsheets write it, or NDJSON.

Understood: a byte order mark, commas, semicolons or tabs, any line end, quoted cells that hold line ends, empty lines.
"""

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.intake.domain.imports.columns import COLUMNS, ImportKind, column_called, is_column
from services.intake.domain.imports.kept import can_be_kept

MOST_ROWS, MOST_COLUMNS = 200_000, 300
_LONGEST_ROW = 64 * 1024
_SEPARATORS = ",;\t"
_OURS = ("refused_line", "refused_because")  # in a list of refused rows, which may be sent again as it is
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class UnreadableFile(ValueError):
    """The whole file is not understood; the message says what to change and shows no cell."""


class Row(NamedTuple):
    """One row: the line where it begins, and its cells that are not empty. `wrong`: it could not be taken apart.

    Cells are text; one of NDJSON may be a list or an object, as an answer can be.
    """

    line: int
    cells: Mapping[str, Any]
    wrong: str | None = None


@dataclass
class FileReader:
    """Give it bytes as they come; it gives back the rows that are whole. `columns` are those seen so far."""

    kind: ImportKind
    is_csv: bool
    columns: list[str] = field(default_factory=list)
    _separator: str = ""
    _rest: str = ""
    _record: list[str] = field(default_factory=list)
    _record_length: int = 0
    _is_open: bool = False
    _line: int = 0
    _begins: int = 1
    _rows: int = 0

    def __post_init__(self) -> None:
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)

    def feed(self, data: bytes, *, is_last: bool = False) -> list[Row]:
        """The rows that end in this piece.

        Raises:
            UnreadableFile: its text, its header or a quotation mark is not understood, or it is too long.
        """
        try:
            text = self._rest + self._decoder.decode(data, final=is_last)
        except UnicodeDecodeError:
            raise UnreadableFile("The file is not UTF-8. In the spreadsheet, save it as “CSV UTF-8”.") from None
        *lines, self._rest = text.split("\n")
        if is_last:
            lines, self._rest = [*lines, self._rest], ""
        if len(self._rest) > _LONGEST_ROW:
            raise UnreadableFile(f"Line {self._line + 1} is longer than a row can be.")
        rows = [row for record in self._records(lines) for row in self._rows_of(record)]
        if is_last and self._record:
            raise UnreadableFile(f"Line {self._begins}: a quotation mark is opened and not closed.")
        if is_last and self.is_csv and not self.columns:
            raise UnreadableFile("The file is empty.")
        self._rows += len(rows)
        if self._rows > MOST_ROWS:
            raise UnreadableFile(f"The file has more than {MOST_ROWS:,} rows. Send it in parts.")
        return rows

    def _records(self, lines: Iterable[str]) -> Iterator[str]:
        """Lines, joined where a quoted cell goes on; each is looked at once, however many a record has."""
        for line in lines:
            self._line += 1
            if not self._record:
                self._begins, self._record_length = self._line, 0
            self._record.append(line)
            self._record_length += len(line) + 1
            self._is_open ^= self.is_csv and line.count('"') % 2 == 1
            if self._is_open:
                if self._record_length > _LONGEST_ROW:
                    raise UnreadableFile(f"Line {self._begins}: a quotation mark is opened and not closed.")
                continue
            record, self._record = "\n".join(self._record), []
            if record.strip(" \t,;"):
                yield record

    def _rows_of(self, record: str) -> Iterator[Row]:
        if not self.is_csv:
            yield self._from_json(record)
        elif self.columns:
            yield self._from_csv(record)
        else:
            self._read_header(record)

    def _read_header(self, record: str) -> None:
        def header(separator: str) -> list[str]:
            return [column_called(name) for name in _cells(record, separator) or []]

        def known(separator: str) -> int:
            return sum(is_column(self.kind, name) for name in header(separator))

        self._separator = max(_SEPARATORS, key=known)
        self.columns = header(self._separator)
        there_are = ", ".join(column.name for column in COLUMNS[self.kind])
        if unknown := [
            n for n, name in enumerate(self.columns, 1) if not (name in _OURS or is_column(self.kind, name))
        ]:
            where = ", ".join(map(str, unknown[:5]))
            raise UnreadableFile(
                f"The header names columns that {self.kind} have not (no. {where}). Known: {there_are}."
            )
        if len(set(self.columns)) != len(self.columns) or len(self.columns) > MOST_COLUMNS:
            raise UnreadableFile("The header names a column twice, or too many.")
        if missing := [one.name for one in COLUMNS[self.kind] if one.is_needed and one.name not in self.columns]:
            raise UnreadableFile(f"The header does not name {', '.join(missing)}. Begin with the template.")

    def _from_csv(self, record: str) -> Row:
        cells = _cells(record, self._separator)
        if cells is None:
            where = f", in lines {self._begins} to {self._line}" if self._line > self._begins else ""
            return Row(self._begins, {}, f"A quotation mark stands where none can{where}.")
        if len(cells) > len(self.columns) and not any(cells[len(self.columns) :]):
            cells = cells[: len(self.columns)]
        if len(cells) != len(self.columns):
            return Row(self._begins, {}, f"The row has {len(cells)} cells, the header {len(self.columns)}.")
        named = zip(self.columns, map(_plain, cells), strict=True)
        return Row(self._begins, {name: cell for name, cell in named if cell and name not in _OURS})

    def _from_json(self, record: str) -> Row:
        try:
            read = json.loads(record)
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict):
            return Row(self._begins, {}, "This line is no JSON object.")
        cells = {name: cell for name, value in _flat(read) if (cell := _written(value))}
        if not all(is_column(self.kind, name) for name in cells):
            return Row(self._begins, {}, "The line has a member that is no column. The template names them.")
        if not can_be_kept(cells):
            return Row(self._begins, {}, "The line nests too deep, or has a number or a sign that is none.")
        known = set(self.columns)
        self.columns += [name for name in cells if name not in known]
        if len(self.columns) > MOST_COLUMNS:
            raise UnreadableFile("The lines name too many columns.")
        return Row(self._begins, cells)


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows for a spreadsheet. What one would run as a formula begins with an apostrophe there; lists are JSON."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def _harmless(cell: Any) -> str:
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(cell: str) -> str:
    """A cell as it was meant: without what `as_csv` puts before it."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _cells(record: str, separator: str) -> list[str] | None:
    """None where it is no row, or several that a stray quotation mark has joined."""
    try:
        rows = list(csv.reader(io.StringIO(record, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _flat(read: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Members; those of `answers` and `skipped` as their columns."""
    for name, value in read.items():
        if name == "answers" and isinstance(value, dict):
            yield from ((f"answers.{item}", answer) for item, answer in value.items())
        elif name == "skipped" and isinstance(value, dict):
            yield from ((f"answers.{item}", f"skipped: {reason}") for item, reason in value.items())
        else:
            yield name, value


def _written(value: object) -> Any:
    if isinstance(value, list | dict):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()
