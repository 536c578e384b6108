"""`samepage chaos`: the three processes, one after the other told what to do, and what came of it as a table."""

import asyncio
import json
import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console
from rich.table import Table

from deploy.chaos import witness
from deploy.chaos.auditor import Verdict
from deploy.chaos.environment import Environment, Happened
from deploy.chaos.ledger import entries_of, ledger_in
from deploy.chaos.means import means_for
from deploy.chaos.release import Releases
from deploy.chaos.schedule import ALL, Fault, Kind, make_schedule
from deploy.chaos.servers import Servers, through
from deploy.chaos.wire import Wire
from deploy.databases import at, connected
from deploy.demo.command import interruptible
from deploy.doors import DOORS, SERVICES, consumes
from deploy.local.errors import StackError
from deploy.local.network import Network
from deploy.local.stack import Stack
from deploy.prepare import await_doors, place, prepare_afresh
from deploy.supervisor import Supervisor

_SHOWN = 10
_STOPPED = re.compile(r'^{.*"worker stops".*}$', re.MULTILINE)
# How long clients may need for what they had begun when their time was over, and the auditor for its work.
_FINISH_S, _AUDIT_S = 400.0, 900.0
console = Console()


class NoKafka(StackError):
    """Only Kafka's guarantees count, and there is none here."""


@dataclass(frozen=True)
class Outcome:
    """A run: what happened and could not, what the auditor says, and what had to be started again meanwhile."""

    seed: int
    seconds: float
    happened: Sequence[Happened]
    left_out: Mapping[Kind, str]
    answers: int
    restarts: int
    stops: Counter[str]
    verdict: Verdict

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "left_out": dict(self.left_out),
            "answers": self.answers,
            "events": self.verdict.events,
            "arrived_s": self.verdict.arrived_s,
            "restarts": self.restarts,
            "stops": dict(self.stops),
            "faults": [
                {**one.fault.as_data(), "began_s": one.began_s, "ended_s": one.ended_s, "note": one.note}
                for one in self.happened
            ],
            "checks": [
                {"check": one.name, "looked_at": one.looked_at, "findings": list(one.findings)}
                for one in self.verdict.checks
            ],
        }


def chaos_command(
    minutes: Annotated[float, typer.Option(help="How long things go wrong")] = 5,
    seconds: Annotated[float | None, typer.Option(help="The same in seconds, instead")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same faults and the same writes")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the outcome here too")] = None,
) -> None:
    """Try to lose an event: kill, stop, pause and starve everything under load, then audit; exit 1 on any finding."""
    outcome = run_chaos(place() / "var" / "chaos", seconds or minutes * 60, seed, console=console)
    show(outcome, console)
    if json_file is not None:
        json_file.write_text(json.dumps(outcome.as_data(), indent=1))
    raise typer.Exit(1 if outcome.verdict.findings else 0)


def run_chaos(home: Path, seconds: float, seed: int, *, console: Console, kinds: Sequence[Kind] = ALL) -> Outcome:
    """One run on a stack of its own; everything that it started has ended when it returns.

    Raises:
        NoKafka: the broker is another one.
        StackError: the rig itself could not go on.
    """
    schedule = make_schedule(seed, seconds, kinds)
    for fault in schedule:
        console.print(f"{fault.at_s:6.1f} s  {fault.kind} {fault.target} {fault.lasts_s or ''}", highlight=False)
    with interruptible(), _silence():
        return _run(home, schedule, seconds, seed, console)


def _run(home: Path, schedule: Sequence[Fault], seconds: float, seed: int, console: Console) -> Outcome:
    kinds = {fault.kind for fault in schedule}
    try:
        with Wire() as to_postgres, Wire() as to_kafka, means_for(home, kinds) as means:
            servers = Servers(home, to_postgres, to_kafka, means.flushes)
            network = prepare_afresh(home, servers.up)
            if network.addresses.broker_kind != "kafka":
                raise NoKafka(f"Chaos counts with a real Kafka only: {network.addresses.note}.")
            if means.disk is not None:
                servers.move_postgres(means.disk)
            network, releases = through(network, to_postgres.port, means.clocks), Releases()
            with Supervisor(network.environments, home / "var" / "log", releases.command) as supervisor:
                supervisor.start(DOORS)
                await_doors(network, supervisor, DOORS)
                say = partial(console.print, highlight=False)
                environment = Environment(home, network, supervisor, servers, releases, means, say)
                possible = [fault for fault in schedule if fault.kind not in means.left_out]
                verdict = _played(environment, possible, seconds, seed)
                answers = sum(1 for _ in entries_of(ledger_in(home)))
                return Outcome(
                    seed,
                    seconds,
                    environment.happened,
                    means.left_out,
                    answers,
                    supervisor.restarts,
                    _stops(home / "var" / "log"),
                    verdict,
                )
    finally:
        Stack().down(home)


