"""The routes of a running application and where each takes an id, read from its OpenAPI document.

Routes that the document leaves out, such as pages, are described here in the same way. An id is whatever stands in a
path or a header, but for the language to answer in, and every UUID in a query or a body.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from deploy.contracts.access import roles_of
from shared.auth import Role

SITE_HEADER, KEY_HEADER = "samepage-site", "idempotency-key"
_NO_ID = "accept-language"


@dataclass(frozen=True)
class Route:
    """A method and path. `places` are the names of its ids, each with where it stands: path, query, header or body."""

    method: str
    path: str
    name: str
    roles: tuple[Role, ...]
    places: Mapping[str, str]
    takes_many: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, where: str) -> list[str]:
        """The ids in this part of a request."""
        return [name for name, place in self.places.items() if place == where]


def routes_of(application: FastAPI) -> list[Route]:
    """Every route that the application answers, health and sign-in with the rest."""
    found = [context.original_route for context in iter_route_contexts(application.routes)]
    assert all(isinstance(one, APIRoute | Mount) for one in found), "a route of a kind that has no OpenAPI"
    routes = [_shown(one) for one in found if isinstance(one, APIRoute)]
    document = get_openapi(title="all routes", version="0", routes=routes)
    return [_described(route, method, document) for route in routes for method in sorted(route.methods or ())]


def _shown(route: APIRoute) -> APIRoute:
    shown = copy(route)
    shown.include_in_schema = True
    return shown


def _described(route: APIRoute, method: str, document: Mapping[str, Any]) -> Route:
    operation = document["paths"][route.path][method.lower()]
    places = {
        parameter["name"].lower(): parameter["in"]
        for parameter in operation.get("parameters", ())
        if parameter["name"].lower() != _NO_ID
        and (
            (parameter["in"] in {"path", "header"} and not _counts(parameter["schema"])) or _is_id(parameter["schema"])
        )
    }
    bodies = [content["schema"] for content in operation.get("requestBody", {}).get("content", {}).values()]
    fields = {field: schema for body in bodies for field, schema in _fields(body, document)}
    places |= {field: "body" for field, schema in fields.items() if _is_id(schema)}
    takes_many = any(one.get("type") == "array" for body in bodies for one in body.get("anyOf", ()))
    return Route(method, route.path, route.name, roles_of(route.dependant), places, takes_many)


def _fields(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The fields of a body, also of an item of a list; of the things inside of it those that are ids."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from _fields(inner, document)
    for name, field in schema.get("properties", {}).items():
        yield name, field
        for below, inside in _fields(field, document):
            if _is_id(inside):
                yield f"{name}.{below}", inside


def _counts(schema: Mapping[str, Any]) -> bool:
    """A number in a path counts something of whoever asks; it is nobody's."""
    return schema.get("type") == "integer"


def _is_id(schema: Mapping[str, Any]) -> bool:
    return any(one.get("format") == "uuid" for one in (schema, *schema.get("anyOf", ())))
