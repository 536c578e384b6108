"""Notices that an alert waits: to whom the clinic says, of each level once, and with nothing of the patient."""

import asyncio
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client import REGISTRY

from services.intake import worker as door
from services.intake.api.escalation import escalate_alerts, measure_alerts
from services.intake.domain import SendOutcome
from services.intake.sending import Messenger, Notifier, messenger_of
from services.intake.settings import IntakeWorkerSettings
from shared.db import Pool
from shared.events import TOPICS
from shared.memory_broker import MemoryBroker
from tests.conftest import URLS, Pools, Tokens, client_of, worker_settings
from tests.services.clinic import SITE_BODY
from tests.services.intake.alerted import LATELY, PAIN, SITE, Alerted, Json
from tests.services.intake.mail import Mailbox, mail_server
from tests.services.intake.post import Memory, rows_of
from tests.services.intake.test_escalation import DyingPool
from tests.services.intake.test_messengers import smtp
from tests.services.trails import trail
from tests.shared.effects import running
from tests.waiting import until

PATH = f"/v1/sites/{SITE}/alert-notices"
NURSE, DOCTOR = "nurse@clinic.example", "on-call@clinic.example"


@pytest.fixture
async def worker(alerted: Alerted, pool_of: Pools) -> Pool:
    """The worker's pool on the clinic's database."""
    return await pool_of(alerted.clinic.intake.state.database)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def notifier(alerted: Alerted, worker: Pool, memory: Memory) -> Notifier:
    """A worker's notifier, of a clinic that tells one nurse."""
    await tells(alerted, NURSE)
    return a_notifier(alerted, worker, memory)


def a_notifier(alerted: Alerted, worker: Pool, messenger: Messenger) -> Notifier:
    return Notifier(worker, messenger, URLS["intake"], clock=alerted.clock)


async def tells(alerted: Alerted, *addresses: str, **changes: Any) -> None:
    answer = await alerted.coordinator.put(PATH, json={"addresses": addresses, "quiet_minutes": 15, **changes})
    assert answer.status_code == 200, answer.text


async def goes(notifier: Notifier, memory: Memory) -> list[str]:
    """Tell and send all that is due; the subjects of what was taken."""
    before = len(memory.taken)
    await notifier.tell()
    while await notifier.send_due():
        pass
    return [message.subject for message in memory.taken[before:]]


async def states(alerted: Alerted) -> list[tuple[str, str, str | None]]:
    rows = await rows_of(alerted.clinic.intake, "alert_notice")
    return sorted((row["address"], row["state"], row["reason"]) for row in rows)


async def test_nobody_is_told_until_the_clinic_says_whom_and_what_it_says_is_shown_again(
    alerted: Alerted, worker: Pool, memory: Memory
) -> None:
    nobody = {"addresses": [], "language": "en", "quiet_minutes": 15}
    assert (await alerted.coordinator.get(PATH)).json() == nobody
    await alerted.alert()
    assert await goes(a_notifier(alerted, worker, memory), memory) == []
    assert (await alerted.coordinator.get("/v1/alerts")).json()["told_nobody"] == [SITE]
    said = {"addresses": [NURSE, DOCTOR], "language": "es", "quiet_minutes": 30}
    answers = [await alerted.coordinator.put(PATH, json=said), await alerted.coordinator.get(PATH)]
    assert [answer.json() for answer in answers] == [said, said]
    assert (await alerted.coordinator.get("/v1/alerts")).json()["told_nobody"] == []
    told = await goes(a_notifier(alerted, worker, memory), memory)
    assert told == [f"Una alerta espera en {SITE_BODY['name']}"] * 2, "of what was open before"


