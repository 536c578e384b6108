"""`python -m deploy.chaos.workload`: clients of forty sites who write as many stories as the time is long.

They begin at a steady pace, however slow the answers are, up to so many at once: an outage is followed by a rush. The
number of stories and what each says come from seed and time alone.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx

from deploy.chaos import writes
from deploy.chaos.clients import Clients, Given, Unanswered
from deploy.chaos.ledger import Ledger
from deploy.chaos.stories import sites_of, stories
from deploy.chaos.taken_back import TakingBack
from deploy.demo.network import Body, Patient, Visit
from deploy.doors import SERVICES
from deploy.prepare import running_network
from shared.auth import Role
from shared.events import ViewContext, VisitState

STORIES_A_SECOND = 4.5
_MOST_AT_ONCE = 200
_CONNECTIONS = 64
_ANSWER_S = 12.0
_SHARE_ENROLLED_AGAIN = 0.05
_SHARE_CORRECTED = 0.5
_SHARE_ONE_BY_ONE = 0.3
_SHARE_LINKED, _SHARE_ERASED = 0.15, 0.05


class _Known(NamedTuple):
    """A visit that the system has, and the ids that it gave."""

    visit: Visit
    ids: Body

    def about(self, body: Body) -> Body:
        """The body with the ids of patient and visit; a look outside a visit is of the patient alone."""
        ids = {"patient_id": self.ids["patient_id"]} if body.get("context") == ViewContext.OUTSIDE else self.ids
        return {**ids, **body}


@dataclass(frozen=True)
class Telling:
    """One patient's story on its way through the doors."""

    clients: Clients
    site_id: str
    patient: Patient
    rng: Random

    async def tell(self) -> None:
        """Everything, in the order that the services need."""
        (enrolled,) = await self.clients.write(writes.PATIENT, self.site_id, [self.patient.enrolment])
        if enrolled is None:
            return
        if self.rng.random() < _SHARE_ENROLLED_AGAIN:
            again = {**self.patient.enrolment, "birth_year": self.patient.enrolment["birth_year"] - 1}
            await self.clients.write(writes.PATIENT, self.site_id, [again], refusal="already-enrolled")
        await self._write(writes.CONSENT, self.patient.consents, about=enrolled.thing)
        visits = await self._visits(enrolled)
        taking_back = TakingBack(self.clients, self.site_id, self.rng)
        await asyncio.gather(self._results(enrolled, taking_back), self._course(visits, taking_back))
        await self._looks(enrolled, visits)
        if self.rng.random() < _SHARE_LINKED and visits and visits[-1].visit.state is not VisitState.CANCELLED:
            await taking_back.link(visits[-1].ids["visit_id"])
        if self.rng.random() < _SHARE_ERASED:
            another = {"patient_id": enrolled.thing, **visits[-1].visit.schedule} if visits else None
            care = self._care(enrolled, visits, taking_back)
            await asyncio.gather(care, taking_back.erase(enrolled.thing, another))
        else:
            await self._care(enrolled, visits, taking_back)

    async def _visits(self, enrolled: Given) -> list[_Known]:
        schedules = [{"patient_id": enrolled.thing, **visit.schedule} for visit in self.patient.visits]
        given = await self._write(writes.VISIT, schedules)
        return [
            _Known(visit, {"patient_id": enrolled.thing, "visit_id": one.thing})
            for visit, one in zip(self.patient.visits, given, strict=True)
            if one is not None
        ]

    async def _course(self, visits: Sequence[_Known], taking_back: TakingBack) -> None:
        """Surveys before the visits, the visits, what was said after them, and what of it was wrong."""
        surveys = [one.about(one.visit.survey) for one in visits if one.visit.survey is not None]
        given = await self._write(writes.SURVEY, surveys)
        for one in visits:
            after = None
            for change in one.visit.changes:
                visit_id, state = one.ids["visit_id"], str(change["state"])
                changed = await self.clients.change(writes.CHANGE, "PATCH", self.site_id, visit_id, change, state)
                after = changed.receipt if changed is not None else after
            if one.visit.feedback is not None:
                await self._write(writes.FEEDBACK, [one.about(one.visit.feedback)], after=after)
        await taking_back.correct(surveys, given)

    async def _results(self, enrolled: Given, taking_back: TakingBack) -> None:
        """Of the laboratory; some are corrected, and some were somebody else's."""
        labs = [{"patient_id": enrolled.thing, **body} for body in self.patient.labs]
        given = await self._write(writes.LAB, labs, after=enrolled.receipt)
        corrected = [
            {**lab, "lab_id": one.thing, "value": round(lab["value"] * 1.1, 1)}
            for lab, one in zip(labs, given, strict=True)
            if one is not None and self.rng.random() < _SHARE_CORRECTED
        ]
        await self._write(writes.LAB, corrected)
        await taking_back.take_back(writes.LAB, labs, given)

    async def _care(self, enrolled: Given, visits: Sequence[_Known], taking_back: TakingBack) -> None:
        """What the clinic decided, all at once, and what of it was wrong; who is erased meanwhile may be refused."""
        medications = [{"patient_id": enrolled.thing, **body} for body in self.patient.medications]
        assessments = [one.about(body) for one in visits for body in one.visit.assessments]
        steps = [one.about(body) for one in visits for body in one.visit.plan_steps]

        async def decide(what: str, bodies: Sequence[Body]) -> None:
            await taking_back.take_back(what, bodies, await self._write(what, bodies))

        await asyncio.gather(
            decide(writes.MEDICATION, medications), decide(writes.ASSESSMENT, assessments), decide(writes.STEP, steps)
        )

    async def _looks(self, enrolled: Given, visits: Sequence[_Known]) -> None:
        await self._write(writes.VIEW, [one.about(view) for one in visits for view in one.visit.views])
        view_id = await self.clients.look(self.site_id, enrolled.thing, enrolled.receipt)
        if view_id is not None:
            for duration_ms in (5_000, 25_000):
                await self.clients.lengthen(self.site_id, enrolled.thing, view_id, duration_ms)

    async def _write(
        self, what: str, bodies: Sequence[Body], *, about: str = "", after: str | None = None
    ) -> list[Given | None]:
        """All as one batch, or one by one: clients differ."""
        if self.rng.random() > _SHARE_ONE_BY_ONE:
            return await self.clients.write(what, self.site_id, bodies, about=about, after=after)
        answers = [await self.clients.write(what, self.site_id, [body], about=about, after=after) for body in bodies]
        return [given for (given,) in answers]


