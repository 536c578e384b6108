"""The pre-visit surveys as intake takes them: what fits, what is said to be wrong, and what was said in words."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import FORMS, TYPED, Form, Said, form_for, read
from services.intake.domain.questionnaires import Item, ItemType
from shared.errors import FieldError
from shared.events import ConcernTopic, Diagnosis, SkipReason
from shared.instruments import INSTRUMENTS, index_of
from tests.survey import answers_to

CROHNS, COLITIS, UNCLASSIFIED = (form_for(diagnosis) for diagnosis in Diagnosis)
UNSAID = {"concern_1_topic": SkipReason.DOES_NOT_APPLY, "matters_most": SkipReason.PREFER_NOT_TO_SAY}
REASON = "Answer this question, or choose why you skip it."
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
)
IDS = st.one_of(st.sampled_from(sorted(UNCLASSIFIED.definition.by_id)), st.text(max_size=8))


def asked(form: Form) -> list[Item]:
    """The questions that want an answer or a reason."""
    return [item for item in form.definition.walk() if item.asks_for_reason]


def errors_of(form: Form, answers: dict[str, Any], skipped: dict[str, Any] | None = None) -> list[FieldError]:
    found = read(form, answers, UNSAID if skipped is None else skipped)
    return [] if isinstance(found, Said) else found


def test_forms_are_found_by_id_and_version_and_by_diagnosis() -> None:
    assert list(FORMS) == ["pre-visit-crohns|1.0", "pre-visit-crohns|1.1", "pre-visit-uc|1.0", "pre-visit-ibdu|1.0"]
    assert [form.diagnosis for form in (CROHNS, COLITIS, UNCLASSIFIED)] == list(Diagnosis)
    assert all(FORMS[form.key] is form for form in (CROHNS, COLITIS, UNCLASSIFIED))


def test_a_form_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CROHNS.key = "pre-visit-crohns|1.1"  # type: ignore[misc]
    with pytest.raises(TypeError):
        FORMS["pre-visit-uc|1.0"] = CROHNS  # type: ignore[index]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_asks_all_that_its_instruments_need_within_their_range(form: Form) -> None:
    assert form.diagnosis is not None
    assert form.definition.instruments[0] == index_of(form.diagnosis).key
    for instrument in (INSTRUMENTS[key] for key in form.definition.instruments):
        limits = [form.definition.by_id[item].bounds for item in instrument.items]
        assert all(limit.min_value is not None and limit.max_value is not None for limit in limits)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_survey_with_every_answer_fits(form: Form) -> None:
    assert errors_of(form, answers_to(form)) == []


@pytest.mark.parametrize("reason", SkipReason)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_question_that_is_shown_may_be_skipped_for_any_reason(form: Form, reason: SkipReason) -> None:
    skipped = {item.link_id: reason for item in asked(form)}
    not_shown = {error.field.removeprefix("skipped.") for error in errors_of(form, {}, skipped)}
    assert not_shown == {"empties_per_day", "output_change", "ed_in_2_weeks"}
    assert errors_of(form, {}, {item: why for item, why in skipped.items() if item not in not_shown}) == []


@pytest.mark.parametrize("missing", sorted(answers_to(CROHNS)))
def test_a_question_left_out_in_silence_is_named(missing: str) -> None:
    answers = answers_to(CROHNS)
    del answers[missing]
    assert FieldError(f"answers.{missing}", REASON) in errors_of(CROHNS, answers)


@pytest.mark.parametrize(
    ("item", "accepted"),
    [
        ("loose_stools_per_day", 60),
        ("loose_stools_per_day", 1.29),
        ("abdominal_pain", 3),
        ("well_being", 3.5),
        ("nights_woken", 7),
        ("fatigue", 10.0),
        ("in_remission", "unsure"),
        ("barriers", "supply"),
        ("opioid_use", True),
    ],
)
def test_answers_up_to_the_limits_are_taken(item: str, accepted: float | str | bool) -> None:
    assert errors_of(CROHNS, answers_to(CROHNS) | {item: accepted}) == []


@pytest.mark.parametrize(
    ("item", "refused", "expected"),
    [
        ("loose_stools_per_day", 60.01, "The answer must be 60 or less."),
        ("loose_stools_per_day", -1, "The answer must be 0 or more."),
        ("loose_stools_per_day", "3", "The answer must be a number."),
        ("abdominal_pain", 3.1, "The answer must be 3 or less."),
        ("abdominal_pain", float("nan"), "The answer must be a number."),
        ("abdominal_pain", True, "The answer must be a number."),
        ("nights_woken", 2.5, "The answer must be a whole number."),
        ("fatigue", float("inf"), "The answer must be a whole number."),
        ("in_remission", "Yes", "Choose one of the answers that are offered."),
        ("barriers", "", "The answer must be one of the answers that are offered."),
        ("opioid_use", "yes", "The answer must be yes or no (true or false)."),
    ],
)
def test_an_answer_of_another_type_or_out_of_range_is_told_what_was_expected(
    item: str, refused: float | str | bool, expected: str
) -> None:
    assert errors_of(CROHNS, answers_to(CROHNS) | {item: refused}) == [FieldError(f"answers.{item}", expected)]


def test_a_question_is_not_both_answered_and_skipped() -> None:
    both = errors_of(COLITIS, answers_to(COLITIS), {**UNSAID, "fatigue": SkipReason.DO_NOT_KNOW})
    assert both == [FieldError("skipped.fatigue", "Give either an answer or a reason for skipping, not both.")]


def test_questions_of_another_form_are_unknown() -> None:
    errors = errors_of(COLITIS, answers_to(COLITIS) | {"well_being": 1}, {**UNSAID, "abdominal_pain": "do-not-know"})
    assert {error.field for error in errors} == {"answers.well_being", "skipped.abdominal_pain"}


@pytest.mark.parametrize(
    ("form", "stools"),
    [(CROHNS, "loose_stools_per_day"), (COLITIS, "stool_frequency"), (UNCLASSIFIED, "stool_frequency")],
    ids=list(Diagnosis),
)
def test_people_with_a_stoma_or_pouch_are_asked_about_their_bag_and_not_about_stools(form: Form, stools: str) -> None:
    answers = answers_to(form) | {"has_stoma_or_pouch": True}
    wrong = {error.field for error in errors_of(form, answers)}
    assert wrong == {f"answers.{item}" for item in (stools, "urgency", "empties_per_day", "output_change")}
    del answers[stools], answers["urgency"]
    assert errors_of(form, answers | {"empties_per_day": 5, "output_change": "usual"}) == []


def test_what_was_said_in_words_is_kept_apart_from_codes() -> None:
    words = {"concern_1_words": "The cramps are back", "matters_most": "My wedding", "anything_else": "Thank you"}
    skipped = {"concern_1_topic": SkipReason.DO_NOT_KNOW}
    said = read(CROHNS, answers_to(CROHNS) | words | {"concern_2_topic": "cost"}, skipped)
    assert isinstance(said, Said)
    assert said.concerns == ((ConcernTopic.OTHER, "The cramps are back"), (ConcernTopic.COST, None))
    assert (said.matters_most, said.words) == ("My wedding", {"anything_else": "Thank you"})
    assert said.answers.keys().isdisjoint(TYPED)
    assert said.skipped == skipped


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_item_that_is_typed_is_known_as_one_that_holds_words(form: Form) -> None:
    typed = {item.link_id for item in form.definition.walk() if item.type in (ItemType.STRING, ItemType.TEXT)}
    assert typed <= TYPED


@given(st.sampled_from(sorted(FORMS)), st.dictionaries(IDS, VALUES), st.dictionaries(IDS, VALUES))
def test_reading_never_raises_and_names_every_unknown_item(
    form: str, answers: dict[str, Any], skipped: dict[str, Any]
) -> None:
    fields = {error.field for error in errors_of(FORMS[form], answers, skipped)}
    for unknown in {*answers, *skipped} - FORMS[form].definition.by_id.keys():
        assert f"{'skipped' if unknown in skipped else 'answers'}.{unknown}" in fields or unknown == ""
