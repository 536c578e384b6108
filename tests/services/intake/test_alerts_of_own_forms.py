"""Alerts about a site's own forms: a rule is made of what they ask, and an alert tells it in the form's words."""

import httpx
import pytest

from services.intake.domain.questionnaires.extensions import MAX_VALUE, MIN_VALUE
from tests.conftest import Tokens, client_of, new_key
from tests.markup import Document
from tests.questionnaires import URL, Json, asking, extension, group, option, questionnaire
from tests.services.clinic import clinic_of
from tests.services.intake.alerted import SITE, Alerted
from tests.services.intake.conftest import OTHER
from tests.services.intake.test_alert_pages import read
from tests.services.intake.test_alert_settings_pages import HERE, WOKEN, rule, shown

NAME = f"{URL}/diet|1.0"
OF_TEN = (extension(MIN_VALUE, valueInteger=0), extension(MAX_VALUE, valueInteger=10))
DIET = questionnaire(
    group(
        "g",
        asking("nausea", "integer", *OF_TEN),
        asking("meat", "choice", answerOption=[option("none"), option("daily")]),
        asking("fasts", "boolean"),
        asking("note", "text"),
        asking("Q-9", "boolean"),
        asking("foods", "choice", answerOption=[option("milk")], repeats=True),
        asking("opioid_use", "boolean"),
        group("meals", asking("size", "integer"), repeats=True),
    ),
    url=f"{URL}/diet",
    title="What you eat",
)


async def bring(alerted: Alerted, form: Json = DIET) -> str:
    answer = await alerted.clinic.system.post("/v1/forms", json=form, headers=new_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def retire(alerted: Alerted, form_id: str) -> None:
    path = f"/v1/forms/{form_id}"
    assert (await alerted.clinic.system.patch(path, json={"state": "retired"})).status_code == 200


async def make(alerted: Alerted, about: str, **said: str) -> httpx.Response:
    """A rule of the site's own, by its form."""
    words = {"words_en": f"Too much {about}", "about": f"item.{about}"}
    return await alerted.coordinator.post(f"{HERE}/new", data=WOKEN | words | said)


async def alert_of(alerted: Alerted, **answers: object) -> Json:
    """The alert that a patient's answers to the site's form raise."""
    patient_id = await alerted.patient()
    body = {"patient_id": patient_id, "visit_id": await alerted.clinic.visit(patient_id)}
    sent = body | {"form": NAME, "answers": answers}
    answer = await alerted.clinic.system.post("/v1/surveys", json=sent, headers=new_key())
    assert answer.status_code == 201, answer.text
    return next(one for one in await alerted.open() if one["patient_id"] == patient_id)


def offered(page: Document, title: str) -> list[str]:
    """What the list of questions offers under a title."""
    places = [place for place, (tag, _, _) in enumerate(page.elements) if tag == "optgroup"]
    (start,) = [place for place in places if page.elements[place][1]["label"] == title]
    end = next((place for place in places if place > start), len(page.elements))
    return [str(one["value"]) for tag, one, _ in page.elements[start:end] if tag == "option"]


async def test_the_questions_of_a_sites_forms_are_offered_and_none_that_no_rule_could_look_at(
    alerted: Alerted,
) -> None:
    form_id = await bring(alerted)
    asked = ["item.nausea", "item.meat", "item.fasts"]
    assert offered(await shown(alerted), "What you eat") == asked
    newer = questionnaire(
        group("g", asking("fasts", "boolean"), asking("snacks", "boolean")),
        url=f"{URL}/diet",
        version="2.0",
        title="What you eat, anew",
    )
    await bring(alerted, newer)
    page = await shown(alerted)
    assert offered(page, "What you eat, anew") == ["item.fasts", "item.snacks"]
    assert offered(page, "What you eat") == asked[:-1], "each once, as the newest form asks it"
    await retire(alerted, form_id)
    assert not (await shown(alerted)).named("optgroup", label="What you eat")


@pytest.mark.parametrize(
    ("about", "said", "answers", "met", "chosen"),
    [
        ("nausea", {"comparison": "at-least", "threshold": "7"}, {"nausea": 8}, "7 or more", "8"),
        ("meat", {"answer": "daily"}, {"meat": "daily"}, "“Daily”", "Daily"),
        ("fasts", {"answer": "yes"}, {"fasts": True}, "yes", "Yes"),
    ],
)
async def test_a_rule_about_a_sites_form_alerts_and_tells_the_answer_in_the_forms_words(
    alerted: Alerted, about: str, said: dict[str, str], answers: Json, met: str, chosen: str
) -> None:
    await bring(alerted)
    assert f"What about {about}?" in (await shown(alerted, f"{HERE}/new?about=item.{about}")).text
    assert (await make(alerted, about, **said)).status_code == 303
    alert = await alert_of(alerted, **answers)
    assert (alert["question"], alert["chosen"], alert["rule"]["met"]) == (f"What about {about}?", chosen, met)
    page = read(await alerted.coordinator.get(f"/alerts/{alert['id']}"))
    assert f"{chosen} What about {about}?" in page.text
    assert f"Rule {met} too-much-{about}, version site.1" in page.text
    assert f"{met} Agreed by the clinic" in (await shown(alerted)).text


async def test_a_number_that_the_form_does_not_take_makes_no_rule(alerted: Alerted) -> None:
    await bring(alerted)
    assert read(await make(alerted, "nausea", threshold="11"), 422).marked == {"new-threshold"}
    assert read(await make(alerted, "meat", answer="weekly"), 422).marked == {"new-answer"}
    assert await rule(alerted, "too-much-nausea") == {}


async def test_a_form_that_is_retired_has_no_new_rule_and_its_alerts_stay_in_words(alerted: Alerted) -> None:
    form_id = await bring(alerted)
    assert (await make(alerted, "meat", answer="daily")).status_code == 303
    alert = await alert_of(alerted, meat="daily")
    await retire(alerted, form_id)
    told = await alerted.one(alert["id"])
    assert (told["question"], told["chosen"], told["rule"]["met"]) == ("What about meat?", "Daily", "“Daily”")
    assert "Too much meat" in (await shown(alerted)).text
    for path in (f"{HERE}/new?about=item.meat", f"{HERE}/new?about=item.foods"):
        assert (await alerted.coordinator.get(path)).status_code == 404
    assert (await make(alerted, "fasts", answer="yes")).status_code == 404


async def test_a_form_of_another_site_is_not_offered(alerted: Alerted, token: Tokens) -> None:
    intake = alerted.clinic.intake
    await bring(alerted)
    async with clinic_of(intake, token, OTHER), client_of(intake, token("coordinator", [SITE, OTHER])) as both:
        assert read(await both.get(f"{HERE}?site={SITE}")).named("option", value="item.meat")
        assert not read(await both.get(f"{HERE}?site={OTHER}")).named("option", value="item.meat")
        assert (await both.get(f"{HERE}/new?about=item.meat&site={OTHER}")).status_code == 404
