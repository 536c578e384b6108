"""Imports: a file of patients, visits or answers is tried, then brought in; how far it is can be asked at any time.

No key of idempotency is needed, and the file is never held whole: a row that is in is known again by its content, so
the same file again changes nothing; of a visit that was changed since, the old row is refused and says so. A file is
forgotten 30 days after it moved last, or when somebody says so; the rows that are in are not kept.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.intake import store
from services.intake.api.import_rows import Ground
from services.intake.api.importing import ARRIVING, CHECKING, IMPORTING, ROWS_OF_A_PART, Importer, Run, Seal
from services.intake.api.staff import AtSite
from services.intake.api.surveys import Means
from services.intake.api.withholding import WITHHELD, is_withheld
from services.intake.domain import FORMS, form_for, short_name
from services.intake.domain.imports import (
    MOST_COLUMNS,
    FileReader,
    ImportKind,
    Row,
    UnreadableFile,
    as_csv,
    column_names,
)
from services.intake.store import ImportFile, Page, RefusedRow
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem, unknown
from shared.events import Diagnosis
from shared.http.access import SiteStaff
from shared.http.commands import NamedSite, pool_of
from shared.http.media import media_type_of
from shared.http.record import keep_read, trail_of

router = APIRouter(tags=["imports"])
UPLOADS = "v1/imports|imports"
_CSV, _NDJSON = "text/csv", "application/x-ndjson"
_MARK = "\ufeff"  # by which spreadsheets know UTF-8
_KEPT_FOR, _ARRIVES_FOR, _SHOWN_ROWS = timedelta(days=30), timedelta(hours=1), 50
_MOST = 20
_SEEMS_CUT_AFTER = timedelta(seconds=30)
_WITHHELD = "The clinic does not show answers to coordinators. Who sent the file can see what is wrong."
_COLUMNS: dict[str, Any] = {
    name: {"type": "string", "maxLength": 500} for kind in ImportKind for name in column_names(kind)
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            _CSV: {"schema": {"type": "string", "description": "With the header of the template"}},
            _NDJSON: {
                "schema": {
                    "type": "object",
                    "description": "One object a line",
                    "properties": _COLUMNS,
                    "maxProperties": MOST_COLUMNS,
                }
            },
        },
    }
}
FileName = Annotated[str, Query(max_length=120, description="What the file is called")]


class Sheet(Response):
    media_type = _CSV


class ImportStage(StrEnum):
    """A trial is `checking` until it is `checked`, the real thing `importing` until it is `done`; either may stop."""

    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    DONE = "done"
    STOPPED = "stopped"


class WrongCell(BaseModel):
    """`line` is that of the file, where the row begins; `column` is empty where it is about the whole row."""

    line: int
    column: str
    what: str


class ImportAnswer(BaseModel):
    """`unchanged`: rows that were here already. `wrong`: what is wrong with the first refused rows.

    `withheld`: the caller is not shown what its rows say.
    """

    id: UUID
    kind: ImportKind
    name: str
    stage: ImportStage
    rows: int
    rows_done: int
    accepted: int
    unchanged: int
    refused: int
    made_by: str
    made_at: datetime
    wrong: list[WrongCell] = []
    withheld: bool = False


class Imports(BaseModel):
    items: list[ImportAnswer]


@router.post("/v1/imports", status_code=202, openapi_extra=_BODY)
async def import_a_file(
    request: Request,
    caller: SiteStaff,
    kind: ImportKind,
    name: FileName = "",
    dry_run: bool = True,
    site: NamedSite = None,
) -> ImportAnswer:
    """Send a file (CSV or NDJSON), up to 200,000 rows. `dry_run`: nothing is written; `run` brings it in afterwards."""
    media_type = media_type_of(request)
    if media_type not in (_CSV, _NDJSON):
        raise Problem(415, "not-a-file", f"Send {_CSV} or {_NDJSON}.")
    reader = FileReader(kind, is_csv=media_type == _CSV)
    desk = Desk(request, caller, caller.writing_site(site))
    return await desk.take_in(reader, name, request.stream(), stage=CHECKING if dry_run else IMPORTING)


@router.get("/v1/imports")
async def list_imports(request: Request, caller: SiteStaff, site: NamedSite = None) -> Imports:
    """The site's imports of the last 30 days, the newest first, at most 20."""
    return Imports(items=await Desk(request, caller, caller.writing_site(site)).newest())


