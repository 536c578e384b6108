"""Files taken apart and cells read: as spreadsheets write them, in any pieces, with what is wrong told in words."""

import json
import time
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain.imports import FileReader, ImportKind, Row, UnreadableFile, as_csv, read_cells

HEADER = "patient,birth_year,sex,diagnosis"
ROW = "MRN-1,1984,female,crohns-disease"
CELLS = {"patient": "MRN-1", "birth_year": "1984", "sex": "female", "diagnosis": "crohns-disease"}
CHICAGO = ZoneInfo("America/Chicago")
PATIENTS, VISITS, ANSWERS = ImportKind


def rows_of(text: str | bytes, kind: ImportKind = PATIENTS, *, size: int = 7, is_csv: bool = True) -> list[Row]:
    """The rows of a file that arrives in pieces of so many bytes."""
    data, reader = text if isinstance(text, bytes) else text.encode(), FileReader(kind, is_csv)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return [row for piece in pieces for row in reader.feed(piece)] + reader.feed(b"", is_last=True)


def wrong_with(kind: ImportKind, **cells: str) -> dict[str, str]:
    return {error.field: error.expected for error in read_cells(kind, cells, CHICAGO)[1]}


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}",
        f"\ufeff{HEADER}\r\n{ROW}\r\n\r\n",
        f"{HEADER}\r{ROW}\r",
        f"{HEADER};\n{ROW};\n".replace(",", ";").replace(";\n", "\n"),
        f"{HEADER}\n{ROW}\n".replace(",", "\t"),
        f"{HEADER.upper()}\n  {ROW}  \n,,,\n",
    ],
)
def test_a_file_as_a_spreadsheet_writes_it_is_understood_in_any_pieces(text: str, size: int) -> None:
    assert rows_of(text, size=size) == [Row(2, CELLS)]


def test_a_quoted_cell_may_hold_line_ends_and_marks_and_the_lines_are_still_counted() -> None:
    text = f'{HEADER},clinician\n{ROW},"Dr ""A""\r\nRowe"\n\n{ROW},dr-1\n'
    first, second = rows_of(text)
    assert (first.line, first.cells["clinician"]) == (2, 'Dr "A"\nRowe')
    assert (second.line, second.cells["clinician"]) == (5, "dr-1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER},shoe_size\n{ROW},41\n", "no. 5"),
        ("patient,sex\nMRN-1,female\n", "does not name birth_year, diagnosis"),
        (f"{HEADER},sex\n{ROW},male\n", "twice"),
        ("", "empty"),
        (f'{HEADER}\n{ROW}\n"MRN-2,1984,female,crohns-disease\n', "Line 3: a quotation mark"),
        (f"{HEADER}\nÄ,1984,female,crohns-disease\n".encode("latin-1"), "CSV UTF-8"),
        (f"{HEADER}\n" + "x" * 70_000, "longer than a row can be"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_whole_with_what_to_change(text: str | bytes, said: str) -> None:
    with pytest.raises(UnreadableFile, match=said) as refused:
        rows_of(text, size=1000)
    assert "shoe_size" not in str(refused.value)


@pytest.mark.parametrize("separator", [",", "\t"])
def test_rows_that_a_stray_quotation_mark_joins_are_refused_by_their_lines(separator: str) -> None:
    lines = [f"{HEADER},clinician", f'{ROW},walk 5" more', f"{ROW},x", f'{ROW},eat a 6" sub', f"{ROW},dr-1"]
    joined, good = rows_of("\n".join(lines).replace(",", separator))
    assert joined == Row(2, {}, "A quotation mark stands where none can, in lines 2 to 4.")
    assert good == Row(5, {**CELLS, "clinician": "dr-1"})


def test_a_quotation_mark_behind_a_closed_one_is_refused_in_its_own_line() -> None:
    (row,) = rows_of(f'{HEADER},clinician\n{ROW},"a"b"c"\n')
    assert row == Row(2, {}, "A quotation mark stands where none can.")


def test_a_row_of_another_length_is_told_apart_from_the_others() -> None:
    short, good = rows_of(f"{HEADER}\nMRN-9,1984\n{ROW}\n")
    assert (short.line, short.wrong) == (2, "The row has 2 cells, the header 4.")
    assert good == Row(3, CELLS)


def test_lines_of_json_come_to_the_same_rows() -> None:
    lines = [json.dumps({**CELLS, "birth_year": 1984, "education": None}), "[1]", json.dumps({"shoe_size": 41})]
    good, broken, unknown = rows_of("\n".join(lines), is_csv=False)
    assert good == Row(1, CELLS)
    assert (broken.line, broken.wrong) == (2, "This line is no JSON object.")
    assert unknown.wrong is not None


def test_answers_come_as_columns_or_as_members() -> None:
    line = {"patient": "MRN-1", "answers": {"pain": 2, "stoma": False}, "skipped": {"mood": "prefer-not-to-say"}}
    (row,) = rows_of(json.dumps(line), ANSWERS, is_csv=False)
    assert row.cells["answers.pain"] == "2"
    values, _ = read_cells(ANSWERS, {**row.cells, "answers.feel": "well", "answers.weight": "61.5"}, CHICAGO)
    assert values["answers"] == {"pain": 2, "stoma": False, "feel": "well", "weight": 61.5}
    assert values["skipped"] == {"mood": "prefer-not-to-say"}


def test_a_header_names_columns_in_any_letters_and_items_as_their_form_does() -> None:
    header = "Patient, VISIT,Submitted_At,Answers.Pain.Now ,answers.pain.now"
    (row,) = rows_of(f"{header}\nMRN-1,V-1,2026-10-01T09:00Z,2,3\n", ANSWERS)
    assert [*row.cells] == ["patient", "visit", "submitted_at", "answers.Pain.Now", "answers.pain.now"]
    values, wrong = read_cells(ANSWERS, row.cells, CHICAGO)
    assert (values["answers"], wrong) == ({"Pain.Now": 2, "pain.now": 3}, [])


def test_what_a_spreadsheet_would_run_is_written_harmless_and_read_as_it_was() -> None:
    cells = ["=HYPERLINK(1)", "+1", "-1", "@sum", "plain", "'quoted"]
    written = as_csv([["patient", *(f"answers.a{number}" for number in range(5))], cells])
    assert [cell[0] for cell in written.splitlines()[1].split(",")] == ["'", "'", "'", "'", "p", "'"]
    header = "patient,visit,submitted_at," + ",".join(f"answers.a{number}" for number in range(5))
    (row,) = rows_of(f"{header}\n'=1+1,V-1,2026-10-01T09:00Z,'+1,'-1,'@sum,plain,'quoted\n", ANSWERS)
    assert [row.cells["patient"], *(row.cells[f"answers.a{number}"] for number in range(5))] == [
        "=1+1",
        "+1",
        "-1",
        "@sum",
        "plain",
        "'quoted",
    ]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("03/04/2026", "can be two days"),
        ("3.4.2026", "can be two days"),
        ("19/10/26 9am", "is not a date we know. Write it like 2026-10-19T09:00"),
        ("19/10/2026", "is not a date we know"),
        ("2026-10-19", "Write it like 2026-10-19T09:00"),
        ("2026-11-01T01:30", "comes twice or not at all"),
        ("2026-03-08T02:30", "comes twice or not at all"),
        ("1066-10-14T09:00", "A year from 1900"),
    ],
)
def test_a_time_that_could_be_two_or_none_is_refused_with_what_to_write(cell: str, said: str) -> None:
    wrong = wrong_with(VISITS, patient="MRN-1", clinician="dr-1", starts_at=cell)
    assert wrong.keys() == {"starts_at"}
    assert said in wrong["starts_at"]


