"""One visit from end to end, over real Kafka and PostgreSQL, through the doors that everybody uses."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from playwright.async_api import Browser

from deploy.audit.command import Places
from deploy.audit.export import rows_about
from deploy.audit.keys import public_folder, public_keys
from deploy.audit.verify import Verification
from deploy.doors import SERVICES
from deploy.local.stack import Stack
from deploy.provider import Person
from deploy.rebuild import rebuild
from deploy.trace import trace
from services.dashboard import PROJECTIONS
from services.dashboard.worker import SUBSCRIPTION
from shared.auth import Role
from shared.events import TOPICS
from shared.heads import file_of
from shared.kafka import KafkaBroker
from tests.conftest import ROOT
from tests.journeys import visit
from tests.journeys.conftest import System
from tests.journeys.visit import posted
from tests.survey import survey_of
from tests.waiting import until

ARTIFACTS = ROOT / "var" / "artifacts"


@dataclass
class Clinic(visit.Clinic):
    """The same, of the system on this machine."""

    system: System = field(kw_only=True)


@pytest.fixture(scope="module")
def clinic(system: System) -> Iterator[Clinic]:
    with visit.open_clinic(system, "site-journey") as opened:
        yield Clinic(**vars(opened), system=system)


async def records_of(system: System, patient_id: str) -> dict[str, list[dict[str, bytes]]]:
    """Headers of every record about a patient, by topic, read by a plain Kafka consumer."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.network.addresses.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: dict[str, list[dict[str, bytes]]] = {}
    try:
        partitions = [TopicPartition(topic, number) for topic in TOPICS for number in range(12)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    if record.key == patient_id.encode():
                        found.setdefault(record.topic, []).append(dict(record.headers))
    finally:
        await consumer.stop()
    return found


async def test_a_visit_from_the_survey_to_the_network_figures(clinic: Clinic) -> None:
    held = await visit.hold_a_visit(clinic, "journey-1")
    await _check_what_stands_on_kafka(clinic, held.patient_id)
    hops = await trace(clinic.system.network.databases, UUID(held.receipt))
    assert [hop.place for hop in hops if hop.at] == [
        "intake accepted",
        "Kafka",
        "dashboard applied",
        "feedback applied",
        "analytics applied",
    ]
    told = samepage(clinic.system, "trace", held.receipt).splitlines()
    assert [hop.place for hop in hops if any(hop.place in line and "ms" in line for line in told)] == [
        hop.place for hop in hops
    ]
    for service in ("dashboard", "feedback", "analytics"):
        arrived = clinic.intake.get(f"{clinic.system.network.url(service)}/v1/arrivals/{held.receipt}").json()
        assert (arrived["receipt"], arrived["topic"]) == (held.receipt, "survey-completed")
    token = samepage(clinic.system, "token", "operator").strip()
    clinic.operator.get("/v1/pipeline", headers={"authorization": f"Bearer {token}"}).raise_for_status()


def samepage(system: System, *arguments: str) -> str:
    """What the command prints about the system that runs."""
    place = os.environ | {"SAMEPAGE_PLACE": str(system.home), "COLUMNS": "160"}
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    return subprocess.run(command, env=place, capture_output=True, text=True, check=True, timeout=60).stdout


async def _check_what_stands_on_kafka(clinic: Clinic, patient_id: str) -> None:
    found: dict[str, list[dict[str, bytes]]] = {}

    async def are_all_there() -> bool:
        nonlocal found
        found = await records_of(clinic.system, patient_id)
        return {"visit-updated", "survey-completed", "dashboard-viewed", "feedback-received"} <= found.keys()

    await until(are_all_there)
    assert len(found["clinician-data-updated"]) == 4
    for records in found.values():
        assert [int(headers["ce_sequence"]) for headers in records] == list(range(1, len(records) + 1))
    (survey,) = found["survey-completed"]
    assert survey["ce_specversion"] == b"1.0"
    assert survey["traceparent"].split(b"-")[1] == visit.TRACE_ID.encode()


@pytest.mark.browser
async def test_the_page_is_seen_in_a_browser(clinic: Clinic, chromium: Browser) -> None:
    patient_id, visit_id = clinic.enrol("journey-browser")
    concern = [{"topic": "symptoms", "words": "Is the shot wearing off?"}]
    survey = posted(clinic.intake, "/v1/surveys", survey_of(patient_id, visit_id, concerns=concern))
    clinician = Person("dr-1", "Dana Rowe", Role.CLINICIAN, (clinic.site,))
    to = f"/patients/{patient_id}?wait_for={survey['receipt']}"
    link = clinic.system.sign_in_link("dashboard", clinician, to)
    page = await chromium.new_page(viewport={"width": 1366, "height": 768})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    await page.goto(link)
    await page.get_by_role("button", name="Dana Rowe").click()
    await page.wait_for_url(f"**{to}")
    await page.screenshot(path=ARTIFACTS / "page.png")  # playwright makes the folder
    assert await page.get_by_text("Is the shot wearing off?").is_visible()
    assert problems == []
    await page.goto("about:blank")

    async def is_closed() -> bool:
        database = clinic.system.network.databases["dashboard"]
        connection = await asyncpg.connect(database.app, server_settings={"samepage.sites": clinic.site})
        try:
            return bool(
                await connection.fetchval(
                    "SELECT true FROM view WHERE patient_id = $1 AND duration_ms IS NOT NULL", UUID(patient_id)
                )
            )
        finally:
            await connection.close()

    await until(is_closed)


async def surveys_shown(system: System) -> int:
    connection = await asyncpg.connect(system.network.databases["dashboard"].worker)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM delivery WHERE topic = 'survey-completed'"))
    finally:
        await connection.close()


async def surveys_accepted(system: System) -> int:
    connection = await asyncpg.connect(system.network.databases["intake"].worker)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM outbox WHERE topic = 'survey-completed'"))
    finally:
        await connection.close()


async def write_surveys(clinic: Clinic, name: str, count: int, meanwhile: Callable[[int], Awaitable[None]]) -> int:
    """Write surveys one after the other, with faults in between; how many were accepted."""
    for number in range(count):
        await meanwhile(number)
        patient_id, visit_id = await asyncio.to_thread(clinic.enrol, f"{name}-{number}")
        await asyncio.to_thread(posted, clinic.intake, "/v1/surveys", survey_of(patient_id, visit_id))
    return count


async def test_a_worker_that_is_killed_loses_and_doubles_nothing(clinic: Clinic) -> None:
    system = clinic.system

    async def kill_now_and_then(number: int) -> None:
        system.supervisor.watch()
        if number % 5 == 2:
            door = "dashboard-worker" if number % 2 else "intake-worker"

            async def is_killed() -> bool:
                system.supervisor.watch()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(system.pid(door), signal.SIGKILL)
                    return True
                return False

            await until(is_killed)

    await write_surveys(clinic, "worker-killed", 20, kill_now_and_then)
    await _all_is_shown_once(system)


async def test_a_broker_that_is_killed_loses_and_doubles_nothing(clinic: Clinic) -> None:
    system = clinic.system

    async def kill_the_broker_once(number: int) -> None:
        system.supervisor.watch()
        if number == 5:
            (pid,) = (server.pid for server in Stack().status(system.home) if server.kind == "kafka")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        if number == 12:
            await asyncio.to_thread(Stack().up, system.home)

    await write_surveys(clinic, "broker-killed", 20, kill_the_broker_once)
    await _all_is_shown_once(system)


async def _all_is_shown_once(system: System) -> None:
    accepted = await surveys_accepted(system)

    async def is_all_shown() -> bool:
        system.supervisor.watch()
        return await surveys_shown(system) >= accepted

    await until(is_all_shown, seconds=90)
    assert await surveys_shown(system) == accepted
    connection = await asyncpg.connect(system.network.databases["dashboard"].worker)
    try:
        assert await connection.fetchval("SELECT count(*) FROM dead_letter") == 0
    finally:
        await connection.close()


async def test_a_rebuilt_read_model_is_byte_equal_and_swapped_in_under_traffic(clinic: Clinic) -> None:
    await _all_is_shown_once(clinic.system)

    async def keep_watching(_number: int) -> None:
        clinic.system.supervisor.watch()

    writing = asyncio.create_task(write_surveys(clinic, "while-rebuilding", 10, keep_watching))
    network = clinic.system.network
    broker = KafkaBroker(network.addresses.bootstrap_servers, client_id="rebuild")
    report = await rebuild(network.databases["dashboard"], broker, SUBSCRIPTION, PROJECTIONS)
    await writing
    assert report.is_swapped
    assert report.different == 0
    assert report.compared > 20
    await _all_is_shown_once(clinic.system)


async def test_after_all_of_this_the_audit_is_whole_signed_and_knows_who_did_what(clinic: Clinic) -> None:
    """Workers were killed while they chained, and looked and wrote through it."""
    patient_id, _ = clinic.enrol("journey-audit")
    page = f"/v1/patients/{patient_id}/page"
    clinic.clinician.get(page, params={"wait_for": clinic.receipts[patient_id]}).raise_for_status()
    network = clinic.system.network
    keys = public_keys(public_folder(network.audit))

    async def verified(service: str) -> Verification:
        book = file_of(network.audit / "heads", service)
        verification = Verification(service, network.databases[service].worker, book, keys)
        assert [str(finding) async for finding in verification.findings()] == []
        return verification

    async def are_all_chained_and_signed() -> bool:
        clinic.system.supervisor.watch()
        found = [await verified(service) for service in SERVICES]
        return all(one.waiting == 0 and one.lines > 0 for one in found)

    await until(are_all_chained_and_signed, seconds=90)
    rows = await rows_about(Places.of(network).databases, UUID(patient_id), clinic.site, by="journey")
    assert [(row["service"], row["route"]) for row in rows if row["kind"] != "export"] == [
        ("intake", "enrol_patients"),
        ("intake", "schedule_visits"),
        ("dashboard", "read_page"),
    ]
