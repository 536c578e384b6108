"""Imports through intake's door, on a real PostgreSQL: tried, brought in, cut, sent again, corrected."""

import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.intake.api.importing import Importer
from services.intake.domain.imports import ImportKind, column_names
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.intake.conftest import OTHER, SITE
from tests.services.trails import trail
from tests.survey import CROHNS, answers_to
from tests.waiting import until

Json = dict[str, Any]
HEADER = "patient,birth_year,sex,diagnosis,clinician"
FEW = f"{HEADER}\nMRN-1,1984,female,crohns-disease,dr-1\nMRN-2,1990,male,ulcerative-colitis,\n"


def many(rows: int) -> str:
    return "\n".join([HEADER, *(f"MRN-{row},1984,female,crohns-disease,dr-1" for row in range(rows))])


async def send(clinic: Clinic, kind: str, text: str, *, dry_run: bool = False, name: str = "a.csv") -> Json:
    """Send a file and wait until its stage is over."""
    asked = {"kind": kind, "dry_run": str(dry_run).lower(), "name": name}
    content_type = "text/csv" if name.endswith(".csv") else "application/x-ndjson"
    answer = await clinic.system.post("/v1/imports", params=asked, content=text, headers={"content-type": content_type})
    assert answer.status_code == 202, answer.text
    return await over(clinic, answer.json()["id"])


async def over(clinic: Clinic, import_id: str) -> Json:
    async def is_over() -> bool:
        return (await look(clinic, import_id))["stage"] in ("checked", "done")

    await until(is_over, seconds=60)
    return await look(clinic, import_id)


