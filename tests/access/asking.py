"""One request of the matrix: sent, and what is to be known of its answer."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from shared.db import Connection, Pool
from tests.access.lines import Line
from tests.access.network import Asker, Door, Ids
from tests.access.routes import KEY_HEADER, SITE_HEADER, Route

_OF_ONE_REQUEST = {"x-request-id", "traceparent"}
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_noted: ContextVar[list[str]] = ContextVar("noted")


@dataclass(frozen=True)
class Request:
    """`what` says whose ids these are, `replaced` names those that are not the asker's own."""

    route: Route
    line: Line
    asker: Asker
    what: str
    ids: Ids
    replaced: Sequence[str] = ()
    is_list: bool = False

    def __str__(self) -> str:
        return f"{self.route} as {self.asker.name} with {self.what}"


@dataclass(frozen=True)
class Answer:
    """`statements` are those that the service's own database was asked for it, in order."""

    request: Request
    request_id: str
    status: int
    body: bytes
    headers: Mapping[str, str]
    statements: Sequence[str]

    @property
    def statuses(self) -> set[int]:
        """The status; of a list, those of its items."""
        if self.request.is_list and self.status == 200:
            return {item["status"] for item in json.loads(self.body)["items"]}
        return {self.status}

    def holds(self, value: str) -> bool:
        return value in self.body.decode() or value in str(self.headers)


async def ask(door: Door, request: Request) -> Answer:
    """Send a request."""
    statements: list[str] = []
    _noted.set(statements)
    request_id = uuid4().hex
    async with door.client(request.asker) as client:
        client.headers["x-request-id"] = request_id
        came = await client.request(request.route.method, **_said(request))
    headers = {name: value for name, value in came.headers.items() if name not in _OF_ONE_REQUEST}
    return Answer(request, request_id, came.status_code, came.content, headers, statements)


def _said(request: Request) -> dict[str, Any]:
    """The request in the words of the HTTP client."""
    route, line, ids = request.route, request.line, request.ids

    def filled(where: str) -> dict[str, str]:
        repeated = {name: known for name, known in line.named.items() if known in route.places}
        found = {name: repeated.get(name, name) for name in route.at(where)}
        return {name: ids[known] for name, known in found.items() if known in ids}

    said: dict[str, Any] = {
        "url": route.path.format(**{**ids, **line.numbers}),
        "params": {**line.query, **filled("query")},
        "headers": {name: uuid4().hex for name in route.places if name == KEY_HEADER}
        | {name: ids[name] for name in ids if name == SITE_HEADER}
        | filled("header"),
    }
    taken = {name: ids[name] for name in line.fresh | line.takes}
    if line.form is not None:
        return said | {"data": {**line.form, **taken, **filled("form")}, "headers": said["headers"] | _FORM}
    if line.content is not None:
        content_type, content = line.content
        return said | {"content": content, "headers": said["headers"] | {"content-type": content_type}}
    if line.json is None:
        return said
    body = _with_ids(line.json, filled("text")) | filled("body") | taken
    return said | {"json": [body] if request.is_list else body}


def _with_ids(body: dict[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """The body with ids where their names stand in braces."""
    text = json.dumps(body)
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    filled: dict[str, Any] = json.loads(text)
    return filled


class Watched:
    """A pool that notes the statements that are run on it for each request."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def acquire(self, **options: Any) -> AsyncIterator[Connection]:
        noted = _noted.get([])
        async with self._pool.acquire(**options) as connection:
            with connection.query_logger(lambda query: noted.append(query.query)):
                yield connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)
