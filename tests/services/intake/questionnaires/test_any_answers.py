"""Whatever is sent: nothing raises, what fits is taken, and it means the same in plain JSON and in FHIR."""

import copy
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.questionnaires import (
    Definition,
    Disabled,
    Given,
    UnsoundDefinition,
    calculate,
    check,
    compile_questionnaire,
    extract,
    operation_outcome,
    populate,
    read_questionnaire,
    shown,
    to_response,
)
from services.intake.domain.questionnaires import extensions as known
from shared.events import SkipReason
from tests.questionnaires import SYSTEM, Json, asking, extension, group, option, questionnaire, response, when

_ENDS = [extension(known.MIN_VALUE, valueInteger=0), extension(known.MAX_VALUE, valueInteger=10)]
_RULE = extension(
    known.CONSTRAINT,
    extension=[extension("expression", valueString="answer.value.exists()"), extension("human", valueString="Some.")],
)
_TOTAL = extension(
    known.CALCULATED_EXPRESSION, valueExpression={"expression": "%resource.descendants().valueInteger.sum()"}
)
_ALONE = extension(known.OPTION_EXCLUSIVE, valueBoolean=True)
EVERYTHING = questionnaire(
    group(
        "first",
        asking("stoma", "boolean", code=[{"system": SYSTEM, "code": "stoma"}]),
        asking("stools", "integer", *_ENDS, enableWhen=[when("stoma", "!=", answerBoolean=True)]),
        asking("weight", "decimal", extension(known.MAX_DECIMAL_PLACES, valueInteger=1)),
        asking("since", "date", _RULE, item=[asking("sure", "boolean")]),
    ),
    asking("moment", "dateTime"),
    asking("clock", "time"),
    asking("words", "string", extension(known.REGEX, valueString="[a-z ]*[a-z]"), maxLength=30),
    asking("site", "url"),
    asking("topics", "choice", repeats=True, answerOption=[option("a"), option("b"), option("none", _ALONE)]),
    asking("other", "open-choice", answerOption=[option("a")]),
    asking("dose", "quantity"),
    asking("photo", "attachment"),
    asking("doctor", "reference"),
    group("medicine", asking("name", "string"), asking("took", "boolean"), repeats=True),
    asking("total", "integer", _TOTAL, readOnly=True),
    code=[{"system": SYSTEM, "code": "panel"}],
    extension=[extension(known.EXPLICIT_SKIP, valueBoolean=True)],
)
FORM = compile_questionnaire(EVERYTHING)
unhurried = settings(deadline=None)

