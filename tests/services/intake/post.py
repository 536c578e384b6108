"""The post of a test: a courier on an application's database under its worker's role, a messenger that remembers, and a
clock that is moved by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from fastapi import FastAPI

from services.intake.domain import Channel, SendOutcome
from services.intake.sending import Courier, CourierSettings, LinkMaker, Message, NotSent
from shared.db import open_pool
from shared.keyring import KeyRing
from tests.conftest import URLS, new_key
from tests.services.clinic import ZONE, Clinic

# No quiet hours, so that it does not matter when the tests run.
ALWAYS: dict[str, Any] = {"is_on": True, "quiet": None}
ADDRESS, PHONE = "quagga.synthetic@example.org", "+13125550188"
REACHED: dict[str, Any] = {"email": ADDRESS, "phone": PHONE, "wants_messages": True}


@dataclass
class Memory:
    """A messenger that keeps what it takes; `outcomes` are what it says next, and then it takes everything.
    So many times as `breaks` it fails as no messenger should.

    While `gate` is closed, it is as slow as a server can be.
    """

    outcomes: list[SendOutcome] = field(default_factory=list)
    channels: Set[Channel] = frozenset(Channel)
    taken: list[Message] = field(default_factory=list)
    tried: int = 0
    breaks: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def send(self, message: Message) -> None:
        self.tried += 1
        await self.gate.wait()
        if self.breaks:
            self.breaks -= 1
            raise ZeroDivisionError
        outcome = self.outcomes.pop(0) if self.outcomes else SendOutcome.TAKEN
        if outcome is not SendOutcome.TAKEN:
            raise NotSent(outcome, "smtp-000")
        self.taken.append(message)


@dataclass
class Now:
    """The time of now, and as much later as a test has let pass: from the start so much that the clocks may change."""

    passed: timedelta = timedelta(hours=2)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def passes(self, **time: float) -> None:
        self.passed += timedelta(**time)


@dataclass
class Post:
    """A clinic's post."""

    clinic: Clinic
    courier: Courier
    memory: Memory
    now: Now

    @classmethod
    @asynccontextmanager
    async def of(
        cls, clinic: Clinic, ring: KeyRing, memory: Memory | None = None, *, settings: CourierSettings | None = None
    ) -> AsyncIterator["Post"]:
        memory, now = memory or Memory(), Now()
        async with open_pool(clinic.intake.state.database.worker, size=4) as pool:
            links = LinkMaker([b"l" * 32], URLS["intake"])
            courier = Courier(pool, ring, memory, links, settings=settings, clock=now)
            yield cls(clinic, courier, memory, now)

    async def goes(self) -> list[Message]:
        """Plan, and send all that is due; what was taken since."""
        before = len(self.memory.taken)
        await self.courier.plan_visits()
        while await self.courier.send_due():
            pass
        return self.memory.taken[before:]

    async def states(self, visit_id: str) -> dict[str, tuple[str, str | None]]:
        """State and reason of each message about a visit, by kind."""
        items = (await self.clinic.system.get(f"/v1/visits/{visit_id}/deliveries")).json()["items"]
        return {item["kind"]: (item["state"], item["reason"]) for item in items}

    async def by_hand(self, visit_id: str, **body: Any) -> str:
        """The id of a message that a person has asked for."""
        path = f"/v1/visits/{visit_id}/deliveries"
        answer = await self.clinic.system.post(path, json=body, headers=new_key())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def follows(clinic: Clinic, **rule: Any) -> None:
    """Set the clinic's rule: it sends at this time of the day."""
    told = ALWAYS | {"send_at": f"{datetime.now(ZONE):%H:%M}"} | rule
    answer = await clinic.system.put(f"/v1/sites/{clinic.site}/delivery-rule", json=told)
    assert answer.status_code == 200, answer.text


async def reach(clinic: Clinic, patient_id: str, **contact: Any) -> None:
    """Say how a patient is reached."""
    answer = await clinic.system.put(f"/v1/patients/{patient_id}/contact", json=REACHED | contact)
    assert answer.status_code == 200, answer.text


async def somebody(clinic: Clinic, *, days: float = 5, **contact: Any) -> tuple[str, str]:
    """A patient who can be reached, and a visit of theirs in so many days."""
    patient_id = await clinic.enrol(identifier=f"MRN-{await count(clinic.intake, 'patient')}")
    await reach(clinic, patient_id, **contact)
    return patient_id, await clinic.visit(patient_id, days=days)


async def count(intake: FastAPI, table: str) -> int:
    return int(await intake.state.database.value(f"SELECT count(*) FROM {table}"))


async def rows_of(intake: FastAPI, table: str) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await intake.state.database.rows(f"SELECT * FROM {table}")
    return rows
