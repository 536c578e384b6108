"""One run of schemathesis over a service: every kind of request that its OpenAPI document allows and forbids.

A request is one of somebody's: mostly of who may do it, at one of two sites, asking for what is there; sometimes of
anybody, asking for what is the other site's. The seed is fixed; what differs from run to run are the ids that services
give, and where a sequence of requests goes on with one of them.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import AuthContext, Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.generation.meta import TestPhase

from deploy.contracts.access import matrix
from services.intake.api.forms import SHIPPED
from shared.auth import Role
from tests.fuzz.two_sites import Neighbour

SEED = 20261125
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "unsupported_method",
)
# What names something and is no UUID; where it is too long to be one, that is what is tried.
_NAMES = ("site_id", "code")
OVER_A_LINK = "GET /v1/patients/{patient_id}/links/{link_id}/page"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EVERYBODYS = set(map(str, SHIPPED))  # forms that come with the product


@dataclass(frozen=True)
class Guest:
    """Somebody with a token; `at` is their site, none for who is of several or of none."""

    role: Role
    bearer: str
    at: str | None


@dataclass
class Outcome:
    """What was asked and answered; `findings` are what should not be."""

    requests: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    linked: int = 0
    findings: dict[str, str] = field(default_factory=dict)


class Turns:
    """Who asks next, and for what; an auth provider in the terms of schemathesis.

    In a sequence the same request is always the same person's, under the same idempotency key: when Hypothesis tries it
    again on the way to a longer one, it gets the same answer, and the sequence is not given up as one that cannot be
    repeated.
    """

    def __init__(self, service: str, guests: Sequence[Guest], neighbours: Sequence[Neighbour]) -> None:
        self._random = random.Random(SEED)  # noqa: S311 - not a secret
        self._roles = {(line.method, line.path): line.roles for line in matrix() if line.service == service}
        self._guests = guests
        self._neighbours = {neighbour.site_id: neighbour for neighbour in neighbours}

    def get(self, case: Case[Any], _context: AuthContext) -> Guest:
        if _is_led(case):
            said = repr((case.method, case.path, case.path_parameters, case.query, case.body))
            self._random.seed(f"{SEED} {_ID.sub('an id', said)}")
        roles = self._roles[case.operation.method.upper(), case.operation.path]
        allowed = [guest for guest in self._guests if guest.role in roles]
        return self._random.choice(allowed if allowed and self._seldom_not() else self._guests)

    def set(self, case: Case[Any], guest: Guest, _context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {guest.bearer}"
        if len(case.headers.get("Idempotency-Key", "")) > 7 and self._seldom_not():
            case.headers["Idempotency-Key"] = f"{self._random.getrandbits(64):016x}"
        own = self._neighbours.get(guest.at or self._random.choice(list(self._neighbours)))
        asked = own if own is not None and self._seldom_not() else self._random.choice(list(self._neighbours.values()))
        if "Samepage-Site" in case.headers and self._seldom_not():
            case.headers["Samepage-Site"] = asked.site_id
        for part in (case.query, case.body):
            self._ask_for(asked, part)
        if not _is_led(case) or self._random.random() < 0.5:  # else it stays what a link led to
            self._ask_for(asked, case.path_parameters)
        if "wait_for" in case.query and own is not None:  # what never arrives at a site is waited for
            case.query["wait_for"] = own.ids["wait_for"][0]

    def _ask_for(self, place: Neighbour, part: Any) -> None:
        """Put ids that are there where well-formed ones stand that nobody has."""
        if isinstance(part, list):
            for item in part:
                self._ask_for(place, item)
        if not isinstance(part, dict):
            return
        for name, value in part.items():
            is_one = isinstance(value, str) and (_ID.fullmatch(value) or (name in _NAMES and len(value) <= 100))
            if is_one and name in place.ids and self._seldom_not():
                part[name] = self._random.choice(place.ids[name])

    def _seldom_not(self) -> bool:
        return self._random.random() < 0.9


def _is_led(case: Case[Any]) -> bool:
    """Whether the request is one of a sequence, in which each goes on with what was answered before."""
    return case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL


def run(address: str, document: dict[str, Any], turns: Turns, walls: "Walls", *, examples: int) -> Outcome:
    """Ask for all that the document names, `examples` times beyond the borders of every field."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "base-url": address,
            "workers": 1,
            "generation": {"max-examples": examples, "deterministic": True, "no-shrink": True},
            "phases": {"stateful": {"generation": {"max-examples": 3 * examples, "mode": "positive"}}},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.auth.providers.append(turns)
    outcome = Outcome()
    for event in from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            _count(event, outcome, walls)
        elif isinstance(event, NonFatalError | FatalError):
            failure = event.value if isinstance(event, NonFatalError) else event.exception
            outcome.findings["schemathesis"] = repr(failure)
    return outcome


