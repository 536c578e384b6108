"""What a site sets of its alerts, on a page without a script: who is told, the rules, and rules of its own."""

import pytest

from tests.conftest import Tokens, client_of
from tests.markup import Document
from tests.services.clinic import clinic_of
from tests.services.intake.alerted import SITE, Alerted, Json
from tests.services.intake.conftest import OTHER
from tests.services.intake.test_alert_pages import read

HERE = "/alert-settings"
AS_IT_IS = {"is_on": "yes", "threshold": "8", "severity": "urgent", "escalates_after": "60, 240", "quiet_days": "7"}
WOKEN = {
    "about": "item.nights_woken",
    "comparison": "at-least",
    "threshold": "5",
    "words_en": "Woken most nights",
    "words_es": "Se despierta casi cada noche",
    "citation": "Agreed by the clinic (synthetic)",
    "severity": "soon",
    "escalates_after": "1440",
    "quiet_days": "7",
}


async def shown(alerted: Alerted, path: str = HERE) -> Document:
    return read(await alerted.coordinator.get(path))


async def rule(alerted: Alerted, rule_id: str) -> Json:
    answer = await alerted.coordinator.get(f"/v1/sites/{SITE}/alert-rules")
    return next((one for one in answer.json()["items"] if one["id"] == rule_id), {})


async def test_the_page_says_of_each_rule_when_it_is_met_what_it_raised_and_who_changed_it(alerted: Alerted) -> None:
    await alerted.alert()
    await alerted.rule("severe-pain", threshold=9)
    page = await shown(alerted)
    for words in (
        "Severe pain",
        "9 or more past 7 days",
        "Today; escalates after 1 h and 4 h without an owner, and nobody is told; the same answer is quiet for 7 days;",
        "raised by 1 survey in the last 30 days. Changed by j-ortiz,",
        "version site.1",
        "In the next days; escalates after 1 day and 3 days without an owner",
        "“Much more, or like water”",
        "yes past 2 weeks",
        "1 of 1 survey of the last 30 days raised an alert, 100%.",
    ):
        assert words in page.text
    assert page.named("form", method="post", action=f"{HERE}/rules/low-mood")
    assert read(await alerted.coordinator.get("/alerts")).named("a", href=HERE)


async def test_a_rule_is_changed_and_switched_off_by_its_form(alerted: Alerted) -> None:
    path = f"{HERE}/rules/severe-pain"
    saved = await alerted.coordinator.post(path, data=AS_IT_IS | {"threshold": "7", "escalates_after": "15;30 45"})
    assert (saved.status_code, saved.headers["location"]) == (303, f"{HERE}#rule-severe-pain")
    changed = await rule(alerted, "severe-pain")
    assert (changed["threshold"], changed["escalates_after"], changed["version"]) == (7, [15, 30, 45], "site.1")
    await alerted.coordinator.post(path, data=AS_IT_IS | {"is_on": "no", "escalates_after": ""})
    changed = await rule(alerted, "severe-pain")
    assert (changed["is_on"], changed["escalates_after"]) == (False, [])
    assert "Severe pain off" in (await shown(alerted)).text


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"threshold": "11"}, {"threshold"}),
        ({"threshold": "much"}, {"threshold"}),
        ({"threshold": "nan"}, {"threshold"}),
        ({"severity": "never"}, {"severity"}),
        ({"is_on": "perhaps"}, {"is_on"}),
        ({"escalates_after": "240, 60"}, {"escalates_after"}),
        ({"escalates_after": "an hour"}, {"escalates_after"}),
        ({"quiet_days": "9" * 5000}, {"quiet_days"}),
        ({"quiet_days": "31"}, {"quiet_days"}),
    ],
)
async def test_what_does_not_do_is_marked_stays_in_its_field_and_changes_nothing(
    alerted: Alerted, said: dict[str, str], wrong: set[str]
) -> None:
    answer = await alerted.coordinator.post(f"{HERE}/rules/severe-pain", data=AS_IT_IS | said)
    page = read(answer, 422)
    assert read(answer, 422).marked == {f"rule-severe-pain-{name}" for name in wrong}
    assert "Not saved." in page.text
    for name, value in said.items():
        if name not in ("severity", "is_on"):
            assert page.named("input", id=f"rule-severe-pain-{name}", value=value)
    assert (await rule(alerted, "severe-pain"))["version"] == "1.0"


