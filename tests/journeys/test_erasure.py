"""Erasing on the running system: the log stays, the words do not, and no rebuild and no late event brings them back."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from deploy.doors import Door
from deploy.erasure import erase_patient
from deploy.local.network import HAVE_KEYS
from deploy.rebuild import rebuild
from services.dashboard import PROJECTIONS
from services.dashboard.worker import SUBSCRIPTION
from services.intake.settings import IntakeSettings
from shared.auth import Role
from shared.events import (
    CLINICIAN_DATA_UPDATED,
    PARTITIONS,
    SURVEY_COMPLETED,
    ErasureReason,
    Event,
    SurveyCompleted,
    decode,
)
from shared.kafka import KafkaBroker
from shared.keyring import KeyRing, KeyRingSettings
from shared.sealing import ERASED, Patient, in_event
from tests.builders import a_message
from tests.conftest import new_key
from tests.journeys.conftest import System
from tests.services.clinic import PERSON, SITE_BODY
from tests.survey import survey_of
from tests.waiting import until

SITE = "site-erasure"
SAID = {"concerns": [{"topic": "symptoms", "words": "The cramps are back"}], "matters_most": "Work a full shift"}


class Person(NamedTuple):
    """A patient who has said something, and whose clinic has agreed on a step with them."""

    patient_id: str
    visit_id: str


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[Callable[[str, Role], httpx.Client]]:
    """`client("intake", Role.COORDINATOR)`: into a door of the running system."""
    opened: dict[tuple[str, Role], httpx.Client] = {}

    def of(service: str, role: Role) -> httpx.Client:
        if (service, role) not in opened:
            opened[service, role] = system.client(service, role, [SITE])
        return opened[service, role]

    assert of("intake", Role.SYSTEM).put(f"/v1/sites/{SITE}", json=SITE_BODY).status_code == 200
    yield of
    for each in opened.values():
        each.close()


Clients = Callable[[str, Role], httpx.Client]


def posted(door: httpx.Client, path: str, body: Any, **params: str) -> dict[str, Any]:
    answer = door.post(path, json=body, headers=new_key(), params=params)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def somebody(client: Clients) -> Person:
    """A patient whose words stand on their page."""
    intake, clinical = client("intake", Role.SYSTEM), client("clinical", Role.SYSTEM)
    patient = PERSON | {"identifier": uuid4().hex}
    enrolled = posted(intake, "/v1/patients", {**patient, "consent": "consented"})
    about = {"patient_id": enrolled["id"]}
    scheduled_at = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    visit = posted(intake, "/v1/visits", {**about, "clinician_id": "dr-1", "scheduled_at": scheduled_at})
    survey = posted(intake, "/v1/surveys", survey_of(enrolled["id"], visit["id"], **SAID))
    step = {**about, "what": "Ask the insurer", "who": "nurse"}
    plan = posted(clinical, "/v1/plans", step, wait_for=enrolled["receipt"])
    clinician = client("dashboard", Role.CLINICIAN)
    for receipt in (survey["receipt"], plan["receipt"]):
        shown = clinician.get(f"/v1/patients/{enrolled['id']}/page", params={"wait_for": receipt})
    for said in ("The cramps are back", "Work a full shift", "Ask the insurer"):
        assert said in shown.text
    return Person(enrolled["id"], visit["id"])


async def row_of(system: System, patient_id: str) -> tuple[Any, ...]:
    """The read model's row, as bytes."""
    connection = await asyncpg.connect(system.network.databases["dashboard"].worker)
    try:
        row = await connection.fetchrow("SELECT * FROM patient_page WHERE patient_id = $1", UUID(patient_id))
    finally:
        await connection.close()
    assert row is not None
    return tuple(row)


async def events_of(system: System, patient_id: str) -> list[Event]:
    """What stands about a patient on Kafka, read by a plain consumer."""
    partitions = [
        TopicPartition(topic.name, number)
        for topic in (SURVEY_COMPLETED, CLINICIAN_DATA_UPDATED)
        for number in range(PARTITIONS)
    ]
    consumer = AIOKafkaConsumer(bootstrap_servers=system.network.addresses.bootstrap_servers)
    await consumer.start()
    found = []
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                mine = (record for record in records if record.key == patient_id.encode())
                found += [decode(record.topic, record.headers, record.value) for record in mine]
    finally:
        await consumer.stop()
    return found


async def send(system: System, event: Event) -> None:
    """Write an event to Kafka as a relay that was late would."""
    late = a_message(event)
    producer = AIOKafkaProducer(bootstrap_servers=system.network.addresses.bootstrap_servers)
    await producer.start()
    try:
        await producer.send_and_wait(late.topic, key=late.key, value=late.value, headers=late.headers)
    finally:
        await producer.stop()


def keyring_of(system: System, service: str) -> KeyRingSettings:
    told = system.network.environments[Door(service, "app")]
    return system.network.keyring.model_copy(
        update={"database_url": SecretStr(told["SAMEPAGE_KEYRING_DATABASE_URL"]), "cache_s": 0}
    )


