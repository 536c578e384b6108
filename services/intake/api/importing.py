"""Bringing in a file, part by part, in the background of the process that was asked.

Guarantee: the rows of a part and the note that it is done are one transaction, so a run that is cut goes on with the
next part, whoever asks for that, and two runs of one file do a part once. A trial does the same and undoes it; what a
part is about that earlier ones were about is done again before it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from uuid import UUID

import orjson
import structlog

from services.intake import store
from services.intake.api.import_rows import Ground, Ready, prepare, wrong_cells
from services.intake.domain.imports import ImportKind, Row
from services.intake.store import Counted, ImportFile, RefusedRow, TriedRow
from shared.audit import Act, Entry, Kind
from shared.db import RETRYABLE, Connection, Pool, transaction
from shared.errors import KeyRingAway, Problem
from shared.http.commands import Result, by_itself
from shared.http.conclusion import conclude
from shared.http.record import kind_of
from shared.outbox import Recorded
from shared.sealing import Patient, WordKey, in_record

ROWS_OF_A_PART = 100
# Of the rows about one visit: nobody moves a visit more often in one file.
_MOST_DONE_AGAIN = 20
_WAITS_S = (0.2, 1.0, 5.0)
ARRIVING, CHECKING, IMPORTING = "arriving", "checking", "importing"
_log = structlog.get_logger()


class Seal:
    """Seals what stands of a file in the database; opens what an earlier key has sealed too."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys

    def close(self, site_id: str, import_id: UUID, field: str, content: object) -> str:
        key = WordKey(Patient(site_id, import_id), self._keys[0])
        return key.seal(orjson.dumps(content).decode(), in_record(import_id, field))

    def open(self, site_id: str, import_id: UUID, field: str, sealed: str) -> object:
        for key in self._keys:
            words = WordKey(Patient(site_id, import_id), key).open(sealed, in_record(import_id, field))
            if words.text is not None:
                return orjson.loads(words.text)
        raise Problem(409, "file-not-readable", "The key of this file is not in use any more. Send the file again.")


class _Undone(Exception):
    """Ends a transaction that was a trial, or that somebody else was faster than."""


@dataclass(frozen=True, slots=True)
class Run:
    """One stage of one file, brought in or tried, on behalf of somebody and on record as their act."""

    pool: Pool
    ground: Ground
    act: Act
    import_id: UUID
    stage: str
    seal: Seal

    async def part(self) -> bool:
        """Do the next part; False when there is none."""
        async with transaction(self.pool, self.ground.scope) as connection:
            found = await store.next_import_part(connection, self.ground.scope, self.import_id)
            if found is None or found[0].stage != self.stage:
                return False
            file, sealed = found
            rows = self._rows(file.next_part, sealed)
            kind = ImportKind(file.kind)
            prepared = [await prepare(connection, self.ground, kind, row) for row in rows]
        locks = {(self.ground.site_id, name) for one in prepared if isinstance(one, Ready) for name in one.locks}
        done = _Done(file, list(zip(rows, prepared, strict=True)))
        try:
            async with transaction(self.pool, self.ground.scope, locks=locks) as connection:
                if self.stage == CHECKING:
                    await self._do_again(connection, done)
                await self._record(connection, done)
                if self.stage == CHECKING or not await self._conclude(connection, done):
                    raise _Undone
        except _Undone:
            if self.stage != CHECKING:
                return False
            async with transaction(self.pool, self.ground.scope) as connection:
                if not await self._note(connection, done):
                    return False
                await self._remember(connection, done)
        return True

    async def _remember(self, connection: Connection, done: "_Done") -> None:
        """Which rows the trial has taken, until it is over."""
        if done.file.next_part + 1 < done.file.parts:
            await store.record_rows_tried(connection, self.ground.site_id, self.import_id, done.taken)
        else:
            await store.record_rows_tried_gone(connection, self.ground.site_id, self.import_id)

    def _rows(self, part: int, sealed: str) -> list[Row]:
        opened = self.seal.open(self.ground.site_id, self.import_id, f"part/{part}", sealed)
        return [Row(*row) for row in opened] if isinstance(opened, list) else []

    async def _do_again(self, connection: Connection, done: "_Done") -> None:
        """What earlier parts of a trial have done, and undone, about those whom this part is about."""
        scope, kind = self.ground.scope, ImportKind(done.file.kind)
        about = sorted({one.about for _, one in done.rows if isinstance(one, Ready)})
        tried = await store.rows_tried_about(connection, scope, self.import_id, about, _MOST_DONE_AGAIN)
        lines = {row.line for row in tried}
        for number in sorted({row.part for row in tried}):
            sealed = await store.import_part(connection, scope, self.import_id, number)
            for row in self._rows(number, sealed) if sealed is not None else ():
                one = await prepare(connection, self.ground, kind, row) if row.line in lines else None
                if isinstance(one, Ready):
                    await by_itself(connection, partial(one.record, connection))
                    done.again.update(one.hashes)
        again = {row.about for row in tried}
        for place, (row, one) in enumerate(done.rows):
            if isinstance(one, Ready) and one.about in again:
                done.rows[place] = row, await prepare(connection, self.ground, kind, row)

    async def _record(self, connection: Connection, done: "_Done") -> None:
        asked = [hashed for _, one in done.rows if isinstance(one, Ready) for hashed in one.hashes]
        known = done.again | await store.rows_known_among(connection, self.ground.scope, asked)
        for _, one in done.rows:
            if isinstance(one, Ready) and known.intersection(one.hashes):
                done.results.append(await one.again(connection))
            elif isinstance(one, Ready):
                result = await by_itself(connection, partial(one.record, connection))
                if isinstance(result, Recorded):
                    known.update(one.hashes)
                    done.known.append((one.hashes[0], one.patient_id or UUID(result.id)))
                done.results.append(result)
            else:
                done.results.append(one)

    async def _conclude(self, connection: Connection, done: "_Done") -> bool:
        """Events, audit and progress of rows that are in; False when somebody else was faster."""
        if not await self._note(connection, done):
            return False
        await store.record_rows_known(connection, self.ground.site_id, done.known)
        await store.record_import_part_gone(connection, self.ground.site_id, self.import_id, done.file.next_part)
        drafts = [draft for result in done.results if isinstance(result, Recorded) for draft in result.drafts]
        await conclude(connection, drafts, [(self.act, entry) for entry in self._entries(done)])
        return True

    def _entries(self, done: "_Done") -> list[Entry]:
        site_id, entries = self.ground.site_id, list[Entry]()
        for (_, one), result in zip(done.rows, done.results, strict=True):
            patient_id = one.patient_id if isinstance(one, Ready) else None
            if isinstance(result, Problem):
                entries.append(Entry(site_id, kind_of(result), result.status, patient_id))
            elif result.drafts:
                entries.append(Entry(site_id, Kind.WRITE, 201, result.drafts[-1].patient_id, result.receipt))
        return entries

    async def _note(self, connection: Connection, done: "_Done") -> bool:
        refused = [
            RefusedRow(row.line, self._sealed(row, result))
            for (row, _), result in zip(done.rows, done.results, strict=True)
            if isinstance(result, Problem)
        ]
        written = sum(isinstance(result, Recorded) and bool(result.drafts) for result in done.results)
        counted = Counted(written, len(done.results) - written - len(refused), len(refused))
        return await store.record_import_progress(connection, self.ground.site_id, done.file, counted, refused)

    def _sealed(self, row: Row, problem: Problem) -> str:
        content = {"cells": row.cells, "wrong": wrong_cells(problem)}
        return self.seal.close(self.ground.site_id, self.import_id, f"refusal/{row.line}", content)