@pytest.mark.parametrize(
    "wrong",
    [
        {"addresses": ["no address"]},
        {"addresses": [f"{NURSE}\r\nBcc: somebody@example.org"]},
        {"addresses": [NURSE, NURSE.upper()]},
        {"addresses": [f"nurse-{number}@clinic.example" for number in range(11)]},
        {"addresses": [NURSE], "language": "other"},
        {"quiet_minutes": 4},
        {"quiet_minutes": 121},
        {"quiet_minutes": "15"},
    ],
)
async def test_what_is_no_rule_of_notices_is_refused_and_the_old_one_stays(
    alerted: Alerted, wrong: dict[str, Any]
) -> None:
    await tells(alerted, DOCTOR)
    answer = await alerted.coordinator.put(PATH, json=wrong)
    assert answer.status_code == 422
    assert (await alerted.coordinator.get(PATH)).json()["addresses"] == [DOCTOR]


async def test_who_is_told_is_for_the_clinics_own_people(alerted: Alerted, token: Tokens) -> None:
    for role, sites, status in (("operator", [SITE], 403), ("system", [SITE], 403), ("clinician", ["site-02"], 404)):
        async with client_of(alerted.clinic.intake, token(role, sites)) as client:
            assert (await client.get(PATH)).status_code == status
            assert (await client.put(PATH, json={"addresses": [NURSE]})).status_code == status


async def test_a_mail_says_that_an_alert_waits_and_where_and_nothing_of_the_patient(
    alerted: Alerted, worker: Pool
) -> None:
    await tells(alerted, NURSE, DOCTOR)
    patient_id = await alerted.clinic.enrol(identifier="MRN-quagga-77")
    survey = await alerted.survey(patient_id, PAIN | LATELY)
    mailbox = Mailbox()
    with structlog.testing.capture_logs() as logged:
        async with mail_server(mailbox) as port:
            notifier = a_notifier(alerted, worker, messenger_of(smtp(port)))
            assert (await notifier.tell(), await notifier.send_due(), await notifier.send_due()) == (2, 2, 0)
            alerted.clock.go_on(minutes=61)
            await escalate_alerts(worker, alerted.clock)
            assert (await notifier.tell(), await notifier.send_due()) == (2, 2)
    assert sorted(mail["To"] for mail in mailbox.taken) == sorted([NURSE, DOCTOR] * 2)
    alerts = await alerted.open()
    for mail in mailbox.taken:
        assert says_nothing_of(mail, patient_id, survey, alerts)
    first, last = (str(mailbox.taken[number].get_content()).replace("\r\n", "\n") for number in (0, 3))
    name = SITE_BODY["name"]
    assert first == (
        f"An alert waits at {name}.\n\nOpen the list: {URLS['intake']}/alerts\n\n"
        "You sign in there to see what it is about. This message holds nothing of a patient.\n\n"
        "A program wrote this, and nobody reads answers to it. Who gets it is set in the clinic's alert rules.\n"
    )
    assert last.startswith(f"An alert still waits at {name}. Nobody has taken it in time.\n")
    assert NURSE not in str(logged)


def says_nothing_of(mail: EmailMessage, patient_id: str, survey: Json, alerts: list[Json]) -> bool:
    """Whether no id, number, answer, rule or word of clinical matters is anywhere in a mail."""
    whole = mail.as_string().lower()
    secrets = [patient_id, patient_id[:8], "quagga", "mrn", survey["id"], "1984", "crohn", "pain", "emergency", "bleed"]
    for alert in alerts:
        rule = alert["rule"]
        secrets += [alert["id"], alert["visit_id"], alert["chosen"], alert["question"], rule["id"], rule["words_en"]]
    return not [secret for secret in secrets if secret.lower() in whole and len(secret) > 3]


async def test_of_each_level_the_clinic_is_told_once(
    alerted: Alerted, worker: Pool, notifier: Notifier, memory: Memory
) -> None:
    await alerted.alert()
    told = []
    for minutes in (0, 1, 58, 1, 1, 60, 118, 1, 600):
        alerted.clock.go_on(minutes=minutes)
        await escalate_alerts(worker, alerted.clock)
        told.append(len(await goes(notifier, memory)))
    assert told == [1, 0, 0, 1, 0, 0, 0, 1, 0]