@router.get("/v1/imports/{import_id}")
async def read_import(request: Request, import_id: UUID, caller: SiteStaff, site: NamedSite = None) -> ImportAnswer:
    """How far an import is, and what is wrong with its first refused rows."""
    return await Desk(request, caller, caller.writing_site(site)).look_up(import_id)


@router.post("/v1/imports/{import_id}/run", status_code=202)
async def run_import(request: Request, import_id: UUID, caller: SiteStaff, site: NamedSite = None) -> ImportAnswer:
    """Bring in a file whose trial is over, or go on where it stopped; again changes nothing."""
    return await Desk(request, caller, caller.writing_site(site)).run(import_id)


@router.delete("/v1/imports/{import_id}", status_code=204)
async def forget_import(request: Request, import_id: UUID, caller: SiteStaff, site: NamedSite = None) -> None:
    """Stop with a file and forget what is kept of it, its refused rows too. The rows that are in stay."""
    await Desk(request, caller, caller.writing_site(site)).forget(import_id)


@router.get("/v1/imports/{import_id}/refused-rows", response_class=Sheet)
async def download_refused_rows(request: Request, import_id: UUID, caller: SiteStaff, site: AtSite = None) -> Response:
    """The refused rows as CSV, each with its line and what is wrong: correct them there and send the file.

    403 `withheld` to a coordinator whose site does not show what patients say, where somebody else sent the answers.
    """
    pieces = await Desk(request, caller, caller.writing_site(site)).refused_rows(import_id)
    return StreamingResponse(pieces, media_type=_CSV, headers=_as_file("refused-rows.csv"))


@router.get("/v1/import-template", response_class=Sheet)
async def download_template(
    request: Request,
    caller: SiteStaff,
    kind: ImportKind,
    form: str | None = None,
    site: AtSite = None,
) -> Response:
    """An empty file with the header of a kind; for answers, that of a `form` (`id|version`, `url|version` or id)."""
    site_id = caller.writing_site(site)
    means: Means = request.app.state.means
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        name = form or form_for(Diagnosis.CROHNS).key
        own = await means.own_forms.named(connection, site_id, [name])
        asked = own[name].form if name in own else FORMS.get(short_name(name))
        if asked is None:
            raise unknown("form")
        await keep_read(request, connection, site_id, None)
    header = as_csv([column_names(kind, [item.link_id for item in asked.definition.walk() if item.is_asked])])
    return Sheet(_MARK + header, headers=_as_file(f"{kind}.csv"))


