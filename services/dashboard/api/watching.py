"""Pages that are open: one look at the database for all of them in a process.

Guarantee: who follows a page is told of a version that they do not know within two looks of the commit that brought it,
and, as soon, that they may not follow it any more: their session or token is over, or the glass is closed. Where the
database cannot be looked at everybody is told to come again, so that no page is called live that may not be.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import structlog

from services.dashboard import store
from shared.db import RETRYABLE, Connection, Pool, SiteScope, transaction
from shared.errors import Problem
from shared.http.sessions import Sessions
from shared.sealing import Patient

_log = structlog.get_logger()


class Ending(StrEnum):
    """Why a page is followed no longer."""

    SIGNED_OUT = "signed-out"
    CLOSED = "closed"
    AGAIN = "again"


@dataclass(eq=False, slots=True)
class Follower:
    """Somebody with a page on the screen, of which they know this version.

    They may follow it while the session and the glass that they came by are open, and until a token of theirs ends.
    """

    patient: Patient
    version: str
    session: bytes | None = None
    until: datetime | None = None
    glass: UUID | None = None
    ending: Ending | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def heard(self, longest_s: float) -> bool:
        """Wait for a new version or the end; False when there was neither for so long."""
        try:
            await asyncio.wait_for(self.news.wait(), longest_s)
        except TimeoutError:
            return False
        self.news.clear()
        return True

    def end(self, ending: Ending) -> None:
        self.ending = ending
        self.news.set()


class Watch:
    """Looks for all who follow a page, while some do. One person follows at most `most_each` at once."""

    def __init__(self, *, every_s: float = 0.25, most_each: int = 12) -> None:
        self._every_s = every_s
        self._most_each = most_each
        self._followers: set[Follower] = set()
        self._pages_of: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def place_of(self, who: str) -> Iterator[None]:
        """One of the pages that this person may follow, for as long as the block lasts.

        Raises:
            Problem: 429, they follow as many as one person may.
        """
        if self._pages_of[who] >= self._most_each:
            why = f"You have {self._most_each} pages open that are kept up to date. Close one, or reload this one."
            raise Problem(429, "too-many-open", why, headers={"retry-after": "30"})
        self._pages_of[who] += 1
        try:
            yield
        finally:
            self._pages_of -= Counter([who])

    @contextmanager
    def followed_by(self, follower: Follower, pool: Pool, sessions: Sessions) -> Iterator[None]:
        """Look for this follower too for as long as the block lasts."""
        self._followers.add(follower)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_some_follow(pool, sessions), context=Context())
        try:
            yield
        finally:
            self._followers.discard(follower)

    async def _look_while_some_follow(self, pool: Pool, sessions: Sessions) -> None:
        while followers := [one for one in self._followers if one.ending is None]:
            try:
                await _look(pool, sessions, followers)
            except Exception as failure:
                if not isinstance(failure, RETRYABLE):
                    _log.error("open pages are not looked at", failure=type(failure).__name__)
                for one in followers:
                    one.end(Ending.AGAIN)
            await asyncio.sleep(self._every_s)


async def _look(pool: Pool, sessions: Sessions, followers: Sequence[Follower]) -> None:
    scope = SiteScope.of(*{one.patient.site_id for one in followers})
    async with transaction(pool, scope) as connection:
        await _end_what_is_over(connection, scope, sessions, followers)
        newer = await store.newer_versions(connection, scope, {(one.patient, one.version) for one in followers})
    for one in followers:
        if one.ending is None and (version := newer.get((one.patient, one.version))) is not None:
            one.version = version
            one.news.set()


async def _end_what_is_over(
    connection: Connection, scope: SiteScope, sessions: Sessions, followers: Sequence[Follower]
) -> None:
    now = sessions.clock()
    names = {one.session for one in followers if one.session is not None}
    glass = {one.glass for one in followers if one.glass is not None}
    open_sessions = await sessions.open_among(connection, names) if names else set()
    open_glass = await store.glass_open_among(connection, scope, glass, now) if glass else set()
    for one in followers:
        is_known = one.until is None or now < one.until
        if not is_known or (one.session is not None and one.session not in open_sessions):
            one.end(Ending.SIGNED_OUT)
        elif one.glass is not None and one.glass not in open_glass:
            one.end(Ending.CLOSED)