async def is_said_to_be_erased(client: Clients, patient_id: str) -> None:
    clinician = client("dashboard", Role.CLINICIAN)

    async def is_erased() -> bool:
        return bool(clinician.get(f"/v1/patients/{patient_id}/page").json()["erased"])

    await until(is_erased)
    for path in (f"/v1/patients/{patient_id}/page", f"/patients/{patient_id}"):
        shown = clinician.get(path).text
        for said in ("cramps", "full shift", "insurer", "1984", "crohn"):
            assert said not in shown


async def test_an_erased_patient_is_gone_everywhere_and_comes_back_from_nowhere(
    system: System, client: Clients
) -> None:
    person, neighbour = somebody(client), somebody(client)
    body = {"reason": "patient-request", "confirm_patient_id": person.patient_id}
    posted(client("intake", Role.COORDINATOR), f"/v1/patients/{person.patient_id}/erasure", body)
    await is_said_to_be_erased(client, person.patient_id)

    events = await events_of(system, person.patient_id)
    by_topic = {event.topic: event for event in events}
    said, step = by_topic[SURVEY_COMPLETED.name], by_topic[CLINICIAN_DATA_UPDATED.name].body
    survey = said.body
    assert isinstance(survey, SurveyCompleted)
    assert survey.answers, "the log stays readable in structure"
    async with KeyRing(keyring_of(system, "intake")) as ring:
        opens = await ring.opener(Patient(SITE, UUID(person.patient_id)))
    assert opens(survey.matters_most or "", in_event(said.event_id, "matters_most")) == ERASED

    now = datetime.now(UTC)
    await send(system, Event(uuid4(), CLINICIAN_DATA_UPDATED.name, SITE, person.patient_id, 2, now, step))

    async def is_read() -> bool:
        return '"sequence": 2' in (await row_of(system, person.patient_id))[2]

    await until(is_read)
    await is_said_to_be_erased(client, person.patient_id)

    before = await row_of(system, person.patient_id)
    broker = KafkaBroker(system.network.addresses.bootstrap_servers, client_id="rebuild")
    report = await rebuild(system.network.databases["dashboard"], broker, SUBSCRIPTION, PROJECTIONS)
    assert (report.is_swapped, report.different) == (True, 0)
    assert await row_of(system, person.patient_id) == before, "to the byte"
    assert b"sealed" not in before[3]
    await is_said_to_be_erased(client, person.patient_id)
    page = client("dashboard", Role.CLINICIAN).get(f"/v1/patients/{neighbour.patient_id}/page")
    assert "The cramps are back" in page.text, "nobody else lost anything"


async def test_every_door_refuses_what_is_new_about_an_erased_patient(system: System, client: Clients) -> None:
    person = somebody(client)
    told = system.network.environments[Door("intake", "app")]
    settings = IntakeSettings(
        database_url=SecretStr(told["SAMEPAGE_INTAKE_DATABASE_URL"]),
        keyring=keyring_of(system, "intake"),
    )
    patient = Patient(SITE, UUID(person.patient_id))
    assert await erase_patient(settings, patient, ErasureReason.LEGAL_ORDER, by="tester") is not None
    assert await erase_patient(settings, patient, ErasureReason.LEGAL_ORDER, by="tester") is None
    await is_said_to_be_erased(client, person.patient_id)

    about = {"patient_id": person.patient_id, "visit_id": person.visit_id}
    feedback: dict[str, Any] = dict.fromkeys(("effort_to_understand", "effort_to_listen", "effort_to_include"), 9)
    feedback |= dict.fromkeys(("helped_discussion", "helped_what_matters", "helped_decisions", "used_over_one_month"))
    for service, path, item in (
        ("intake", "/v1/surveys", survey_of(person.patient_id, person.visit_id, **SAID)),
        ("clinical", "/v1/plans", {"patient_id": person.patient_id, "what": "Ask again", "who": "nurse"}),
        ("feedback", "/v1/feedback", {**about, **feedback, "used_in_visit": "no", "used_outside_visit": "no"}),
    ):

        async def is_refused(service: str = service, path: str = path, item: Any = item) -> bool:
            answer = client(service, Role.SYSTEM).post(path, json=item, headers=new_key())
            return answer.status_code == 410

        await until(is_refused)


async def test_doors_that_read_no_words_are_told_of_no_key(system: System) -> None:
    told = {door for door, told in system.network.environments.items() if any("KEYRING" in name for name in told)}
    assert told == set(HAVE_KEYS)
    roles = {told.get("SAMEPAGE_KEYRING_DATABASE_URL") for told in system.network.environments.values()}
    assert len(roles - {None}) == 3, "each with a role of its own"
    assert system.network.keyring.database_url.get_secret_value() not in roles
    for service in ("feedback", "analytics"):
        dsn = system.network.databases[service].worker.rpartition("/")[0] + "/keyring"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(dsn)
