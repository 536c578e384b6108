"""Sessions of people in a browser: rows of a service's own database, found by the hash of a secret in a cookie.

A session ends when its holder signs out, when nothing happened for the idle limit, at its end whatever happens, and
when what it began with is revoked (`shared.revocations`). A row stays for a day after its end, so that a browser that
comes back can be told why it has to sign in again.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from starlette.responses import Response

from shared.auth import Caller, Role
from shared.db import POOL_WAIT_S, Connection, Pool
from shared.http import cookies
from shared.settings import Platform

Clock = Callable[[], datetime]
_TOUCH = timedelta(seconds=30)
_TOLD_FOR = timedelta(days=1)


def utc_now() -> datetime:
    """The clock of every process that is not a test."""
    return datetime.now(UTC)


class SessionEnded(Exception):
    """The session is over; it was one of this role."""

    def __init__(self, role: Role, *, was_idle: bool) -> None:
        super().__init__("the session is over")
        self.role = role
        self.was_idle = was_idle


@dataclass(frozen=True, slots=True)
class AtProvider:
    """The session that the person has at the provider, and what to show there to end it.

    `in_frame`: it began in a system that shows our pages in a frame of its own.
    """

    session: str | None
    id_token: str | None = field(repr=False)
    in_frame: bool = False


class Ended(NamedTuple):
    """A session that was ended, with the ID token that it began with, if it began at the provider."""

    role: Role
    id_token: str | None


class Sessions:
    """The sessions of one service. The cookie is named after it: cookies do not know ports.

    One that began in a frame has a cookie of another name: a browser may hold both, and sends each where it belongs.
    """

    def __init__(self, service: str, platform: Platform, clock: Clock = utc_now) -> None:
        self.service = service
        self.cookie = f"__Host-samepage-{service}"
        self.framed_cookie = f"{self.cookie}-framed"
        self.clock = clock
        self._idle = timedelta(seconds=platform.session_idle_s)
        self._absolute = timedelta(seconds=platform.session_absolute_s)

    async def open(
        self,
        connection: Connection,
        caller: Caller,
        *,
        ends_at: datetime | None = None,
        at_provider: AtProvider | None = None,
    ) -> str:
        """A new session; its secret, which is kept nowhere. It ends at the absolute limit, or earlier if so given."""
        secret, now = secrets.token_urlsafe(32), self.clock()
        await connection.execute("DELETE FROM session WHERE ends_at < $1", now - _TOLD_FOR)
        await connection.execute(
            """
            INSERT INTO session (session_hash, subject, role, sites, patient_id, provider_session, id_token, opened_at,
                                 seen_at, ends_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
            """,
            name_of(secret),
            caller.subject,
            caller.role,
            sorted(caller.sites),
            caller.patient_id,
            at_provider and at_provider.session,
            at_provider and at_provider.id_token,
            now,
            min(now + self._absolute, ends_at or datetime.max.replace(tzinfo=UTC)),
        )
        return secret

    async def caller(self, pool: Pool, secret: str) -> Caller | None:
        """Who holds the session; None when there is none of this secret.

        Raises:
            SessionEnded: it is over.
        """
        async with pool.acquire(timeout=POOL_WAIT_S) as connection:
            row = await connection.fetchrow(
                """
                SELECT subject, role, sites, patient_id, seen_at, ends_at,
                       EXISTS (SELECT FROM ended_subject AS ended WHERE ended.subject = session.subject) AS is_revoked
                FROM session WHERE session_hash = $1
                """,
                name_of(secret),
            )
            if row is None:
                return None
            role, unseen = Role(row["role"]), self.clock() - row["seen_at"]
            if unseen > self._idle or self.clock() >= row["ends_at"] or row["is_revoked"]:
                raise SessionEnded(role, was_idle=unseen > self._idle)
            if unseen > _TOUCH:
                touch = "UPDATE session SET seen_at = $2 WHERE session_hash = $1"
                await connection.execute(touch, name_of(secret), self.clock())
        return Caller(row["subject"], role, frozenset(row["sites"]), row["patient_id"])

    async def open_among(self, connection: Connection, names: Collection[bytes]) -> set[bytes]:
        """Which of these sessions are not over; to ask is no sign that somebody is there."""
        rows = await connection.fetch(
            """
            SELECT session_hash FROM session
            WHERE session_hash = ANY($1) AND seen_at >= $2 AND ends_at > $3
            AND NOT EXISTS (SELECT FROM ended_subject AS ended WHERE ended.subject = session.subject)
            """,
            list(names),
            self.clock() - self._idle,
            self.clock(),
        )
        return {row["session_hash"] for row in rows}

    async def end(self, connection: Connection, secret: str, *, of: Role | None = None) -> Ended | None:
        """End a session, if it is one of this role; None when there is none."""
        row = await connection.fetchrow(
            "DELETE FROM session WHERE session_hash = $1 AND role = coalesce($2, role) RETURNING role, id_token",
            name_of(secret),
            of,
        )
        return None if row is None else Ended(Role(row["role"]), row["id_token"])

    async def end_all(
        self, connection: Connection, *, subject: str | None = None, provider_session: str | None = None
    ) -> None:
        """End every session of a subject, of one session at the provider, or of both together.

        Raises:
            ValueError: neither is named.
        """
        if subject is None and provider_session is None:
            raise ValueError("whose sessions?")
        await connection.execute(
            """
            DELETE FROM session WHERE ($1::text IS NULL OR subject = $1) AND ($2::text IS NULL OR provider_session = $2)
            """,
            subject,
            provider_session,
        )

    def secrets_in(self, held: Mapping[str, str]) -> list[str]:
        """The secrets among a browser's cookies; one that began in a frame comes first."""
        return [held[name] for name in (self.framed_cookie, self.cookie) if held.get(name)]

    def give(self, response: Response, secret: str, held: Mapping[str, str], *, in_frame: bool = False) -> None:
        """Put the secret into the browser, and out of it what it holds."""
        name = self.framed_cookie if in_frame else self.cookie
        self.take(response, {other: value for other, value in held.items() if other != name})
        cookies.put(response, name, secret, in_frame=in_frame)

    def take(self, response: Response, held: Mapping[str, str]) -> None:
        """Take the secrets that a browser holds out of it."""
        for name in {self.framed_cookie, self.cookie} & held.keys():
            cookies.take(response, name, in_frame=name == self.framed_cookie)


async def spend(connection: Connection, site_id: str, issuer: str, token_id: str, expires_at: datetime) -> bool:
    """Use a one-time token up; False when it was used before. Rows are kept until the token would expire anyway."""
    await connection.execute("DELETE FROM spent_token WHERE site_id = $1 AND expires_at < now()", site_id)
    status = await connection.execute(
        """
        INSERT INTO spent_token (site_id, issuer, token_id, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
        """,
        site_id,
        issuer,
        token_id,
        expires_at + timedelta(minutes=1),
    )
    return status != "INSERT 0 0"


def name_of(secret: str) -> bytes:
    """What a session is kept and followed under: it opens nothing."""
    return hashlib.sha256(secret.encode()).digest()
