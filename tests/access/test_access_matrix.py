"""Every route as every role with every id of another site: denied as an unknown one is, and on record.

What is tried, and by whom, is in `tests.access.tries`; what may be wrong with the answers in `tests.access.findings`.
"""

import asyncio
from collections import Counter
from dataclasses import replace

from deploy.contracts.interfaces import openapi_documents
from deploy.doors import SERVICES
from shared.auth import Role
from tests.access import findings
from tests.access.asking import Answer, ask
from tests.access.inside import Inside
from tests.access.lines import LINES, PROOFS, SHARED
from tests.access.network import STAFF, Door
from tests.access.routes import Route, routes_of
from tests.access.tries import Tries
from tests.conftest import ROOT, Apps
from tests.waiting import until


def matrix_of(door: Door) -> list[Route]:
    """The routes of a service that have a line."""
    lines, routes = {**SHARED, **LINES[door.service]}, routes_of(door.application)
    known = [(route, lines[str(route)]) for route in routes if str(route) in lines]
    return [replace(route, places={**route.places, **line.ids}) for route, line in known]


def without_line(routes: list[Route], service: str) -> list[str]:
    """A sentence for each route without a line, and for each line without a route."""
    own, there_are = LINES[service].keys(), {str(route) for route in routes}
    known = own | SHARED.keys() | PROOFS.keys()
    return [
        *(f"{route} has no line: write one into tests/access/lines.py" for route in sorted(there_are - known)),
        *(f"{line} has a line in tests/access/lines.py and is no route" for line in sorted(own - there_are)),
        *(f"{route} takes an id and has no line" for route in routes if str(route) in PROOFS and route.places),
    ]


async def test_every_route_has_a_line_and_every_line_a_route(door: Door) -> None:
    sentences = without_line(routes_of(door.application), door.service)
    assert not sentences, "\n".join(sentences)


async def test_every_line_that_services_share_is_of_a_route(app: Apps) -> None:
    routes = {str(route) for service in SERVICES for route in routes_of(await app(service))}
    assert SHARED.keys() | PROOFS.keys() <= routes
    assert all((ROOT / file).is_file() for file in PROOFS.values())


async def test_what_people_ask_about_their_own_is_answered(tries: Tries, inside: Inside, door: Door) -> None:
    found = [one for route in matrix_of(door) for one in await findings.of_valid(tries, inside, route)]
    assert not found, "\n".join(found)


async def test_ids_of_another_site_are_denied_as_unknown_ones_are(
    tries: Tries, inside: Inside, door: Door, tried: Counter[str]
) -> None:
    found = [
        one
        for route in matrix_of(door)
        for asker in tries.askers()
        for one in await findings.of_denied(tries, inside, route, asker, tried)
    ]
    assert not found, "\n".join(found)
    assert tried["combinations"] >= least_combinations(door.service)


def least_combinations(service: str) -> int:
    """By its OpenAPI document: each id in a path, or where there is none the route, by each role but one."""
    paths = openapi_documents()[service]["paths"]
    return sum((path.count("{") or 1) * len(operations) for path, operations in paths.items()) * (len(Role) - 1)


async def test_what_could_tell_of_another_site_in_passing_does_no_more_than_what_nobody_has(
    tries: Tries, inside: Inside, door: Door, tried: Counter[str]
) -> None:
    found = await findings.of_hinted(tries, inside, matrix_of(door), tried)
    assert not found, "\n".join(found)


async def test_nobody_waits_for_what_another_site_is_writing(tries: Tries, inside: Inside, door: Door) -> None:
    held = 0
    for route in matrix_of(door):
        asker = next((one for one in tries.allowed(route) if one.role in STAFF), None)
        theirs = await tries.theirs(route)
        if asker is None or theirs is None or not tries.is_about_own(route):
            continue
        async with inside.unwritable("outbox"):
            writing = asyncio.create_task(ask(door, theirs))

            async def has_come_far(writing: asyncio.Task[Answer] = writing) -> bool:
                return writing.done() or await inside.is_waited()

            await until(has_come_far)
            held += not writing.done()
            answer = await ask(door, replace(theirs, asker=asker))
        assert answer.status == 404, str(answer.request)
        assert (await writing).status < 400
    assert held or door.service == "analytics"