async def test_many_alerts_make_one_notice_and_what_comes_in_the_quiet_after_it_makes_the_next(
    alerted: Alerted, notifier: Notifier, memory: Memory
) -> None:
    for _ in range(4):
        await alerted.alert()
    assert len(await goes(notifier, memory)) == 1
    for minutes, told in ((7, 0), (7, 0), (1, 1), (15, 0)):
        alerted.clock.go_on(minutes=minutes)
        if minutes == 7:
            await alerted.alert()
        assert len(await goes(notifier, memory)) == told
    assert len(memory.taken) == 2


async def test_the_quiet_hours_of_the_clinic_hold_back_no_notice(
    alerted: Alerted, notifier: Notifier, memory: Memory
) -> None:
    now = alerted.clock()
    begins, ends = (f"{(now.hour + hours) % 24:02}:00" for hours in (-1, 14))
    quiet = {"is_on": True, "send_at": ends, "quiet": {"begins": begins, "ends": ends}, "reminders": []}
    await alerted.clinic.system.put(f"/v1/sites/{SITE}", json=SITE_BODY | {"time_zone": "UTC"})
    answer = await alerted.clinic.system.put(f"/v1/sites/{SITE}/delivery-rule", json=quiet)
    assert answer.status_code == 200, answer.text
    await alerted.alert()
    assert len(await goes(notifier, memory)) == 1


async def test_nobody_is_told_of_what_somebody_took_or_what_only_repeats_and_of_what_is_open_again_anew(
    alerted: Alerted, notifier: Notifier, memory: Memory
) -> None:
    alert = await alerted.alert()
    await alerted.step(alert, "take")
    assert await goes(notifier, memory) == []
    await alerted.step(await alerted.one(alert["id"]), "close", outcome="called")
    await alerted.survey(alert["patient_id"])
    assert await goes(notifier, memory) == []
    for _ in range(2):
        await alerted.step(await alerted.one(alert["id"]), "reopen")
        assert len(await goes(notifier, memory)) == 1
        await alerted.step(await alerted.one(alert["id"]), "close", outcome="called")
        alerted.clock.go_on(minutes=15)


async def test_a_notice_that_waits_for_its_next_try_is_not_sent_when_somebody_has_the_alert(
    alerted: Alerted, notifier: Notifier, memory: Memory
) -> None:
    alert = await alerted.alert()
    memory.outcomes = [SendOutcome.TRY_LATER]
    assert await goes(notifier, memory) == []
    await alerted.step(alert, "take")
    alerted.clock.go_on(minutes=2)
    assert await goes(notifier, memory) == []
    assert await states(alerted) == [(NURSE, "stopped", "not-needed")]


async def test_an_address_that_was_taken_out_gets_nothing_more(
    alerted: Alerted, notifier: Notifier, memory: Memory
) -> None:
    await alerted.alert()
    memory.outcomes = [SendOutcome.TRY_LATER]
    await goes(notifier, memory)
    alerted.clock.go_on(minutes=2)
    await tells(alerted, DOCTOR)
    await goes(notifier, memory)
    assert [message.to for message in memory.taken] == [DOCTOR]
    assert await states(alerted) == [(NURSE, "stopped", "not-needed"), (DOCTOR, "sent", None)]


