"""`make bench`: what this machine does with the whole system on it; numbers as measured, printed and kept as JSON.

Start times, resident memory of each door, the time from a survey's answer to its page, and surveys a second through
one door. Bounded: a few hundred requests, to this machine only.
"""

import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from deploy.doors import DOORS, PROVIDER
from deploy.local.network import Network
from deploy.local.stack import Stack
from deploy.prepare import await_doors, prepare_afresh
from deploy.supervisor import Supervisor
from shared.auth import Role
from tests.conftest import new_key
from tests.survey import survey_of

ROOT = Path(__file__).resolve().parents[2]
SITE = "site-bench"
ONE_BY_ONE = 200
AT_ONCE, CLIENTS = 600, 8


def main() -> None:
    home = ROOT / "var" / "bench"
    figures: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        with timed(figures, "stack_ready_s"):
            network = prepare_afresh(home)
        with Supervisor(network.environments, home / "var" / "log") as supervisor:
            with timed(figures, "doors_ready_s"):
                supervisor.start((*DOORS, PROVIDER))
                await_doors(network, supervisor)
            surveys = prepare_surveys(network, ONE_BY_ONE + AT_ONCE)
            figures |= survey_to_page(network, surveys[:ONE_BY_ONE])
            figures |= surveys_a_second(network, surveys[ONE_BY_ONE:])
            figures["resident_mib"] = {str(door): resident_mib(supervisor.pid(door)) for door in DOORS}
            figures["resident_mib"] |= {
                server.kind: resident_mib(server.pid) for server in Stack().status(home) if server.pid is not None
            }
    finally:
        Stack().down(home)
    figures["resident_mib"]["all"] = round(sum(figures["resident_mib"].values()))
    (ROOT / "var" / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    show(figures)


@contextmanager
def timed(figures: dict[str, Any], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    figures[name] = round(time.perf_counter() - started, 2)


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


def survey_to_page(network: Network, surveys: list[dict[str, Any]]) -> dict[str, Any]:
    """From sending a survey to reading a page that shows it, one after the other."""
    times = []
    with client(network, "intake", Role.SYSTEM) as intake, client(network, "dashboard", Role.CLINICIAN) as dashboard:
        for body in surveys:
            started = time.perf_counter()
            receipt = intake.post("/v1/surveys", json=body, headers=new_key()).raise_for_status().json()["receipt"]
            page = dashboard.get(f"/v1/patients/{body['patient_id']}/page", params={"wait_for": receipt})
            assert page.headers["samepage-waited"] == "arrived"
            times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return {
        "survey_to_page_median_ms": round(statistics.median(times), 1),
        "survey_to_page_p99_ms": round(times[int(len(times) * 0.99) - 1], 1),
    }


def surveys_a_second(network: Network, surveys: list[dict[str, Any]]) -> dict[str, Any]:
    """Closed loop of a few clients through one intake door, everything else running on the same machine."""

    def submit(bodies: list[dict[str, Any]]) -> None:
        with client(network, "intake", Role.SYSTEM) as intake:
            for body in bodies:
                intake.post("/v1/surveys", json=body, headers=new_key()).raise_for_status()

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(submit, [surveys[n::CLIENTS] for n in range(CLIENTS)]))
    return {"surveys_a_second": round(len(surveys) / (time.perf_counter() - started))}


def resident_mib(pid: int) -> float:
    """Resident set of a process and its children (PostgreSQL's own are counted by proportional set)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return round(own / 1024 + sum(resident_mib(int(child)) for child in children), 1)


def show(figures: dict[str, Any]) -> None:
    table = Table("Figure", "Value")
    for name, value in figures.items():
        if name != "resident_mib":
            table.add_row(name, str(value))
    for door, mib in figures["resident_mib"].items():
        table.add_row(f"resident MiB, {door}", f"{mib:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
