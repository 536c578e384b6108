"""Who may use which route: the matrix of role by route, read from the routes themselves, as a page for people."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from deploy.doors import SERVICES
from shared.auth import Role
from shared.http import own as arrival
from shared.http import sign_in
from shared.http.access import Allowed

_HEADING = """# Who may do what

Written by `samepage contracts write` from the routes themselves: each names its roles, and nothing else decides. A
route that names none answers anybody, because a sign-in has to begin somewhere. A token or a session opens its own
sites only, and a patient's only that patient: any other id answers as one that does not exist. Two ways lead to
one page of another site, both on record there: `/v1/break-glass`, and a link that both sites made.
"""
_SIGNING_IN = """
## Every service with pages

Routes of signing in and out: open to anybody, but for `/signed-in`, which says to who is signed in who they are.
"""


class Line(NamedTuple):
    """A route; `roles` is empty where it answers anybody."""

    service: str
    method: str
    path: str
    roles: tuple[Role, ...]


def matrix() -> list[Line]:
    """A line for each route of each service, by path."""
    return [
        Line(service, method, route.path, roles_of(route.dependant))
        for service in SERVICES
        for route in sorted(routes_of(import_module(f"services.{service}.api").ROUTERS), key=lambda route: route.path)
        for method in sorted(route.methods or ())
    ]


def page() -> str:
    """The matrix, a table a service."""
    roles = list(Role)
    parts = [_HEADING]
    for service in SERVICES:
        parts.append(f"\n## {service.capitalize()}\n\n| Route | {' | '.join(roles)} |\n|---|{'---|' * len(roles)}\n")
        for line in matrix():
            if line.service == service:
                cells = ["anybody" if not line.roles else "yes" if role in line.roles else "" for role in roles]
                parts.append(f"| `{line.method} {line.path}` | {' | '.join(cells)} |\n")
    parts.append(_SIGNING_IN)
    routers = (sign_in.router, sign_in.provider_router, sign_in.patients_router, arrival.router)
    own = sorted({route.path for route in routes_of(routers)})
    parts.append("\n" + ", ".join(f"`{path}`" for path in own) + ".\n")
    return "".join(parts)


def routes_of(routers: Sequence[APIRouter]) -> Iterator[APIRoute]:
    """The routes of these routers."""
    return (route for router in routers for route in router.routes if isinstance(route, APIRoute))


def roles_of(dependant: Dependant) -> tuple[Role, ...]:
    """The roles that a route asks for, in itself or in what it depends on."""
    for one in dependant.dependencies:
        if isinstance(one.call, Allowed):
            return one.call.roles
        if found := roles_of(one):
            return found
    return ()
