"""The environment: ten doors under their supervisor, two servers, and the faults that happen to them.

Signals go only to processes of this stack and this supervisor.
"""

import asyncio
import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TypeVar

import asyncpg

from deploy.chaos.auditor import rebuilt
from deploy.chaos.findings import Check
from deploy.chaos.ledger import Entry, ledger_in, newest_of
from deploy.chaos.means import Means
from deploy.chaos.mending import Mended, has_read, mend, subscription_at, until_parked
from deploy.chaos.release import Releases
from deploy.chaos.schedule import CONSUMERS, Fault, Kind
from deploy.chaos.servers import ServerKind, Servers
from deploy.chaos.traffic import ends_of, send_again, send_in_their_names, send_poison
from deploy.chaos.wire import Mood
from deploy.chaos.writes import PATIENT
from deploy.databases import at, connected
from deploy.doors import DOORS, SERVICES, Door, consumes, publishes
from deploy.local.errors import StackError
from deploy.local.network import Network
from deploy.local.process import signal_if_alive
from deploy.supervisor import Supervisor
from deploy.upkeep.recovery import refill
from shared.broker import Partition, Stream
from shared.db import RETRYABLE
from shared.errors import Halt, SendFailed
from shared.events import SITE_UPDATED, TOPICS
from shared.kafka import KafkaBroker

_WATCH_S = 0.1
_STORM_GAP_S = 0.7
_AGAIN_S = 1.0
_PATIENCE_S = 120.0
_POISONED = 6
_PARKED_WITHIN_S = 45.0
_JUMPS_S = (7200, 300, -300, -7200)
_JUMPS_OF_APPS_S = (7200, 300, 20, -8)
_SLOWER_MS = (1, 10, 50)
T = TypeVar("T")
_END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity WHERE datname = $1 AND usename <> current_user
    ORDER BY md5(pid::text || $2::text) LIMIT $3
) AS chosen
"""


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault that was, when it began and when all it had broken was put back, in seconds since the clients began."""

    fault: Fault
    began_s: float
    ended_s: float
    note: str