async def write_for(seconds: float, seed: int, clients: Clients) -> None:
    """Tell the stories of so long a time, and return when each has been told to its end."""
    day = datetime.now(UTC).date()
    puts = [
        clients.change(writes.SITE, "PUT", site.site_id, site.site_id, site.description, "")
        for site in sites_of(seed, day)
    ]
    await asyncio.gather(*puts)
    places = asyncio.Semaphore(_MOST_AT_ONCE)
    began = time.monotonic()
    async with asyncio.TaskGroup() as telling:
        for number, (site_id, patient) in enumerate(islice(stories(seed, day), round(seconds * STORIES_A_SECOND))):
            await asyncio.sleep(max(0, began + number / STORIES_A_SECOND - time.monotonic()))
            await places.acquire()
            rng = Random(f"{seed}/{number}")  # noqa: S311 - chance that can be repeated, no secret
            told = telling.create_task(_to_its_end(Telling(clients, site_id, patient, rng)))
            told.add_done_callback(lambda _: places.release())


async def _to_its_end(telling: Telling) -> None:
    """A story that nobody answers any more ends there; the ledger has it."""
    with contextlib.suppress(Unanswered):
        await telling.tell()


async def run(home: Path, ledger_file: Path, seconds: float, seed: int) -> None:
    """Write through the doors of the network at `home`."""
    network = running_network(home)
    limits, timeout = httpx.Limits(max_connections=_CONNECTIONS), httpx.Timeout(_ANSWER_S, pool=None)
    sites = [site.site_id for site in sites_of(seed, datetime.now(UTC).date())]
    async with AsyncExitStack() as stack:
        doors = {
            service: await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=network.url(service),
                    limits=limits,
                    timeout=timeout,
                    cookies=_no_cookies(),
                    trust_env=False,
                )
            )
            for service in SERVICES
        }
        rng = Random(f"{seed}/clients")  # noqa: S311 - chance that can be repeated, no secret
        clients = Clients(doors, stack.enter_context(Ledger(ledger_file)), rng)
        for site_id in sites:
            clients.tokens[site_id] = network.issuer.token(Role.SYSTEM, [site_id], subject=f"system-of-{site_id}")
            clients.people[site_id] = network.issuer.token(Role.CLINICIAN, [site_id], subject=f"dr-of-{site_id}")
        sys.stdout.write("The clients begin.\n")
        sys.stdout.flush()
        await write_for(seconds, seed, clients)


def _no_cookies() -> CookieJar:
    """One client stands for all people: none may come with another's session."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def main() -> None:
    """Arguments: the home of the network, the ledger, seconds, seed."""
    home, ledger, seconds, seed = sys.argv[1:]
    asyncio.run(run(Path(home), Path(ledger), float(seconds), int(seed)))


if __name__ == "__main__":
    main()
