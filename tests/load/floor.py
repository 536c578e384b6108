"""The floor: the least that an HTTP door can do and still be as durable.

The same server, loop, pool and collector settings as the product's doors, the same requests and the same bytes kept:
a survey with its event, or a page read with the rows that record the look. No validation, tokens, walls, sequences or
idempotency. What arrives together is written together, in one statement: at once while a writer is free, otherwise
when one is. The distance from here is what the product's promises cost.
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.intake.settings import IntakeSettings
from shared.db import Pool, open_pool
from shared.events import DASHBOARD_VIEWED
from shared.http.ndjson import NDJSON
from tests.waiting import until

_MOST_TOGETHER = 64
_WRITERS = 2
_LONGEST_WAIT_S = 2.0

_SUBMIT = """
WITH kept AS (
    INSERT INTO survey (site_id, survey_id, patient_id, visit_id, response)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[])
)
INSERT INTO outbox (event_id, site_id, key, value)
SELECT event_id, site_id, patient_id::text, value
FROM unnest($2::uuid[], $1::text[], $3::uuid[], $6::bytea[]) AS row (event_id, site_id, patient_id, value)
"""
_LOOK = f"""
WITH kept AS (
    INSERT INTO look (site_id, look_id, patient_id) SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[])
), audited AS (
    INSERT INTO audit (site_id, patient_id, what)
    SELECT site_id, patient_id, 'page' FROM unnest($1::text[], $3::uuid[]) AS row (site_id, patient_id)
)
INSERT INTO outbox (event_id, site_id, key, value)
SELECT look_id, site_id, patient_id::text, '{DASHBOARD_VIEWED.name}'
FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS row (site_id, look_id, patient_id)
"""


class Survey(NamedTuple):
    site_id: str
    event_id: UUID
    patient_id: UUID
    visit_id: UUID
    response: str
    value: bytes


class Look(NamedTuple):
    site_id: str
    look_id: UUID
    patient_id: UUID


class Together:
    """Writes rows that arrive together with one statement; each caller goes on when its rows are durable."""

    def __init__(self, pool: Pool, statement: str) -> None:
        self._pool = pool
        self._statement = statement
        self._queue: list[tuple[Sequence[tuple[object, ...]], asyncio.Future[None]]] = []
        self._free = _WRITERS
        self._writing: set[asyncio.Task[None]] = set()

    async def write(self, rows: Sequence[tuple[object, ...]]) -> None:
        durable = asyncio.get_running_loop().create_future()
        self._queue.append((rows, durable))
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._write_queue())
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        await durable

    async def _write_queue(self) -> None:
        try:
            while self._queue:
                taken, self._queue = self._queue[:_MOST_TOGETHER], self._queue[_MOST_TOGETHER:]
                await self._write(taken)
        finally:
            self._free += 1

    async def _write(self, taken: Sequence[tuple[Sequence[tuple[object, ...]], asyncio.Future[None]]]) -> None:
        columns = zip(*(row for rows, _ in taken for row in rows), strict=True)
        try:
            await self._pool.execute(self._statement, *map(list, columns))
        except Exception as failure:
            for _, durable in taken:
                durable.set_exception(failure)
            return
        for _, durable in taken:
            durable.set_result(None)


async def submit(request: Request) -> Response:
    """One survey, or as NDJSON one a line."""
    is_many = request.headers["content-type"] == NDJSON[0]
    site = request.headers["samepage-site"]
    surveys = []
    for line in (await request.body()).splitlines():
        item = orjson.loads(line)
        value = orjson.dumps(item)
        ids = UUID(item["patient_id"]), UUID(item["visit_id"])
        surveys.append(Survey(site, uuid4(), *ids, value.decode(), value))
    await request.app.state.surveys.write(surveys)
    answers = [{"status": 201, "id": str(one.event_id), "receipt": str(one.event_id)} for one in surveys]
    many = {"accepted": len(answers), "rejected": 0, "items": answers}
    return Response(orjson.dumps(many if is_many else answers[0]), 201, media_type="application/json")


def reading(column: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """A route that answers with the bytes of a page, when the look is durable."""
    statement = f"SELECT {column} FROM page WHERE site_id = $1 AND patient_id = $2"

    async def read(request: Request) -> Response:
        pool: Pool = request.app.state.pool
        site, patient = request.headers["samepage-site"], UUID(request.path_params["patient_id"])
        headers = {}
        if receipt := request.query_params.get("wait_for"):
            headers["samepage-waited"] = "arrived" if await _arrived(pool, receipt) else "gave-up"
        page = await pool.fetchval(statement, site, patient)
        if page is None:
            return Response(status_code=404, headers=headers)
        await request.app.state.looks.write([Look(site, uuid4(), patient)])
        return Response(page, media_type=media_type, headers=headers)

    return read


async def _arrived(pool: Pool, receipt: str) -> bool:
    """Wait until an event was projected, as often and as long as the product looks."""
    try:
        has_arrived = partial(pool.fetchval, "SELECT true FROM arrived WHERE event_id = $1", receipt)
        return bool(await until(has_arrived, seconds=_LONGEST_WAIT_S))
    except TimeoutError:
        return False


async def _ready(_: Request) -> Response:
    return Response("ready\n", media_type="text/plain")


def create_app(dsn: str) -> Starlette:
    """The floor's door on a database with the floor's tables."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_pool(dsn, size=IntakeSettings.model_fields["pool_size"].default) as pool:
            app.state.pool, app.state.surveys, app.state.looks = pool, Together(pool, _SUBMIT), Together(pool, _LOOK)
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 50, 100)
            yield

    routes = [
        Route("/v1/surveys", submit, methods=["POST"]),
        Route("/v1/patients/{patient_id}/page", reading("json", "application/json")),
        Route("/patients/{patient_id}", reading("html", "text/html; charset=utf-8")),
        Route("/health/ready", _ready),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        create_app(os.environ["FLOOR_DATABASE_URL"]),
        host="127.0.0.1",
        port=int(os.environ["FLOOR_PORT"]),
        log_level="warning",
        access_log=False,
        server_header=False,
    )
