"""Who may have no session any more, however long it would live: who came by a link that was revoked.

Guarantee: from the commit of `record` on, a session of theirs opens nothing, also one that begins later
(`shared.http.sessions`).
"""

from collections.abc import Sequence
from uuid import UUID

from shared.db import Connection
from shared.events import Event, LinkRevoked


def subject_of(link_id: UUID) -> str:
    """Who somebody is that came by this link, in sessions and on record."""
    return f"link:{link_id}"


def link_of(subject: str) -> UUID | None:
    """The link that somebody came by; None who came by none."""
    kind, _, link_id = subject.partition(":")
    try:
        return UUID(link_id) if kind == "link" else None
    except ValueError:
        return None


async def record(connection: Connection, events: Sequence[Event]) -> None:
    """Keep the revoked links among these events; again changes nothing."""
    await connection.executemany(
        "INSERT INTO ended_subject (subject, ended_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [
            (subject_of(event.body.link_id), event.body.revoked_at)
            for event in events
            if isinstance(event.body, LinkRevoked)
        ],
    )
