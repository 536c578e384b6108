"""Routes that are asked for most: a request that is as it should be goes straight to its function.

FastAPI finds out anew with every request what a route depends on, which was half of what HTTP cost a door
(docs/decisions/0052). Here it is found out once, from FastAPI's own description of the route. Where a value is missing
or not valid FastAPI takes over before anything was called: every refusal is its own.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from inspect import iscoroutinefunction, signature
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import QueryParams
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.sound_json import READ_BODY

Handlers: TypeAlias = Mapping[Any, Callable[[Request, Any], Response | Awaitable[Response]]]
_MANY = (list, tuple, set, frozenset, dict, BaseModel)
_NOT_READ = (
    "cookie_params",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)


class _Value(NamedTuple):
    """A value of a request: where it stands and under which alias, and what makes the argument `name` of it."""

    place: Literal["path", "query", "header", "body"]
    alias: str | bytes
    name: str
    field: Any


class _Call(NamedTuple):
    """A coroutine function with the values that it takes; `results` of earlier calls, by their number, have a name."""

    function: Callable[..., Any]
    values: Sequence[_Value]
    results: Sequence[tuple[int, str]]
    request_name: str | None


class DirectRoute(APIRoute):
    """For functions that answer with a `Response`, and read single values of path, query and headers, or a JSON body.

    It is tried before all other routes, so it must stand before them.

    Raises:
        TypeError: when it is made for another one.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._calls: list[_Call] = []
        _add(self._calls, self.dependant)
        if self.dependant.body_params not in ([], [self.body_field]):
            raise TypeError(f"{self.name} reads several things of its body")
        if not _answers_itself(endpoint):
            raise TypeError(f"{self.name} leaves it to FastAPI to make a response")
        if len({call.function for call in self._calls}) < len(self._calls):
            raise TypeError(f"{self.name} depends on something twice")

    async def answer(self, request: Request, given: Sequence[dict[str, Any]]) -> Response:
        """What the function answers, after all that it depends on, to what was `given`."""
        results: list[Any] = []
        for call, arguments in zip(self._calls, given, strict=True):
            if call.request_name is not None:
                arguments[call.request_name] = request
            arguments.update((name, results[number]) for number, name in call.results)
            results.append(await call.function(**arguments))
        response: Response = results[-1]
        return response

    def given(self, scope: Scope, in_path: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The values that each function takes of a request; None when one of them is missing or not valid."""
        found = _found_in(scope, in_path)
        given: list[dict[str, Any]] = []
        for call in self._calls:
            arguments: dict[str, Any] = {}
            for place, alias, name, field in call.values:
                value = found[place].get(alias)
                if value is None:
                    if field.field_info.is_required():
                        return None
                    arguments[name] = field.get_default()
                    continue
                arguments[name], errors = field.validate(value.decode("latin-1") if place == "header" else value)
                if errors:
                    return None
            given.append(arguments)
        return given


class Shortcut:
    """Wraps the application, innermost: what is for a `DirectRoute` does not pass its router, where it can be helped.

    `handlers` are the application's: they make an answer of what a function raises.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[DirectRoute], handlers: Handlers) -> None:
        self._app = app
        self._routes = routes
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._routes if scope["type"] == "http" else ():
            match, found = route.matches(scope)
            if match is Match.FULL and (given := route.given(scope, found["path_params"])) is not None:
                scope.update(found)
                response = await self._answer(route, Request(scope, receive, send), given)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, route: DirectRoute, request: Request, given: Sequence[dict[str, Any]]) -> Response:
        try:
            return await route.answer(request, given)
        except Exception as error:
            handler = next((self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers), None)
            if handler is None:
                raise
            answer = handler(request, error)
            return answer if isinstance(answer, Response) else await answer


def _answers_itself(endpoint: Callable[..., Any]) -> bool:
    answer = signature(endpoint).return_annotation
    return isinstance(answer, type) and issubclass(answer, Response)


def _found_in(scope: Scope, in_path: Mapping[str, Any]) -> dict[str, Mapping[Any, Any]]:
    """All that a request says, by place. Of headers of one name the first counts, as in FastAPI."""
    return {
        "path": in_path,
        "query": QueryParams(scope["query_string"]) if scope["query_string"] else {},
        "header": dict(reversed(scope["headers"])),
        "body": scope["state"],
    }


def _add(calls: list[_Call], dependant: Dependant) -> None:
    """Add the call of a function behind those of all that it depends on."""
    results: list[tuple[int, str]] = []
    for one in dependant.dependencies:
        _add(calls, one)
        if one.name is not None:
            results.append((len(calls) - 1, one.name))
    function = dependant.call
    if function is None or not (iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)):
        raise TypeError(f"{function} is no coroutine function")
    if any(getattr(dependant, name) for name in _NOT_READ):
        raise TypeError(f"{function} takes what is read by FastAPI only")
    calls.append(_Call(function, list(_values(dependant)), results, dependant.request_param_name))


def _values(dependant: Dependant) -> Iterator[_Value]:
    for field in dependant.path_params:
        yield _Value("path", field.alias, field.name, _single(field))
    for field in dependant.query_params:
        yield _Value("query", field.alias, field.name, _single(field))
    for field in dependant.header_params:
        yield _Value("header", field.alias.lower().encode("latin-1"), field.name, _single(field))
    for field in dependant.body_params:
        yield _Value("body", READ_BODY, field.name, field)


def _single(field: Any) -> Any:
    """A field that is made of one text."""
    annotation = field.field_info.annotation
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    if not all(isinstance(kind, type) and not issubclass(kind, _MANY) for kind in kinds if kind is not NoneType):
        raise TypeError(f"{field.name} may be made of several texts")
    return field