class _Done:
    """A part, while it is done: each row with what it asks for, and what it came to."""

    def __init__(self, file: ImportFile, rows: list[tuple[Row, Ready | Problem]]) -> None:
        self.file = file
        self.rows = rows
        self.results = list[Result]()
        self.known = list[tuple[bytes, UUID]]()
        self.again = set[bytes]()

    @property
    def taken(self) -> list[TriedRow]:
        """The rows that are in, as far as the trial goes, but for those that an import brought in before."""
        return [
            TriedRow(one.about, row.line, self.file.next_part)
            for (row, one), result in zip(self.rows, self.results, strict=True)
            if isinstance(one, Ready) and isinstance(result, Recorded) and result.id
        ]


async def _patiently(run: Run) -> bool:
    """Do the next part; what is away, or holds a patient, is waited for."""
    for wait_s in _WAITS_S:
        try:
            return await run.part()
        except (KeyRingAway, *RETRYABLE):
            await asyncio.sleep(wait_s)
    return await run.part()


class Importer:
    """Runs files in the background, a few at once; what is cut off with the process goes on when it is asked to.

    `next_part` does the next part of a run, and says False when there is none.
    """

    def __init__(self, *, at_once: int = 2, next_part: Callable[[Run], Awaitable[bool]] = _patiently) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._next_part = next_part
        self._running: dict[UUID, asyncio.Task[None]] = {}

    async def __aenter__(self) -> "Importer":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def is_running(self, import_id: UUID) -> bool:
        """Whether this process is at it."""
        return import_id in self._running

    def start(self, run: Run) -> None:
        """Go on with a file, after whatever this process still does with it."""
        before = self._running.get(run.import_id)
        task = asyncio.create_task(self._run(run, before), context=Context())
        self._running[run.import_id] = task
        task.add_done_callback(partial(self._over, run.import_id))

    def _over(self, import_id: UUID, task: "asyncio.Task[None]") -> None:
        if self._running.get(import_id) is task:
            del self._running[import_id]

    async def _run(self, run: Run, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        async with self._turn:
            try:
                while await self._next_part(run):
                    pass
            except (KeyRingAway, Problem, *RETRYABLE) as failure:
                _log.warning("an import stopped", failure=type(failure).__name__)
            except Exception as failure:
                _log.error("an import failed", failure=type(failure).__name__)
