"""Links on their way to patients: planned by the site's rule, sent once, stopped in time, shown to the coordinator."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import structlog

from services.intake import store, worker
from services.intake.domain import Channel, DeliveryState, SendOutcome
from services.intake.sending import CourierSettings
from services.intake.settings import FolderSettings, IntakeWorkerSettings
from shared.db import SiteScope, open_pool, transaction
from shared.events import TOPICS
from shared.keyring import KeyRing
from shared.memory_broker import MemoryBroker
from shared.telemetry import OLDEST_MESSAGE_DUE
from tests.conftest import KeyRings, Tokens, client_of, new_key, worker_settings
from tests.services.clinic import Clinic
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.mail import Mailbox, mail_server
from tests.services.intake.post import ADDRESS, PHONE, Memory, Post, count, follows, reach, rows_of, somebody
from tests.services.intake.test_intake_links import at_rest
from tests.services.intake.test_messengers import smtp
from tests.services.rings import away
from tests.services.trails import trail
from tests.shared.effects import running
from tests.sign_in.browser import Browser
from tests.survey import survey_of
from tests.waiting import until

RULE = f"/v1/sites/{SITE}/delivery-rule"


@pytest.fixture
async def post(clinic: Clinic, ring: KeyRing) -> AsyncIterator[Post]:
    """The post of a clinic that sends links seven days before a visit."""
    await follows(clinic, reminders=[])
    async with Post.of(clinic, ring) as post:
        yield post


def link_in(text: str) -> str:
    (link,) = (word for word in text.split() if "/l/" in word)
    return link


async def test_a_site_sends_nothing_until_it_says_so_and_what_it_says_is_shown_again(clinic: Clinic) -> None:
    assert (await clinic.system.get(RULE)).json()["is_on"] is False
    said = {"is_on": True, "days_before": 5, "reminders": [2], "send_at": "09:30", "channels": ["sms"]}
    said |= {"quiet": {"begins": "19:00", "ends": "07:30"}, "sender_name": "Your clinic"}
    answers = [await clinic.system.put(RULE, json=said), await clinic.system.get(RULE)]
    assert [answer.json() for answer in answers] == [said, said]


@pytest.mark.parametrize(
    "wrong",
    [
        {"days_before": 61},
        {"reminders": [1, 3]},
        {"send_at": "23:00"},
        {"send_at": "9:00"},
        {"send_at": 36000},
        {"quiet": {"begins": "08:00", "ends": "08:00"}},
        {"channels": []},
        {"channels": ["email", "email"]},
        {"sender_name": "Clinic\r\nBcc: somebody"},
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused_and_the_old_one_stays(
    clinic: Clinic, wrong: dict[str, Any]
) -> None:
    answer = await clinic.system.put(RULE, json={"is_on": True} | wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].split(".")[0] == next(iter(wrong))
    assert await count(clinic.intake, "delivery_rule") == 0


async def test_the_rule_and_the_messages_are_for_the_sites_own_staff(clinic: Clinic, token: Tokens) -> None:
    _, visit_id = await somebody(clinic)
    for role in ("clinician", "operator"):
        async with client_of(clinic.intake, token(role, [SITE])) as client:
            assert (await client.get(RULE)).status_code == 403
            assert (await client.get(f"/v1/visits/{visit_id}/deliveries")).status_code == 403
    async with client_of(clinic.intake, token("coordinator", [OTHER])) as stranger:
        for path in (RULE, f"/v1/visits/{visit_id}/deliveries", f"/v1/sites/{OTHER}/delivery-rule"):
            assert (await stranger.get(path)).status_code == 404


async def test_a_link_reaches_the_patient_in_their_language_and_opens_with_one_press(
    clinic: Clinic, post: Post
) -> None:
    _, visit_id = await somebody(clinic, language="es")
    (message,) = await post.goes()
    assert (message.to, message.channel) == (ADDRESS, Channel.EMAIL)
    assert "Su clínica tiene unas preguntas" in message.text
    assert await post.states(visit_id) == {"first": ("sent", None)}
    async with Browser({clinic.intake.state.platform.public_urls["intake"]: clinic.intake}) as phone:
        start = await phone.submit(await phone.open(link_in(message.text)))
    assert "Aún sin contestar" in start.text or "Not answered yet." in start.text
    assert await post.goes() == []


async def test_a_visit_is_planned_when_it_comes_near_and_not_before(clinic: Clinic, post: Post) -> None:
    await follows(clinic, reminders=[3, 1])
    _, visit_id = await somebody(clinic, days=20)
    assert await post.goes() == []
    assert await post.states(visit_id) == {}
    post.now.passes(days=12)
    assert await post.goes() == []
    assert {state for state, _ in (await post.states(visit_id)).values()} == {"planned"}
    sent = []
    for _ in range(9):
        post.now.passes(days=1)
        sent.append(len(await post.goes()))
    assert sent == [1, 0, 0, 0, 1, 0, 1, 0, 0]
    assert {state for state, _ in (await post.states(visit_id)).values()} == {"sent"}


async def test_every_message_about_a_visit_carries_the_same_link_and_says_when_it_is_a_reminder(
    clinic: Clinic, post: Post
) -> None:
    await follows(clinic, reminders=[2])
    await somebody(clinic)
    (first,) = await post.goes()
    post.now.passes(days=3)
    (second,) = await post.goes()
    assert link_in(first.text) == link_in(second.text)
    assert [message.subject.startswith("Reminder: ") for message in (first, second)] == [False, True]
    assert await count(clinic.intake, "visit_link") == 1


async def test_a_moved_visit_is_planned_anew_and_a_cancelled_one_not_at_all(clinic: Clinic, post: Post) -> None:
    await follows(clinic, reminders=[1])
    (_, moved), (_, cancelled) = await somebody(clinic, days=8), await somebody(clinic, days=8)
    await post.courier.plan_visits()
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    assert (await clinic.system.patch(f"/v1/visits/{moved}", json={"scheduled_at": later})).status_code == 200
    await clinic.system.patch(f"/v1/visits/{cancelled}", json={"state": "cancelled"})
    await post.courier.plan_visits()
    (known,) = {(state, reason) for state, reason in (await post.states(cancelled)).values()}
    assert known == ("stopped", "visit-cancelled")
    post.now.passes(days=10)
    assert await post.goes() == [], "on the day on which it was to be"
    post.now.passes(days=14)
    (message,) = await post.goes()
    assert (await post.states(moved))["first"] == ("sent", None)
    assert str((await rows_of(clinic.intake, "visit_link"))[0]["visit_id"]) == moved
    assert message.to == ADDRESS


async def answered(clinic: Clinic, patient_id: str, visit_id: str) -> None:
    survey = survey_of(patient_id, visit_id)
    assert (await clinic.system.post("/v1/surveys", json=survey, headers=new_key())).status_code == 201


async def refused(clinic: Clinic, patient_id: str, _visit_id: str) -> None:
    await reach(clinic, patient_id, wants_messages=False)


async def revoked(clinic: Clinic, _patient_id: str, visit_id: str) -> None:
    (link,) = (await clinic.system.get(f"/v1/visits/{visit_id}/links")).json()["items"]
    assert (await clinic.system.delete(f"/v1/visits/{visit_id}/links/{link['id']}")).status_code == 204


async def checked_in(clinic: Clinic, _patient_id: str, visit_id: str) -> None:
    await clinic.system.patch(f"/v1/visits/{visit_id}", json={"state": "checked-in"})


async def switched_off(clinic: Clinic, _patient_id: str, _visit_id: str) -> None:
    await follows(clinic, is_on=False)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (answered, "answered"),
        (refused, "not-wanted"),
        (revoked, "link-closed"),
        (checked_in, "visit-over"),
        (switched_off, "rule-off"),
    ],
)
@pytest.mark.parametrize("is_planned_again", [True, False])
async def test_reminders_stop_whether_the_planner_or_the_courier_comes_first(
    clinic: Clinic, post: Post, happens: Any, reason: str, is_planned_again: bool
) -> None:
    await follows(clinic, reminders=[2])
    patient_id, visit_id = await somebody(clinic)
    await post.goes()
    assert (await post.states(visit_id))["reminder-1"] == ("planned", None)
    await happens(clinic, patient_id, visit_id)
    post.now.passes(days=3)
    if is_planned_again:
        await post.courier.plan_visits()
    while await post.courier.send_due():
        pass
    assert (await post.states(visit_id))["reminder-1"] == ("stopped", reason)
    assert len(post.memory.taken) == 1


async def test_nobody_is_told_anything_who_cannot_be_reached(clinic: Clinic, post: Post) -> None:
    visit_id = await clinic.visit(await clinic.enrol())
    assert await post.goes() == []
    assert await post.states(visit_id) == {}
    answer = await clinic.system.post(f"/v1/visits/{visit_id}/deliveries", json={}, headers=new_key())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:no-contact")
    assert (await clinic.system.get(f"/v1/visits/{visit_id}/deliveries")).json()["cannot_send"] == "no-contact"


async def test_a_message_is_not_sent_in_the_quiet_hours_of_the_sites_zone(clinic: Clinic, post: Post) -> None:
    here = datetime.now(ZoneInfo("America/Chicago"))
    begins, ends = (f"{here + timedelta(hours=hours):%H}:00" for hours in (-1, 3))
    await follows(clinic, quiet={"begins": begins, "ends": ends}, send_at=ends)
    _, visit_id = await somebody(clinic)
    await post.by_hand(visit_id)
    assert await post.goes() == []
    item = (await clinic.system.get(f"/v1/visits/{visit_id}/deliveries")).json()["items"][0]
    due = datetime.fromisoformat(item["due_at"]).astimezone(ZoneInfo("America/Chicago"))
    assert f"{due:%H:%M}" == ends
    post.now.passes(hours=3)
    assert len(await post.goes()) == 1


async def test_a_person_sends_now_and_again_as_a_reminder_and_the_same_key_sends_once(
    clinic: Clinic, post: Post
) -> None:
    await follows(clinic, is_on=False)
    _, visit_id = await somebody(clinic)
    path, key = f"/v1/visits/{visit_id}/deliveries", new_key()
    first = await clinic.system.post(path, json={}, headers=key)
    again = await clinic.system.post(path, json={}, headers=key)
    assert (first.status_code, again.content) == (201, first.content)
    (message,) = await post.goes()
    assert (str(message.message_id), message.subject) == (first.json()["id"], "Questions before your visit")
    await post.by_hand(visit_id, channel="sms")
    (reminder,) = await post.goes()
    assert (reminder.to, reminder.channel, link_in(reminder.text)) == (PHONE, Channel.SMS, link_in(message.text))
    assert "Reminder: " in reminder.text
    assert {row["made_by"] for row in await rows_of(clinic.intake, "link_delivery")} != {"intake-worker"}


async def test_what_a_person_sent_is_not_sent_by_the_rule_too(clinic: Clinic, post: Post) -> None:
    _, visit_id = await somebody(clinic, days=8)
    await post.courier.plan_visits()
    await post.by_hand(visit_id)
    assert len(await post.goes()) == 1
    post.now.passes(days=2)
    assert await post.goes() == []
    assert (await post.states(visit_id))["first"] == ("stopped", "not-needed")


@pytest.mark.parametrize(
    ("happens", "kind"),
    [(answered, "answered"), (refused, "not-wanted"), (checked_in, "visit-over")],
)
async def test_where_nothing_may_be_sent_a_person_is_told_why(clinic: Clinic, happens: Any, kind: str) -> None:
    patient_id, visit_id = await somebody(clinic)
    await happens(clinic, patient_id, visit_id)
    path = f"/v1/visits/{visit_id}/deliveries"
    answer = await clinic.system.post(path, json={}, headers=new_key())
    assert (answer.status_code, answer.json()["type"]) == (409, f"urn:samepage:problem:{kind}")
    assert (await clinic.system.get(path)).json()["cannot_send"] == kind
    assert await count(clinic.intake, "link_delivery") == 0


async def test_what_is_refused_for_a_while_is_sent_later_and_what_is_refused_for_good_waits_for_an_address(
    clinic: Clinic, post: Post
) -> None:
    patient_id, visit_id = await somebody(clinic)
    post.memory.outcomes = [SendOutcome.TRY_LATER]
    assert await post.goes() == []
    assert await post.states(visit_id) == {"first": ("planned", "smtp-000")}
    post.now.passes(minutes=2)
    post.memory.outcomes = [SendOutcome.REFUSED]
    assert await post.goes() == []
    post.now.passes(days=1)
    assert await post.goes() == []
    assert await post.states(visit_id) == {"first": ("came-back", "smtp-000")}
    assert post.memory.tried == 2
    await reach(clinic, patient_id, email="other@example.org")
    await clinic.intake.state.database.run("UPDATE contact SET changed_at = now() + interval '2 days'")
    (message,) = await post.goes()
    assert message.to == "other@example.org"


async def test_a_worker_that_ends_while_it_sends_leaves_a_message_that_is_sent_once_more(
    clinic: Clinic, post: Post
) -> None:
    _, visit_id = await somebody(clinic)
    await post.courier.plan_visits()
    post.memory.gate.clear()
    tried = []
    for attempt in (1, 2):
        sending = asyncio.create_task(post.courier.send_due())

        async def is_tried(attempt: int = attempt) -> bool:
            return post.memory.tried == attempt

        await until(is_tried)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert await post.states(visit_id) == {"first": ("sending", None)}
        assert await post.courier.send_due() == 0, "nobody else takes it while the worker may still be there"
        tried.append(await count(clinic.intake, "visit_link"))
        post.now.passes(minutes=3)
    assert await post.courier.send_due() == 1
    assert await post.states(visit_id) == {"first": ("not-known", "worker-lost")}
    assert (post.memory.tried, tried) == (2, [1, 1]), "and both times it was the same link"


async def test_several_workers_send_each_message_once(clinic: Clinic, ring: KeyRing) -> None:
    await follows(clinic, reminders=[])
    for _ in range(20):
        await somebody(clinic)
    memory = Memory()
    async with AsyncExitStack() as opened:
        posts = [await opened.enter_async_context(Post.of(clinic, ring, memory)) for _ in range(3)]
        await asyncio.gather(*(one.courier.plan_visits() for one in posts))
        await asyncio.gather(*(one.goes() for one in posts))
    assert len({message.message_id for message in memory.taken}) == len(memory.taken) == memory.tried == 20
    assert {row["state"] for row in await rows_of(clinic.intake, "link_delivery")} == {"sent"}
    assert await count(clinic.intake, "visit_link") == 20


async def test_without_the_key_ring_messages_wait_and_no_try_is_counted(
    clinic: Clinic, post: Post, keyring_of: KeyRings
) -> None:
    _, visit_id = await somebody(clinic)
    async with away(keyring_of), KeyRing(await keyring_of("intake")) as forgetful, Post.of(clinic, forgetful) as other:
        assert await other.goes() == []
        assert await post.states(visit_id) == {"first": ("planned", "no-keys")}
    post.now.passes(minutes=2)
    assert len(await post.goes()) == 1
    (row,) = await rows_of(clinic.intake, "link_delivery")
    assert row["attempts"] == 1


async def test_a_channel_that_nothing_carries_is_said_and_not_tried(clinic: Clinic, ring: KeyRing) -> None:
    await follows(clinic, channels=["sms"])
    _, visit_id = await somebody(clinic)
    async with Post.of(clinic, ring, Memory(channels={Channel.EMAIL})) as post:
        assert await post.goes() == []
        assert (await post.states(visit_id))["first"] == ("failed", "channel-not-served")


async def test_an_erased_patient_gets_nothing_also_when_the_message_was_on_its_way(clinic: Clinic, post: Post) -> None:
    patient_id, _ = await somebody(clinic)
    await post.courier.plan_visits()
    post.memory.gate.clear()
    sending = asyncio.create_task(post.courier.send_due())

    async def is_tried() -> bool:
        return post.memory.tried == 1

    await until(is_tried)
    body = {"reason": "patient-request", "confirm_patient_id": patient_id}
    answer = await clinic.system.post(f"/v1/patients/{patient_id}/erasure", json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    post.memory.gate.set()
    assert await sending == 1
    tables = ("link_delivery", "delivery_plan", "contact", "visit_link", "visit")
    assert [await count(clinic.intake, table) for table in tables] == [0] * 5
    assert await post.goes() == []


async def test_that_a_link_was_sent_is_on_record_and_where_it_went_is_in_no_table_and_no_log(
    clinic: Clinic, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    patient_id, visit_id = await somebody(clinic)
    post.memory.outcomes = [SendOutcome.TRY_LATER]
    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.DEBUG):
        await post.goes()
        post.now.passes(minutes=2)
        (message,) = await post.goes()
        await clinic.system.get(f"/v1/visits/{visit_id}/deliveries")
    assert [entry["event"] for entry in logged] == ["message not taken"]
    rows = await trail(clinic.intake, route="send-link")
    assert [(row["kind"], row["subject"], str(row["patient_id"])) for row in rows] == [
        ("write", "intake-worker", patient_id)
    ] * 2
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    secret = link_in(message.text).rpartition("/")[2]
    for place in (await at_rest(clinic.intake), str(logged), str(ours)):
        assert not [said for said in (ADDRESS, PHONE, secret) if said in place]


async def test_a_message_that_cannot_be_put_on_record_is_not_sent(clinic: Clinic, post: Post) -> None:
    _, visit_id = await somebody(clinic)
    await clinic.intake.state.database.run("REVOKE INSERT ON audit FROM samepage_worker")
    await post.courier.plan_visits()
    async with running(post.courier.run()):

        async def is_taken() -> bool:
            (row,) = await rows_of(clinic.intake, "link_delivery")
            return bool(row["held_until"] > row["due_at"])

        await until(is_taken)
    assert post.memory.tried == 0
    assert await post.states(visit_id) == {"first": ("planned", None)}


async def test_for_how_long_the_oldest_message_waits_is_told(clinic: Clinic, post: Post) -> None:
    await somebody(clinic)
    await post.courier.plan_visits()
    post.memory.outcomes = [SendOutcome.TRY_LATER] * 9
    post.now.passes(minutes=20)
    async with running(post.courier.run()):

        async def is_told() -> bool:
            return bool(OLDEST_MESSAGE_DUE._value.get() >= 20 * 60)

        await until(is_told)


async def test_that_is_told_also_while_there_is_more_to_send(clinic: Clinic, ring: KeyRing) -> None:
    await follows(clinic, reminders=[])
    for _ in range(2):
        await somebody(clinic)
    async with Post.of(clinic, ring, settings=CourierSettings(at_once=1)) as post:
        await post.courier.plan_visits()
        post.now.passes(minutes=20)
        post.memory.gate.clear()
        OLDEST_MESSAGE_DUE.set(0)

        async def is_tried(number: int) -> bool:
            return post.memory.tried == number

        async with running(post.courier.run()):
            await until(partial(is_tried, 1))
            post.memory.gate.set()
            post.memory.gate.clear()
            await until(partial(is_tried, 2))
            assert OLDEST_MESSAGE_DUE._value.get() >= 20 * 60


async def test_the_list_of_visits_shows_how_far_each_link_has_come(clinic: Clinic, post: Post) -> None:
    (_, sent), (_, back), (patient, done) = [await somebody(clinic, days=days) for days in (2, 3, 4)]
    (_, later), (unwilling, none) = await somebody(clinic, days=30), await somebody(clinic, days=5)
    await refused(clinic, unwilling, none)
    post.memory.outcomes = [SendOutcome.TAKEN, SendOutcome.REFUSED, SendOutcome.TAKEN]
    await post.courier.plan_visits()
    for row in sorted(await rows_of(clinic.intake, "link_delivery"), key=lambda row: row["visit_at"]):
        await clinic.intake.state.database.value(
            "UPDATE link_delivery SET due_at = $2 WHERE delivery_id = $1", row["delivery_id"], row["visit_at"] - WEEK
        )
    while await post.courier.send_due():
        pass
    await answered(clinic, patient, done)
    now = datetime.now(UTC)
    async with open_pool(clinic.intake.state.database.app, size=1) as pool:
        scope = SiteScope.of(SITE)
        async with transaction(pool, scope) as connection:
            week = await store.visits_with_links(connection, scope, now, now + WEEK)
            all_of_them = await store.visits_with_links(connection, scope, now, None)
    assert [str(one.visit_id) for one in week] == [sent, back, done, none]
    assert str(all_of_them[-1].visit_id) == later
    assert {one.delivery for one in week[:3]} == {DeliveryState.SENT, DeliveryState.CAME_BACK}
    assert {str(one.progress) for one in week[:2]} <= {"sent", "not-delivered"}
    assert [str(one.progress) for one in week[2:]] == ["answered", "not-wanted"]
    assert [one.linked_at is not None for one in week] == [True, True, True, False]


WEEK = timedelta(days=7)


async def test_intakes_worker_sends_by_mail_and_goes_on_where_it_was_after_a_restart(clinic: Clinic) -> None:
    mailbox = Mailbox(to_recipient=["250 OK"])
    broker = MemoryBroker()
    await broker.create_topics(list(TOPICS))
    await follows(clinic, reminders=[])
    async with mail_server(mailbox) as port:
        told: IntakeWorkerSettings = worker_settings(clinic.intake).model_copy(update={"messenger": smtp(port)})
        for number in (1, 2):
            await somebody(clinic)

            async def has_come(number: int = number) -> bool:
                return len(mailbox.taken) == number

            async with running(worker.run(told, broker)):
                await until(has_come)
    assert {str(mail["To"]) for mail in mailbox.taken} == {ADDRESS}
    assert len({link_in(mail.get_content()) for mail in mailbox.taken}) == 2


async def test_intakes_worker_leaves_messages_in_a_folder(clinic: Clinic, tmp_path: Path) -> None:
    broker = MemoryBroker()
    await broker.create_topics(list(TOPICS))
    await follows(clinic, reminders=[])
    _, visit_id = await somebody(clinic)
    folder = FolderSettings(kind="folder", path=tmp_path / "messages")
    told: IntakeWorkerSettings = worker_settings(clinic.intake).model_copy(update={"messenger": folder})

    async def has_come() -> bool:
        return [one["state"] for one in await rows_of(clinic.intake, "link_delivery")] == ["sent"]

    async with running(worker.run(told, broker)):
        await until(has_come)
    (file,) = folder.path.iterdir()
    message = json.loads(await asyncio.to_thread(file.read_text))
    assert message.keys() == {"message_id", "channel", "to", "sender_name", "subject", "text"}
    assert (message["to"], message["channel"]) == (ADDRESS, "email")
    (item,) = (await clinic.system.get(f"/v1/visits/{visit_id}/deliveries")).json()["items"]
    assert file.name == f"{item['id']}.json"


async def test_a_messenger_that_breaks_down_takes_nobody_with_it(clinic: Clinic, post: Post) -> None:
    (_, broken), (_, other) = await somebody(clinic), await somebody(clinic, days=6)
    await post.courier.plan_visits()
    post.memory.breaks = 2
    for _ in range(2):
        while await post.courier.send_due():
            pass
        post.now.passes(minutes=2)
    states = [(await post.states(visit_id))["first"] for visit_id in (broken, other)]
    assert sorted(states) == [("sent", None), ("sent", None)]
    assert post.memory.tried == 4


async def test_messages_of_another_site_or_of_no_visit_are_unknown(clinic: Clinic) -> None:
    for path in (f"/v1/visits/{uuid4()}/deliveries", f"/v1/visits/{UUID(int=0)}/deliveries"):
        assert (await clinic.system.get(path)).status_code == 404
        assert (await clinic.system.post(path, json={}, headers=new_key())).status_code == 404