async def test_who_is_told_is_set_and_what_is_no_address_is_marked(alerted: Alerted) -> None:
    assert "Give an address for notices" in read(await alerted.coordinator.get("/alerts")).text
    told = {"addresses": "one@clinic.example\r\ntwo@clinic.example", "language": "es", "quiet_minutes": "30"}
    saved = await alerted.coordinator.post(f"{HERE}/notices", data=told)
    assert (saved.status_code, saved.headers["location"]) == (303, f"{HERE}#notices")
    kept = (await alerted.coordinator.get(f"/v1/sites/{SITE}/alert-notices")).json()
    assert kept == {
        "addresses": ["one@clinic.example", "two@clinic.example"],
        "language": "es",
        "quiet_minutes": 30,
    }
    assert "Give an address for notices" not in read(await alerted.coordinator.get("/alerts")).text
    twice = "one@clinic.example ONE@clinic.example"
    for name, said in (("addresses", twice), ("quiet_minutes", "2"), ("language", "fr")):
        answer = await alerted.coordinator.post(f"{HERE}/notices", data=told | {name: said})
        assert read(answer, 422).marked == {f"notices-{name}"}
    assert (await alerted.coordinator.get(f"/v1/sites/{SITE}/alert-notices")).json() == kept
    assert "and nobody is told" not in (await shown(alerted)).text


async def test_a_rule_of_the_sites_own_is_made_on_a_page_once_and_alerts(alerted: Alerted) -> None:
    page = await shown(alerted)
    assert page.named("option", value="item.nights_woken")
    assert not page.named("option", value="item.concern_1_topic"), "three of them read the same"
    form = await shown(alerted, f"{HERE}/new?about=item.nights_woken")
    assert "On how many nights did your bowels wake you?" in form.text
    assert "A number from 0 to 7." in form.text
    for _ in range(2):
        made = await alerted.coordinator.post(f"{HERE}/new", data=WOKEN)
        assert (made.status_code, made.headers["location"]) == (303, f"{HERE}#rule-woken-most-nights")
    assert len((await rule(alerted, "woken-most-nights"))["changes"]) == 1
    alert = await alerted.alert({"nights_woken": 5})
    assert alert["rule"]["words_en"] == "Woken most nights"
    assert "Woken most nights on your own" in (await shown(alerted)).text


@pytest.mark.parametrize(
    ("about", "answer", "words", "met", "unmet"),
    [
        ("in_remission", "unsure", "“Not sure”", "unsure", "no"),
        ("opioid_use", "yes", "yes", True, False),
        ("opioid_use", "no", "no", False, True),
    ],
)
async def test_a_rule_about_an_answer_alerts_for_that_one(
    alerted: Alerted, about: str, answer: str, words: str, met: object, unmet: object
) -> None:
    form = await shown(alerted, f"{HERE}/new?about=item.{about}")
    assert form.named("input", type="radio", name="answer", value=answer)
    said = {name: said for name, said in WOKEN.items() if name not in ("comparison", "threshold")}
    said |= {"about": f"item.{about}", "answer": answer, "words_en": "Said so"}
    assert (await alerted.coordinator.post(f"{HERE}/new", data=said)).status_code == 303
    await alerted.survey(await alerted.patient(), {about: unmet})
    assert await alerted.open() == []
    alert = await alerted.alert({about: met})
    assert alert["rule"]["words_en"] == "Said so"
    page = read(await alerted.coordinator.get(f"/alerts/{alert['id']}"))
    assert f"Rule {words} said-so, version site.1" in page.text
    assert f"{words} Agreed by the clinic" in (await shown(alerted)).text


async def test_who_has_not_seen_what_holds_by_now_changes_nothing_until_they_say_so_again(alerted: Alerted) -> None:
    path, told = f"{HERE}/rules/severe-pain", {"addresses": "", "language": "en", "quiet_minutes": "15"}
    edition = next(str(one["value"]) for one in (await shown(alerted)).named("input", name="version"))
    await alerted.rule("severe-pain", is_on=False)
    late = await alerted.coordinator.post(path, data=AS_IT_IS | {"quiet_days": "3", "version": "1.0"})
    page = read(late, 409)
    assert "Somebody else has changed this" in page.text
    assert page.named("input", id="rule-severe-pain-quiet_days", value="3")
    assert (await rule(alerted, "severe-pain"))["is_on"] is False
    assert page.named("input", name="version", value="site.1")
    for _pressed_twice in range(2):
        again = await alerted.coordinator.post(path, data=AS_IT_IS | {"quiet_days": "3", "version": "site.1"})
        assert again.status_code == 303
    changed = await rule(alerted, "severe-pain")
    assert (changed["quiet_days"], changed["version"]) == (3, "site.2")
    first = told | {"addresses": "one@clinic.example", "version": edition}
    for _pressed_twice in range(2):
        assert (await alerted.coordinator.post(f"{HERE}/notices", data=first)).status_code == 303
    read(await alerted.coordinator.post(f"{HERE}/notices", data=told | {"version": edition}), 409)
    kept = (await alerted.coordinator.get(f"/v1/sites/{SITE}/alert-notices")).json()
    assert kept["addresses"] == ["one@clinic.example"]