@pytest.mark.parametrize(
    ("cell", "offset_h"), [("2026-10-19T09:00", -5), ("2026-12-19 09:00", -6), ("2026-10-19T09:00+02:00", 2)]
)
def test_a_time_without_an_offset_is_one_of_the_sites_clocks(cell: str, offset_h: int) -> None:
    values, wrong = read_cells(VISITS, {"patient": "1", "clinician": "dr-1", "starts_at": cell}, CHICAGO)
    assert not wrong
    assert values["starts_at"].utcoffset().total_seconds() == offset_h * 3600


def test_every_wrong_cell_is_told_in_words() -> None:
    wrong = wrong_with(PATIENTS, patient="1.23E+11", birth_year="84", sex="femal", enrolled_on="03/04/2026")
    assert "Format the column as text" in wrong["patient"]
    assert wrong["birth_year"] == "“84” is not a year. Write four digits, like 1984."
    assert wrong["sex"] == "“femal” is none of female, male, other, unknown."
    assert wrong["diagnosis"] == "Empty. Every row needs one."
    assert "two days" in wrong["enrolled_on"]


def test_a_list_or_an_object_stays_what_it_is_and_comes_back_out_of_a_list_of_refused_rows() -> None:
    given = {"pets": ["a cat", "=1"], "weight": {"value": 61.5, "unit": "kg"}, "note": "[1]"}
    (row,) = rows_of(json.dumps({"patient": "MRN-1", "answers": given}), ANSWERS, is_csv=False)
    (again,) = rows_of(
        as_csv([[*row.cells, "visit", "submitted_at"], [*row.cells.values(), "V-1", "2026-03-01T09:00"]]), ANSWERS
    )
    for cells in (row.cells, again.cells):
        values, _ = read_cells(ANSWERS, cells, CHICAGO, {"note"}, {"pets", "weight"})
        assert values["answers"] == given


@pytest.mark.parametrize("cell", ["[" * 17 + "]" * 17, "[" * 30_000, f"[{'9' * 30}]", '["\\ud800"]', "[" + "9" * 5000])
def test_json_in_a_cell_that_cannot_be_kept_stays_text(cell: str) -> None:
    values, wrong = read_cells(ANSWERS, {"answers.pets": cell}, CHICAGO, {"pets"}, {"pets"})
    assert values["answers"] == {"pets": cell}
    assert "answers.pets" not in {error.field for error in wrong}


def test_a_cell_that_nests_as_deep_as_a_request_may_is_read() -> None:
    values, _ = read_cells(ANSWERS, {"answers.pets": "[" * 16 + "]" * 16}, CHICAGO, {"pets"}, {"pets"})
    assert isinstance(values["answers"]["pets"], list)


def seconds_for(records: int, line_ends: int) -> float:
    """What it takes to read so many records, each with a cell of so many line ends."""
    text = f"{HEADER},clinician\n" + f'{ROW},"{chr(10) * line_ends}"\n' * records
    began = time.process_time()
    assert len(rows_of(text, size=65_536)) == records
    return time.process_time() - began


def test_many_line_ends_in_one_cell_take_no_longer_than_in_many() -> None:
    assert seconds_for(1, 60_000) < 5 * seconds_for(20, 3_000) + 0.05
