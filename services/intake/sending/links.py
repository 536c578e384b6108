"""The link that a message carries: the one that was sent before while it opens, else a new one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from services.intake import store
from services.intake.domain import THE_WORKER, Link, LinkState, Outlook, expiry, secret_hash, secret_of
from services.intake.store import Held
from shared.db import Connection, SiteScope


@dataclass(frozen=True, slots=True)
class LinkToSend:
    """A link with its secret, for the patient's eyes."""

    link_id: UUID
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkMaker:
    """Makes links with the first of `keys` and shows again what any of them made; `origin` is where they lead."""

    keys: Sequence[bytes] = field(repr=False)
    origin: str

    async def link(self, connection: Connection, visit: Held, outlook: Outlook, now: datetime) -> LinkToSend:
        """The link to send; the caller holds the patient and commits."""
        site_id, known = visit.site_id, outlook.link
        if known is not None and known.state(now) is LinkState.LIVE:
            shown = await store.known_secret(connection, SiteScope.of(site_id), site_id, known.link_id, self.keys)
            if shown is not None:
                return self._to_send(site_id, known.link_id, shown)
        link = Link(
            link_id=uuid4(),
            visit_id=visit.visit_id,
            patient_id=visit.patient_id,
            made_by=THE_WORKER,
            made_at=now,
            expires_at=expiry(outlook.visit_at, None, now),
        )
        secret = secret_of(self.keys[0], site_id, link.link_id)
        await store.record_link(connection, site_id, link, secret_hash(secret))
        return self._to_send(site_id, link.link_id, secret)

    def _to_send(self, site_id: str, link_id: UUID, secret: str) -> LinkToSend:
        return LinkToSend(link_id, f"{self.origin}/l/{site_id}/{secret}")
