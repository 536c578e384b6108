"""Which requests are tried on a route, and by whom."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_urlsafe
from uuid import uuid4

from shared.auth import Role
from tests.access.asking import Request, Watched, ask
from tests.access.lines import Line
from tests.access.network import AFAR, HERE, STAFF, Asker, Door, Ids, Person, patient_of, staff_of, staff_of_two
from tests.access.routes import KEY_HEADER, SITE_HEADER, Route

THERE, NOWHERE = "lakeside", "nowhere"
ANOTHER_SITE, ANOTHER_PATIENT = "another site", "another patient"
# A request is not denied for these: it is answered as with one that nobody has.
HINTS = frozenset({KEY_HEADER, "if-none-match", "wait_for", "samepage-view", "last-event-id"})


@dataclass(frozen=True)
class Try:
    """A request with what nobody has, and the same with what others have."""

    unknown: Request
    foreign: Sequence[Request]


@dataclass
class Tries:
    """For a service with two patients at one site, and one at another."""

    door: Door
    lines: Mapping[str, Line]
    here: Person
    neighbour: Person
    there: Person
    _spent: dict[tuple[str, str], Ids] = field(default_factory=dict)

    @classmethod
    async def at(cls, door: Door, lines: Mapping[str, Line]) -> "Tries":
        """Make the sites and their patients."""
        for site in (HERE, THERE, AFAR):
            await door.settle(site)
        here, neighbour, there = [await door.person(site) for site in (HERE, HERE, THERE)]
        door.application.state.pool = Watched(door.application.state.pool)
        return cls(door, lines, here, neighbour, there)

    def askers(self) -> list[Asker]:
        """Nobody, and everybody who can come with a token of this site."""
        return [
            Asker("nobody"),
            patient_of(self.here),
            *(staff_of(HERE, role) for role in (*STAFF, Role.OPERATOR)),
            *(staff_of_two(HERE, role) for role in STAFF),
            Asker("operator of the network", Role.OPERATOR, subject=Role.OPERATOR),
        ]

    def allowed(self, route: Route) -> list[Asker]:
        """Those for whom the route is."""
        return [asker for asker in self.askers() if asker.role in route.roles or not (route.roles or asker.role)]

    def others(self, asker: Asker) -> dict[str, Person]:
        """Whose ids this asker has no right to."""
        others = {ANOTHER_SITE: self.there}
        return others if asker.person is None else others | {ANOTHER_PATIENT: self.neighbour}

    def ids_in(self, route: Route) -> list[str]:
        """The ids that are denied where they are somebody else's."""
        line = self.lines[str(route)]
        repeated = {name for name, known in line.named.items() if known in route.places}
        return [name for name in route.places if name not in hints(route, line) | repeated]

    def is_about_own(self, route: Route) -> bool:
        """Whether a whole valid request of one site is denied to another's people."""
        line = self.lines[str(route)]
        return not {SITE_HEADER}.issuperset(self.ids_in(route)) and route.places.keys() >= set(line.named.values())

    async def valid(self, route: Route, asker: Asker) -> Request:
        """About the asker's own."""
        person = await self.door.person(HERE) if self.lines[str(route)].uses_up else self.here
        return self._own(route, asker, person)

    def without_right(self, route: Route, asker: Asker) -> Request:
        """For who has no right to the route whatever the ids, and with a receipt that could be waited for."""
        own = self._own(route, asker, self.here)
        return replace(own, ids=own.ids | {name: _unknown(name) for name in route.places if name == "wait_for"})

    async def denied(self, route: Route, asker: Asker) -> AsyncIterator[Try]:
        """Each id by itself, all together, in a list of items, and another one's whole request word for word."""
        own, single = self._own(route, asker, self.here), self.ids_in(route)
        together = [name for name in single if name != SITE_HEADER]
        others = self.others(asker) if route.roles else {ANOTHER_SITE: self.there}
        theirs = {whose: person.known_to(asker) for whose, person in others.items()}
        for names in [[name] for name in single] + ([together] if len(together) > 1 and route.roles else []):
            yield _try(own, " and ".join(names), names, theirs)
        if together and route.takes_many:
            yield _try(replace(own, is_list=True), "ids in a list", together, theirs)
        if together and KEY_HEADER in route.places:
            for whose in theirs:
                if (whose, str(route)) not in self._spent:
                    self._spent[whose, str(route)] = await self._sent(route, whose)
            spent = {whose: ids for whose in theirs if (ids := self._spent[whose, str(route)])}
            yield _try(own, "whole request", [*together, KEY_HEADER], spent)

    async def hinted(self, route: Route, asker: Asker) -> AsyncIterator[Try]:
        """Valid requests with each hint that others have.

        Receipts of the same site are left out: that one has arrived is told to who knows it.
        """
        for name in sorted(hints(route, self.lines[str(route)])):
            for whose, person in self.others(asker).items():
                is_spent = name == KEY_HEADER or name in self.lines[str(route)].fresh
                known = await self._sent(route, whose) if is_spent else person.ids
                if name in known and (name, whose) != ("wait_for", ANOTHER_PATIENT):
                    foreign = _try(await self.valid(route, asker), name, [name], {whose: known})
                    yield replace(foreign, unknown=_try(await self.valid(route, asker), name, [name], {}).unknown)

    def _own(self, route: Route, asker: Asker, person: Person) -> Request:
        line = self.lines[str(route)]
        known = person.known_to(asker)
        ids = {name: value for name, value in known.items() if name not in hints(route, line)}
        ids |= {name: known[other] for name, other in line.named.items() if other not in route.places}
        if len(asker.sites) < 2:
            del ids[SITE_HEADER]
        own = ids | {name: uuid4().hex for name in line.fresh}
        return Request(route, line, asker.as_of(person), "its own ids", own)

    async def theirs(self, route: Route, whose: str = ANOTHER_SITE) -> Request | None:
        """A valid request of another one, with a key; None where they may not."""
        person = self.there if whose == ANOTHER_SITE else self.neighbour
        if self.lines[str(route)].uses_up:
            person = await self.door.person(person.site)
        staff = [staff_of(person.site, role) for role in STAFF] if whose == ANOTHER_SITE else []
        sender = next((asker for asker in (*staff, patient_of(person)) if asker.role in route.roles), None)
        if sender is None:
            return None
        own = self._own(route, sender, person)
        return replace(own, what=f"the ids of {whose}", ids=own.ids | {KEY_HEADER: uuid4().hex})

    async def _sent(self, route: Route, whose: str) -> Ids:
        """Ids and key of a request that another one has sent with success."""
        request = await self.theirs(route, whose)
        if request is None:
            return {}
        answer = await ask(self.door, request)
        assert answer.status < 400, f"{request}: answered {answer.status} {answer.body.decode()}"
        return request.ids


def hints(route: Route, line: Line) -> frozenset[str]:
    """What a request may say of others without being denied."""
    return (HINTS & route.places.keys()) | line.references | line.fresh


def _try(own: Request, what: str, names: Sequence[str], theirs: Mapping[str, Ids]) -> Try:
    unknown = {name: _unknown(name) for name in names}
    return Try(
        replace(own, what=f"an unknown {what}", ids=own.ids | unknown, replaced=names),
        [
            replace(
                own,
                what=f"the {what} of {whose}",
                ids=own.ids | {name: ids[name] for name in (*names, *own.line.fresh) if name in ids},
                replaced=names,
            )
            for whose, ids in theirs.items()
            # What both have of their site is nobody else's.
            if any(ids[name] != own.ids.get(name, own.ids["site_id"]) for name in names)
        ],
    )


def _unknown(name: str) -> str:
    match name:
        case "site_id" | "samepage-site":
            return NOWHERE
        case "secret":
            return token_urlsafe(32)
        case "if-none-match":
            return f'"{uuid4().hex}"'
    return str(uuid4())