class Desk:
    """Where somebody of a site hands in files and asks for them."""

    def __init__(self, request: Request, caller: Caller, site_id: str) -> None:
        self._request = request
        self._caller = caller
        self._site_id = site_id
        self._scope = SiteScope.of(site_id)
        self._pool = pool_of(request)
        self._seal: Seal = request.app.state.import_seal
        self._importer: Importer = request.app.state.importer

    async def take_in(
        self, reader: FileReader, name: str, pieces: AsyncIterator[bytes], *, stage: str = CHECKING
    ) -> ImportAnswer:
        """Take a file to pieces while it arrives, and begin with its first row when it is there whole."""
        now, import_id = datetime.now(UTC), uuid4()
        described = self._described(import_id, name, [])
        file = ImportFile(import_id, reader.kind, ARRIVING, described, self._caller.subject, now, now)
        async with transaction(self._pool, self._scope) as connection:
            if not await store.has_site(connection, self._scope, self._site_id):
                raise unknown("site")
            await store.record_imports_gone(connection, self._site_id, now - _KEPT_FOR, now - _ARRIVES_FOR)
            await store.record_import(connection, self._site_id, file)
        try:
            await self._keep_parts(import_id, reader, pieces)
        except UnreadableFile as unreadable:
            raise Problem(422, "unreadable-file", str(unreadable)) from None
        described = self._described(import_id, name, reader.columns)
        async with transaction(self._pool, self._scope) as connection:
            await store.record_import_stage(connection, self._site_id, import_id, stage, described)
            await trail_of(self._request).keep(connection, [Entry(self._site_id, Kind.WRITE, 202)])
            begun = await self._found(connection, import_id)
            run = await self._run(connection, begun)
        self._importer.start(run)
        return self._answer(begun)

    async def newest(self, most: int = _MOST) -> list[ImportAnswer]:
        async with transaction(self._pool, self._scope) as connection:
            files = await store.import_files(connection, self._scope, most)
            withheld = [await self._is_withheld(connection, file) for file in files]
            await keep_read(self._request, connection, self._site_id, None)
        return [self._answer(file, withheld=hidden) for file, hidden in zip(files, withheld, strict=True)]

    async def look_up(self, import_id: UUID) -> ImportAnswer:
        async with transaction(self._pool, self._scope) as connection:
            file = await self._found(connection, import_id)
            refused = await store.refused_rows(connection, self._scope, import_id, Page(0, _SHOWN_ROWS))
            withheld = await self._is_withheld(connection, file)
            await keep_read(self._request, connection, self._site_id, None)
        wrong = [cell for row in refused for cell in self._opened(import_id, row)[1]]
        if withheld:
            wrong = [cell.model_copy(update={"what": _WITHHELD}) for cell in wrong]
        return self._answer(file, wrong, withheld=withheld)

    async def run(self, import_id: UUID) -> ImportAnswer:
        async with transaction(self._pool, self._scope, locks=[(self._site_id, f"import:{import_id}")]) as connection:
            file = await self._found(connection, import_id)
            if file.stage == CHECKING and file.next_part >= file.parts:
                await store.record_import_stage(connection, self._site_id, import_id, IMPORTING)
                file = await self._found(connection, import_id)
            await trail_of(self._request).keep(connection, [Entry(self._site_id, Kind.WRITE, 202)])
            run = await self._run(connection, file)
        self._importer.start(run)
        return self._answer(file)

    async def forget(self, import_id: UUID) -> None:
        """Whoever is at it finds no next part."""
        async with transaction(self._pool, self._scope) as connection:
            await self._found(connection, import_id)
            await store.record_import_gone(connection, self._site_id, import_id)
            await trail_of(self._request).keep(connection, [Entry(self._site_id, Kind.WRITE, 204)])

    async def refused_rows(self, import_id: UUID) -> AsyncIterator[str]:
        """CSV, some rows at a time; it is on record before the first of them leaves."""
        async with transaction(self._pool, self._scope) as connection:
            file = await self._found(connection, import_id)
            if await self._is_withheld(connection, file):
                raise Problem(403, WITHHELD, _WITHHELD)
            await keep_read(self._request, connection, self._site_id, None)
        return self._refused_in_pieces(file)

    async def _is_withheld(self, connection: Connection, file: ImportFile) -> bool:
        """Whether the answers in a file are withheld from the caller. Who sent it knows them."""
        if file.kind != ImportKind.ANSWERS or file.made_by == self._caller.subject:
            return False
        return await is_withheld(connection, self._caller, self._site_id)

    async def _refused_in_pieces(self, file: ImportFile) -> AsyncIterator[str]:
        _, columns = self._name_and_columns(file)
        yield _MARK + as_csv([[*columns, "refused_line", "refused_because"]])
        after = 0
        while True:
            async with transaction(self._pool, self._scope) as connection:
                rows = await store.refused_rows(connection, self._scope, file.import_id, Page(after, ROWS_OF_A_PART))
            if not rows:
                return
            after = rows[-1].line
            yield as_csv([self._written(file.import_id, columns, row) for row in rows])

    async def _keep_parts(self, import_id: UUID, reader: FileReader, pieces: AsyncIterator[bytes]) -> None:
        waiting, number = list[Row](), 0
        async for piece in pieces:
            waiting += reader.feed(piece)
            while len(waiting) >= ROWS_OF_A_PART:
                await self._keep_part(import_id, number, waiting[:ROWS_OF_A_PART])
                waiting, number = waiting[ROWS_OF_A_PART:], number + 1
        waiting += reader.feed(b"", is_last=True)
        if waiting:
            await self._keep_part(import_id, number, waiting)

    async def _keep_part(self, import_id: UUID, number: int, rows: Sequence[Row]) -> None:
        sealed = self._seal.close(self._site_id, import_id, f"part/{number}", [[*row] for row in rows])
        async with transaction(self._pool, self._scope) as connection:
            await store.record_import_part(connection, self._site_id, import_id, len(rows), sealed)

    async def _found(self, connection: Connection, import_id: UUID) -> ImportFile:
        """A file that is here whole."""
        file = await store.import_file(connection, self._scope, import_id)
        if file is None or file.stage == ARRIVING:
            raise unknown("import")
        return file

    async def _run(self, connection: Connection, file: ImportFile) -> Run:
        zone = await store.time_zone(connection, self._scope, self._site_id) or "UTC"
        state = self._request.app.state
        ground = Ground(
            site_id=self._site_id,
            caller=self._caller,
            zone=ZoneInfo(zone),
            identifiers=state.identifiers,
            means=state.means,
        )
        return Run(self._pool, ground, trail_of(self._request).act, file.import_id, file.stage, self._seal)

    def _described(self, import_id: UUID, name: str, columns: Sequence[str]) -> str:
        return self._seal.close(self._site_id, import_id, "described", [name, list(columns)])

    def _name_and_columns(self, file: ImportFile) -> tuple[str, list[str]]:
        opened: Any = self._seal.open(self._site_id, file.import_id, "described", file.described)
        return opened[0], [name for name in opened[1] if not name.startswith("refused_")]

    def _opened(self, import_id: UUID, row: RefusedRow) -> tuple[dict[str, Any], list[WrongCell]]:
        opened: Any = self._seal.open(self._site_id, import_id, f"refusal/{row.line}", row.content)
        return opened["cells"], [WrongCell(line=row.line, column=one, what=what) for one, what in opened["wrong"]]

    def _written(self, import_id: UUID, columns: Sequence[str], row: RefusedRow) -> list[Any]:
        cells, wrong = self._opened(import_id, row)
        because = " ".join(f"{one.column}: {one.what}" if one.column else one.what for one in wrong)
        return [*(cells.get(name, "") for name in columns), str(row.line), because]

    def _answer(self, file: ImportFile, wrong: Sequence[WrongCell] = (), *, withheld: bool = False) -> ImportAnswer:
        name, _ = self._name_and_columns(file)
        return ImportAnswer(
            id=file.import_id,
            kind=ImportKind(file.kind),
            name=name,
            stage=self._stage(file),
            rows=file.rows,
            rows_done=file.accepted + file.unchanged + file.refused,
            accepted=file.accepted,
            unchanged=file.unchanged,
            refused=file.refused,
            made_by=file.made_by,
            made_at=file.made_at,
            wrong=list(wrong),
            withheld=withheld,
        )

    def _stage(self, file: ImportFile) -> ImportStage:
        if file.next_part >= file.parts:
            return ImportStage.CHECKED if file.stage == CHECKING else ImportStage.DONE
        is_moving = self._importer.is_running(file.import_id) or datetime.now(UTC) - file.moved_at < _SEEMS_CUT_AFTER
        return ImportStage(file.stage) if is_moving else ImportStage.STOPPED


def _as_file(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
