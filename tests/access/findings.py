"""What is wrong with the answers to what is tried: one sentence for each finding, nothing when all is well.

- `of_valid`: a valid request of a site's own people about their own is answered, so that a denial proves something.
- `of_denied`: ids of another site, for a patient those of another patient too, and the site's own ids for a role that
  the route is not for. A foreign id is answered as one that nobody knows, by the same statements; nothing changes, and
  each denial is on record once, in the right site's audit.
- `of_hinted`: what may be said without being denied, such as idempotency keys, ETags and receipts of another site, does
  no more than one that nobody has.
"""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import asyncpg

from shared.audit import NETWORK
from tests.access.asking import Answer, ask
from tests.access.inside import Inside
from tests.access.network import Asker
from tests.access.routes import SITE_HEADER, Route
from tests.access.tries import HINTS, THERE, Tries

_VARIES = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+|/l/[\w-]+/[\w-]{43}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_BOUND = re.compile(r"(?<=SET LOCAL samepage\.sites = ').*(?=')")
_PUTS_ON_RECORD = re.compile(r"\s*(BEGIN|INSERT INTO audit|COMMIT)\b")
_OF_THE_DRIVER = re.compile(r"typeinfo_tree|set_config\('jit'")


async def of_valid(tries: Tries, inside: Inside, route: Route) -> list[str]:
    """Of valid requests by everybody for whom the route is."""
    findings = []
    for asker in tries.allowed(route):
        answer = await ask(tries.door, await tries.valid(route, asker))
        if answer.status >= 400:
            findings.append(f"{answer.request}: answers {answer.status} {answer.body.decode()}")
        elif route.roles:
            rows = await inside.on_record([answer.request_id])
            done = [row for row in rows if row["kind"] in ("read", "write", "export")]
            kept = {(row["method"], row["route"], row["subject"]) for row in done}
            is_right = all(row["site_id"] != THERE and _TRACE.fullmatch(row["trace_id"]) for row in rows)
            if kept != {(route.method, route.name, answer.request.asker.subject)} or not is_right:
                findings.append(f"{answer.request}: is not on record as it should be")
        findings += [f"{answer.request}: tells {name}" for name in _told(tries, answer)]
    return findings


async def of_denied(tries: Tries, inside: Inside, route: Route, asker: Asker, tried: Counter[str]) -> list[str]:
    """Of what this asker has no right to."""
    status = _status(route, asker)
    if status == 404 and asker.role in tries.lines[str(route)].everywhere:
        return []
    planned = [one async for one in tries.denied(route, asker)]
    before = await inside.rows()
    answers = [] if status == 404 else [await ask(tries.door, tries.without_right(route, asker))]
    findings = []
    for one in planned:
        unknown = await ask(tries.door, one.unknown)
        foreign = [await ask(tries.door, request) for request in one.foreign]
        answers += [unknown, *foreign]
        findings += [sentence for answer in foreign for sentence in _differences(answer, unknown)]
    tried.update(requests=len(answers), combinations=len(answers) - len(planned))
    findings += [f"{one.request}: answers {one.status}" for one in answers if one.statuses != {status}]
    if status != 404:
        findings += [
            f"{one.request}: is looked up" for one in answers if not all(map(_PUTS_ON_RECORD.match, _kinds(one)))
        ]
    # A list keeps its answer under its key, also when all of its items were denied.
    may_change = tries.lines[str(route)].counted_in | ({"idempotency"} if route.takes_many else set())
    changed = set(_changed(before, await inside.rows())) - may_change
    findings += [f"{route} as {asker.name}: changes {name}" for name in sorted(changed)]
    return findings + await _off_the_record(inside, answers)


async def of_hinted(tries: Tries, inside: Inside, routes: Sequence[Route], tried: Counter[str]) -> list[str]:
    """Of what is said in passing, on all routes at once: some wait for what never comes."""
    planned = [one for route in routes for asker in tries.allowed(route) async for one in tries.hinted(route, asker)]
    before = await inside.rows(THERE)
    answers = await asyncio.gather(
        *(ask(tries.door, request) for one in planned for request in (one.unknown, *one.foreign))
    )
    tried.update(requests=len(answers), combinations=len(answers) - len(planned))
    findings = [f"a hint changes {name} of another site" for name in _changed(before, await inside.rows(THERE))]
    for unknown, foreign in zip(answers[::2], answers[1::2], strict=True):
        findings += [f"{one.request}: answers {one.status}" for one in (unknown, foreign) if one.status >= 400]
        findings += _differences(foreign, unknown, up_to_ids=True)
        findings += [f"{foreign.request}: tells {name}" for name in _told(tries, foreign)]
    return findings