@dataclass
class Environment:
    """The running system. `say` is told of each fault as it begins. `lost` counts the disks of Kafka that are gone,
    `refilled` those of them whose events are on the new one.
    """

    home: Path
    network: Network
    supervisor: Supervisor
    servers: Servers
    releases: Releases
    means: Means
    say: Callable[[str], None]
    happened: list[Happened] = field(default_factory=list)
    rebuilt: int = 0
    unequal: list[str] = field(default_factory=list)
    lost: int = 0
    refilled: int = 0
    _hands: Mapping[Door, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _rolling: asyncio.Lock = field(default_factory=asyncio.Lock)
    _flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _moods: Mapping[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def suffer(self, schedule: Sequence[Fault]) -> None:
        """Let everything happen that is scheduled, each thing at its time; return when all is put back."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as faults:
            for fault in schedule:
                faults.create_task(self._suffer(fault, began))

    async def watch(self) -> None:
        """Start again what ended, for ever."""
        while True:
            self.supervisor.watch()
            await asyncio.sleep(_WATCH_S)

    async def _suffer(self, fault: Fault, began: float) -> None:
        await asyncio.sleep(max(0, began + fault.at_s - time.monotonic()))
        since = time.monotonic() - began
        self.say(f"{since:6.1f} s  {fault.kind} {fault.target} {fault.lasts_s or ''}".rstrip())
        note = await self._acts()[fault.kind](fault)
        self.happened.append(Happened(fault, since, time.monotonic() - began, note))

    def _acts(self) -> Mapping[Kind, Callable[[Fault], Awaitable[str]]]:
        return {
            "kill-door": self._kill_door,
            "pause-app": self._pause_app,
            "pause-worker": self._pause_worker,
            "restart-storm": self._restart_storm,
            "kill-broker": lambda fault: self._kill_servers(fault, ["kafka"]),
            "kill-postgres": lambda fault: self._kill_servers(fault, ["postgres"]),
            "kill-both": lambda fault: self._kill_servers(fault, ["kafka", "postgres"]),
            "pause-broker": self._pause_broker,
            "end-sessions": self._end_sessions,
            "idle-writer": self._idle_writer,
            "slow-wire": lambda fault: self._spoil_wire(fault, "slow"),
            "trickling-wire": lambda fault: self._spoil_wire(fault, "trickling"),
            "deaf-wire": lambda fault: self._spoil_wire(fault, "deaf"),
            "cut-wire": self._cut_wire,
            "duplicates": self._duplicates,
            "poison": self._poison,
            "poisoned-patients": self._poison_patients,
            "rebuild": self._rebuild,
            "lost-disk": self._lose_disk,
            "rolling-restart": self._roll,
            "full-disk": self._fill_disk,
            "clock-jump": self._jump,
            "slow-flush": self._slow_flushes,
        }

    async def _kill_door(self, fault: Fault) -> str:
        self.supervisor.send(_door(fault.target), signal.SIGKILL)
        return ""

    async def _pause_app(self, fault: Fault) -> str:
        await self._paused(_door(fault.target), fault.lasts_s)
        return ""

    async def _pause_worker(self, fault: Fault) -> str:
        """A second worker has its partitions before it wakes, and is killed when it has them back."""
        door = _door(fault.target)
        port = f"SAMEPAGE_{door.service.upper()}_WORKER_PORT"
        environment = {**self.network.environments[door], port: "0"}
        with Supervisor({door: environment}, self.home / "var" / "log" / "twins", stop_s=0.1) as twins:
            twins.start([door])
            await self._paused(door, fault.lasts_s)
            await asyncio.sleep(_AGAIN_S)
        return "with a twin"

    async def _paused(self, door: Door, seconds: float) -> None:
        self.supervisor.send(door, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.supervisor.send(door, signal.SIGCONT)

    async def _restart_storm(self, fault: Fault) -> str:
        rng = Random(fault.seed)  # noqa: S311 - chance that can be repeated, no secret
        until = time.monotonic() + fault.lasts_s
        ended = 0
        while time.monotonic() < until:
            for door in rng.sample(DOORS, len(DOORS)):
                self.supervisor.send(door, rng.choice([signal.SIGKILL, signal.SIGTERM]))
                ended += 1
            await asyncio.sleep(_STORM_GAP_S)
        return f"{ended} signals"

    async def _roll(self, fault: Fault) -> str:
        """To the next version, door by door; where that runs already, back."""
        rng = Random(fault.seed)  # noqa: S311 - chance that can be repeated, no secret
        async with self._rolling:
            is_back = bool(self.releases.rolled)
            for door in rng.sample(DOORS, len(DOORS)):
                (self.releases.rolled.discard if is_back else self.releases.rolled.add)(door)
                self.supervisor.send(door, signal.SIGTERM)
                await asyncio.sleep(fault.lasts_s / len(DOORS))
        return "back to this version" if is_back else "to the next version"

    async def _fill_disk(self, fault: Fault) -> str:
        """PostgreSQL ends sessions, or itself, where it finds no room; then there is room again."""
        if self.means.disk is None:
            return self.means.left_out[fault.kind]
        async with self.servers.turn:
            is_full = self.means.disk.fill()
            await asyncio.sleep(fault.lasts_s)
            self.means.disk.clear()
            return await self.servers.up_again() if is_full else "it could not be filled"

    async def _jump(self, fault: Fault) -> str:
        """A door's clock, and back. Back from the true time only as far as tokens may be from the future."""
        if self.means.clocks is None:
            return self.means.left_out[fault.kind]
        door = _door(fault.target)
        jumps = _JUMPS_S if door.kind == "worker" else _JUMPS_OF_APPS_S
        ahead_s = jumps[fault.seed % len(jumps)]
        async with self._hands[door]:
            self.means.clocks[door].set(ahead_s)
            await asyncio.sleep(fault.lasts_s)
            self.means.clocks[door].set(0)
        return f"by {ahead_s} s"

    async def _slow_flushes(self, fault: Fault) -> str:
        """PostgreSQL waits for its disk at every commit, as on a disk in another building."""
        if self.means.flushes is None:
            return self.means.left_out[fault.kind]
        longer_ms = _SLOWER_MS[fault.seed % len(_SLOWER_MS)]
        async with self._flushing:
            self.means.flushes.set(longer_ms / 1000)
            await asyncio.sleep(fault.lasts_s)
            self.means.flushes.set(0)
        return f"by {longer_ms} ms"

    async def _kill_servers(self, fault: Fault, kinds: Sequence[ServerKind]) -> str:
        async with self.servers.turn:
            self.servers.kill(kinds)
            await asyncio.sleep(fault.lasts_s)
            return await self.servers.up_again()

    async def _pause_broker(self, fault: Fault) -> str:
        async with self.servers.turn:
            broker = self.servers.process("kafka")
            signal_if_alive(broker, signal.SIGSTOP)
            await asyncio.sleep(fault.lasts_s)
            signal_if_alive(broker, signal.SIGCONT)
        return ""

    async def _end_sessions(self, fault: Fault) -> str:
        share = 1 + fault.seed % 6
        try:
            async with connected(self.network.addresses.postgres_admin_dsn) as superuser:
                ended = await superuser.fetchval(_END_SESSIONS, fault.target, str(fault.seed), share)
        except RETRYABLE:
            return "the server was away"
        return f"{ended} sessions"

    async def _idle_writer(self, fault: Fault) -> str:
        """A transaction that has an id and does nothing with it: no relay may read past it."""
        dsn = at(self.network.addresses.postgres_admin_dsn, fault.target)
        try:
            async with connected(dsn) as superuser, superuser.transaction():
                await superuser.execute("SELECT pg_current_xact_id()")
                await asyncio.sleep(fault.lasts_s)
        except (asyncpg.PostgresError, *RETRYABLE):
            return "the server went away"
        return ""

    async def _spoil_wire(self, fault: Fault, mood: Mood) -> str:
        """A wire that was deaf is cut: what it did not hear is missing in what it would pass on."""
        wire = self.servers.wire(fault.target)
        async with self._moods[fault.target]:
            wire.mood = mood
            await asyncio.sleep(fault.lasts_s)
            if mood == "deaf":
                wire.cut()
            wire.mood = "fine"
        return ""

    async def _cut_wire(self, fault: Fault) -> str:
        self.servers.wire(fault.target).cut()
        return ""

    async def _duplicates(self, fault: Fault) -> str:
        broker = self._broker("duplicates")
        return await _tried(partial(send_again, broker, publishes(fault.target), fault.seed), "{} records again")

    async def _poison(self, fault: Fault) -> str:
        topics = publishes(fault.target)
        topic = topics[fault.seed % len(topics)]
        sending = partial(send_poison, self._broker("poison"), topic, fault.seed)
        return await _tried(sending, f"{{}} records to {topic.name}")

    async def _poison_patients(self, fault: Fault) -> str:
        """Records that lie under the keys of who was enrolled last; under those of others anew, where the log was lost
        before anybody had read what would be parked behind them.
        """
        said = []
        while True:
            lost = self.lost
            enrolled = newest_of(ledger_in(self.home), PATIENT, _POISONED)
            if not enrolled:
                return "nobody was enrolled yet"
            records, mended = await self._held_up(fault, enrolled)
            said.append(f"{records} records, {mended.parked} parked behind them and {mended.dropped} dropped")
            if mended.parked or self.lost == lost:
                return "; once more: ".join(said)

    async def _held_up(self, fault: Fault, enrolled: Sequence[Entry]) -> tuple[int, Mended]:
        """Poison in two topics of each of these patients. For a while, and until it is enough, all that follows is
        parked; then an operator sees to it.
        """
        rng = Random(fault.seed)  # noqa: S311 - chance that can be repeated, no secret
        topics = rng.sample([topic for topic in TOPICS if topic != SITE_UPDATED.name], len(enrolled) + 1)
        streams = [
            Stream(one.site_id, topic, str(one.thing))
            for one, pair in zip(enrolled, pairwise(topics), strict=True)
            for topic in pair
        ]
        broker = self._broker("poison")
        await _repeated(partial(send_in_their_names, broker, streams, fault.seed))
        lost = self.lost
        ends = await _repeated(partial(ends_of, broker, topics))
        await asyncio.sleep(fault.lasts_s)
        readers = {service: self.network.databases[service].worker for service in CONSUMERS}
        await until_parked(readers, streams, lambda: self.refilled > lost, _PARKED_WITHIN_S)
        mended = await asyncio.gather(*(self._mended(reader, streams, ends, lost) for reader in readers))
        return len(streams), Mended(*(sum(counts) for counts in zip(*mended, strict=True)))

    async def _mended(
        self, service: str, streams: Sequence[Stream], ends: Mapping[Partition, int], lost: int
    ) -> Mended:
        """Until a service has read so far; of a log that was lost since, and refilled, nothing of these comes again."""
        dsn = self.network.databases[service].worker
        read = {topic.name for topic in consumes(service)}
        due = {partition: end for partition, end in ends.items() if partition.topic in read}

        async def is_all_read() -> bool:
            return self.refilled > lost or await has_read(dsn, service, due)

        return await mend(dsn, subscription_at(self.network, service), streams, is_all_read)

    async def _rebuild(self, fault: Fault) -> str:
        """A read model built anew in the middle of all this; one from all the events must equal the live one.

        While Kafka is refilled a log lacks what the live one has: such a rebuild says so, and is never swapped in.
        """
        try:
            report = await rebuilt(self.network, self._broker("rebuild"), fault.target)
        except (asyncpg.PostgresError, StackError, Halt, *RETRYABLE) as failure:
            return f"cut short ({type(failure).__name__})"
        words = f"{report.compared} rows, {report.different} different, {report.lacking} streams lacking"
        self.rebuilt += 1
        if report.different and not report.lacking:
            self.unequal.append(f"{fault.target} at {fault.at_s} s: {words}")
        return words

    @property
    def rebuilds(self) -> Check:
        """What the rebuilds in the middle of it all came to."""
        return Check("rebuilds meanwhile equal what is live", self.rebuilt, self.unequal)

    async def _lose_disk(self, _: Fault) -> str:
        """All that Kafka had is gone; then an operator makes the topics anew and refills them."""
        async with self.servers.turn:
            self.servers.kill(["kafka"])
            shutil.rmtree(self.home / "var" / "kafka")
            self.lost += 1
            await self.servers.up_again()
            await _repeated(lambda: self._broker("prepare").create_topics(list(TOPICS)))
            done = [
                await _repeated(partial(refill, self.network.databases, service))
                for service in SERVICES
                if publishes(service)
            ]
        self.refilled += 1
        return f"refilled with {sum(one.events for one in done)} events"

    def _broker(self, name: str) -> KafkaBroker:
        return KafkaBroker(self.network.addresses.bootstrap_servers, client_id=f"chaos-{name}")


def _door(name: str) -> Door:
    return next(door for door in DOORS if str(door) == name)


async def _repeated(act: Callable[[], Awaitable[T]]) -> T:
    """As an operator does whom a server that is away holds up: again and again."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        try:
            return await act()
        except (asyncpg.PostgresError, SendFailed, *RETRYABLE):
            await asyncio.sleep(_AGAIN_S)
    return await act()


async def _tried(sending: Callable[[], Awaitable[int]], words: str) -> str:
    """Send as soon as there is somebody to send to."""
    try:
        return words.format(await _repeated(sending))
    except (SendFailed, Halt, *RETRYABLE) as failure:
        return f"Kafka was away ({type(failure).__name__})"
