"""The matrix finds what it looks for: a route for each way to tell another site's patient from nobody."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI, Request

from services.intake import store
from shared.auth import Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem, unknown
from shared.http.access import CareTeam
from shared.http.app import create_app
from shared.http.commands import pool_of
from shared.http.record import keep_read, trail_of
from tests.access import findings
from tests.access.asking import Watched
from tests.access.inside import Inside
from tests.access.lines import Line
from tests.access.network import HERE, staff_of
from tests.access.routes import Route, routes_of
from tests.access.test_access_matrix import without_line
from tests.access.tries import THERE, Tries

# What a route does for who is no patient here, and whether it answers all the same.
Leak = Callable[[Request, Connection, bool], Awaitable[bool]]


async def keeps_it(_request: Request, _connection: Connection, _is_there: bool) -> bool:
    return False


async def shows_it(_request: Request, _connection: Connection, is_there: bool) -> bool:
    return is_there


async def says_it(_request: Request, _connection: Connection, is_there: bool) -> bool:
    if is_there:
        raise Problem(404, "not-found", "There is no such patient here, but at another site.")
    return False


async def refuses_it(_request: Request, _connection: Connection, _is_there: bool) -> bool:
    raise Problem(403, "wrong-site", "That is nobody, or another site's patient.")


async def takes_longer(_request: Request, connection: Connection, is_there: bool) -> bool:
    if is_there:
        await connection.execute("SELECT 'more than for nobody'")
    return False


async def writes(_request: Request, connection: Connection, is_there: bool) -> bool:
    await store.record_link_rule(connection, THERE, asks_birth_year=is_there)
    return False


async def forgets_it(request: Request, _connection: Connection, _is_there: bool) -> bool:
    trail_of(request).kept(unknown("patient"))
    return False


async def puts_it_elsewhere(request: Request, connection: Connection, _is_there: bool) -> bool:
    await keep_read(request, connection, THERE, None)
    return await forgets_it(request, connection, _is_there)


LEAKS: dict[Leak, set[str]] = {
    keeps_it: set(),
    shows_it: {
        "answers 200",
        "is on record with another kind",
        *(f"another {what} than with an unknown one" for what in ("status", "body", "headers", "statements")),
    },
    says_it: {f"another {what} than with an unknown one" for what in ("body", "headers", "statements")},
    refuses_it: {"answers 403"},
    takes_longer: {"another statements than with an unknown one"},
    writes: {"changes link_rule"},
    forgets_it: {"is on record at []"},
    puts_it_elsewhere: {f"is on record with another {what}" for what in ("kind", "status", "patient_id")}
    | {"is on record at ['lakeside']"},
}


@pytest.fixture
def service() -> str:
    return "intake"


def leaking(leak: Leak) -> APIRouter:
    """A route that finds the patients of both sites."""
    router = APIRouter()

    @router.get("/v1/leaks/{patient_id}")
    async def read_leak(request: Request, patient_id: UUID, _caller: CareTeam) -> dict[str, str]:
        async with transaction(pool_of(request), SiteScope.of(HERE, THERE)) as connection:
            is_here, is_there = [
                await store.enrolment(connection, SiteScope.of(site), patient_id) is not None for site in (HERE, THERE)
            ]
            is_shown = is_here or await leak(request, connection, is_there)
            if is_shown:
                await keep_read(request, connection, HERE, patient_id)
        if not is_shown:
            raise unknown("patient")
        return {}

    return router


async def test_whatever_a_route_tells_of_another_sites_patient_is_found(tries: Tries, inside: Inside) -> None:
    whole: FastAPI = tries.door.application
    for leak, expected in LEAKS.items():
        application = create_app("intake", whole.state.settings, [leaking(leak)])
        async with application.router.lifespan_context(application):
            application.state.pool = Watched(application.state.pool)
            (route,) = (one for one in routes_of(application) if one.path == "/v1/leaks/{patient_id}")
            leaky = replace(tries, door=replace(tries.door, application=application), lines={str(route): Line()})
            found = await findings.of_denied(leaky, inside, route, staff_of(HERE, Role.CLINICIAN), Counter())
            assert {sentence.partition(": ")[2] for sentence in found} == expected, leak.__name__
            assert await findings.of_valid(leaky, inside, route) == []


async def test_a_route_that_answers_nobody_is_found(tries: Tries, inside: Inside) -> None:
    (route,) = (one for one in routes_of(tries.door.application) if one.name == "list_links")
    nowhere = replace(tries.here, ids=tries.here.ids | {"visit_id": tries.here.ids["patient_id"]})
    found = await findings.of_valid(replace(tries, here=nowhere), inside, route)
    assert len(found) == len(tries.allowed(route))
    assert all("answers 404" in sentence for sentence in found)


def test_a_route_without_a_line_and_a_line_without_a_route_are_found() -> None:
    known = [Route("GET", "/network", "show_overview", (), {}, takes_many=False)]
    new = Route("GET", "/v1/new/{id}", "read_new", (), {"id": "path"}, takes_many=False)
    sentences = without_line([*known, new], "analytics")
    assert "GET /v1/new/{id} has no line: write one into tests/access/lines.py" in sentences
    assert "GET /v1/pipeline has a line in tests/access/lines.py and is no route" in sentences
    assert not [sentence for sentence in sentences if "/network " in sentence]