@pytest.mark.parametrize("outcome", [SendOutcome.REFUSED, SendOutcome.TRY_LATER])
@pytest.mark.parametrize("level", [0, 2])
async def test_what_reached_nobody_is_told_of_at_once_when_the_clinic_corrects_an_address(
    alerted: Alerted, worker: Pool, notifier: Notifier, memory: Memory, outcome: SendOutcome, level: int
) -> None:
    alert = await alerted.alert()
    alerted.clock.go_on(hours=5 * level)
    await escalate_alerts(worker, alerted.clock)
    assert (await alerted.one(alert["id"]))["escalation"] == level
    memory.outcomes = [outcome]
    assert await goes(notifier, memory) == []
    alerted.clock.go_on(seconds=30)
    await tells(alerted, NURSE, quiet_minutes=30)
    assert await goes(notifier, memory) == [], "nobody was added"
    await tells(alerted, DOCTOR)
    assert len(await goes(notifier, memory)) == 1
    assert [message.to for message in memory.taken] == [DOCTOR]
    assert (await alerted.one(alert["id"]))["told"]["sent"] == 1
    alerted.clock.go_on(days=1)
    await tells(alerted, DOCTOR, NURSE)
    assert await goes(notifier, memory) == [], "one of them was told"


async def test_after_notices_that_reached_nobody_a_clinic_that_changes_nothing_has_its_quiet(
    alerted: Alerted, notifier: Notifier, memory: Memory
) -> None:
    await alerted.alert()
    memory.outcomes = [SendOutcome.REFUSED]
    await goes(notifier, memory)
    alerted.clock.go_on(minutes=1)
    await alerted.alert()
    assert (await goes(notifier, memory), memory.tried) == ([], 1)
    alerted.clock.go_on(minutes=14)
    assert len(await goes(notifier, memory)) == 1


async def test_what_fails_is_tried_again_with_a_bound_and_shown_beside_the_alert_and_in_a_metric(
    alerted: Alerted, worker: Pool, notifier: Notifier, memory: Memory
) -> None:
    await tells(alerted, NURSE, DOCTOR)
    alert = await alerted.alert()
    memory.outcomes = [SendOutcome.REFUSED, SendOutcome.TRY_LATER]
    await goes(notifier, memory)
    assert "notice not sent to 1 of 2 addresses (smtp-000)" in await shown(alerted, "/alerts")
    memory.outcomes = [SendOutcome.TRY_LATER] * 20
    for _ in range(20):
        alerted.clock.go_on(hours=4)
        await goes(notifier, memory)
    assert memory.tried == 9, "one was refused for good, and the other given up after eight tries"
    assert {state for _, state, _ in await states(alerted)} == {"came-back", "failed"}
    for path in ("/alerts", f"/alerts/{alert['id']}"):
        assert "notice not sent to 2 of 2 addresses (smtp-000)" in await shown(alerted, path)
    told = (await alerted.one(alert["id"]))["told"]
    assert (told["made"], told["sent"], told["not_sent"], told["why_not"]) == (2, 0, 2, "smtp-000")
    await measure_alerts(worker, alerted.clock)
    assert untold() == 1


async def shown(alerted: Alerted, path: str) -> str:
    answer: httpx.Response = await alerted.coordinator.get(path)
    assert answer.status_code == 200
    return answer.text


def untold() -> float | None:
    return REGISTRY.get_sample_value("samepage_alerts", {"state": "untold"})


async def test_what_has_gone_is_shown_and_counts_as_told(
    alerted: Alerted, worker: Pool, notifier: Notifier, memory: Memory
) -> None:
    alert = await alerted.alert()
    assert "no notice" in await shown(alerted, f"/alerts/{alert['id']}")
    alerted.clock.go_on(minutes=31)
    await measure_alerts(worker, alerted.clock)
    assert untold() == 1, "nobody sends: there is no messenger, or no worker that has one"
    await goes(notifier, memory)
    assert "notice sent to 1 address" in await shown(alerted, f"/alerts/{alert['id']}")
    alerted.clock.go_on(days=1)
    await measure_alerts(worker, alerted.clock)
    assert untold() == 0


async def test_however_many_workers_look_at_once_each_address_is_told_once(
    alerted: Alerted, pool_of: Pools, memory: Memory
) -> None:
    await tells(alerted, NURSE, DOCTOR)
    for _ in range(3):
        await alerted.alert()
    notifiers = [a_notifier(alerted, await pool_of(alerted.clinic.intake.state.database), memory) for _ in range(4)]
    await asyncio.gather(*(one.tell() for one in notifiers))
    await asyncio.gather(*(one.send_due() for one in notifiers))
    assert sorted(message.to for message in memory.taken) == [NURSE, DOCTOR]
    assert memory.tried == 2