def _status(route: Route, asker: Asker) -> int:
    """What a request is denied with."""
    if asker.role in route.roles or not route.roles:
        return 404
    return 401 if asker.role is None else 403


def _differences(foreign: Answer, unknown: Answer, *, up_to_ids: bool = False) -> list[str]:
    """What tells the ids of others from unknown ones."""
    asked = (dict.fromkeys(_kinds(one)) if up_to_ids else _kinds(one) for one in (foreign, unknown))
    headers = (_VARIES.sub("", str(one.headers)) if up_to_ids else one.headers for one in (foreign, unknown))
    bodies = (_VARIES.sub("", said) if up_to_ids else said for said in map(_beside_what_was_said, (foreign, unknown)))
    compared = {
        "status": foreign.status == unknown.status,
        "body": _is_one(bodies),
        "headers": _is_one(headers),
        "statements": _is_one(map(list, asked)),
    }
    return [
        f"{foreign.request}: another {what} than with an unknown one"
        for what, is_same in compared.items()
        if not is_same
    ]


def _kinds(answer: Answer) -> list[str]:
    """The statements behind an answer: all values are parameters, but for the sites; the driver's own are left out."""
    return [_BOUND.sub("", one) for one in answer.statements if not _OF_THE_DRIVER.search(one)]


def _beside_what_was_said(answer: Answer) -> str:
    """The body, but for ids that the request itself named."""
    body = answer.body.decode()
    for name in answer.request.replaced:
        body = body.replace(answer.request.ids[name], name)
    return body


def _is_one(values: Iterator[object]) -> bool:
    return next(values) == next(values)


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [name for name in after if after[name] != before[name]]


def _told(tries: Tries, answer: Answer) -> list[str]:
    """What an answer says of others that was not said to it. That there is another site is known."""
    said = {*answer.request.ids.values(), THERE}
    others = tries.others(answer.request.asker).values()
    return [
        name for person in others for name, value in person.ids.items() if value not in said and answer.holds(value)
    ]


async def _off_the_record(inside: Inside, answers: Sequence[Answer]) -> list[str]:
    """Denials of somebody known that are not on record once and rightly, or of nobody that are."""
    kept: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in await inside.on_record([answer.request_id for answer in answers]):
        kept[row["request_id"]].append(row)
    findings = []
    for answer in answers:
        request, rows = answer.request, kept[answer.request_id]
        if sorted(row["site_id"] for row in rows) != sorted(_audits_of(answer)):
            findings.append(f"{request}: is on record at {[row['site_id'] for row in rows]}")
        findings += [f"{request}: is on record with another {what}" for row in rows for what in _wrong(row, answer)]
    return findings


def _wrong(row: asyncpg.Record, answer: Answer) -> list[str]:
    """What in the row of a denial is not as it was."""
    request, (status,) = answer.request, answer.statuses
    route, asker = request.route, request.asker
    expected = {
        "kind": "denied",
        "subject": asker.subject,
        "role": asker.role,
        "method": route.method,
        "route": route.name,
        "status": status,
    }
    named = {str(row["patient_id"]), *(text.partition("=")[2] for text in row["asked"])}
    # Nobody has read the body of a request that is denied for the role.
    looked_at = [
        name for name in request.replaced if status == 404 or route.places[name] in ("path", "query", "header")
    ]
    missing = [name for name in looked_at if name not in HINTS and request.ids[name] not in named]
    return [name for name, value in expected.items() if row[name] != value] + missing


def _audits_of(answer: Answer) -> Sequence[str]:
    """Where a denial stands: at the site that speaks through the token, of several at the one that is named.

    A try that is counted stands at each of them; nothing stands anywhere of who did not show who they are.
    """
    request, asker = answer.request, answer.request.asker
    if asker.role is None or not request.route.roles:
        return []
    if answer.status == 404 and request.line.counted_in:
        return asker.sites
    named = request.ids.get(SITE_HEADER)
    if named in asker.sites:
        return [str(named)]
    return asker.sites if len(asker.sites) == 1 else [NETWORK]