async def test_a_rule_is_not_changed_by_making_one_of_the_same_words(alerted: Alerted) -> None:
    assert (await alerted.coordinator.post(f"{HERE}/new", data=WOKEN)).status_code == 303
    answer = await alerted.coordinator.post(f"{HERE}/new", data=WOKEN | {"threshold": "6"})
    assert read(answer, 422).marked == {"new-words_en"}
    assert (await rule(alerted, "woken-most-nights"))["threshold"] == 5
    nul = await alerted.coordinator.post(f"{HERE}/new", data=WOKEN | {"words_en": "Woken\0most"})
    assert (nul.status_code, nul.json()["type"]) == (400, "urn:samepage:problem:not-a-form")
    fine = {"is_on": True, "severity": "soon", "escalates_after": [], "quiet_days": 0}
    precise = fine | {"threshold": 1234.5678901}
    await alerted.coordinator.put(f"/v1/sites/{SITE}/alert-rules/woken-most-nights", json=precise)
    assert (await shown(alerted)).named("input", id="rule-woken-most-nights-threshold", value="1234.5678901")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"threshold": "8"}, {"threshold"}),
        ({"threshold": ""}, {"threshold"}),
        ({"words_en": "Severe pain"}, {"words_en"}),
        ({"words_en": "Severe pain", "about": "item.pain_nrs"}, {"words_en"}),
        ({"words_en": "!"}, {"words_en"}),
        ({"words_es": ""}, {"words_es"}),
        ({"citation": "", "quiet_days": "-1"}, {"citation"}),
        ({"comparison": "about"}, {"comparison"}),
        ({"about": "item.output_change"}, {"answer"}),
        ({"about": "item.opioid_use", "answer": "perhaps"}, {"answer"}),
    ],
)
async def test_a_new_rule_that_nobody_could_mean_is_not_made(
    alerted: Alerted, said: dict[str, str], wrong: set[str]
) -> None:
    marked = read(await alerted.coordinator.post(f"{HERE}/new", data=WOKEN | said), 422).marked
    assert {f"new-{name}" for name in wrong} <= marked
    assert await rule(alerted, "woken-most-nights") == {}


async def test_what_nobody_asks_has_no_rule_and_other_sites_have_no_page(alerted: Alerted, token: Tokens) -> None:
    for path in (f"{HERE}/new?about=item.concern_1_words", f"{HERE}/new?about=none", f"{HERE}?site=site-02"):
        assert (await alerted.coordinator.get(path)).status_code == 404
    async with client_of(alerted.clinic.intake, token("system", [SITE])) as system:
        assert (await system.get(HERE)).status_code == 403
        assert (await system.post(f"{HERE}/new", data=WOKEN)).status_code == 403


async def test_who_is_of_several_sites_sets_each_by_itself(alerted: Alerted, token: Tokens) -> None:
    intake, told = alerted.clinic.intake, {"addresses": "one@clinic.example", "language": "en", "quiet_minutes": "15"}
    async with clinic_of(intake, token, OTHER), client_of(intake, token("coordinator", [SITE, OTHER])) as both:
        assert read(await both.get("/alerts")).named("a", href=f"{HERE}?site={OTHER}#notices")
        page = read(await both.get(f"{HERE}?site={OTHER}"))
        assert page.named("a", href=f"{HERE}?site={SITE}")
        assert page.named("form", action=f"{HERE}/notices?site={OTHER}")
        assert page.named("input", type="hidden", name="site", value=OTHER)
        assert (await both.post(f"{HERE}/notices", data=told)).status_code == 400, "of which site"
        saved = await both.post(f"{HERE}/notices?site={OTHER}", data=told)
        assert saved.headers["location"] == f"{HERE}?site={OTHER}#notices"
        kept = [(await both.get(f"/v1/sites/{site}/alert-notices")).json()["addresses"] for site in (SITE, OTHER)]
        assert kept == [[], ["one@clinic.example"]]
