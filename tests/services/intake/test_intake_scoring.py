"""Scores from answers: golden values, and no value where an item is missing."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import FORMS, Form, form_for, score
from services.intake.domain.questionnaires import Item, ItemType
from shared.events import Diagnosis, Score
from shared.instruments import INSTRUMENTS, band_of

CROHNS, COLITIS, UNCLASSIFIED = (form_for(diagnosis) for diagnosis in Diagnosis)
Answers = dict[str, float | str | bool]


def scores_of(form: Form, answers: Answers) -> dict[str, Score]:
    return {each.instrument: each for each in score(form, answers)}


def crohns(stools: float, pain: float, well_being: float) -> dict[str, Score]:
    answers: Answers = {"loose_stools_per_day": stools, "abdominal_pain": pain, "well_being": well_being}
    return scores_of(CROHNS, answers)


@pytest.mark.parametrize(
    ("stools", "pain", "well_being", "pro_2", "pro_3"),
    [
        (0, 0, 0, (0, "remission"), (0, "remission")),
        (1.5, 0, 1, (3, "remission"), (10, "remission")),
        (1, 1, 0.71, (7, "remission"), (11.97, "remission")),
        (1.5, 1, 0.72, (8, "mild"), (13.04, "mild")),
        (2, 1, 1, (9, "mild"), (16, "mild")),
        (4.49, 1, 1, (13.98, "mild"), (20.98, "mild")),
        (4.5, 1, 1, (14, "moderate"), (21, "mild")),
        (5, 2, 2.6, (20, "moderate"), (38.2, "moderate")),
        (9.5, 3, 2.7, (34, "severe"), (52.9, "moderate")),
        (10, 3, 3, (35, "severe"), (56, "severe")),
        (60, 3, 4, (135, "severe"), (163, "severe")),
    ],
)
def test_crohns_scores_are_weighted_sums_of_means(
    stools: float, pain: float, well_being: float, pro_2: tuple[float, str], pro_3: tuple[float, str]
) -> None:
    scores = crohns(stools, pain, well_being)
    assert (scores["pro-2-cd|1.0"].value, scores["pro-2-cd|1.0"].band) == pro_2
    assert (scores["pro-3-cd|1.0"].value, scores["pro-3-cd|1.0"].band) == pro_3


def test_means_of_seven_days_that_reach_an_edge_on_paper_reach_it_in_binary() -> None:
    assert 2 * (8 / 7) + 5 * (8 / 7) < 8
    pro_2 = crohns(8 / 7, 8 / 7, 0)["pro-2-cd|1.0"]
    assert (pro_2.value, pro_2.band) == (8, "mild")


def test_sevenths_are_stated_to_two_decimals() -> None:
    assert crohns(9 / 7, 3 / 7, 5 / 7)["pro-3-cd|1.0"].value == 9.71


@pytest.mark.parametrize("form", [COLITIS, UNCLASSIFIED], ids=["uc", "ibdu"])
@pytest.mark.parametrize(
    ("stools", "bleeding", "value", "band"),
    [
        (0, 0, 0, "remission"),
        (1, 0, 1, "remission"),
        (0, 1, 1, "remission"),
        (1, 1, 2, "not-remission"),
        (2, 0, 2, "not-remission"),
        (3, 3, 6, "not-remission"),
    ],
)
def test_colitis_is_scored_by_stools_and_bleeding_alone_and_so_is_unclassified(
    form: Form, stools: int, bleeding: int, value: float, band: str
) -> None:
    answers: Answers = {
        "stool_frequency": stools,
        "rectal_bleeding": bleeding,
        "abdominal_pain": 3,
        "well_being": 4,
    }
    first = score(form, answers)[0]
    assert first == Score(instrument="pro-2-uc|1.0", value=value, band=band)


@pytest.mark.parametrize(
    ("interest", "mood", "value", "band"),
    [(0, 0, 0, "negative"), (1, 1, 2, "negative"), (0, 3, 3, "positive"), (3, 3, 6, "positive")],
)
def test_low_mood_is_positive_from_three(interest: int, mood: int, value: float, band: str) -> None:
    scores = scores_of(COLITIS, {"phq2_interest": interest, "phq2_mood": mood})
    assert scores["phq-2|1.0"] == Score(instrument="phq-2|1.0", value=value, band=band)


@pytest.mark.parametrize(
    ("control", "band"), [(0, "not-controlled"), (6, "not-controlled"), (7, "controlled"), (10, "controlled")]
)
def test_disease_is_controlled_from_seven(control: int, band: str) -> None:
    scores = scores_of(CROHNS, {"ibd_control": control})
    assert scores["ibd-10|1.0"] == Score(instrument="ibd-10|1.0", value=control, band=band)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_without_answers_has_all_its_scores_and_no_value(form: Form) -> None:
    assert [each.instrument for each in score(form, {})] == list(form.definition.instruments)
    for each in score(form, {}):
        assert (each.value, each.band, each.missing) == (None, None, INSTRUMENTS[each.instrument].items)


PATTERNS = [
    pytest.param(form, key, missing, id=f"{form.key} {key} without {'+'.join(missing)}")
    for form in FORMS.values()
    for key in form.definition.instruments
    for count in range(1, len(INSTRUMENTS[key].items) + 1)
    for missing in combinations(INSTRUMENTS[key].items, count)
]


@pytest.mark.parametrize(("form", "key", "missing"), PATTERNS)
def test_a_missing_item_is_named_in_order_and_never_taken_as_zero(
    form: Form, key: str, missing: tuple[str, ...]
) -> None:
    answers: Answers = {item: 1 for item in INSTRUMENTS[key].items if item not in missing}
    assert scores_of(form, answers)[key] == Score(instrument=key, value=None, band=None, missing=missing)


def test_without_well_being_the_score_of_two_items_still_stands() -> None:
    scores = scores_of(CROHNS, {"loose_stools_per_day": 2, "abdominal_pain": 1})
    assert scores["pro-2-cd|1.0"].value == 9
    assert scores["pro-3-cd|1.0"].value is None
    assert scores["pro-3-cd|1.0"].missing == ("well_being",)


def test_people_with_a_stoma_have_no_index_and_the_reason_is_the_question_not_asked() -> None:
    answers: Answers = {"has_stoma_or_pouch": True, "abdominal_pain": 1, "well_being": 1, "ibd_control": 8}
    scores = scores_of(CROHNS, answers)
    assert scores["pro-3-cd|1.0"].value is None
    assert scores["pro-3-cd|1.0"].missing == ("loose_stools_per_day",)
    assert scores["ibd-10|1.0"].value == 8


@pytest.mark.parametrize("answer", ["7", True, 11, -1, float("nan")])
def test_answers_that_were_not_checked_are_not_scored(answer: float | str | bool) -> None:
    with pytest.raises(ValueError, match="ibd_control takes a whole number from 0 to 10"):
        score(CROHNS, {"ibd_control": answer})


def answers_to(item: Item) -> st.SearchStrategy[float]:
    low, high = item.bounds.min_value, item.bounds.max_value
    assert isinstance(low, int)
    assert isinstance(high, int)
    return st.integers(low, high) if item.type is ItemType.INTEGER else st.floats(low, high)


@st.composite
def surveys(draw: st.DrawFn) -> tuple[Form, Answers]:
    """What the instruments of a form need, with answers missing here and there."""
    form = FORMS[draw(st.sampled_from(sorted(FORMS)))]
    needed = {item for key in form.definition.instruments for item in INSTRUMENTS[key].items}
    given = draw(st.sets(st.sampled_from(sorted(needed))))
    return form, {item: draw(answers_to(form.definition.by_id[item])) for item in sorted(given)}


@given(surveys())
def test_every_survey_that_fits_has_scores_in_range_and_in_their_band(
    survey: tuple[Form, Answers],
) -> None:
    form, answers = survey
    for each in score(form, answers):
        instrument = INSTRUMENTS[each.instrument]
        assert (each.value is None) == bool(each.missing)
        assert each.missing == tuple(item for item in instrument.items if item not in answers)
        if each.value is not None:
            assert instrument.low <= each.value <= instrument.high
            assert each.band == band_of(each.instrument, each.value).code
