"""Quantities, and what comes more than once, on the survey's pages without a script."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import httpx
import orjson
import pytest

from services.intake.domain.drafts import Answered, Taken, parts, take
from services.intake.domain.questionnaires import Given, Rule, check, to_response
from services.intake.domain.questionnaires import extensions as known
from services.intake.pages.survey import Around, Shown, show_part
from shared.events import Language, SkipReason
from shared.fhir import UCUM
from tests.questionnaires import URL, Json, a_survey, asking, extension, group, option, questionnaire
from tests.services.clinic import Clinic
from tests.services.intake.test_own_forms import bring, told
from tests.services.intake.test_own_forms_asked import HOME, REASONS, ask, in_spanish, save
from tests.sign_in.browser import Browser

KG = {"system": UCUM, "code": "kg", "display": "kg"}
POUND = {"system": UCUM, "code": "[lb_av]", "display": "lb"}
MOST_OF_3 = extension(known.MAX_OCCURS, valueInteger=3)
FEWEST_OF_2 = extension(known.MIN_OCCURS, valueInteger=2)
ITEMS = [
    asking("weight", "quantity", extension(known.UNIT, valueCoding=KG)),
    asking("usual", "quantity", *(extension(known.UNIT_OPTION, valueCoding=unit) for unit in (KG, POUND))),
    asking("foods", "choice", repeats=True, answerOption=[option("milk"), option("nuts"), option("eggs")]),
    asking("pets", "string", MOST_OF_3, repeats=True),
    asking("days", "date", FEWEST_OF_2, repeats=True),
    group(
        "meals",
        asking("at", "time"),
        asking("what", "string"),
        repeats=True,
        text="Meals",
        _text=in_spanish("Comidas"),
        extension=[MOST_OF_3],
    ),
]
FORM = questionnaire(group("g", *ITEMS, text="All"), extension=[REASONS])
SURVEY = a_survey(group("g", *ITEMS))
NOTHING = {"foods": "", "pets": "", "pets[1]": "", "days": "", "days[1]": "", "meals": "", "at[1]": "", "what[1]": ""}
GIVEN = {
    "weight": "61,5",
    "usual": "140",
    "@usual": "[lb_av]",
    "foods": "",
    "foods[1]": "milk",
    "foods[3]": "eggs",
    "pets": "",
    "pets[1]": "",
    "pets[2]": "A cat (synthetic)",
    "days": "",
    "days[1]": "2026-03-01",
    "days[2]": "2026-03-02",
    "meals": "",
    "at[1]": "08:30",
    "what[1]": "Porridge (synthetic)",
    "at[2]": "13:00",
    "~what[2]": "do-not-know",
}
POUNDS = {"value": 140, "unit": "lb", "system": UCUM, "code": "[lb_av]"}
ANSWERS = {
    "weight": {"value": 61.5, "unit": "kg", "system": UCUM, "code": "kg"},
    "usual": POUNDS,
    "foods": ["milk", "eggs"],
    "pets": ["A cat (synthetic)"],
    "days": ["2026-03-01", "2026-03-02"],
    "meals": [
        {"at": "08:30", "what": "Porridge (synthetic)"},
        {"at": "13:00", "skipped": {"what": SkipReason.DO_NOT_KNOW}},
    ],
}

AROUND = Around(
    language=Language.ENGLISH,
    languages=[Language.ENGLISH],
    base="/survey",
    home="/start",
    visit_id=UUID(int=1),
    entered_by=None,
    entered_at={},
    made_at=datetime(2026, 10, 11, tzinfo=UTC),
    care_line=None,
    is_synthetic=True,
)


def taken(fields: Json, before: Answered | None = None) -> Taken:
    return take(SURVEY, before or Answered(), fields)


def open_after(fields: Json) -> dict[str, Rule]:
    """What is unanswered, by field, once these were sent."""
    answered = taken(fields).answered
    (part,) = parts(SURVEY, answered)
    return {name: issue.rule for name, issue in part.unanswered(answered).items()}


def test_quantities_and_what_repeats_become_plain_answers_that_fit_the_form_and_fhir() -> None:
    found = taken(GIVEN)
    assert (found.wrong, found.answered.all, found.answered.skipped) == ({}, ANSWERS, {})
    assert found.answered.answers.keys() == {"foods", "days"}, "all else is sealed"
    given = Given.of_plain(found.answered.all)
    assert check(SURVEY, given).is_valid
    assert check(SURVEY, Given.of_response(to_response(SURVEY, given))).is_valid
    assert open_after(GIVEN) == {}


def test_what_is_blank_among_several_is_left_out_and_nothing_is_nothing() -> None:
    assert taken(NOTHING).answered == Answered()
    asked = {"weight", "usual", "foods", "pets", "days"}
    assert open_after(NOTHING) == dict.fromkeys(asked, Rule.UNEXPLAINED)
    emptied = taken(NOTHING, taken(GIVEN).answered).answered
    assert emptied.all.keys() == {"weight", "usual"}, "those had no fields"


def test_a_question_that_repeats_is_skipped_as_a_whole_and_answers_come_before_a_reason() -> None:
    reason = {"~foods": "does-not-apply"}
    assert taken(NOTHING | reason).answered.skipped == {"foods": SkipReason.DOES_NOT_APPLY}
    assert taken(GIVEN | reason).answered.skipped == {}


@pytest.mark.parametrize(
    ("sent", "named", "rule"),
    [
        ({"weight": "heavy"}, "weight", Rule.WRONG_TYPE),
        ({"usual": "140", "@usual": ""}, "usual", Rule.WRONG_UNIT),
        ({"usual": "140", "@usual": "stone"}, "usual", Rule.WRONG_UNIT),
        ({"foods[2]": "beer"}, "foods", Rule.NOT_OFFERED),
        ({"days[2]": "yesterday"}, "days[2]", Rule.WRONG_TYPE),
        ({"pets[1]": "b", "pets[3]": "c", "pets[4]": "d"}, "pets", Rule.TOO_MANY),
        ({"at[2]": "noon"}, "at[2]", Rule.WRONG_TYPE),
        ({"at[3]": "08:00", "at[4]": "09:00"}, "meals", Rule.TOO_MANY),
    ],
)
def test_what_cannot_be_taken_is_told_at_its_field(sent: Json, named: str, rule: Rule) -> None:
    found = taken(GIVEN | sent)
    assert {name: issue.rule for name, issue in found.wrong.items()} == {named: rule}
    assert named == "meals" or found.typed.items() >= sent.items()


def test_of_groups_all_is_kept_that_can_be_taken_and_of_a_question_what_it_had() -> None:
    before = taken(GIVEN).answered
    found = taken(GIVEN | {"at[2]": "noon", "days[2]": "yesterday"}, before).answered
    assert found.all["days"] == ANSWERS["days"]
    assert found.all["meals"] == [ANSWERS["meals"][0], {"skipped": {"what": SkipReason.DO_NOT_KNOW}}]  # type: ignore[index]


def test_too_few_are_told_and_so_is_what_is_open_in_each_group() -> None:
    fields = GIVEN | {"days[2]": "", "at[2]": "", "at[3]": "", "what[3]": "Soup (synthetic)"}
    assert open_after(fields) == {"days": Rule.TOO_FEW, "at[2]": Rule.UNEXPLAINED, "at[3]": Rule.UNEXPLAINED}


def test_a_group_that_is_taken_away_leaves_the_others() -> None:
    found = taken(GIVEN | {"-": "meals[1]"}).answered
    assert found.all == ANSWERS | {"meals": [ANSWERS["meals"][1]]}  # type: ignore[index]


def test_what_is_withheld_is_neither_shown_nor_changed() -> None:
    before, others = taken(GIVEN).answered, frozenset({"meals", "pets", "usual"})
    sent = {**NOTHING, "what[1]": "Gone", "pets[1]": "Gone", "usual": "1", "foods[2]": "nuts"}
    changed = take(SURVEY, before, sent, closed=others)
    assert changed.changed == {"foods", "days"}
    assert changed.answered.all == {**{name: ANSWERS[name] for name in ANSWERS if name != "days"}, "foods": ["nuts"]}
    seen = before.without(others)
    (part,) = parts(SURVEY, seen)
    page = show_part(AROUND, part, 1, seen, Shown())
    assert page.count("Answered already.") == len(others)
    assert not any(f'name="{name}"' in page for name in (*others, "at[1]", "pets[1]", "@usual"))


def test_what_cannot_be_read_now_is_not_sent_again_as_nothing() -> None:
    sealed = frozenset({"weight", "pets", "meals"})
    answered = Answered(unread=sealed)
    (part,) = parts(SURVEY, answered)
    page = show_part(AROUND, part, 1, answered, Shown())
    assert page.count("Your words are kept. They cannot be shown right now.") == len(sealed)
    assert not any(f'name="{name}"' in page for name in (*sealed, "at[1]"))
    assert sealed.isdisjoint(part.unanswered(answered))
    retyped = show_part(AROUND, part, 1, answered, Shown(typed={"meals": "", "at[2]": "08:30"}, is_unsaved=True))
    assert 'value="08:30"' in retyped


@pytest.fixture
async def phone(clinic: Clinic) -> AsyncIterator[Browser]:
    assert (await ask(clinic, await bring(clinic, FORM))).status_code == 200
    async with Browser({HOME: clinic.intake}) as browser:
        await browser.submit(await browser.open(await clinic.new_link()))
        yield browser


def places(page: httpx.Response, name: str) -> int:
    return sum(f'name="{name}[{number}]"' in page.text for number in range(1, 9))


async def test_they_are_asked_reviewed_changed_and_sent(clinic: Clinic, phone: Browser) -> None:
    first = await phone.open(f"{HOME}/survey/parts/1")
    assert [places(first, name) for name in ("pets", "days", "at")] == [1, 2, 1], "at least as many as must be"
    review = await save(phone, 1, **GIVEN)
    for said in ("61.5 kg", "140 lb", "Milk\nEggs", "A cat (synthetic)", "1. What about at? 08:30"):
        assert said in review.text
    again = await phone.open(f"{HOME}/survey/parts/1")
    for field in ('value="61.5"', 'value="[lb_av]" checked', 'value="eggs" checked', 'value="2026-03-02"'):
        assert field in again.text
    (draft,) = await clinic.intake.state.database.rows("SELECT answers, words FROM survey_draft")
    assert orjson.loads(draft["answers"]).keys() == {"foods", "days"}
    assert "Porridge" not in draft["words"]
    await phone.fill(f"{HOME}/survey/send", {})
    (event,) = await told(clinic)
    assert event.answers == {
        "foods[1]": "milk",
        "foods[2]": "eggs",
        "days[1]": "2026-03-01",
        "days[2]": "2026-03-02",
        "at[1]": "08:30:00",
        "at[2]": "13:00:00",
    }
    assert event.skipped == {"what[2]": SkipReason.DO_NOT_KNOW}
    (survey,) = await clinic.intake.state.database.rows("SELECT survey_id FROM survey")
    kept = (await clinic.system.get(f"/v1/surveys/{survey['survey_id']}")).json()["versions"][0]["words"]
    assert kept["words.what[1]"] == "Porridge (synthetic)"
    assert orjson.loads(kept["words.usual"]) == POUNDS


async def test_one_more_and_one_less_by_a_button(phone: Browser) -> None:
    more = await save(phone, 1, "more:pets", **{"pets": "", "pets[1]": "A cat (synthetic)"})
    assert str(more.url).endswith("parts/1?after=saved&more=pets")
    assert (places(more, "pets"), places(more, "at")) == (2, 1)
    meals = {"meals": "", "at[1]": "08:30", "what[1]": "a", "at[2]": "09:30", "what[2]": "b"}
    third = await save(phone, 1, "more:meals", **meals)
    assert places(third, "at") == 3
    assert 'value="more:meals"' not in third.text, "three are the most"
    less = await save(phone, 1, "less:meals[1]", **meals)
    assert (places(less, "at"), 'value="09:30"' in less.text, 'value="08:30"' in less.text) == (1, True, False)
    spanish = await save(phone, 1, "lang-es", **meals)
    assert all(said in spanish.text for said in ("Comidas 1", "Quitar", "Añadir otra respuesta"))


async def test_a_field_of_several_that_is_wrong_comes_back_with_what_stood_in_it(phone: Browser) -> None:
    page = await save(phone, 1, **(GIVEN | {"days[2]": "yesterday", "at[2]": "noon", "@usual": ""}))
    assert page.status_code == 422
    for field in ('value="yesterday"', 'value="noon"', 'value="140"', 'id="f-days[2]"', 'id="f-at[2]"'):
        assert field in page.text
    assert "The unit must be one of kg, lb." in page.text


async def test_a_part_may_have_as_many_fields_as_its_group_has(clinic: Clinic) -> None:
    many = [asking(f"q{number}", "string") for number in range(60)]
    await ask(clinic, await bring(clinic, questionnaire(group("g", *many), url=f"{URL}/many", extension=[REASONS])))
    async with Browser({HOME: clinic.intake}) as browser:
        await browser.submit(await browser.open(await clinic.new_link()))
        review = await save(browser, 1, **{f"q{number}": "x" for number in range(60)})
        assert str(review.url) == f"{HOME}/survey/review"
