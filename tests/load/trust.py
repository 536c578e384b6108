"""What walls and audit cost a page read: with both, and with neither, in turn, in one run on one database.

`python -m tests.load.trust`. Without: row-level security is off in the tables that a page read touches, and the door is
one that puts nothing on record. Both ways the look itself is recorded. Processor time is the measure to go by where
other programs share the machine.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from rich.console import Console

from deploy.doors import DOORS, PROVIDER, Door
from deploy.local.network import Network
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.stack import Stack
from deploy.prepare import await_doors, prepare_afresh
from deploy.supervisor import Supervisor
from shared.auth import Role
from tests.conftest import new_key
from tests.load.subjects import UNHURRIED
from tests.survey import survey_of

ROOT = Path(__file__).resolve().parents[2]
SITE = "site-bench"
DOOR = Door("dashboard", "app")
TABLES = ("patient_page", "site", "view", "outbox", "outbox_head", "audit")
PATIENTS, READS, ROUNDS = 100, 200, 11


def main() -> None:
    home = ROOT / "var" / "bench"
    try:
        network = prepare_afresh(home)
        port = keep_or_choose((), 1)[0]
        told = {**network.environments[DOOR], **UNHURRIED, "SAMEPAGE_DASHBOARD_APP_PORT": str(port)}
        logs = home / "var" / "log"
        with (
            Supervisor(
                {door: {**told, **UNHURRIED} for door, told in network.environments.items()}, logs
            ) as supervisor,
            Supervisor({DOOR: told}, logs / "unrecorded", command=unrecorded) as beside,
        ):
            supervisor.start([*DOORS, PROVIDER])
            await_doors(network, supervisor)
            beside.start([DOOR])
            await_doors(replace(network, ports={DOOR: port}), beside, [DOOR])
            measure(network, {True: supervisor.pid(DOOR), False: beside.pid(DOOR)}, port)
    finally:
        Stack().down(home)


def unrecorded(_door: Door) -> list[str]:
    """The command of the door that puts nothing on record."""
    return [sys.executable, "-m", "tests.load.unrecorded"]


@dataclass
class Round:
    """Of one read: the median time, and the processor time of the door and of its database sessions."""

    ms: float
    cpu_us: float


def measure(network: Network, doors: dict[bool, int], port: int) -> None:
    """Rounds of reads with both and with neither, the order changing; says the medians."""
    surveys = prepare_surveys(network, PATIENTS)
    with client(network, "intake", Role.SYSTEM) as intake:
        receipt = [submitted(intake, survey) for survey in surveys][-1]
    with (
        client(network, "dashboard", Role.CLINICIAN) as recorded,
        client(network, "dashboard", Role.CLINICIAN) as other,
    ):
        other.base_url = httpx.URL(f"http://{HOST}:{port}")
        readers = {True: recorded, False: other}
        paths = [f"/v1/patients/{survey['patient_id']}/page" for survey in surveys]
        recorded.get(paths[-1], params={"wait_for": receipt}).raise_for_status()
        rounds: dict[bool, list[Round]] = {True: [], False: []}
        for number in range(ROUNDS):
            for is_trusted in (True, False) if number % 2 else (False, True):
                sessions = asyncio.run(set_walls(network, has_walls=is_trusted))
                read(readers[is_trusted], paths, [], 30)
                rounds[is_trusted].append(read(readers[is_trusted], paths, [doors[is_trusted], *sessions], READS))
    say("processor time of a page read, us", *([one.cpu_us for one in rounds[trusted]] for trusted in (True, False)))
    say("time of a page read, ms", *([one.ms for one in rounds[trusted]] for trusted in (True, False)))


def say(what: str, with_both: Sequence[float], with_neither: Sequence[float]) -> None:
    more = statistics.median(one / other for one, other in zip(with_both, with_neither, strict=True)) - 1
    medians = f"{statistics.median(with_both):.2f} with both, {statistics.median(with_neither):.2f} with neither"
    Console().print(f"{what}: {medians}; median difference within a round {more:+.1%}")


def submitted(intake: httpx.Client, survey: dict[str, Any]) -> str:
    answer = intake.post("/v1/surveys", json=survey, headers=new_key()).raise_for_status()
    return str(answer.json()["receipt"])


async def set_walls(network: Network, *, has_walls: bool) -> list[int]:
    """Row-level security on or off in the tables that a page read touches; the processes of the door's sessions."""
    database = network.databases["dashboard"]
    owner = await asyncpg.connect(database.owner)
    for table in TABLES:
        await owner.execute(f"ALTER TABLE {table} {'ENABLE' if has_walls else 'DISABLE'} ROW LEVEL SECURITY")
    await owner.close()
    app = await asyncpg.connect(database.app)
    rows = await app.fetch("SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()")
    await app.close()
    return [row["pid"] for row in rows]


def read(dashboard: httpx.Client, paths: list[str], processes: Sequence[int], count: int) -> Round:
    """Read pages one after the other."""
    times = []
    before = {pid: cpu_us(pid) for pid in processes}
    for number in range(count):
        started = time.perf_counter()
        dashboard.get(paths[number % len(paths)]).raise_for_status()
        times.append((time.perf_counter() - started) * 1000)
    used = sum(cpu_us(pid) - start for pid, start in before.items() if Path(f"/proc/{pid}").exists())
    return Round(statistics.median(times), used / count)


def cpu_us(pid: int) -> float:
    """Processor time that the main thread of a process has used (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1000


def client(network: Network, service: str, role: Role) -> httpx.Client:
    headers = {"authorization": f"Bearer {network.issuer.token(role, [SITE])}"}
    return httpx.Client(base_url=network.url(service), headers=headers, timeout=30)


def prepare_surveys(network: Network, count: int) -> list[dict[str, Any]]:
    """Valid survey bodies, each for a patient and visit of its own."""
    now = datetime.now(UTC).isoformat()
    with client(network, "intake", Role.SYSTEM) as intake:
        site = {"name": "Bench (synthetic)", "site_type": "private", "time_zone": "America/Chicago"}
        intake.put(f"/v1/sites/{SITE}", json=site).raise_for_status()
        patient = {"birth_year": 1980, "sex": "female", "diagnosis": "crohns-disease"}
        patients = created(intake, "/v1/patients", [{**patient, "identifier": f"bench-{n}"} for n in range(count)])
        visit = {"clinician_id": "dr-1", "scheduled_at": now}
        visits = created(intake, "/v1/visits", [{**visit, "patient_id": patient_id} for patient_id in patients])
    return [survey_of(patient, visit) for patient, visit in zip(patients, visits, strict=True)]


def created(intake: httpx.Client, path: str, bodies: list[dict[str, Any]]) -> list[str]:
    ids = []
    for start in range(0, len(bodies), 200):
        answer = intake.post(path, json=bodies[start : start + 200], headers=new_key()).raise_for_status()
        ids += [str(item["id"]) for item in answer.json()["items"]]
    return ids


if __name__ == "__main__":
    main()