_words = st.sampled_from(["a", "so so", "ñandú", "2 < 3 & 'x' \"y\"", "日本語", "a" * 500, "😀"])
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "stoma": st.booleans(),
    "stools": st.integers(0, 10),
    "weight": st.integers(-9_999, 9_999).map(lambda tenths: tenths / 10),
    "since": st.sampled_from(["2026", "2026-02", "2024-02-29", "9999-12-31"]),
    "sure": st.booleans(),
    "moment": st.sampled_from(["2026-11-26T09:30:00Z", "2026-11-26T09:30:00.123+14:00", "2026-11"]),
    "clock": st.sampled_from(["00:00:00", "23:59:59.999", "09:30"]),
    "words": st.sampled_from(["a", "so so", " b"]),
    "site": st.just("https://example.org/a"),
    "topics": st.sampled_from([["a"], ["b"], ["a", "b"], ["none"]]),
    "other": _words,
    "dose": st.integers(0, 100).map(lambda value: {"value": value, "unit": "mg"}),
    "photo": st.just({"contentType": "image/png", "data": "YQ==", "size": 1}),
    "doctor": st.just({"reference": "Practitioner/1", "display": "Somebody"}),
    "medicine": st.lists(st.fixed_dictionaries({"name": _words, "took": st.booleans()}), min_size=1, max_size=3),
}
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.sampled_from(["", "0000"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
IDS = st.one_of(st.sampled_from(sorted(FORM.by_id)), st.text(max_size=4))


@st.composite
def surveys(draw: st.DrawFn) -> Given:
    """Answers that fit, with reasons for what is left out."""
    answers: dict[str, Any] = {}
    skipped: dict[str, SkipReason] = {}
    for item in FORM.walk():
        if item.link_id not in FITTING or item.link_id in ("name", "took"):
            continue
        if item.link_id == "stools" and answers.get("stoma") is True:
            continue
        if item.link_id == "sure" and "since" not in answers:
            continue
        if item.link_id == "medicine" or draw(st.booleans()):
            answers[item.link_id] = draw(FITTING[item.link_id])
        else:
            skipped[item.link_id] = draw(st.sampled_from(SkipReason))
    return Given.of_plain(answers, skipped)


def places(document: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, as the keys that lead there."""
    yield path
    keys: Any = (
        document.keys() if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    )
    for key in keys:
        yield from places(document[key], (*path, key))  # type: ignore[index]


def damaged(document: Json, path: tuple[Any, ...], value: object, *, name: str | None) -> object:
    """The document with another value at a place, or with one more part there."""
    if not path and name is None:
        return value
    changed = copy.deepcopy(document)
    owner: Any = changed
    for key in path[:-1]:
        owner = owner[key]
    inside = owner[path[-1]] if path else owner
    if name is not None and isinstance(inside, dict):
        inside[name] = value
    elif path:
        owner[path[-1]] = value
    return changed


@st.composite
def damage(draw: st.DrawFn, document: Json) -> object:
    """A document in which up to three things were changed."""
    changed: Any = document
    for _ in range(draw(st.integers(1, 3))):
        if not isinstance(changed, dict):
            break
        path = draw(st.sampled_from(list(places(changed))))
        name = draw(
            st.one_of(st.none(), st.sampled_from(["item", "answer", "linkId", "extension", "valueInteger", "x"]))
        )
        changed = damaged(changed, path, draw(ANYTHING), name=name)
    return changed


_WHOLE = to_response(
    FORM,
    Given.of_plain(
        {
            "stoma": False,
            "stools": 3,
            "topics": ["a"],
            "words": "so so",
            "since": "2026-01",
            "sure": True,
            "medicine": [{"name": "a", "took": True}],
            "dose": {"value": 1},
        },
        {"other": "do-not-know"},
    ),
)


@unhurried
@given(damage(_WHOLE))
def test_nothing_raises_whatever_a_response_holds_and_the_outcome_can_be_written(broken: Any) -> None:
    given_answers = Given.of_response(broken)
    for disabled in Disabled:
        checked = check(FORM, given_answers, disabled=disabled)
        orjson.dumps(operation_outcome(checked.issues))
        assert all(link_id in FORM.by_id for link_id in {*checked.answers, *checked.skipped, *checked.stripped})
    calculate(FORM, given_answers)
    to_response(FORM, given_answers)
    if isinstance(broken, dict):
        extract(FORM, broken)
        populate(FORM, broken, [broken])


@unhurried
@given(st.dictionaries(IDS, ANYTHING, max_size=6), st.dictionaries(IDS, ANYTHING, max_size=3))
def test_nothing_raises_whatever_plain_answers_hold_and_each_unknown_question_is_named(
    answers: Json, skipped: Json
) -> None:
    checked = check(FORM, Given.of_plain(answers, skipped))
    named = {issue.link_id for issue in checked.issues}
    assert {link_id for link_id in (*answers, *skipped) if link_id not in FORM.by_id} <= named
    assert not {issue.link_id for issue in checked.issues if issue.link_id in checked.not_shown} - {*answers, *skipped}
    assert shown(FORM, answers) <= FORM.by_id.keys()


def read_or_none(document: object) -> Definition | None:
    try:
        return read_questionnaire(document)
    except UnsoundDefinition:
        return None


@unhurried
@given(damage(EVERYTHING))
def test_a_document_is_a_form_or_is_refused_with_what_is_wrong(broken: Any) -> None:
    form = read_or_none(broken)
    if form is None:
        return
    orjson.dumps(operation_outcome(form.flaws), default=str)
    check(form, Given.of_response(_WHOLE))
    check(form, Given.of_plain({"stoma": True, "topics": ["a"], "medicine": [{"name": "a"}]}))
    populate(form, _WHOLE)
    extract(form, _WHOLE)


@unhurried
@given(surveys())
def test_answers_that_fit_are_taken_and_checking_them_again_changes_nothing(survey: Given) -> None:
    checked = check(FORM, survey)
    assert checked.issues == ()
    assert check(FORM, Given.of_plain(checked.answers, checked.skipped)) == checked
    assert {*checked.answers, *checked.skipped}.isdisjoint(checked.not_shown)


@unhurried
@given(surveys())
def test_plain_answers_mean_the_same_after_a_way_through_fhir_and_json(survey: Given) -> None:
    written = orjson.loads(orjson.dumps(to_response(FORM, survey)))
    again = check(FORM, Given.of_response(written))
    assert again == check(FORM, survey)
    assert to_response(FORM, Given.of_response(written)) == written


@unhurried
@given(surveys(), st.permutations(list(FORM.by_id)))
def test_the_order_of_questions_in_a_response_does_not_matter(survey: Given, order: list[str]) -> None:
    written = to_response(FORM, survey)
    for items in [written["item"], *(one["item"] for one in written["item"] if "item" in one)]:
        items.sort(key=lambda item: order.index(item["linkId"]))  # occurrences of one group stay as they were
    checked, expected = check(FORM, Given.of_response(written)), check(FORM, survey)
    assert (checked.issues, checked.answers, checked.skipped) == ((), expected.answers, expected.skipped)


@pytest.mark.parametrize("depth", [100, 900])
def test_answers_that_are_nested_without_end_are_refused_like_others(depth: int) -> None:
    inside: Json = {}
    for _ in range(depth):
        inside = {"linkId": "first", "item": [inside], "extension": [inside]}
    checked = check(FORM, Given.of_response(response(inside)))
    assert not checked.is_valid


def test_a_check_changes_neither_the_form_nor_the_answers() -> None:
    before = orjson.dumps(_WHOLE), orjson.dumps(EVERYTHING)
    check(FORM, Given.of_response(_WHOLE))
    extract(FORM, _WHOLE)
    assert (orjson.dumps(_WHOLE), orjson.dumps(EVERYTHING)) == before
    assert isinstance(FORM, Definition)
