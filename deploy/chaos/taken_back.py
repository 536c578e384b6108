"""What is taken back: surveys amended or entered in error, what the clinic recorded of somebody else, links that are
revoked, patients who are erased.

Whoever is refused as "erased" while an erasure is on its way was refused rightly; the auditor knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlsplit

from deploy.chaos import writes
from deploy.chaos.clients import Clients, Given
from deploy.demo.network import Body

_SHARE_AMENDED, _SHARE_IN_ERROR, _SHARE_ANSWERED_AGAIN = 0.2, 0.1, 0.5
_LINK_LIVES = timedelta(days=7)
_OF_NEW_SURVEYS = ("patient_id", "visit_id", "form")


@dataclass(frozen=True)
class TakingBack:
    """By the clients of one site, as chance has it."""

    clients: Clients
    site_id: str
    rng: Random

    async def correct(self, bodies: Sequence[Body], given: Sequence[Given | None]) -> None:
        """Amend some of these surveys and call some a mistake, also amended ones; some of those are answered anew."""
        for body, survey in zip(bodies, given, strict=True):
            if survey is None:
                continue
            version = 1
            if self.rng.random() < _SHARE_AMENDED:
                answers = {name: said for name, said in body.items() if name not in _OF_NEW_SURVEYS}
                amended = {**answers, "replaces": version, "reason": "patient-corrected"}
                version += bool(await self._about(writes.AMENDMENT, survey.thing, amended))
            if self.rng.random() < _SHARE_IN_ERROR:
                mistake = {"replaces": version, "reason": "test-entry"}
                is_free = await self._about(writes.MISTAKE, survey.thing, mistake)
                if is_free and self.rng.random() < _SHARE_ANSWERED_AGAIN:
                    await self.clients.write(writes.SURVEY, self.site_id, [{**body, "mode": "phone"}])

    async def take_back(self, what: str, bodies: Sequence[Body], given: Sequence[Given | None]) -> None:
        """Say of some of these facts of the clinic that they were entered in error. It is final: who corrects one, or
        marks it again, is refused.
        """
        for body, fact in zip(bodies, given, strict=True):
            if fact is None or self.rng.random() >= _SHARE_IN_ERROR:
                continue
            mark = {"patient_id": body["patient_id"], "reason": "wrong-patient"}
            if await self._about(writes.TAKEN_BACK[what], fact.thing, mark) is not None:
                too_late = {**body, writes.WRITES[what].column: fact.thing}
                await self.clients.write(what, self.site_id, [too_late], refusal="entered-in-error")

    async def link(self, visit_id: str) -> None:
        """Make a link, open it, revoke it: then it opens nothing, nor is the session that it opened of use."""
        made = await self._about(writes.LINK, visit_id, {"expires_at": (datetime.now(UTC) + _LINK_LIVES).isoformat()})
        if made is None or made.link is None:
            return
        way_in = urlsplit(made.link).path
        session = await self.clients.open(self.site_id, way_in, is_live=True)
        await self.clients.revoke(self.site_id, visit_id, made.thing)
        await self.clients.open(self.site_id, way_in, is_live=False)
        if session is not None:
            await self.clients.come_back(self.site_id, session)

    async def erase(self, patient_id: str, visit: Body | None) -> None:
        """Erase a patient; what is new about them is refused from then on."""
        request = {"reason": "patient-request", "confirm_patient_id": patient_id}
        if await self._about(writes.ERASURE, patient_id, request) is not None and visit is not None:
            too_late = {**visit, "clinician_id": "dr-too-late"}
            await self.clients.write(writes.VISIT, self.site_id, [too_late], refusal="erased")

    async def _about(self, what: str, about: str, body: Body) -> Given | None:
        (given,) = await self.clients.write(what, self.site_id, [body], about=about)
        return given