async def test_a_worker_that_ends_before_it_sends_has_claimed_what_the_next_one_sends_once(
    alerted: Alerted, worker: Pool, notifier: Notifier, memory: Memory
) -> None:
    await alerted.alert()
    await notifier.tell()
    assert await states(alerted) == [(NURSE, "planned", None)]
    told = [len(await goes(a_notifier(alerted, worker, memory), memory)) for _ in range(2)]
    assert told == [1, 0]
    assert len(await trail(alerted.clinic.intake, route="tell-of-alerts")) == 1


@pytest.mark.parametrize("at", range(7))
async def test_wherever_a_worker_dies_while_it_claims_the_next_tells_as_if_nothing_had_been(
    alerted: Alerted, worker: Pool, notifier: Notifier, memory: Memory, at: int
) -> None:
    await alerted.alert()
    dying: Any = DyingPool(worker, at)
    with pytest.raises(ConnectionResetError):
        await a_notifier(alerted, dying, memory).tell()
    assert await states(alerted) == []
    assert [len(await goes(notifier, memory)) for _ in range(2)] == [1, 0]
    assert len(await trail(alerted.clinic.intake, route="tell-of-alerts")) == 1


async def test_a_worker_that_ends_while_it_sends_leaves_a_notice_that_is_sent_once_more_as_the_same(
    alerted: Alerted, worker: Pool, notifier: Notifier, memory: Memory
) -> None:
    await alerted.alert()
    await notifier.tell()
    memory.gate.clear()
    for attempt in (1, 2):
        sending = asyncio.create_task(a_notifier(alerted, worker, memory).send_due())

        async def is_tried(attempt: int = attempt) -> bool:
            return memory.tried == attempt

        await until(is_tried)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert await states(alerted) == [(NURSE, "sending", None)]
        assert await notifier.send_due() == 0, "nobody else takes it while the worker may still be there"
        alerted.clock.go_on(minutes=3)
    await notifier.send_due()
    assert await states(alerted) == [(NURSE, "not-known", "worker-lost")]
    assert memory.tried == 2


async def test_what_cannot_be_put_on_record_is_not_told_and_is_told_when_it_can(
    alerted: Alerted, notifier: Notifier, memory: Memory
) -> None:
    await alerted.alert()
    await alerted.clinic.intake.state.database.run("REVOKE INSERT ON audit FROM samepage_worker")
    with structlog.testing.capture_logs() as logged:
        async with running(notifier.run()):

            async def is_logged() -> bool:
                return "nobody is told of alerts" in [entry["event"] for entry in logged]

            await until(is_logged)
    assert (await states(alerted), memory.tried) == ([], 0)
    await alerted.clinic.intake.state.database.run("GRANT INSERT ON audit TO samepage_worker")
    assert len(await goes(notifier, memory)) == 1
    (row,) = await trail(alerted.clinic.intake, route="tell-of-alerts")
    assert (row["subject"], row["kind"], row["patient_id"] is not None) == ("intake-worker", "write", True)


async def test_the_workers_job_tells_by_itself_over_the_mail_server_of_the_settings(alerted: Alerted) -> None:
    await tells(alerted, NURSE)
    await alerted.alert()
    mailbox, broker = Mailbox(), MemoryBroker()
    await broker.create_topics(list(TOPICS))

    async def is_sent() -> bool:
        return await states(alerted) == [(NURSE, "sent", None)]

    async with mail_server(mailbox) as port:
        told: IntakeWorkerSettings = worker_settings(alerted.clinic.intake).model_copy(update={"messenger": smtp(port)})
        async with running(door.run(told, broker)):
            await until(is_sent)
    assert [mail["To"] for mail in mailbox.taken] == [NURSE]
