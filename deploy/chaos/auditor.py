"""`python -m deploy.chaos.auditor`: waits until everything has arrived, and holds the ledger against all there is.

It has the ledger and reads databases and topics; of the faults it knows only since when all is quiet.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path

import asyncpg
from rich.console import Console

from deploy.audit.command import Places, verify_all
from deploy.chaos.evidence import gather
from deploy.chaos.findings import Check, checks
from deploy.chaos.ledger import entries_of
from deploy.databases import connected
from deploy.doors import SERVICES, consumes, publishes
from deploy.local.network import Network
from deploy.prepare import running_network
from deploy.rebuild import rebuild
from deploy.upkeep.reconcile import reconcile
from shared.db import RETRYABLE
from shared.kafka import KafkaBroker

LONGEST_S = 60.0
_LOOK_S = 0.5
_WRITTEN = "SELECT topic, count(*) FROM outbox GROUP BY topic"
_APPLIED = "SELECT topic, count(*) FROM delivery GROUP BY topic"


@dataclass(frozen=True)
class Verdict:
    """`arrived_s`: how long after the last fault and the last write everything was everywhere; None: not in time."""

    events: int
    arrived_s: float | None
    checks: Sequence[Check]

    @property
    def findings(self) -> int:
        return sum(len(check.findings) for check in self.checks)

    def as_json(self) -> str:
        """For the rig, and for people who keep it."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def of_json(cls, text: str) -> "Verdict":
        """The same again."""
        told = json.loads(text)
        return cls(told["events"], told["arrived_s"], [Check(**check) for check in told["checks"]])


async def judge(network: Network, ledger_file: Path) -> Verdict:
    """Wait, gather, compare. A check that had nothing to look at is a finding itself."""
    arrived_s = await _until_all_arrived(network)
    broker = KafkaBroker(network.addresses.bootstrap_servers, client_id="chaos-auditor")
    evidence = await gather(network.addresses.postgres_admin_dsn, broker, list(entries_of(ledger_file)))
    late = [] if arrived_s is not None else [f"after {LONGEST_S:.0f} s something was still on its way"]
    found = [
        Check(f"everything everywhere within {LONGEST_S:.0f} s of the last fault", len(evidence.outbox), late),
        *checks(evidence),
        await _reconciled(network),
        await _audited(network),
        *[await _rebuilt(network, broker, service) for service in SERVICES if _projections(service)],
    ]
    seen = [one if one.looked_at else Check(one.name, 0, ["there was nothing to look at"]) for one in found]
    return Verdict(len(evidence.outbox), arrived_s, seen)


async def _until_all_arrived(network: Network) -> float | None:
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_S:
        try:
            if await _has_all_arrived(network):
                return time.monotonic() - began
        except (asyncpg.PostgresError, *RETRYABLE):
            pass  # a server that was killed a moment ago takes its time
        await asyncio.sleep(_LOOK_S)
    return None


async def _has_all_arrived(network: Network) -> bool:
    written: dict[str, int] = {}
    for service in SERVICES:
        if publishes(service):
            written |= await _counts(network, service, _WRITTEN)
    for service in SERVICES:
        due = {topic.name: written[topic.name] for topic in consumes(service) if topic.name in written}
        if due and await _counts(network, service, _APPLIED) != due:
            return False
    return True


async def _counts(network: Network, service: str, statement: str) -> Mapping[str, int]:
    async with connected(network.databases[service].worker) as connection:
        return dict(await connection.fetch(statement))


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
    subscription = import_module(f"services.{service}.worker").SUBSCRIPTION
    report = await rebuild(network.databases[service], broker, subscription, _projections(service))
    findings = [f"{report.different} rows differ"] * (report.different > 0)
    return Check(f"a rebuild of {service} equals it", report.compared, findings)


def _projections(service: str) -> Sequence[str]:
    found: Sequence[str] = getattr(import_module(f"services.{service}"), "PROJECTIONS", ())
    return found


def main() -> None:
    """Arguments: the home of the network, the ledger, and the file for the verdict."""
    home, ledger, out = map(Path, sys.argv[1:])
    verdict = asyncio.run(judge(running_network(home), ledger))
    out.write_text(verdict.as_json())


if __name__ == "__main__":
    main()