def _played(environment: Environment, schedule: Sequence[Fault], seconds: float, seed: int) -> Verdict:
    try:
        verdict = asyncio.run(_play(environment, schedule, seconds, seed))
    except* StackError as failures:
        raise failures.exceptions[0] from None
    # In a short run no rebuild may come to its end.
    return verdict.with_check(environment.rebuilds) if environment.rebuilt else verdict


async def _play(environment: Environment, schedule: Sequence[Fault], seconds: float, seed: int) -> Verdict:
    await _install_witnesses(environment.network)
    home, out = environment.home, environment.home / "verdict.json"
    watching = asyncio.create_task(environment.watch())
    begun: list[asyncio.subprocess.Process] = []
    try:
        writing = await _process("workload", home, ledger_in(home), seconds, seed)
        begun.append(writing)
        await _begun(writing)
        await environment.suffer(schedule)
        environment.say("All is quiet. The auditor looks ...")
        kinds = {one.fault.kind for one in environment.happened}
        auditing = await _process("auditor", home, ledger_in(home), out, time.time(), *kinds)
        begun.append(auditing)
        await _ended(writing, seconds + _FINISH_S, "The clients")
        await _ended(auditing, _AUDIT_S, "The auditor", told=b"The clients have finished.\n")
    finally:
        for process in begun:
            if process.returncode is None:
                process.kill()
        watching.cancel()
        await asyncio.gather(watching, *(process.wait() for process in begun), return_exceptions=True)
    return Verdict.of_json(out.read_text())


async def _install_witnesses(network: Network) -> None:
    for service in SERVICES:
        if consumes(service):
            async with connected(at(network.addresses.postgres_admin_dsn, service)) as superuser:
                await witness.install(superuser)


async def _process(module: str, *arguments: object) -> asyncio.subprocess.Process:
    program = [sys.executable, "-m", f"deploy.chaos.{module}", *map(str, arguments)]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe)


async def _begun(writing: asyncio.subprocess.Process) -> None:
    """Wait until the clients say that they begin: from then on things may go wrong."""
    if writing.stdout is None or not await writing.stdout.readline():
        raise StackError("The clients ended before they began.")


async def _ended(process: asyncio.subprocess.Process, seconds: float, who: str, *, told: bytes = b"") -> None:
    """Wait for a process, which is told something first."""
    try:
        async with asyncio.timeout(seconds):
            await process.communicate(told)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise StackError(f"{who} did not end within {seconds:.0f} s.") from None
    if process.returncode != 0:
        raise StackError(f"{who} ended with {process.returncode}.")


@contextmanager
def _silence() -> Iterator[None]:
    """That brokers and databases are away is meant here, and needs no line from who notices."""
    ours = structlog.get_config()
    levels = {client: client.level for client in map(logging.getLogger, ("aiokafka", "asyncpg"))}
    for client in levels:
        client.setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        for client, level in levels.items():
            client.setLevel(level)
        structlog.configure(**ours)


def _stops(logs: Path) -> Counter[str]:
    """How often workers ended by themselves, by reason, as their logs have it."""
    written = [log.read_text(errors="replace") for log in logs.rglob("*-worker.log")]
    return Counter(json.loads(line)["reason"] for log in written for line in _STOPPED.findall(log))


def show(outcome: Outcome, console: Console) -> None:
    """For people."""
    table = Table("Check", "Looked at", "Found")
    for check in outcome.verdict.checks:
        table.add_row(check.name, f"{check.looked_at:,}", str(len(check.findings)))
    console.print(table)
    for check in outcome.verdict.checks:
        for finding in check.findings[:_SHOWN]:
            console.print(f"{check.name}: {finding}", markup=False, highlight=False, soft_wrap=True)
        if len(check.findings) > _SHOWN:
            console.print(f"... and {len(check.findings) - _SHOWN:,} more.")
    for kind, needed in outcome.left_out.items():
        console.print(f"Left out: {kind} needs {needed}, not found here.", highlight=False)
    arrived = "not in time" if outcome.verdict.arrived_s is None else f"{outcome.verdict.arrived_s:.1f} s"
    stops = ", ".join(f"{count} {reason}" for reason, count in outcome.stops.items()) or "none"
    console.print(
        f"Seed {outcome.seed}: {len(outcome.happened)} faults, {outcome.answers:,} answers, "
        f"{outcome.verdict.events:,} events, all arrived after {arrived}; {outcome.restarts} restarts of doors; "
        f"workers that stopped themselves: {stops}. {outcome.verdict.findings} findings.",
        highlight=False,
    )
