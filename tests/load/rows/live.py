"""Pages that are open, all on one dashboard door: what they hold in memory, cost while nothing happens, and hear when.

The floor keeps no page open. A fact arrives as the worker's commit would bring it: as a new version of a page. The
delay is from that commit until the last who follows that page has heard; the page itself they would fetch then.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles

import asyncpg
import httpx

from deploy.databases import at
from deploy.doors import Door
from shared.auth import Role
from tests.load.bed import Bed
from tests.load.figures import MEDIAN, MEMORY, P99, SHARE, Figure, Measure, Sample, alternate
from tests.load.loops import BadRun
from tests.load.processes import resident_mib
from tests.load.subjects import Meter, Product
from tests.waiting import until

DOOR = Door("dashboard", "app")
EACH = Measure("resident, each page", "KiB")
_IDLE_S = 5.0
_FACTS = 50
_LATEST_S = 10.0


def row(pages: int) -> str:
    return f"{pages:,} open pages on one process"


def measure(bed: Bed) -> list[Figure]:
    """A fresh process, and as many pages as the plan says."""

    def product() -> Sample:
        with bed.stack.doors([DOOR], {"dashboard": "dashboard"}) as subject:
            return asyncio.run(_sample(bed, subject))

    return alternate(1, bed.stack.disk, product)


@dataclass(eq=False)
class _OpenPage:
    """A page that somebody follows, and when they last heard of a version."""

    site: str
    patient: str
    answer: httpx.Response
    heard: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for piece in self.answer.aiter_bytes():
            self.heard += [time.perf_counter()] * piece.count(b"event: version")


async def _sample(bed: Bed, subject: Product) -> Sample:
    name, count = row(bed.plan.open_pages), bed.plan.open_pages
    (pid,) = subject.door_pids().values()
    before_mib = resident_mib(pid)
    async with _opened(bed, subject, count) as pages:
        held_mib = resident_mib(pid)
        meter = await asyncio.to_thread(Meter, subject)
        await asyncio.wait([page.listening for page in pages], timeout=_IDLE_S, return_when=asyncio.FIRST_COMPLETED)
        idle_share = 100 * await asyncio.to_thread(meter.spent_s) / _IDLE_S
        delays = await _facts_arrive(bed, subject, pages)
    return {
        (name, MEMORY): held_mib,
        (name, EACH): (held_mib - before_mib) * 1024 / count,
        (name, SHARE): idle_share,
        (name, MEDIAN): median(delays),
        (name, P99): quantiles(delays, n=100)[-1],
    }


@asynccontextmanager
async def _opened(bed: Bed, subject: Product, count: int) -> AsyncIterator[list[_OpenPage]]:
    """So many people, each with one page on the screen; all have heard which version that is."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with AsyncExitStack() as stack:
        client = httpx.AsyncClient(base_url=subject.url("dashboard"), timeout=None, trust_env=False, limits=limits)  # noqa: S113 - a stream has no end
        await stack.enter_async_context(client)
        pages = []
        for number in range(count):
            site, patient = bed.read_patients[number % len(bed.read_patients)]
            token = bed.stack.network.issuer.token(Role.CLINICIAN, [site], subject=f"reader-{number}")
            headers = {"authorization": f"Bearer {token}"}
            stream = client.stream("GET", f"/v1/patients/{patient}/live", headers=headers)
            answer = (await stack.enter_async_context(stream)).raise_for_status()
            pages.append(_OpenPage(site, patient, answer))
        try:
            await _until_heard(pages, 1)
            yield pages
        finally:
            for page in pages:
                page.listening.cancel()
            await asyncio.gather(*(page.listening for page in pages), return_exceptions=True)


async def _facts_arrive(bed: Bed, subject: Product, pages: Sequence[_OpenPage]) -> list[float]:
    """Milliseconds until everybody who follows a page has heard of its new version, one page after another."""
    following: dict[tuple[str, str], list[_OpenPage]] = defaultdict(list)
    for page in pages:
        following[page.site, page.patient].append(page)
    delays = []
    connection = await asyncpg.connect(at(bed.stack.admin_dsn, subject.copies["dashboard"]))
    try:
        for (site, patient), followers in list(following.items())[:_FACTS]:
            await connection.execute(
                "UPDATE patient_page SET version = md5(version) WHERE site_id = $1 AND patient_id = $2::text::uuid",
                site,
                patient,
            )
            began = time.perf_counter()
            await _until_heard(followers, 2)
            delays += [1000 * (follower.heard[-1] - began) for follower in followers]
    finally:
        await connection.close()
    return delays


async def _until_heard(pages: Sequence[_OpenPage], times: int) -> None:
    async def have_heard() -> bool:
        if any(page.listening.done() for page in pages):
            raise BadRun("An open page was closed.")
        return all(len(page.heard) >= times for page in pages)

    try:
        await until(have_heard, seconds=_LATEST_S, every_s=0.005)
    except TimeoutError:
        untold = sum(len(page.heard) < times for page in pages)
        raise BadRun(f"{untold} of {len(pages)} were not told {times} times within {_LATEST_S:.0f} s.") from None
