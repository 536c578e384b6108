"""`python -m deploy.chaos.auditor`: begun when all is quiet, it sees how long what was written takes to arrive.

Told on standard input that the clients have finished, it holds their ledger against all that databases and topics have.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from io import StringIO
from pathlib import Path

import asyncpg
from rich.console import Console

from deploy.audit.command import Places, verify_all
from deploy.chaos.evidence import gather
from deploy.chaos.findings import Check, checks
from deploy.chaos.ledger import entries_of
from deploy.chaos.mending import subscription_at
from deploy.databases import connected
from deploy.doors import SERVICES, consumes, publishes
from deploy.local.network import Network
from deploy.prepare import running_network
from deploy.rebuild import Report, rebuild
from deploy.upkeep.reconcile import reconcile
from shared.broker import Stream
from shared.db import RETRYABLE
from shared.kafka import KafkaBroker

LONGEST_S = 60.0
_LOOK_S = 0.5
_WRITTEN = "SELECT site_id, topic, key, sequence FROM outbox_head"
_APPLIED = "SELECT site_id, topic, key, sequence FROM consumer_head"


@dataclass(frozen=True)
class Verdict:
    """`arrived_s`: how long after the last fault all that was written by then was everywhere; None: not in time."""

    events: int
    arrived_s: float | None
    checks: Sequence[Check]

    @property
    def findings(self) -> int:
        return sum(len(check.findings) for check in self.checks)

    def with_check(self, check: Check) -> "Verdict":
        """The same and one more."""
        return replace(self, checks=[*self.checks, check])

    def as_json(self) -> str:
        """For the rig, and for people who keep it."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def of_json(cls, text: str) -> "Verdict":
        """The same again."""
        told = json.loads(text)
        return cls(told["events"], told["arrived_s"], [Check(**check) for check in told["checks"]])


async def judge(network: Network, ledger_file: Path, quiet_since: float, happened: Set[str]) -> Verdict:
    """Wait, gather, compare. A check that had nothing to look at is a finding itself."""
    arrived_s = await _until_arrived(network, quiet_since)
    await asyncio.to_thread(sys.stdin.readline)
    last_s = await _until_arrived(network, time.time())
    broker = KafkaBroker(network.addresses.bootstrap_servers, client_id="chaos-auditor")
    ledger, admin_dsn = list(entries_of(ledger_file)), network.addresses.postgres_admin_dsn
    evidence = await gather(admin_dsn, broker, ledger, happened)
    late = [f"after {LONGEST_S:.0f} s something was still on its way"] * [arrived_s, last_s].count(None)
    found = [
        Check(f"everything everywhere within {LONGEST_S:.0f} s of the last fault", len(evidence.outbox), late),
        *checks(evidence),
        await _reconciled(network),
        await _audited(network),
        *[await _rebuilt(network, broker, service) for service in SERVICES if consumes(service)],
    ]
    seen = [one if one.looked_at else Check(one.name, 0, ["there was nothing to look at"]) for one in found]
    return Verdict(len(evidence.outbox), arrived_s, seen)


async def _until_arrived(network: Network, since: float) -> float | None:
    """Seconds since then when all that is written now is applied wherever it is read; None: more than there may be."""
    written: Mapping[Stream, int] | None = None
    while time.time() - since < LONGEST_S:
        try:
            if written is None:
                written = await _heads(network, [service for service in SERVICES if publishes(service)], _WRITTEN)
            if await _are_applied(network, written):
                return time.time() - since
        except (asyncpg.PostgresError, *RETRYABLE):
            pass  # a server that was killed a moment ago takes its time
        await asyncio.sleep(_LOOK_S)
    return None


async def _are_applied(network: Network, written: Mapping[Stream, int]) -> bool:
    for service in SERVICES:
        applied = await _heads(network, [service], _APPLIED) if consumes(service) else {}
        topics = {topic.name for topic in consumes(service)}
        if any(stream.topic in topics and applied.get(stream, 0) < upto for stream, upto in written.items()):
            return False
    return True


async def _heads(network: Network, services: Sequence[str], statement: str) -> Mapping[Stream, int]:
    heads: dict[Stream, int] = {}
    for service in services:
        async with connected(network.databases[service].worker) as connection:
            for *stream, sequence in await connection.fetch(statement):
                heads[Stream(*stream)] = sequence
    return heads


async def _reconciled(network: Network) -> Check:
    workers = {service: database.worker for service, database in network.databases.items()}
    balances = await reconcile(workers, grace_s=0)
    findings = [
        f"{one.topic} at {one.consumer}: {len(one.missing)} missing, {len(one.invented)} never written, "
        f"{one.on_the_way} on the way, {one.set_aside} set aside"
        for one in balances
        if not one.is_settled or one.on_the_way or one.set_aside
    ]
    return Check("reconciliation settled", sum(one.streams for one in balances), findings)


async def _audited(network: Network) -> Check:
    out = StringIO()
    found = await verify_all(Places.of(network), Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    rows = 0
    for service in SERVICES:
        async with connected(network.databases[service].worker) as connection:
            rows += await connection.fetchval("SELECT count(*) FROM audit")
    return Check("the audit's chains and signatures", rows, lines[:found])


async def _rebuilt(network: Network, broker: KafkaBroker, service: str) -> Check:
    """Built anew from Kafka beside the live one, and compared byte by byte."""
    report = await rebuilt(network, broker, service)
    findings = [] if report.is_equal else [f"{report.different} rows differ, {report.lacking} streams lack events"]
    return Check(f"a rebuild of {service} equals it", report.compared, findings)


async def rebuilt(network: Network, broker: KafkaBroker, service: str) -> Report:
    """A rebuild that is compared and then left alone."""
    projections: Sequence[str] = import_module(f"services.{service}").PROJECTIONS
    subscription = subscription_at(network, service)
    return await rebuild(network.databases[service], broker, subscription, projections, swap="never")


def main() -> None:
    """Arguments: the home of the network, the ledger, the file for the verdict, since when all is quiet (seconds of
    the epoch), and the kinds of faults that happened.
    """
    home, ledger, out = map(Path, sys.argv[1:4])
    verdict = asyncio.run(judge(running_network(home), ledger, float(sys.argv[4]), frozenset(sys.argv[5:])))
    out.write_text(verdict.as_json())


if __name__ == "__main__":
    main()