async def look(clinic: Clinic, import_id: str) -> Json:
    answer = await clinic.system.get(f"/v1/imports/{import_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def run(clinic: Clinic, import_id: str) -> Json:
    assert (await clinic.system.post(f"/v1/imports/{import_id}/run")).status_code == 202
    return await over(clinic, import_id)


async def count(clinic: Clinic, table: str) -> int:
    number: int = await clinic.intake.state.database.value(f"SELECT count(*) FROM {table}")
    return number


def counts(answer: Json) -> tuple[int, int, int]:
    return answer["accepted"], answer["unchanged"], answer["refused"]


async def test_a_trial_says_what_would_happen_and_writes_nothing(clinic: Clinic) -> None:
    tried = await send(clinic, "patients", FEW, dry_run=True)
    assert (tried["stage"], tried["rows"], counts(tried)) == ("checked", 2, (2, 0, 0))
    assert [await count(clinic, table) for table in ("patient", "consent_step", "import_known")] == [0, 0, 0]
    assert counts(await run(clinic, tried["id"])) == (2, 0, 0)
    assert await count(clinic, "patient") == 2
    assert await count(clinic, "outbox WHERE topic = 'enrollment-updated'") == 2


async def test_a_trial_finds_what_clashes_wherever_in_the_file_it_stands(clinic: Clinic) -> None:
    twice = ["MRN-3,1984,female,crohns-disease,dr-1", "MRN-7,1985,female,crohns-disease,dr-1"]
    tried = await send(clinic, "patients", "\n".join([many(250), *twice]), dry_run=True)
    assert (tried["rows"], counts(tried)) == (252, (250, 1, 1))
    (cell,) = tried["wrong"]
    assert (cell["line"], cell["column"]) == (253, "patient")
    assert "birth_year" in cell["what"]
    assert [await count(clinic, table) for table in ("patient", "import_tried")] == [0, 0]
    assert counts(await run(clinic, tried["id"])) == (250, 1, 1), "as it was said"

    header, at = "patient,visit,starts_at,clinician,state", "2026-10-19T09:00,dr-1"
    visits = [header, *(f"MRN-{row},V-{row},{at},scheduled" for row in range(250))]
    visits += [f"MRN-1,V-1,{at},cancelled", f"MRN-2,V-1,{at},scheduled", f"MRN-2,V-2,{at},scheduled"]
    tried = await send(clinic, "visits", "\n".join(visits), dry_run=True)
    assert counts(tried) == (251, 1, 1)
    assert [(cell["line"], cell["column"]) for cell in tried["wrong"]] == [(253, "visit")]
    assert counts(await run(clinic, tried["id"])) == (251, 1, 1)

    skipped = dict.fromkeys(("concern_1_topic", "matters_most"), "do-not-know")
    answered = {"submitted_at": "2026-10-18T20:00", "answers": answers_to(CROHNS), "skipped": skipped}
    rows = [{"patient": f"MRN-{row}", "visit": f"V-{row}", **answered} for row in (*range(2, 120), 4)]
    rows[-1] |= {"submitted_at": "2026-10-18T21:00"}
    lines = "\n".join(json.dumps(row) for row in rows)
    tried = await send(clinic, "answers", lines, dry_run=True, name="a.ndjson")
    assert counts(tried) == (118, 0, 1)
    assert [(cell["line"], cell["column"]) for cell in tried["wrong"]] == [(119, "visit")]
    assert counts(await run(clinic, tried["id"])) == (118, 0, 1)


async def test_the_same_rows_again_are_here_already(clinic: Clinic) -> None:
    await send(clinic, "patients", FEW)
    assert counts(await send(clinic, "patients", FEW)) == (0, 2, 0)
    more = FEW + "MRN-3,1950,male,crohns-disease,\nMRN-3,1950,male,crohns-disease,\n"
    assert counts(await send(clinic, "patients", more)) == (1, 3, 0)
    assert await count(clinic, "patient") == 3


async def test_who_was_enrolled_through_the_door_is_here_already_or_told_apart_by_columns(clinic: Clinic) -> None:
    await clinic.enrol(identifier="MRN-1")
    answer = await send(clinic, "patients", f"{HEADER}\nMRN-1,1984,female,crohns-disease,\n")
    assert counts(answer) == (0, 1, 0)
    answer = await send(clinic, "patients", f"{HEADER}\nMRN-1,1985,male,crohns-disease,\n")
    assert counts(answer) == (0, 0, 1)
    assert (answer["wrong"][0]["line"], answer["wrong"][0]["column"]) == (2, "patient")
    assert "birth_year, sex" in answer["wrong"][0]["what"]


async def test_refused_rows_are_told_by_line_and_column_and_come_back_to_be_corrected(clinic: Clinic) -> None:
    text = f"{HEADER}\nMRN-1,84,femal,crohns-disease,=cmd\nMRN-2,1990,male,ulcerative-colitis,\nMRN-3,1990\n"
    answer = await send(clinic, "patients", text)
    assert counts(answer) == (1, 0, 2)
    assert [(cell["line"], cell["column"]) for cell in answer["wrong"]] == [(2, "birth_year"), (2, "sex"), (4, "")]
    sheet = await clinic.system.get(f"/v1/imports/{answer['id']}/refused-rows")
    assert sheet.text.startswith("\ufeffpatient,")
    first, second = csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff")))
    assert (first["patient"], first["clinician"], first["refused_line"]) == ("MRN-1", "'=cmd", "2")
    assert "Write four digits" in first["refused_because"]
    assert second["refused_line"] == "4"
    corrected = sheet.text.replace(",84,femal,", ",1984,female,")
    assert counts(await send(clinic, "patients", corrected)) == (1, 0, 1)


async def test_more_refused_rows_than_are_read_at_once_come_back_in_their_order(clinic: Clinic) -> None:
    rows = [f"MRN-{row},84,female,crohns-disease,dr-1" for row in range(250)]
    answer = await send(clinic, "patients", "\n".join([HEADER, *rows]))
    sheet = await clinic.system.get(f"/v1/imports/{answer['id']}/refused-rows")
    back = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert [row["patient"] for row in back] == [f"MRN-{row}" for row in range(250)]


async def test_a_row_of_a_day_that_is_still_to_come_is_refused_by_its_column(clinic: Clinic) -> None:
    today = datetime.now(ZoneInfo("America/Chicago")).date()
    days = [today.isoformat(), (today + timedelta(days=1)).isoformat()]
    rows = [f"MRN-{number},1984,female,crohns-disease,dr-1,{day}" for number, day in enumerate(days)]
    text = "\n".join([f"{HEADER},enrolled_on", *rows])
    for answer in (await send(clinic, "patients", text, dry_run=True), await send(clinic, "patients", text)):
        assert counts(answer) == (1, 0, 1)
        assert [(cell["line"], cell["column"]) for cell in answer["wrong"]] == [(3, "enrolled_on")]
        assert "not still to come" in answer["wrong"][0]["what"]


async def test_visits_come_by_the_sites_numbers_and_move(clinic: Clinic) -> None:
    await clinic.enrol(identifier="MRN-1")
    header = "patient;visit;starts_at;clinician;state"
    text = f"{header}\r\nMRN-1;V-1;2126-10-19T09:00;dr-1;\r\nMRN-9;V-2;2126-10-19T09:30;dr-1;\r\nMRN-1;V-3;;;\r\n"
    answer = await send(clinic, "visits", text)
    assert counts(answer) == (1, 0, 2)
    assert [(cell["line"], cell["column"]) for cell in answer["wrong"]] == [
        (3, "patient"),
        (4, "starts_at"),
        (4, "clinician"),
    ]
    assert counts(await send(clinic, "visits", text)) == (0, 1, 2)
    moved = f"{header}\nMRN-1;V-1;2126-10-20T09:00;dr-2;\n"
    assert counts(await send(clinic, "visits", moved)) == (1, 0, 0)
    assert counts(await send(clinic, "visits", text)) == (0, 0, 3), "an old file does not move it back, and says so"
    (row,) = await clinic.intake.state.database.rows("SELECT scheduled_at, clinician_id FROM visit")
    assert (row["scheduled_at"].isoformat(), row["clinician_id"]) == ("2126-10-20T14:00:00+00:00", "dr-2")


async def test_answers_go_the_way_of_every_survey(clinic: Clinic) -> None:
    await clinic.enrol(identifier="MRN-1")
    await send(clinic, "visits", "patient,visit,starts_at,clinician\nMRN-1,V-1,2026-10-19T09:00,dr-1\n")
    answers = answers_to(CROHNS)
    columns = column_names(ImportKind.ANSWERS)
    given = {"patient": "MRN-1", "visit": "V-1", "submitted_at": "2026-10-18T20:00", "mode": "paper"}
    answers |= {"concern_1_topic": "skipped: do-not-know", "concern_1_words": "12", "matters_most": "To sleep"}
    given |= {f"answers.{item}": str(value) for item, value in answers.items()}
    written = io.StringIO()
    sheet = csv.DictWriter(written, [*columns, *(f"answers.{item}" for item in answers)])
    sheet.writeheader()
    sheet.writerow(given)
    broken = next(iter(answers))
    sheet.writerow(given | {f"answers.{broken}": "no such code", "submitted_at": "2026-10-18T21:00"})
    answer = await send(clinic, "answers", written.getvalue())
    assert counts(answer) == (1, 0, 1), answer
    assert await count(clinic, "outbox WHERE topic = 'survey-completed'") == 1
    assert counts(await send(clinic, "answers", written.getvalue())) == (0, 1, 1)


async def test_a_run_that_was_cut_goes_on_where_it_stopped(clinic: Clinic) -> None:
    state = clinic.intake.state
    sent = await clinic.system.post(
        "/v1/imports",
        params={"kind": "patients", "dry_run": "false"},
        content=many(450),
        headers={"content-type": "text/csv"},
    )
    import_id = sent.json()["id"]

    async def has_begun() -> bool:
        return bool(await count(clinic, "patient"))

    await until(has_begun)
    await state.importer.__aexit__(None, None, None)
    cut = await look(clinic, import_id)
    there = await count(clinic, "patient")
    assert there == cut["rows_done"], "rows that are in and rows that are counted are the same"
    state.importer = Importer()
    assert counts(await run(clinic, import_id)) == (450, 0, 0)
    assert await count(clinic, "patient") == 450
    assert await count(clinic, "import_part") == 0, "what is in is not kept as a file"


async def test_each_import_and_each_patient_that_it_touches_is_on_record(clinic: Clinic) -> None:
    await send(clinic, "patients", FEW)
    rows = [row for row in await trail(clinic.intake) if row["route"] == "import_a_file"]
    assert len(rows) == 3
    assert sum(row["patient_id"] is not None for row in rows) == 2


async def test_nothing_of_a_file_stands_in_clear_in_the_database(clinic: Clinic) -> None:
    await send(clinic, "patients", f"{HEADER}\nMRN-77,84,female,crohns-disease,\n", dry_run=True, name="Quagga.csv")
    rows = await clinic.intake.state.database.rows(
        "SELECT described || content AS kept FROM import_file JOIN import_part USING (import_id) "
        "UNION ALL SELECT content FROM import_refusal"
    )
    assert len(rows) == 2
    assert not [row for row in rows if "MRN-77" in row["kept"] or "Quagga" in row["kept"]]


async def test_an_erased_patient_can_be_imported_anew(clinic: Clinic) -> None:
    await send(clinic, "patients", f"{HEADER}\nMRN-1,1984,female,crohns-disease,\n")
    patient_id = str(await clinic.intake.state.database.value("SELECT patient_id FROM patient"))
    body = {"reason": "patient-request", "confirm_patient_id": patient_id}
    erasing = await clinic.system.post(f"/v1/patients/{patient_id}/erasure", json=body, headers=new_key())
    assert erasing.status_code == 201
    assert counts(await send(clinic, "patients", f"{HEADER}\nMRN-1,1984,female,crohns-disease,\n")) == (1, 0, 0)


async def test_an_import_of_another_site_is_not_there(clinic: Clinic, token: Tokens) -> None:
    mine = await send(clinic, "patients", FEW, dry_run=True)
    async with client_of(clinic.intake, token("coordinator", [OTHER])) as other:
        for path in (f"/v1/imports/{mine['id']}", f"/v1/imports/{uuid4()}", f"/v1/imports/{mine['id']}/refused-rows"):
            assert (await other.get(path)).status_code == 404
        assert (await other.get("/v1/imports")).json() == {"items": []}


async def test_a_file_that_is_forgotten_leaves_nothing_but_the_rows_that_are_in(clinic: Clinic, token: Tokens) -> None:
    mine = await send(clinic, "patients", FEW + "MRN-3,who knows,male,crohns-disease,\n")
    path = f"/v1/imports/{mine['id']}"
    async with client_of(clinic.intake, token("coordinator", [OTHER])) as other:
        assert (await other.delete(path)).status_code == 404
    assert await count(clinic, "import_refusal") == 1
    assert [(await clinic.system.delete(path)).status_code for _ in range(2)] == [204, 404]
    tables = ("import_file", "import_part", "import_refusal", "patient")
    assert [await count(clinic, table) for table in tables] == [0, 0, 0, 2]


async def test_an_import_that_is_forgotten_while_it_runs_stops(clinic: Clinic) -> None:
    many = "".join(f"MRN-{number},1950,male,crohns-disease,\n" for number in range(2_000))
    path = "/v1/imports?kind=patients&dry_run=false"
    headers = {"content-type": "text/csv"}
    begun = (await clinic.system.post(path, content=FEW.splitlines()[0] + "\n" + many, headers=headers)).json()
    assert (await clinic.system.delete(f"/v1/imports/{begun['id']}")).status_code == 204
    importer = clinic.intake.state.importer

    async def is_over() -> bool:
        return not importer.is_running(UUID(begun["id"]))

    await until(is_over)
    assert await count(clinic, "patient") < 2_000
    assert [await count(clinic, table) for table in ("import_file", "import_part")] == [0, 0]


async def test_files_that_never_came_whole_hide_none_that_did(clinic: Clinic) -> None:
    whole = await send(clinic, "patients", FEW)
    path, headers = "/v1/imports?kind=patients", {"content-type": "text/csv"}
    for _ in range(20):
        answer = await clinic.system.post(path, content="shoe_size\n41\n", headers=headers)
        assert answer.status_code == 422
    assert [one["id"] for one in (await clinic.system.get("/v1/imports")).json()["items"]] == [whole["id"]]


async def test_a_file_that_is_not_understood_is_refused_at_once(clinic: Clinic) -> None:
    kind = {"kind": "patients"}
    headers = {"content-type": "text/csv"}
    answer = await clinic.system.post("/v1/imports", params=kind, content="shoe_size\n41\n", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:samepage:problem:unreadable-file")
    answer = await clinic.system.post("/v1/imports", params=kind, content=FEW, headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert (await clinic.system.get("/v1/imports")).json() == {"items": []}


@pytest.mark.parametrize("kind", ["patients", "visits", "answers"])
async def test_the_template_of_each_kind_is_a_file_without_rows(clinic: Clinic, kind: str) -> None:
    template = await clinic.system.get("/v1/import-template", params={"kind": kind})
    assert template.headers["content-disposition"] == f'attachment; filename="{kind}.csv"'
    answer = await send(clinic, kind, template.text)
    assert (answer["stage"], answer["rows"]) == ("done", 0)


async def test_memory_does_not_grow_with_the_file(clinic: Clinic) -> None:
    peaks = []
    for rows in (2_000, 20_000):
        tracemalloc.start()
        await arrive(clinic, rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 500_000, peaks


async def arrive(clinic: Clinic, rows: int) -> None:
    """Send a file of so many rows line by line; its trial is not waited for."""

    async def lines() -> AsyncIterator[bytes]:
        yield f"{HEADER}\n".encode()
        for row in range(rows):
            yield f"MRN-{row},1984,female,crohns-disease,dr-1\n".encode()

    state = clinic.intake.state
    answer = await clinic.system.post(
        "/v1/imports", params={"kind": "patients"}, content=lines(), headers={"content-type": "text/csv"}
    )
    assert answer.json()["rows"] == rows, answer.text
    await state.importer.__aexit__(None, None, None)


async def by_form(client: httpx.AsyncClient, kind: str, text: str) -> httpx.Response:
    return await client.post("/imports", data={"kind": kind}, files={"file": ("visits-oct.csv", text, "text/csv")})


async def test_a_coordinator_tries_a_file_by_a_form_and_brings_it_in_by_a_button(clinic: Clinic, token: Tokens) -> None:
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        sent = await by_form(coordinator, "patients", FEW + "MRN-3,84,male,crohns-disease,\n")
        assert sent.status_code == 303, sent.text
        address = sent.headers["location"]
        await over(clinic, address.rpartition("/")[2])
        page = await coordinator.get(address)
        assert "2 of 3 rows would come in. 1 was refused." in page.text
        assert "“84” is not a year. Write four digits, like 1984." in page.text
        assert "Bring in 2 rows" in page.text
        assert (await coordinator.post(f"{address}/run")).status_code == 303
        await over(clinic, address.rpartition("/")[2])
        assert "2 of 3 rows are in. 1 was refused." in (await coordinator.get(address)).text
        newest = await coordinator.get("/imports")
        assert f'href="{address}"' in newest.text
        assert "visits-oct.csv" in newest.text


async def test_the_form_comes_again_with_what_is_wrong(clinic: Clinic, token: Tokens) -> None:
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        answer = await by_form(coordinator, "patients", "shoe_size\n41\n")
        assert answer.status_code == 422
        assert "The header names columns that patients have not" in answer.text
        answer = await by_form(coordinator, "shoes", FEW)
        assert "Say what the file holds." in answer.text


@pytest.mark.parametrize("pets", ["[" * 300 + "]" * 300, "[" + "9" * 30 + "]", '["\\ud800"]'])
async def test_a_line_that_cannot_be_kept_is_refused_and_the_others_come_in(clinic: Clinic, pets: str) -> None:
    row = {"patient": "MRN-1", "birth_year": "1984", "sex": "female", "diagnosis": "crohns-disease"}
    good = json.dumps(row)
    told = await send(clinic, "patients", good[:-1] + f', "clinician": {pets}}}\n{good}\n', name="a.ndjson")
    assert counts(told) == (1, 0, 1)
    assert [(cell["line"], cell["column"]) for cell in told["wrong"]] == [(1, "")]
