"""The columns of each kind of file, and how a cell is read: what is not understood is told with what to write instead.

A cell may be shown to who sent the file, and to nobody else. A time without an offset is one of the site's clocks.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from services.intake.domain.clocks import moment_shown
from services.intake.domain.forms import TYPED
from services.intake.domain.imports.kept import can_be_kept
from shared.errors import FieldError
from shared.events import (
    ConsentState,
    Diagnosis,
    Education,
    EntryMode,
    Language,
    Sex,
    SkipReason,
    VisitState,
)

Read = Callable[[str, ZoneInfo], object]
_FIRST_YEAR, _LAST_YEAR, _SHOWN = 1900, 2199, 40
_BY_EXCEL = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_TWO_WAYS = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_ANSWERS = "answers."
_SKIPPED = re.compile(r"skipped:\s*(.*)")


class ImportKind(StrEnum):
    PATIENTS = "patients"
    VISITS = "visits"
    ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class Column:
    """`what` is said to who fills it in."""

    name: str
    read: Read
    what: str
    is_needed: bool = False


def _text(most: int) -> Read:
    def read(cell: str, _zone: ZoneInfo) -> str:
        if len(cell) > most:
            raise ValueError(f"Too long: at most {most} characters.")
        return cell

    return read


def _number(cell: str, zone: ZoneInfo) -> str:
    if _BY_EXCEL.fullmatch(cell):
        raise ValueError(f"{_shown(cell)} is a number that a spreadsheet has shortened. Format the column as text.")
    return str(_text(120)(cell, zone))


def _year(cell: str, _zone: ZoneInfo) -> int:
    if not re.fullmatch(r"\d{4}", cell):
        raise ValueError(f"{_shown(cell)} is not a year. Write four digits, like 1984.")
    return int(cell)


def _one_of(codes: type[StrEnum]) -> Read:
    def read(cell: str, _zone: ZoneInfo) -> str:
        if cell.lower() not in [code.value for code in codes]:
            raise ValueError(f"{_shown(cell)} is none of {', '.join(codes)}.")
        return cell.lower()

    return read


def _day(cell: str, _zone: ZoneInfo) -> str:
    try:
        day = date.fromisoformat(cell)
    except ValueError:
        raise _no_date(cell, "2026-10-19") from None
    return _in_bounds(day).isoformat()


def _moment(cell: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        moment = None
    if moment is None or re.fullmatch(r"[\d-]*", cell):
        raise _no_date(cell, "2026-10-19T09:00")
    _in_bounds(moment)
    return moment if moment.tzinfo else _by_the_clock(moment, zone, cell)


def _by_the_clock(shown: datetime, zone: ZoneInfo, cell: str) -> datetime:
    moment = moment_shown(shown, zone)
    if moment is None:
        raise ValueError(f"{_shown(cell)} comes twice or not at all where the clocks change. Write it with its offset.")
    return moment


def _in_bounds(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"A year from {_FIRST_YEAR} to {_LAST_YEAR}.")
    return day


def _no_date(cell: str, example: str) -> ValueError:
    two_ways = _TWO_WAYS.match(cell)
    if two_ways is not None and max(int(two_ways[1]), int(two_ways[2])) <= 12 and two_ways[1] != two_ways[2]:
        return ValueError(f"{_shown(cell)} can be two days: day or month first? Write it like {example}.")
    return ValueError(f"{_shown(cell)} is not a date we know. Write it like {example}.")


def _shown(cell: str) -> str:
    return f"“{cell if len(cell) <= _SHOWN else cell[:_SHOWN] + '…'}”"


_PATIENT = Column("patient", _number, "The clinic's own number of the patient", is_needed=True)
COLUMNS: Mapping[ImportKind, tuple[Column, ...]] = {
    ImportKind.PATIENTS: (
        _PATIENT,
        Column("birth_year", _year, "Four digits", is_needed=True),
        Column("sex", _one_of(Sex), ", ".join(Sex), is_needed=True),
        Column("diagnosis", _one_of(Diagnosis), ", ".join(Diagnosis), is_needed=True),
        Column("education", _one_of(Education), ", ".join(Education)),
        Column("language", _one_of(Language), ", ".join(Language)),
        Column("clinician", _text(64), "Who sees the patient, by the clinic's short name"),
        Column("enrolled_on", _day, "A day, like 2026-10-19; today when empty"),
        Column("consent", _one_of(ConsentState), f"To network use: {', '.join(ConsentState)}; invited when empty"),
        Column("consent_mode", _one_of(EntryMode), f"How that came in: {', '.join(EntryMode)}"),
        Column("consent_text", _text(40), "Version of the consent text, in the patient's language"),
    ),
    ImportKind.VISITS: (
        _PATIENT,
        Column("starts_at", _moment, "A time, like 2026-10-19T09:00, on the clinic's clocks", is_needed=True),
        Column("clinician", _text(64), "Who sees the patient, by the clinic's short name", is_needed=True),
        Column("visit", _number, "The clinic's own number of the visit: with it the visit can be moved and cancelled"),
        Column("state", _one_of(VisitState), f"{', '.join(VisitState)}; scheduled when empty"),
        Column("checked_in_at", _moment, "When the patient came"),
        Column("completed_at", _moment, "When the visit ended"),
    ),
    ImportKind.ANSWERS: (
        _PATIENT,
        Column("visit", _number, "The clinic's own number of the visit, or our id of it", is_needed=True),
        Column("submitted_at", _moment, "When the patient answered", is_needed=True),
        Column("form", _text(500), "The form, with its version; the newest for the diagnosis when empty"),
        Column("language", _one_of(Language), ", ".join(Language)),
        Column("mode", _one_of(EntryMode), f"How the answers were given: {', '.join(EntryMode)}; self when empty"),
    ),
}
_NAMED = {kind: {column.name: column for column in columns} for kind, columns in COLUMNS.items()}


def column_names(kind: ImportKind, items: Iterable[str] = ()) -> list[str]:
    """The header of a file; `items` are those of the form that is answered."""
    own = [column.name for column in COLUMNS[kind]]
    return own + [f"{_ANSWERS}{item}" for item in items] if kind is ImportKind.ANSWERS else own


def column_called(written: str) -> str:
    """The column that a header means: in any letters, but for the linkId of an answer, which stays as it is written."""
    name = written.strip()
    begins, link_id = name[: len(_ANSWERS)].lower(), name[len(_ANSWERS) :]
    return f"{begins}{link_id}" if begins == _ANSWERS else name.lower()


def is_column(kind: ImportKind, name: str) -> bool:
    """Whether a file of this kind may have a column of this name."""
    return name in _NAMED[kind] or (kind is ImportKind.ANSWERS and len(name) > len(_ANSWERS) and name[:8] == _ANSWERS)


def read_cells(
    kind: ImportKind,
    cells: Mapping[str, Any],
    zone: ZoneInfo,
    typed: Set[str] = TYPED,
    compound: Set[str] = frozenset(),
) -> tuple[dict[str, Any], list[FieldError]]:
    """The values of a row by column, with `answers` and `skipped` by item; and what is wrong, in words, by column.

    `typed` are the items that are answered in words: what stands there is no number. `compound` are those whose answer
    is a list or an object: text that is one in JSON is read so.
    """
    values, wrong = dict[str, Any](), list[FieldError]()
    for name, column in _NAMED[kind].items():
        cell = cells.get(name, "")
        if not isinstance(cell, str):
            wrong.append(FieldError(name, "One value goes here, no list and no object."))
        elif cell:
            try:
                values[name] = column.read(cell, zone)
            except ValueError as error:
                wrong.append(FieldError(name, str(error)))
        elif column.is_needed:
            wrong.append(FieldError(name, "Empty. Every row needs one."))
    if kind is ImportKind.ANSWERS:
        given = {name.removeprefix(_ANSWERS): cell for name, cell in cells.items() if cell and name[:8] == _ANSWERS}
        texts = {item: cell for item, cell in given.items() if isinstance(cell, str)}
        skipped = {item: match[1] for item, cell in texts.items() if (match := _SKIPPED.fullmatch(cell))}
        wrong += [
            FieldError(f"{_ANSWERS}{item}", f"Skipped why? One of {', '.join(SkipReason)}.")
            for item, reason in skipped.items()
            if reason not in [one.value for one in SkipReason]
        ]
        values["skipped"] = skipped
        answers = {item: _compound(cell) if item in compound else cell for item, cell in given.items()}
        values["answers"] = {
            item: _answer(answer) if isinstance(answer, str) and item not in typed else answer
            for item, answer in answers.items()
            if item not in skipped
        }
    return values, wrong


def _compound(cell: Any) -> Any:
    try:
        read = json.loads(cell) if isinstance(cell, str) and cell.startswith(("[", "{")) else cell
    except (ValueError, RecursionError):
        return cell
    return read if can_be_kept(read) else cell


def _answer(cell: str) -> object:
    """A number, yes or no, or a code; spreadsheets write TRUE."""
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    try:
        return json.loads(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else cell
    except ValueError:
        return cell
