"""A site's own rules, the share of its surveys that alert, and its list of patients at high risk."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import Tokens, client_of
from tests.services.intake.alerted import LATELY, PAIN, SITE, Alerted, Json
from tests.services.trails import trail

OWN: Json = {
    "source": "item",
    "name": "nights_woken",
    "comparison": "at-least",
    "words_en": "Woken most nights",
    "words_es": "Se despierta casi cada noche",
    "citation": "Agreed by the clinic (synthetic)",
}
RULES = f"/v1/sites/{SITE}/alert-rules"


async def rules(alerted: Alerted) -> dict[str, Json]:
    answer = await alerted.coordinator.get(RULES)
    assert answer.status_code == 200, answer.text
    return {rule["id"]: rule for rule in answer.json()["items"]}


async def rate(alerted: Alerted) -> Json:
    answer = await alerted.coordinator.get(f"/v1/sites/{SITE}/alert-rate")
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


async def test_a_site_begins_with_the_rules_of_the_network(alerted: Alerted) -> None:
    found = await rules(alerted)
    urgent = ["severe-bleeding", "severe-pain", "severe-belly-pain", "high-output"]
    assert list(found) == [*urgent, "low-mood", "emergency-visit"]
    output = found["high-output"]
    assert (output["definition"]["codes"], output["threshold"]) == (["more", "much-more"], 2)
    assert all(rule["is_on"] and rule["version"] == "1.0" and rule["changes"] == [] for rule in found.values())
    assert (found["severe-pain"]["least"], found["severe-pain"]["most"]) == (7, 10)


async def test_a_changed_rule_holds_from_the_next_survey_and_an_alert_stays_with_the_version_that_raised_it(
    alerted: Alerted,
) -> None:
    first = await alerted.alert({"pain_nrs": 8})
    answer = await alerted.rule("severe-pain", threshold=9)
    assert (answer.status_code, answer.json()["version"]) == (200, "site.1")
    await alerted.survey(await alerted.patient(), {"pain_nrs": 8})
    second = await alerted.alert({"pain_nrs": 9})
    await alerted.rule("severe-pain", is_on=False)
    await alerted.survey(await alerted.patient(), {"pain_nrs": 10})
    await alerted.rule("severe-pain", threshold=7, escalates_after=[15])
    third = await alerted.alert({"pain_nrs": 7})
    shown = {one["id"]: one["rule"] for one in await alerted.open()}
    assert {alert_id: (rule["version"], rule["threshold"]) for alert_id, rule in shown.items()} == {
        first["id"]: ("1.0", 8),
        second["id"]: ("site.1", 9),
        third["id"]: ("site.3", 7),
    }


async def test_every_change_is_kept_with_who_made_it_and_when_and_saying_it_again_is_none(
    alerted: Alerted, token: Tokens
) -> None:
    await alerted.rule("severe-pain", threshold=9)
    first = alerted.clock()
    alerted.clock.go_on(days=1)
    async with client_of(alerted.clinic.intake, token("clinician", [SITE], subject="dr-rowe")) as rowe:
        body = {"is_on": False, "threshold": 9, "severity": "soon", "escalates_after": [], "quiet_days": 0}
        for _ in range(2):
            answer = await rowe.put(f"{RULES}/severe-pain", json=body)
            assert (answer.status_code, answer.json()["version"]) == (200, "site.2")
    rule = (await rules(alerted))["severe-pain"]
    assert (rule["is_on"], rule["version"]) == (False, "site.2")
    assert [(one["version"], one["changed_by"]) for one in rule["changes"]] == [
        ("site.2", "dr-rowe"),
        ("site.1", "j-ortiz"),
    ]
    assert rule["changes"][1]["changed_at"] == first.isoformat().replace("+00:00", "Z")
    rows = await trail(alerted.clinic.intake, route="put_alert_rule")
    assert [(row["kind"], row["subject"], row["patient_id"]) for row in rows] == [
        ("write", "j-ortiz", None),
        ("write", "dr-rowe", None),
        ("write", "dr-rowe", None),
    ]


async def test_a_rule_of_the_sites_own_alerts_and_is_switched_off_without_saying_it_anew(alerted: Alerted) -> None:
    made = await alerted.rule("woken", threshold=5, severity="soon", definition=OWN)
    assert (made.status_code, made.json()["is_own"], made.json()["version"]) == (200, True, "site.1")
    alert = await alerted.alert({"nights_woken": 5})
    assert alert["rule"]["citation"] == "Agreed by the clinic (synthetic)"
    assert alert["chosen"] == "5"
    await alerted.rule("woken", threshold=5, is_on=False)
    await alerted.survey(await alerted.patient(), {"nights_woken": 7})
    assert len(await alerted.open()) == 1
    assert (await rules(alerted))["woken"]["definition"] == OWN | {"recall": None, "codes": []}


@pytest.mark.parametrize(
    ("comparison", "threshold", "code", "words"),
    [
        ("at-least", 2, "cost", "“Getting the medicine” or “Cost”"),
        ("at-most", 1, "worry", "“I worry about the medicine”"),
    ],
)
async def test_a_rule_of_the_sites_own_may_name_codes_and_is_shown_by_their_words(
    alerted: Alerted, comparison: str, threshold: int, code: str, words: str
) -> None:
    named = OWN | {"name": "barriers", "comparison": comparison, "codes": ["worry", "supply", "cost"]}
    assert (await alerted.rule("in-the-way", threshold=threshold, definition=named)).status_code == 200
    for other in ("forgetting", "cost" if comparison == "at-most" else "worry"):
        await alerted.survey(await alerted.patient(), {"barriers": other})
    assert await alerted.open() == []
    alert = await alerted.alert({"barriers": code})
    assert alert["rule"]["codes"] == named["codes"]
    page = await alerted.coordinator.get(f"/alerts/{alert['id']}")
    assert f"{words} <span" in page.text
    assert alert["chosen"] in page.text


@pytest.mark.parametrize(
    "elsewhere", [{"name": "pain_nrs"}, {"source": "instrument"}, {"comparison": "at-most"}, {"codes": ["3"]}]
)
async def test_a_rule_of_the_sites_own_is_reworded_and_never_looks_elsewhere(alerted: Alerted, elsewhere: Json) -> None:
    await alerted.rule("woken", threshold=5, definition=OWN)
    answer = await alerted.rule("woken", threshold=5, definition=OWN | elsewhere)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:rule-looks-elsewhere")
    reworded = await alerted.rule("woken", threshold=6, definition=OWN | {"words_en": "Woken nearly every night"})
    assert (reworded.status_code, reworded.json()["version"]) == (200, "site.2")
    assert (await rules(alerted))["woken"]["definition"]["words_en"] == "Woken nearly every night"


@pytest.mark.parametrize(
    ("rule", "changes", "status", "why"),
    [
        ("severe-pain", {"threshold": 6}, 422, "invalid"),
        ("severe-pain", {"escalates_after": [60, 30]}, 422, "invalid"),
        ("severe-pain", {"quiet_days": 400}, 422, "invalid"),
        ("severe-pain", {"definition": OWN}, 409, "rule-of-network"),
        ("nowhere", {}, 404, "not-found"),
        ("Not a name", {"definition": OWN}, 422, "invalid"),
        ("own", {"definition": OWN | {"name": "Nights Woken"}}, 422, "invalid"),
        ("own", {"definition": OWN | {"citation": ""}}, 422, "invalid"),
        ("own", {"definition": OWN | {"codes": ["cost", "cost"]}}, 422, "invalid"),
        ("own", {"definition": OWN | {"codes": ["cost"], "source": "instrument"}}, 422, "invalid"),
    ],
)
async def test_what_is_no_rule_is_refused_and_nothing_is_changed(
    alerted: Alerted, rule: str, changes: Any, status: int, why: str
) -> None:
    answer = await alerted.rule(rule, **changes)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:samepage:problem:{why}")
    assert await alerted.clinic.intake.state.database.value("SELECT count(*) FROM alert_rule") == 0


async def test_the_alert_rate_counts_surveys_of_thirty_days_and_says_of_how_many(alerted: Alerted) -> None:
    assert (await rate(alerted))["rate"] is None
    old = alerted.clock() - timedelta(days=31)
    await alerted.survey(await alerted.patient(), submitted_at=old.isoformat())
    patient = await alerted.patient()
    await alerted.survey(patient, PAIN | LATELY)
    await alerted.survey(patient, {"pain_nrs": 9})
    for _ in range(18):
        await alerted.survey(await alerted.patient(), {})
    found = await rate(alerted)
    assert (found["surveys"], found["surveys_alerted"], found["surveys_suppressed"]) == (20, 1, 1)
    assert (found["rate"], found["suppressed_share"]) == (0.05, 0.5)
    assert (found["target"], found["is_within_target"]) == (0.1, True)
    of_rules = {one["rule_id"]: (one["surveys_alerted"], one["suppressed_share"]) for one in found["rules"]}
    assert of_rules == {"severe-pain": (1, 0.5), "emergency-visit": (1, 0.0)}
    for _ in range(2):
        await alerted.survey(await alerted.patient())
    assert not (await rate(alerted))["is_within_target"], "3 of 22"


async def test_a_survey_that_was_entered_in_error_counts_neither_among_those_that_alert_nor_among_all(
    alerted: Alerted,
) -> None:
    mistaken = await alerted.survey(await alerted.patient())
    await alerted.in_error(mistaken["id"])
    found = await rate(alerted)
    assert (found["surveys"], found["surveys_alerted"], found["rules"]) == (0, 0, [])
    await alerted.survey(await alerted.patient(), {})
    found = await rate(alerted)
    assert (found["surveys"], found["surveys_alerted"], found["rate"]) == (1, 0, 0)


async def test_anybody_of_the_clinic_flags_a_patient_and_the_call_that_is_due_first_stands_first(
    alerted: Alerted, token: Tokens
) -> None:
    later, sooner, whenever = [await alerted.patient() for _ in range(3)]
    await alerted.clinic.visit(sooner, days=6)
    async with client_of(alerted.clinic.intake, token("clinician", [SITE], subject="dr-rowe")) as rowe:
        for patient, body in (
            (later, {"reason": "steroids", "call_due_on": "2026-10-20"}),
            (sooner, {"reason": "high-stoma-output", "call_due_on": "2026-10-09"}),
            (whenever, {"reason": "mood"}),
        ):
            answer = await rowe.put(f"/v1/patients/{patient}/high-risk", json=body)
            assert answer.status_code == 200, answer.text
    huddle = {"list_manager": "j-ortiz", "next_at": "2026-10-14T08:00:00-05:00"}
    assert (await alerted.coordinator.put(f"/v1/sites/{SITE}/huddle", json=huddle)).status_code == 200
    listed = (await alerted.coordinator.get("/v1/high-risk")).json()
    assert [one["patient_id"] for one in listed["items"]] == [sooner, later, whenever]
    first = listed["items"][0]
    assert (first["reason"], first["flagged_by"], first["call_due_on"]) == (
        "high-stoma-output",
        "dr-rowe",
        "2026-10-09",
    )
    assert [one["next_visit_at"] is not None for one in listed["items"]] == [True, False, False]
    (named,) = listed["huddles"]
    assert (named["list_manager"], named["site_id"]) == ("j-ortiz", SITE)
    seen = {row["patient_id"] for row in await trail(alerted.clinic.intake, route="list_high_risk")}
    assert seen == {UUID(patient) for patient in (later, sooner, whenever)}


async def test_who_was_taken_off_the_list_can_be_put_on_it_again(alerted: Alerted) -> None:
    path = f"/v1/patients/{await alerted.patient()}/high-risk"

    async def listed() -> list[str]:
        return [one["reason"] for one in (await alerted.coordinator.get("/v1/high-risk")).json()["items"]]

    await alerted.coordinator.put(path, json={"reason": "opioids"})
    for _ in range(2):
        assert (await alerted.coordinator.delete(path)).status_code == 204
        assert await listed() == []
    await alerted.coordinator.put(path, json={"reason": "other"})
    assert await listed() == ["other"]
    unknown = await alerted.coordinator.put(f"/v1/patients/{uuid4()}/high-risk", json={"reason": "other"})
    assert unknown.status_code == 404
