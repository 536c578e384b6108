"""A site's clients: they ask until they are answered, and put each answer into the ledger before they go on.

A keyed write is repeated with its key until somebody answers; the same is asked once more now and then, and must be
answered the same. What a service cannot take *yet*, because an event has not reached it, is asked again under a new
key. A page that is not answered is asked for again, and each try may have been a look.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NamedTuple

import httpx
import orjson

from deploy.chaos import writes
from deploy.chaos.ledger import NEVER, Entry, Ledger
from deploy.chaos.writes import WRITES
from deploy.demo.network import Body

_UNANSWERED = frozenset({429, 502, 503, 504})
_NOT_YET = frozenset({"not-found", "not-open"})
_SHARE_REPEATED = 0.05
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 3.0


class Unanswered(Exception):
    """Nobody answered for as long as anybody would ask."""


class Given(NamedTuple):
    """What a service gave for an accepted item; `link` where it was one."""

    thing: str
    receipt: str | None
    link: str | None = None


class _Answer(NamedTuple):
    response: httpx.Response
    lost: int


class _Request(NamedTuple):
    method: str
    service: str
    path: str
    content: bytes
    headers: Mapping[str, str]


@dataclass
class Clients:
    """Of all sites, each under its own tokens. `patience_s` is how long one request is repeated.

    `whose` says of which patient each thing is that was given.
    """

    doors: Mapping[str, httpx.AsyncClient]
    ledger: Ledger
    rng: Random
    patience_s: float = 300.0
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    people: dict[str, str] = field(default_factory=dict, repr=False)
    whose: dict[str, str] = field(default_factory=dict, repr=False)

    async def write(
        self,
        what: str,
        site_id: str,
        bodies: Sequence[Body],
        *,
        about: str = "",
        after: str | None = None,
        refusal: str = "",
    ) -> list[Given | None]:
        """POST items as one request; what was given for each, None where it was refused.

        `about` is whom or what the path names, `after` a receipt that the service should have heard of, `refusal` what
        a right service must say to all of them.
        """
        given: list[Given | None] = [None] * len(bodies)
        left, attempt = list(range(len(bodies))), 0
        until = time.monotonic() + self.patience_s
        while left:
            wanted = [bodies[position] for position in left]
            request = self._keyed(what, site_id, wanted, about, after, attempt)
            answer = await self._answered(what, site_id, request)
            outcomes = _outcomes(answer.response, len(wanted))
            too_early = [_kind(outcome) in _NOT_YET and time.monotonic() < until for outcome in outcomes]
            entries = [
                self._entry(what, site_id, body, outcome, answer, refusal)
                for body, outcome, early in zip(wanted, outcomes, too_early, strict=True)
                if not early
            ]
            self._note([self._whose(entry, about) for entry in entries])
            for position, outcome in zip(left, outcomes, strict=True):
                if "id" in outcome:
                    given[position] = Given(outcome["id"], outcome["receipt"], outcome.get("link"))
            await self._repeat(what, site_id, request, answer)
            left = [position for position, early in zip(left, too_early, strict=True) if early]
            attempt += 1
            if left:
                await asyncio.sleep(min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S))
        return given

    async def change(self, what: str, method: str, site_id: str, about: str, body: Body, state: str) -> Given | None:
        """PUT or PATCH one thing; done twice it is done once, and then says that nothing changed."""
        write = WRITES[what]
        headers = self._headers(site_id)
        request = _Request(method, write.service, write.path.format(about), orjson.dumps(body), headers)
        answer = await self._answered(what, site_id, request)
        (outcome,) = _outcomes(answer.response, 1)
        stands_so = answer.lost > 0 and _kind(outcome) in ("visit-unchanged", "visit-not-allowed")
        entry = self._entry(what, site_id, body, outcome, answer, "")
        entry = replace(self._whose(entry, about), thing=about, state=state)
        self.ledger.add([replace(entry, status=200, problem=None) if stands_so else entry])
        return None if not stands_so and "id" not in outcome else Given(about, outcome.get("receipt"))

    async def look(self, site_id: str, patient_id: str, after: str | None) -> str | None:
        """Look at a page as a clinician until it is there; the id of the look."""
        write = WRITES[writes.LOOK]
        headers = {"authorization": f"Bearer {self.people[site_id]}"}
        path = write.path.format(patient_id) + (f"?wait_for={after}" if after else "")
        until, lost = time.monotonic() + self.patience_s, 0
        while True:
            answer = await self._answered(
                writes.LOOK, site_id, _Request("GET", write.service, path, b"", headers), lost
            )
            lost = answer.lost
            if answer.response.status_code != 404 or time.monotonic() > until:
                break
            await asyncio.sleep(_LONGEST_PAUSE_S)
        (outcome,) = _outcomes(answer.response, 1)
        view_id: str | None = answer.response.headers.get("samepage-view")
        entry = self._entry(writes.LOOK, site_id, {"patient_id": patient_id}, outcome, answer, "")
        self.ledger.add([replace(entry, thing=view_id)])
        return view_id

    async def lengthen(self, site_id: str, patient_id: str, view_id: str, duration_ms: int) -> None:
        """Say how long a look has been."""
        write = WRITES[writes.BEACON]
        content, headers = (
            orjson.dumps({"duration_ms": duration_ms}),
            {"authorization": f"Bearer {self.people[site_id]}"},
        )
        request = _Request("POST", write.service, write.path.format(view_id), content, headers)
        answer = await self._answered(writes.BEACON, site_id, request)
        (outcome,) = _outcomes(answer.response, 1)
        entry = self._entry(writes.BEACON, site_id, {"patient_id": patient_id}, outcome, answer, "")
        self.ledger.add([replace(entry, thing=view_id, state=str(duration_ms))])

    async def open(self, site_id: str, way_in: str, *, is_live: bool) -> str | None:
        """Press the button of a link; the cookies of the session that it opened, None where it did not."""
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = await self._answered(writes.OPENING, site_id, _Request("POST", "intake", way_in, b"", form))
        self._note_opening(site_id, answer, is_right=(answer.response.status_code == httpx.codes.SEE_OTHER) == is_live)
        cookies = [cookie.partition(";")[0] for cookie in answer.response.headers.get_list("set-cookie")]
        return "; ".join(cookies) if answer.response.status_code == httpx.codes.SEE_OTHER else None

    async def come_back(self, site_id: str, session: str) -> None:
        """With the session of a link that was revoked: nothing is shown."""
        answer = await self._answered(
            writes.OPENING, site_id, _Request("GET", "intake", "/start", b"", {"cookie": session})
        )
        self._note_opening(site_id, answer, is_right=not answer.response.is_success)

    async def revoke(self, site_id: str, visit_id: str, link_id: str) -> None:
        """Revoke a link; done twice it is done once."""
        write = WRITES[writes.REVOKING]
        path = write.path.format(visit_id, link_id)
        request = _Request("DELETE", write.service, path, b"", self._headers(site_id))
        answer = await self._answered(writes.REVOKING, site_id, request)
        (outcome,) = _outcomes(answer.response, 1)
        entry = self._entry(writes.REVOKING, site_id, {}, outcome, answer, "")
        self.ledger.add([replace(self._whose(entry, link_id), thing=link_id)])

    def _note_opening(self, site_id: str, answer: _Answer, *, is_right: bool) -> None:
        status = answer.response.status_code
        problem = None if is_right else "it opened what it must not, or nothing where it must"
        self.ledger.add([Entry(what=writes.OPENING, site_id=site_id, status=status, problem=problem)])

    def _note(self, entries: Sequence[Entry]) -> None:
        self.ledger.add(entries)
        self.whose.update({entry.thing: entry.patient_id for entry in entries if entry.thing and entry.patient_id})

    def _whose(self, entry: Entry, about: str) -> Entry:
        """The same with the patient whom the path names, or whose thing it does."""
        return replace(entry, patient_id=self.whose.get(about, entry.patient_id)) if about else entry

    def _headers(self, site_id: str) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.tokens[site_id]}",
            "content-type": "application/json",
            "samepage-site": site_id,
        }

    def _keyed(
        self, what: str, site_id: str, bodies: Sequence[Body], about: str, after: str | None, attempt: int
    ) -> _Request:
        write = WRITES[what]
        path = write.path.format(about)
        content = orjson.dumps(bodies[0] if len(bodies) == 1 else list(bodies))
        digest = hashlib.sha256(f"{path}\n{site_id}\n{after}\n{attempt}\n".encode() + content).hexdigest()
        headers = {**self._headers(site_id), "idempotency-key": f"chaos-{digest[:40]}"}
        return _Request("POST", write.service, path + (f"?wait_for={after}" if after else ""), content, headers)

    async def _answered(self, what: str, site_id: str, request: _Request, lost: int = 0) -> _Answer:
        """The answer, however often it takes to ask. An internal error is no answer, and goes into the ledger.

        Raises:
            Unanswered: nobody did.
        """
        until, pause = time.monotonic() + self.patience_s, _FIRST_PAUSE_S
        while time.monotonic() < until:
            try:
                response = await self.doors[request.service].request(
                    request.method, request.path, content=request.content, headers=request.headers
                )
            except httpx.TransportError:
                lost += 1
            else:
                if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
                    self.ledger.add([Entry(what=what, site_id=site_id, status=500, problem=request.path)])
                elif response.status_code not in _UNANSWERED:
                    return _Answer(response, lost)
                lost += 1
            await asyncio.sleep(pause * self.rng.uniform(0.5, 1))
            pause = min(_LONGEST_PAUSE_S, pause * 2)
        self.ledger.add([Entry(what=what, site_id=site_id, status=NEVER, problem=request.path, lost=lost)])
        raise Unanswered(request.path)

    async def _repeat(self, what: str, site_id: str, request: _Request, first: _Answer) -> None:
        """Ask for a stored answer once more, sometimes: it must be the same to the byte."""
        if not first.response.is_success or self.rng.random() > _SHARE_REPEATED:
            return
        again = await self._answered(what, site_id, request)
        if again.response.content != first.response.content:
            problem = f"another answer to the same key: {again.response.status_code}"
            self.ledger.add([Entry(what=what, site_id=site_id, status=again.response.status_code, problem=problem)])

    def _entry(
        self, what: str, site_id: str, body: Body, outcome: Mapping[str, Any], answer: _Answer, refusal: str
    ) -> Entry:
        problem = _kind(outcome)
        return Entry(
            what=what,
            site_id=site_id,
            status=int(outcome["status"]),
            patient_id=outcome.get("id") if what == writes.PATIENT else body.get("patient_id"),
            thing=outcome.get("id"),
            receipt=outcome.get("receipt"),
            state=body.get("state") or body.get("consent"),
            problem=problem or (f"not refused as {refusal}" if refusal else None),
            is_expected=problem is not None and problem == refusal,
            lost=answer.lost,
        )


def _outcomes(response: httpx.Response, items: int) -> list[dict[str, Any]]:
    """What became of each item: `status`, and either `id` and `receipt` or `problem`."""
    document = response.json() if response.content else {}
    if response.is_success:
        alone = {"status": response.status_code, **({} if items > 1 or "id" not in document else document)}
        return list(document["items"]) if "items" in document else [alone]
    return [{"status": response.status_code, "problem": document}] * items


def _kind(outcome: Mapping[str, Any]) -> str | None:
    """The last part of the problem's type; None when it was accepted."""
    problem = outcome.get("problem")
    return None if problem is None else str(problem.get("type", "")).rpartition(":")[2]
