"""The pre-visit surveys: what they ask, and what they take for an answer."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import FORMS, Choice, Form, Item, Number, YesNo, check, form_for, is_asked
from shared.errors import FieldError
from shared.events import Diagnosis, SkipReason
from shared.instruments import INSTRUMENTS, index_of

CROHNS, COLITIS, UNCLASSIFIED = (form_for(diagnosis) for diagnosis in Diagnosis)

FEELING = {
    "fatigue": "a whole number from 0 to 10",
    "ibd_control": "a whole number from 0 to 10",
    "in_remission": "one of yes, no, unsure",
}
OTHERS = {
    "phq2_interest": "a whole number from 0 to 3",
    "phq2_mood": "a whole number from 0 to 3",
    "ed_visits": "a whole number from 0 to 99",
    "hospital_stays": "a whole number from 0 to 99",
    "ct_scans": "a whole number from 0 to 99",
    "steroid_courses": "a whole number from 0 to 99",
    "opioid_use": "yes or no (true or false)",
    "taking_as_agreed": "yes or no (true or false)",
    "missed_doses": "a whole number from 0 to 99",
    "side_effects": "yes or no (true or false)",
    "barriers": "one of none, cost, forgetting, side-effects, time, supply, worry, other",
}
STOMA = {"has_stoma_or_pouch": "yes or no (true or false)"}
NIGHTS_AND_PAIN = {"nights_woken": "a whole number from 0 to 7", "pain_nrs": "a whole number from 0 to 10"}
COLITIS_ITEMS = {
    "stool_frequency": "a whole number from 0 to 3",
    "rectal_bleeding": "a whole number from 0 to 3",
}
ABDOMINAL_PAIN = {"abdominal_pain": "a number from 0 to 3"}
WELL = {"well_being": "a number from 0 to 4"}
CROHNS_ITEMS = {"loose_stools_per_day": "a number from 0 to 60", **ABDOMINAL_PAIN}

PUBLISHED = {
    "pre-visit-crohns|1.0": STOMA | CROHNS_ITEMS | NIGHTS_AND_PAIN | WELL | FEELING | OTHERS,
    "pre-visit-uc|1.0": STOMA | COLITIS_ITEMS | NIGHTS_AND_PAIN | FEELING | OTHERS,
    "pre-visit-ibdu|1.0": STOMA | COLITIS_ITEMS | ABDOMINAL_PAIN | NIGHTS_AND_PAIN | WELL | FEELING | OTHERS,
}

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
)
IDS = st.one_of(st.sampled_from(sorted(PUBLISHED["pre-visit-ibdu|1.0"])), st.text(max_size=8))


def answer_to(item: Item) -> float | str | bool:
    """An answer that fits: the lowest number, no, the first code."""
    match item.kind:
        case Number(low=low):
            return low
        case YesNo():
            return False
        case Choice(codes=codes):
            return codes[0]


def answers_to(form: Form) -> dict[str, float | str | bool]:
    return {item.id: answer_to(item) for item in form.items}


def item_of(form: Form, item_id: str) -> Item:
    return next(item for item in form.items if item.id == item_id)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_published_version_goes_on_asking_what_it_asked(form: Form) -> None:
    assert [(item.id, item.kind.expected) for item in form.items] == list(PUBLISHED[form.key].items())


def test_forms_are_found_by_id_and_version_and_by_diagnosis() -> None:
    assert FORMS.keys() == PUBLISHED.keys()
    assert [form.diagnosis for form in (CROHNS, COLITIS, UNCLASSIFIED)] == list(Diagnosis)
    assert all(FORMS[form.key] is form for form in (CROHNS, COLITIS, UNCLASSIFIED))


def test_a_definition_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CROHNS.version = "1.1"  # type: ignore[misc]
    with pytest.raises(TypeError):
        FORMS["pre-visit-uc|1.0"] = CROHNS  # type: ignore[index]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_asks_all_that_its_instruments_need_within_their_range(form: Form) -> None:
    assert form.instruments[0] == index_of(form.diagnosis).key
    for instrument in (INSTRUMENTS[key] for key in form.instruments):
        kinds = [(item_of(form, term.item).kind, term.weight) for term in instrument.terms]
        highest = sum(kind.high * weight for kind, weight in kinds if isinstance(kind, Number))
        lowest = sum(kind.low * weight for kind, weight in kinds if isinstance(kind, Number))
        assert (lowest, highest) == (instrument.low, instrument.high)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_conditions_name_a_yes_no_item_that_comes_earlier(form: Form) -> None:
    ids = [item.id for item in form.items]
    for item in form.items:
        if item.not_asked_if is not None:
            assert isinstance(item_of(form, item.not_asked_if).kind, YesNo)
            assert ids.index(item.not_asked_if) < ids.index(item.id)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_words_are_short_and_plain(form: Form) -> None:
    for item in form.items:
        assert not re.search(r"!|abnormal|compliant|failed|poor|N/A", item.words)
        for sentence in re.split(r"[.?]", item.words):
            assert len(sentence.split()) <= 12, sentence


def test_the_mood_items_stand_verbatim_with_their_attribution() -> None:
    mood = next(section for section in COLITIS.sections if section.id == "mood")
    assert [item.words for item in mood.items] == [
        "Little interest or pleasure in doing things",
        "Feeling down, depressed, or hopeless",
    ]
    assert "Spitzer" in (mood.notice or "")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_survey_with_every_answer_fits(form: Form) -> None:
    assert check(form, answers_to(form), {}) == []


@pytest.mark.parametrize("reason", SkipReason)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_question_may_be_skipped_for_any_reason(form: Form, reason: SkipReason) -> None:
    assert check(form, {}, {item.id: reason for item in form.items}) == []


@pytest.mark.parametrize("missing", [item.id for item in CROHNS.items])
def test_a_question_left_out_in_silence_is_named(missing: str) -> None:
    answers = answers_to(CROHNS)
    del answers[missing]
    expected = f"{item_of(CROHNS, missing).kind.expected}, or a reason for skipping it"
    assert check(CROHNS, answers, {}) == [FieldError(f"answers.{missing}", expected)]


@pytest.mark.parametrize(
    ("item", "accepted"),
    [
        ("loose_stools_per_day", 60),
        ("loose_stools_per_day", 1.29),
        ("abdominal_pain", 3),
        ("well_being", 3.5),
        ("nights_woken", 7),
        ("fatigue", 10.0),
        ("ed_visits", 99),
        ("in_remission", "unsure"),
        ("barriers", "supply"),
        ("opioid_use", True),
    ],
)
def test_answers_up_to_the_limits_are_taken(item: str, accepted: float | str | bool) -> None:
    assert check(CROHNS, answers_to(CROHNS) | {item: accepted}, {}) == []


@pytest.mark.parametrize(
    ("item", "refused"),
    [
        ("loose_stools_per_day", 60.01),
        ("loose_stools_per_day", -1),
        ("loose_stools_per_day", "3"),
        ("abdominal_pain", 3.1),
        ("abdominal_pain", float("nan")),
        ("abdominal_pain", True),
        ("well_being", 5),
        ("nights_woken", 8),
        ("nights_woken", 2.5),
        ("fatigue", float("inf")),
        ("fatigue", False),
        ("ed_visits", 100),
        ("in_remission", "Yes"),
        ("in_remission", True),
        ("barriers", ""),
        ("opioid_use", 1),
        ("opioid_use", "yes"),
        ("has_stoma_or_pouch", 1.0),
    ],
)
def test_an_answer_of_another_type_or_out_of_range_is_told_what_was_expected(
    item: str, refused: float | str | bool
) -> None:
    errors = check(CROHNS, answers_to(CROHNS) | {item: refused}, {})
    assert errors == [FieldError(f"answers.{item}", item_of(CROHNS, item).kind.expected)]


def test_a_question_is_not_both_answered_and_skipped() -> None:
    assert check(COLITIS, answers_to(COLITIS), {"fatigue": SkipReason.DO_NOT_KNOW}) == [
        FieldError("skipped.fatigue", "either an answer or a reason for skipping, not both")
    ]


def test_a_reason_outside_the_vocabulary_is_refused() -> None:
    answers = answers_to(COLITIS)
    del answers["fatigue"]
    skipped = {"fatigue": "too personal, I am M.K."}
    errors = check(COLITIS, answers, skipped)  # type: ignore[arg-type]
    assert errors == [FieldError("skipped.fatigue", "one of prefer-not-to-say, does-not-apply, do-not-know")]


def test_questions_of_another_form_are_unknown() -> None:
    answers = answers_to(COLITIS) | {"well_being": 1}
    assert check(COLITIS, answers, {"abdominal_pain": SkipReason.DO_NOT_KNOW}) == [
        FieldError("answers.well_being", "a question of pre-visit-uc|1.0; it has none with this id"),
        FieldError("skipped.abdominal_pain", "a question of pre-visit-uc|1.0; it has none with this id"),
    ]


@pytest.mark.parametrize(
    ("form", "stools"),
    [(CROHNS, "loose_stools_per_day"), (COLITIS, "stool_frequency"), (UNCLASSIFIED, "stool_frequency")],
    ids=FORMS,
)
def test_people_with_a_stoma_or_pouch_are_not_asked_about_stools(form: Form, stools: str) -> None:
    answers = answers_to(form) | {"has_stoma_or_pouch": True}
    not_asked = FieldError(f"answers.{stools}", "nothing: this is not asked when has_stoma_or_pouch is yes")
    assert [item.id for item in form.items if not is_asked(item, answers)] == [stools]
    assert check(form, answers, {}) == [not_asked]
    del answers[stools]
    assert check(form, answers, {}) == []
    assert check(form, answers, {stools: SkipReason.DOES_NOT_APPLY}) == [
        dataclasses.replace(not_asked, field=f"skipped.{stools}")
    ]


def test_not_saying_whether_there_is_a_stoma_hides_no_question() -> None:
    answers = answers_to(CROHNS)
    del answers["has_stoma_or_pouch"]
    assert check(CROHNS, answers, {"has_stoma_or_pouch": SkipReason.PREFER_NOT_TO_SAY}) == []


@given(st.sampled_from(sorted(FORMS)), st.dictionaries(IDS, VALUES), st.dictionaries(IDS, VALUES))
def test_checking_never_raises_and_each_wrong_field_is_named_once(
    form: str, answers: dict[str, object], skipped: dict[str, object]
) -> None:
    fields = [error.field for error in check(FORMS[form], answers, skipped)]  # type: ignore[arg-type]
    assert len(fields) == len(set(fields))
    known = {item.id for item in FORMS[form].items}
    for part, ids in (("answers", answers.keys()), ("skipped", skipped.keys())):
        assert {f"{part}.{unknown}" for unknown in ids - known} <= set(fields)
