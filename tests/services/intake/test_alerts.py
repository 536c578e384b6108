"""Alerts through intake's door: raised with the survey, quiet when they repeat, taken by one, closed by somebody."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.api.surveys import submission_with
from shared.auth import Role
from tests.conftest import Tokens, client_of, new_key
from tests.services.held import ONE_GROUP, held, until_waiting
from tests.services.intake.alerted import LATELY, PAIN, SITE, Alerted, Json
from tests.services.intake.conftest import OTHER
from tests.services.trails import trail
from tests.survey import CROHNS, answers_to, survey_of

NOTE = "Spoke with her sister, Quagga-Synthetic"


async def kept(alerted: Alerted, columns: str = "*") -> list[Json]:
    rows = await alerted.clinic.intake.state.database.rows(f"SELECT {columns} FROM alert ORDER BY raised_at, rule_id")
    return [dict(row) for row in rows]


async def test_an_alert_shows_the_answer_the_rule_and_its_source_when_it_was_given_and_how_long_it_waits(
    alerted: Alerted,
) -> None:
    alert = await alerted.alert()
    alerted.clock.go_on(minutes=28)
    (shown,) = await alerted.open()
    assert shown["question"] == "How strong was your pain, anywhere?"
    assert (shown["answer"], shown["chosen"]) == (9, "9 of 10")
    rule = shown["rule"]
    assert (rule["id"], rule["version"], rule["threshold"], rule["recall"]) == ("severe-pain", "1.0", 8, "past 7 days")
    assert "Serlin 1995" in rule["citation"]
    assert (rule["words_en"], rule["words_es"]) == ("Severe pain", "Dolor intenso")
    assert (shown["state"], shown["owner"], shown["severity"], shown["is_late"]) == ("open", None, "urgent", False)
    assert (shown["submitted_at"], shown["waiting_s"]) == (alert["submitted_at"], 28 * 60)


async def test_each_rule_that_a_survey_meets_is_an_alert_of_its_own(alerted: Alerted) -> None:
    patient = await alerted.patient()
    await alerted.survey(patient, PAIN | LATELY | {"phq2_interest": 3})
    assert {one["rule"]["id"] for one in await alerted.open()} == {"severe-pain", "low-mood", "emergency-visit"}
    await alerted.survey(await alerted.patient(), {})
    assert len(await kept(alerted)) == 3, "somebody who is well alerts nobody"


async def test_a_survey_that_is_sent_again_raises_nothing_twice_and_one_that_is_refused_nothing_at_all(
    alerted: Alerted,
) -> None:
    patient = await alerted.patient()
    body = survey_of(patient, await alerted.clinic.visit(patient))
    body["answers"] = answers_to(CROHNS) | PAIN
    key = new_key()
    for _ in range(2):
        assert (await alerted.clinic.system.post("/v1/surveys", json=body, headers=key)).status_code == 201
    refused = await alerted.clinic.system.post("/v1/surveys", json=body, headers=new_key())
    assert refused.json()["type"] == "urn:samepage:problem:already-answered"
    assert len(await kept(alerted)) == 1


async def test_a_survey_that_is_entered_late_alerts_all_the_same_and_says_so(alerted: Alerted) -> None:
    given = alerted.clock() - timedelta(days=4)
    await alerted.survey(await alerted.patient(), submitted_at=given.isoformat())
    (shown,) = await alerted.open()
    assert shown["is_late"]
    assert shown["waiting_s"] == 0, "nobody could have taken it before it came"


async def test_answers_of_long_ago_are_history_and_ask_nobody_to_call(alerted: Alerted) -> None:
    given = alerted.clock() - timedelta(days=31)
    await alerted.survey(await alerted.patient(), submitted_at=given.isoformat())
    assert await kept(alerted) == []


async def test_a_repeat_is_kept_quiet_while_the_alert_is_open_and_counted_beside_it(alerted: Alerted) -> None:
    patient = await alerted.patient()
    for _ in range(3):
        await alerted.survey(patient, {"pain_nrs": 10})
        alerted.clock.go_on(days=5)
    (shown,) = await alerted.open()
    assert shown["times_repeated"] == 2
    rows = await kept(alerted, "state, outcome, repeats, escalates_at, alert_id")
    assert [(row["state"], row["outcome"], row["repeats"]) for row in rows] == [
        ("open", None, None),
        *[("closed", "suppressed", rows[0]["alert_id"])] * 2,
    ]
    assert [row["escalates_at"] for row in rows[1:]] == [None, None]


@pytest.mark.parametrize(
    ("days", "pain", "is_raised"),
    [(6.9, 9, False), (7.1, 9, True), (1, 10, True), (1, 8, False)],
    ids=["soon after", "not so soon", "worse", "less bad"],
)
async def test_after_an_alert_is_closed_the_same_answer_is_quiet_for_days_and_a_worse_one_is_not(
    alerted: Alerted, days: float, pain: int, is_raised: bool
) -> None:
    alert = await alerted.alert()
    assert (await alerted.step(alert, "close", outcome="called")).status_code == 200
    alerted.clock.go_on(days=days)
    await alerted.survey(alert["patient_id"], {"pain_nrs": pain})
    assert len(await alerted.open()) == is_raised


async def test_an_alert_that_somebody_took_and_forgot_keeps_a_worse_answer_or_a_later_one_no_quieter_than_a_closed_one(
    alerted: Alerted,
) -> None:
    alert = await alerted.alert({"pain_nrs": 8})
    assert (await alerted.step(alert, "take")).status_code == 200
    await alerted.survey(alert["patient_id"], {"pain_nrs": 8})
    assert len(await alerted.open()) == 1, "they have it in hand"
    await alerted.survey(alert["patient_id"], {"pain_nrs": 9})
    assert [one["answer"] for one in await alerted.open() if one["state"] == "open"] == [9]
    other = await alerted.alert({"pain_nrs": 8})
    assert (await alerted.step(other, "take")).status_code == 200
    alerted.clock.go_on(days=7.1)
    await alerted.survey(other["patient_id"], {"pain_nrs": 8})
    assert [one["state"] for one in await alerted.open() if one["patient_id"] == other["patient_id"]] == [
        "open",
        "acknowledged",
    ]


@pytest.mark.parametrize("is_closed", [True, False])
async def test_a_survey_that_was_entered_in_error_keeps_no_answer_quiet(alerted: Alerted, *, is_closed: bool) -> None:
    alert = await alerted.alert()
    await alerted.in_error(alert["survey_id"])
    if is_closed:
        assert (await alerted.step(alert, "close", outcome="no-action")).status_code == 200
    await alerted.survey(alert["patient_id"])
    still_there = [] if is_closed else [True]
    assert sorted(one["is_in_error"] for one in await alerted.open()) == [False, *still_there]


async def test_an_old_answer_that_is_entered_late_keeps_no_new_one_quiet(alerted: Alerted) -> None:
    given = alerted.clock() - timedelta(days=20)
    patient = await alerted.patient()
    await alerted.survey(patient, submitted_at=given.isoformat())
    (late,) = await alerted.open()
    assert (await alerted.step(late, "close", outcome="called")).status_code == 200
    await alerted.survey(patient)
    assert [one["is_late"] for one in await alerted.open()] == [False]


async def test_what_is_quiet_for_one_patient_and_one_rule_is_not_for_others(alerted: Alerted) -> None:
    first, second = await alerted.patient(), await alerted.patient()
    await alerted.survey(first)
    await alerted.survey(first, LATELY)
    await alerted.survey(second)
    assert len(await alerted.open()) == 3


async def test_of_several_surveys_in_one_request_the_worst_alerts_and_the_others_repeat_it(alerted: Alerted) -> None:
    patient = await alerted.patient()
    surveys = []
    for pain in (8, 10, 9):
        body = survey_of(patient, await alerted.clinic.visit(patient))
        surveys.append(body | {"answers": answers_to(CROHNS) | {"pain_nrs": pain}})
    answer = await alerted.clinic.system.post("/v1/surveys", json=surveys, headers=new_key())
    assert answer.json()["accepted"] == 3
    (shown,) = await alerted.open()
    assert (shown["answer"], shown["times_repeated"]) == (10, 2)


async def test_surveys_that_are_written_together_alert_by_the_rules_of_their_own_sites(
    alerted: Alerted, token: Tokens
) -> None:
    intake = alerted.clinic.intake
    intake.state.submission = submission_with(intake.state.means, ONE_GROUP)
    await alerted.rule("severe-pain", threshold=10)
    async with (
        client_of(intake, token(Role.SYSTEM, [OTHER])) as system,
        client_of(intake, token(Role.COORDINATOR, [OTHER])) as coordinator,
    ):
        other = Alerted(type(alerted.clinic)(intake, system, OTHER), coordinator, alerted.clock)
        await system.put(f"/v1/sites/{OTHER}", json={"name": "Lakeside", "site_type": "private", "time_zone": "UTC"})
        here, there = await alerted.patient(), await other.patient()
        busy = await alerted.patient()
        async with held(intake, (SITE, busy)):
            first = asyncio.create_task(alerted.survey(busy))
            await until_waiting(intake)
            together = [asyncio.create_task(alerted.survey(here)), asyncio.create_task(other.survey(there))]
        await asyncio.gather(first, *together)
        assert await alerted.open() == []
        (shown,) = await other.open()
        assert (shown["patient_id"], shown["site_id"]) == (there, OTHER)


async def test_the_list_begins_with_what_nobody_has_and_the_oldest_of_each_and_goes_on_page_by_page(
    alerted: Alerted, token: Tokens
) -> None:
    for _ in range(52):
        await alerted.survey(await alerted.patient())
        alerted.clock.go_on(minutes=1)
    first = (await alerted.coordinator.get("/v1/alerts")).json()
    assert len(first["items"]) == 50
    taken = first["items"][0]
    await alerted.step(taken, "take")
    page = (await alerted.coordinator.get("/v1/alerts")).json()
    rest = (await alerted.coordinator.get("/v1/alerts", params={"after": page["next"]})).json()
    raised = [(one["owner"] is not None, one["raised_at"]) for one in page["items"] + rest["items"]]
    assert rest["next"] is None
    assert len(raised) == 52
    assert raised == sorted(raised)
    assert raised[-1] == (True, taken["raised_at"])
    for wrong in ("7~a~b", "1~2026~x", f"0~2026-10-13T10:00:00~{uuid4()}"):
        assert (await alerted.coordinator.get("/v1/alerts", params={"after": wrong})).status_code == 422


async def test_of_two_who_take_an_alert_at_once_one_has_it_and_the_other_is_told(
    alerted: Alerted, token: Tokens
) -> None:
    alert = await alerted.alert()
    intake = alerted.clinic.intake
    async with (
        client_of(intake, token("clinician", [SITE], subject="dr-rowe")) as rowe,
        client_of(intake, token("clinician", [SITE], subject="dr-silva")) as silva,
    ):
        async with held(intake, (SITE, alert["patient_id"])):
            takes = [asyncio.create_task(alerted.step(alert, "take", by=one)) for one in (rowe, silva)]
            await until_waiting(intake, 2)
        answers = await asyncio.gather(*takes)
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200, 409]
    shown = await alerted.one(alert["id"])
    assert shown["owner"] == ("dr-rowe" if statuses[0] == 200 else "dr-silva")
    assert [step["step"] for step in shown["steps"]] == ["taken"]
    (refused,) = (answer for answer in answers if answer.status_code == 409)
    assert refused.json()["type"] == "urn:samepage:problem:stale"


async def test_a_step_that_is_sent_again_with_its_key_is_done_once(alerted: Alerted) -> None:
    alert, key = await alerted.alert(), new_key()
    for _ in range(2):
        answer = await alerted.coordinator.post(f"/v1/alerts/{alert['id']}/take", json={"version": 1}, headers=key)
        assert answer.status_code == 200
    assert answer.headers["idempotent-replayed"] == "true"
    assert (await alerted.one(alert["id"]))["version"] == 2


async def test_an_alert_goes_from_hand_to_hand_until_it_is_closed_and_its_history_says_so(alerted: Alerted) -> None:
    alert = await alerted.alert()
    steps: list[tuple[str, Json]] = [
        ("take", {}),
        ("hand-over", {"to": "dr-rowe"}),
        ("close", {"outcome": "appointment", "note": NOTE}),
        ("reopen", {}),
    ]
    for step, body in steps:
        alerted.clock.go_on(minutes=10)
        answer = await alerted.step(await alerted.one(alert["id"]), step, **body)
        assert answer.status_code == 200, answer.text
    shown = await alerted.one(alert["id"])
    assert [(one["step"], one["done_by"], one["owner"], one["outcome"], one["note"]) for one in shown["steps"]] == [
        ("taken", "j-ortiz", "j-ortiz", None, None),
        ("handed-over", "j-ortiz", "dr-rowe", None, None),
        ("closed", "j-ortiz", "dr-rowe", "appointment", NOTE),
        ("reopened", "j-ortiz", None, None, None),
    ]
    assert (shown["state"], shown["waiting_s"]) == ("open", 0)
    rows = await trail(alerted.clinic.intake, method="POST", subject="j-ortiz")
    about = UUID(alert["patient_id"])
    assert [row["route"] for row in rows] == ["take_alert", "hand_over_alert", "close_alert", "reopen_alert"]
    assert {(row["kind"], row["patient_id"]) for row in rows} == {("write", about)}


async def test_a_note_is_sealed_and_stands_nowhere_in_clear(alerted: Alerted) -> None:
    alert = await alerted.alert()
    await alerted.step(alert, "close", outcome="called", note=NOTE)
    database = alerted.clinic.intake.state.database
    note = await database.value("SELECT note FROM alert_step")
    assert note.startswith("1.")
    for table in ("alert", "alert_step", "audit", "outbox"):
        assert not await database.value(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%Quagga%'")


@pytest.mark.parametrize("outcome", ["suppressed", "ignored", None])
async def test_only_what_people_do_is_an_outcome(alerted: Alerted, outcome: str | None) -> None:
    alert = await alerted.alert()
    assert (await alerted.step(alert, "close", outcome=outcome)).status_code == 422
    assert (await alerted.one(alert["id"]))["state"] == "open"


async def test_a_repeat_that_was_kept_quiet_can_be_opened_and_is_then_the_one_that_others_repeat(
    alerted: Alerted,
) -> None:
    alert = await alerted.alert()
    await alerted.step(alert, "close", outcome="no-action")
    await alerted.survey(alert["patient_id"])
    (quiet,) = [row for row in await kept(alerted, "alert_id, repeats") if row["repeats"]]
    found = await alerted.one(str(quiet["alert_id"]))
    assert (found["outcome"], found["repeats"]) == ("suppressed", alert["id"])
    assert (await alerted.step(found, "reopen")).status_code == 200
    await alerted.survey(alert["patient_id"])
    (shown,) = await alerted.open()
    assert (shown["id"], shown["times_repeated"]) == (found["id"], 1)


async def test_who_reads_alerts_is_on_record_for_each_patient_they_saw(alerted: Alerted) -> None:
    alerts = [await alerted.alert() for _ in range(2)]
    seen = {row["patient_id"] for row in await trail(alerted.clinic.intake, route="list_alerts", kind="read")}
    assert seen >= {UUID(alert["patient_id"]) for alert in alerts}
    await alerted.one(alerts[0]["id"])
    (row,) = await trail(alerted.clinic.intake, route="read_alert")
    assert row["patient_id"] == UUID(alerts[0]["patient_id"])


async def test_an_erased_patients_alerts_steps_and_flags_are_gone(alerted: Alerted) -> None:
    alert, other = await alerted.alert(), await alerted.alert()
    await alerted.step(alert, "take")
    await alerted.coordinator.put(f"/v1/patients/{alert['patient_id']}/high-risk", json={"reason": "mood"})
    body = {"reason": "patient-request", "confirm_patient_id": alert["patient_id"]}
    path = f"/v1/patients/{alert['patient_id']}/erasure"
    assert (await alerted.coordinator.post(path, json=body, headers=new_key())).status_code == 201
    assert [one["id"] for one in await alerted.open()] == [other["id"]]
    assert (await alerted.step(alert, "take")).status_code == 404
    database = alerted.clinic.intake.state.database
    for table in ("alert", "alert_step", "high_risk"):
        count = f"SELECT count(*) FROM {table} WHERE patient_id = '{alert['patient_id']}'"
        assert await database.value(count) == 0, table


async def amend(alerted: Alerted, patient: str, survey: str, replaces: int, answers: Json) -> None:
    body = survey_of(patient, str(uuid4()))
    body = {"answers": body["answers"] | answers, "skipped": body["skipped"]}
    body |= {"replaces": replaces, "reason": "patient-corrected"}
    answer = await alerted.coordinator.post(f"/v1/surveys/{survey}/amendments", json=body, headers=new_key())
    assert answer.status_code == 201, answer.text


async def test_an_amended_survey_alerts_where_the_one_before_did_not_and_repeats_where_it_did(alerted: Alerted) -> None:
    patient = await alerted.patient()
    survey = (await alerted.survey(patient, {}))["id"]
    assert await alerted.open() == []
    for replaces, pain in ((1, 9), (2, 10)):
        await amend(alerted, patient, survey, replaces, {"pain_nrs": pain})
    (shown,) = await alerted.open()
    assert (shown["answer"], shown["survey_id"], shown["times_repeated"]) == (9, survey, 1)
    assert shown["worst_repeated"] == "10 of 10: Worst possible", "what came meanwhile is not hidden"


async def test_an_amendment_of_something_else_is_no_new_alert_however_late(alerted: Alerted) -> None:
    alert = await alerted.alert()
    assert (await alerted.step(alert, "close", outcome="called")).status_code == 200
    alerted.clock.go_on(days=8)
    await amend(alerted, alert["patient_id"], alert["survey_id"], 1, PAIN | {"fatigue": 1})
    assert await alerted.open() == []
    await amend(alerted, alert["patient_id"], alert["survey_id"], 2, {"pain_nrs": 10})
    assert [one["answer"] for one in await alerted.open()] == [10]


async def test_an_alert_says_that_its_survey_was_amended_since(alerted: Alerted) -> None:
    alert = await alerted.alert()
    assert not alert["is_amended"]
    await amend(alerted, alert["patient_id"], alert["survey_id"], 1, {"pain_nrs": 3})
    (shown,) = await alerted.open()
    assert (shown["is_amended"], shown["answer"]) == (True, 9)
    page = await alerted.coordinator.get(f"/alerts/{alert['id']}")
    assert "amended since: look at the answer as it stands" in page.text