def _count(event: ScenarioFinished, outcome: Outcome, walls: "Walls") -> None:
    for case_id, interaction in event.recorder.interactions.items():
        node, answer = event.recorder.cases[case_id], interaction.response
        operation = node.value.operation.label
        outcome.requests[operation] += 1
        outcome.phases[event.phase.value] += 1
        outcome.linked += node.transition is not None
        if answer is None:
            outcome.findings[f"{operation}: no answer"] = ""
            continue
        outcome.statuses[answer.status_code] += 1
        outcome.answers[f"{operation}: {answer.status_code}"] += 1
        (bearer,) = interaction.request.headers.get("Authorization", [""])
        outcome.findings |= {f"{operation}: {leak}": "" for leak in walls.leaks(operation, bearer, answer)}
        for check in event.recorder.checks.get(case_id, ()):
            if check.failure_info is not None and not (_is_answered_by_item(check.name, answer) or _is_stream(answer)):
                failed = check.failure_info
                outcome.findings[f"{operation}: {failed.failure.title}"] = (
                    f"{failed.failure.message}\n{failed.code_sample}"
                )


def _is_stream(answer: Response) -> bool:
    """Events are described as the text that they are; tests of their own look into them."""
    return answer.headers.get("content-type", [""])[0].startswith("text/event-stream")


def _is_answered_by_item(check: str, answer: Response) -> bool:
    """A batch with bad items is taken, and each bad item refused in it (`shared.http.batch`)."""
    if check != "negative_data_rejection" or answer.status_code != 200:
        return False
    document = answer.json()
    return isinstance(document, dict) and document.get("rejected", 0) > 0


class Walls:
    """What each site may see, as it is learnt from what it was told: an id that one was told, no other may be told."""

    def __init__(self, guests: Sequence[Guest], neighbours: Sequence[Neighbour]) -> None:
        self._sites = {f"Bearer {guest.bearer}": guest.at for guest in guests}
        self._words = {neighbour.words: neighbour.site_id for neighbour in neighbours}
        self._owners = {
            given: neighbour.site_id
            for neighbour in neighbours
            for ids in neighbour.ids.values()
            for given in ids
            if _ID.fullmatch(given)
        }
        self._linked = {given: neighbour.site_id for neighbour in neighbours for given in neighbour.linked}
        self._owners |= self._linked

    def leaks(self, operation: str, bearer: str, answer: Response) -> list[str]:
        """What of another site stands in an answer, body and headers."""
        if operation == "POST /v1/break-glass" and answer.status_code < 300:
            self._sites[bearer] = None  # from now on they may see a page of the other site
        site = self._sites.get(bearer)
        said = answer.content.decode("utf-8", errors="replace") + str(answer.headers)  # a PDF is no text
        if site is None:
            return []
        told = set(_ID.findall(said)) - _EVERYBODYS
        if operation == OVER_A_LINK and answer.status_code < 300:
            told -= self._linked.keys()
        found = [f"{given} is {owner}'s" for given in told if (owner := self._owners.get(given, site)) != site]
        found += [words for words, owner in self._words.items() if owner != site and words in said]
        if answer.status_code < 300 and not found:
            self._owners |= dict.fromkeys(told, site)
        return found
