"""Scores of every instrument: golden values, each missing pattern, ranges, and the traps that are in circulation."""

from collections.abc import Mapping
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Score
from shared.instruments import (
    GLOBAL_MENTAL_HEALTH,
    GLOBAL_PHYSICAL_HEALTH,
    HBI,
    IBD_CONTROL_8,
    IBD_DISK,
    INSTRUMENTS,
    MANITOBA,
    PARTIAL_MAYO,
    PRO_2_CD,
    PRO_2_UC,
    SCCAI,
    SIBDQ,
    Answer,
    Instrument,
    Term,
    in_remission_by_items,
    score_of,
)

Answers = Mapping[str, Answer]

HBI_WELL = {"hbi_well_being": 0, "hbi_abdominal_pain": 0, "hbi_liquid_stools": 0, "hbi_mass": 0}
HBI_COMPLICATIONS = (
    *("hbi_arthralgia", "hbi_uveitis", "hbi_erythema_nodosum", "hbi_aphthous_ulcers"),
    *("hbi_pyoderma", "hbi_fissure", "hbi_new_fistula", "hbi_abscess"),
)
HBI_NONE = HBI_WELL | dict.fromkeys(HBI_COMPLICATIONS, False)
SCCAI_FEATURES = ("sccai_arthritis", "sccai_uveitis", "sccai_erythema_nodosum", "sccai_pyoderma")
SCCAI_NONE = {
    "sccai_day_stools": 1,
    "sccai_night_stools": 0,
    "sccai_urgency": 0,
    "sccai_blood": 0,
    "sccai_well_being": 0,
    **dict.fromkeys(SCCAI_FEATURES, False),
}
CONTROL_ITEMS = tuple(f"ibd_control_{item}" for item in ("1a", "1b", "3a", "3b", "3c", "3d", "3e", "3f"))
SIBDQ_ITEMS = tuple(f"sibdq_{number}" for number in range(1, 11))
DISK_ITEMS = tuple(term.item for term in IBD_DISK.terms)


def physical(third: int, sixth: int, pain: int, eighth: int) -> Answers:
    return {
        "promis_global03": third,
        "promis_global06": sixth,
        "promis_global07r": pain,
        "promis_global08r": eighth,
    }


def mental(second: int, fourth: int, fifth: int, tenth: int) -> Answers:
    return {
        "promis_global02": second,
        "promis_global04": fourth,
        "promis_global05": fifth,
        "promis_global10r": tenth,
    }


def phq(nervous: int, worry: int, interest: int, mood: int) -> Answers:
    return {"phq4_nervous": nervous, "phq4_worry": worry, "phq2_interest": interest, "phq2_mood": mood}


def mayo(stools: int, bleeding: int, pga: int) -> Answers:
    return {"stool_frequency": stools, "rectal_bleeding": bleeding, "pga": pga}


GOLDEN: list[tuple[str, Answers, float, str]] = [
    ("pro-2-cd|1.0", {"loose_stools_per_day": 1.5, "abdominal_pain": 1}, 8, "mild"),
    ("pro-2-cd|1.0", {"loose_stools_per_day": 1.43, "abdominal_pain": 1}, 7.86, "remission"),
    ("pro-3-cd|1.0", {"loose_stools_per_day": 2, "abdominal_pain": 1, "well_being": 1}, 16, "mild"),
    ("hbi|1.0", HBI_NONE, 0, "remission"),
    ("hbi|1.0", HBI_NONE | {"hbi_liquid_stools": 4}, 4, "remission"),
    ("hbi|1.0", HBI_NONE | {"hbi_liquid_stools": 3, "hbi_abdominal_pain": 2}, 5, "mild"),
    ("hbi|1.0", HBI_NONE | {"hbi_well_being": 2, "hbi_liquid_stools": 4, "hbi_abscess": True}, 7, "mild"),
    ("hbi|1.0", HBI_NONE | {"hbi_well_being": 4, "hbi_mass": 3, "hbi_uveitis": True}, 8, "moderate"),
    ("hbi|1.0", HBI_NONE | {"hbi_liquid_stools": 16}, 16, "moderate"),
    ("hbi|1.0", HBI_WELL | dict.fromkeys(HBI_COMPLICATIONS, True) | {"hbi_liquid_stools": 9}, 17, "severe"),
    ("pro-2-uc|1.0", {"stool_frequency": 0, "rectal_bleeding": 1}, 1, "remission"),
    ("pro-2-uc|1.0", {"stool_frequency": 1, "rectal_bleeding": 1}, 2, "not-remission"),
    ("partial-mayo|1.0", mayo(1, 0, 0), 1, "remission"),
    ("partial-mayo|1.0", mayo(1, 1, 0), 2, "mild"),
    ("partial-mayo|1.0", mayo(2, 1, 1), 4, "mild"),
    ("partial-mayo|1.0", mayo(2, 1, 2), 5, "moderate"),
    ("partial-mayo|1.0", mayo(3, 2, 2), 7, "moderate"),
    ("partial-mayo|1.0", mayo(3, 3, 2), 8, "severe"),
    ("partial-mayo|1.0", mayo(3, 3, 3), 9, "severe"),
    ("sccai|1.0", SCCAI_NONE, 0, "remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_day_stools": 3}, 0, "remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_day_stools": 4}, 1, "remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_day_stools": 7}, 2, "remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_day_stools": 9}, 2, "remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_day_stools": 10}, 3, "not-remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_night_stools": 1, "sccai_blood": 1}, 2, "remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_night_stools": 3, "sccai_blood": 2}, 3, "not-remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_night_stools": 4, "sccai_urgency": 2}, 4, "not-remission"),
    ("sccai|1.0", SCCAI_NONE | {"sccai_night_stools": 6, "sccai_urgency": 2, "sccai_uveitis": True}, 5, "active"),
    (
        "sccai|1.0",
        {"sccai_day_stools": 12, "sccai_night_stools": 5, "sccai_urgency": 3, "sccai_blood": 3, "sccai_well_being": 4}
        | dict.fromkeys(SCCAI_FEATURES, True),
        19,
        "active",
    ),
    ("pga|1.0", {"pga": 1}, 1, "mild"),
    ("manitoba-ibd-index|1.0", {"manitoba_persistence": 1}, 1, "inactive"),
    ("manitoba-ibd-index|1.0", {"manitoba_persistence": 2}, 2, "active"),
    ("ibd-10|1.0", {"ibd_control": 7}, 7, "controlled"),
    ("ibd-control-8|1.0", dict.fromkeys(CONTROL_ITEMS, 2), 16, "quiescent"),
    ("ibd-control-8|1.0", dict.fromkeys(CONTROL_ITEMS, 2) | dict.fromkeys(CONTROL_ITEMS[:3], 1), 13, "quiescent"),
    ("ibd-control-8|1.0", dict.fromkeys(CONTROL_ITEMS, 2) | dict.fromkeys(CONTROL_ITEMS[:2], 0), 12, "not-quiescent"),
    ("ibd-control-vas|1.0", {"ibd_control_vas": 84}, 84, "not-quiescent"),
    ("ibd-control-vas|1.0", {"ibd_control_vas": 85}, 85, "quiescent"),
    ("sibdq|1.0", dict.fromkeys(SIBDQ_ITEMS, 1), 10, "under-50"),
    ("sibdq|1.0", dict.fromkeys(SIBDQ_ITEMS, 5), 50, "50-or-more"),
    ("sibdq|1.0", dict.fromkeys(SIBDQ_ITEMS, 5) | {"sibdq_3": 4}, 49, "under-50"),
    ("sibdq|1.0", dict.fromkeys(SIBDQ_ITEMS, 7), 70, "50-or-more"),
    ("ibd-disk|1.0", dict.fromkeys(DISK_ITEMS, 4), 40, "40-or-less"),
    ("ibd-disk|1.0", dict.fromkeys(DISK_ITEMS, 4) | {"ibd_disk_sleep": 5}, 41, "over-40"),
    ("promis-global-physical-health|1.2", physical(4, 4, 4, 4), 47.7, "below-mean"),
    ("promis-global-physical-health|1.2", physical(4, 4, 1, 4), 50.8, "mean-or-above"),
    ("promis-global-mental-health|1.2", mental(4, 4, 3, 3), 48.3, "below-mean"),
    ("promis-global-mental-health|1.2", mental(4, 4, 4, 3), 50.8, "mean-or-above"),
    ("phq-2|1.0", phq(3, 3, 1, 1), 2, "negative"),
    ("phq-2|1.0", phq(0, 0, 3, 0), 3, "positive"),
    ("gad-2|1.0", phq(1, 1, 3, 3), 2, "negative"),
    ("gad-2|1.0", phq(0, 3, 0, 0), 3, "positive"),
    ("phq-4|1.0", phq(1, 1, 0, 0), 2, "none"),
    ("phq-4|1.0", phq(1, 1, 1, 0), 3, "mild"),
    ("phq-4|1.0", phq(2, 1, 1, 1), 5, "mild"),
    ("phq-4|1.0", phq(3, 1, 1, 1), 6, "moderate"),
    ("phq-4|1.0", phq(3, 3, 1, 1), 8, "moderate"),
    ("phq-4|1.0", phq(3, 3, 3, 0), 9, "severe"),
    ("pain-nrs|1.0", {"pain_nrs": 3}, 3, "mild"),
    ("fatigue-nrs|1.0", {"fatigue": 7}, 7, "severe"),
]


def answer_to(term: Term) -> st.SearchStrategy[Answer]:
    if term.is_feature:
        return st.booleans()
    return st.integers(term.low, term.high) if term.is_whole else st.floats(term.low, term.high)


def lowest_of(instrument: Instrument) -> dict[str, Answer]:
    return {term.item: False if term.is_feature else term.low for term in instrument.terms}


@pytest.mark.parametrize(("key", "answers", "value", "band"), GOLDEN)
def test_a_score_is_what_its_definition_makes_of_the_answers(
    key: str, answers: Answers, value: float, band: str
) -> None:
    assert score_of(INSTRUMENTS[key], answers) == Score(instrument=key, value=value, band=band)


def test_every_instrument_has_a_golden_score() -> None:
    assert {key for key, *_ in GOLDEN} == INSTRUMENTS.keys()


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_without_any_of_its_items_a_score_has_no_value_and_names_them_in_order(instrument: Instrument) -> None:
    answers = lowest_of(instrument)
    patterns = [
        missing for count in range(1, len(instrument.items) + 1) for missing in combinations(instrument.items, count)
    ]
    assert len(patterns) == 2 ** len(instrument.items) - 1
    for missing in patterns:
        given = {item: answer for item, answer in answers.items() if item not in missing}
        assert score_of(instrument, given) == Score(instrument=instrument.key, value=None, band=None, missing=missing)


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_the_ends_of_a_scale_are_reached_by_the_ends_of_its_items(instrument: Instrument) -> None:
    ends = [((False, True) if term.is_feature else (term.low, term.high)) for term in instrument.terms]
    points = [sorted(term.points(end) for end in of_term) for term, of_term in zip(instrument.terms, ends, strict=True)]
    least, most = sum(low for low, _ in points), sum(high for _, high in points)
    if instrument.table:
        assert len(instrument.table) == most - least + 1
        assert list(instrument.table) == sorted(set(instrument.table))
        least, most = instrument.table[0], instrument.table[-1]
    assert (least, most) == (instrument.low, instrument.high)


@given(st.data(), st.sampled_from(sorted(INSTRUMENTS)))
def test_a_score_of_answers_in_range_is_in_range_with_its_band(data: st.DataObject, key: str) -> None:
    instrument = INSTRUMENTS[key]
    score = score_of(instrument, {term.item: data.draw(answer_to(term)) for term in instrument.terms})
    assert score.value is not None
    assert instrument.low <= score.value <= instrument.high
    assert score.band in {band.code for band in instrument.bands}
    assert score.missing == ()


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_an_answer_outside_the_range_of_its_item_or_of_another_type_is_refused(instrument: Instrument) -> None:
    answers = lowest_of(instrument)
    for term in instrument.terms:
        wrong: list[Answer] = ["1", float("nan"), float("inf"), term.low - 1, term.high + 1]
        wrong += [1] if term.is_feature else [True]
        wrong += [term.low + 0.5] if term.is_whole else [term.high + 0.01]
        for answer in wrong:
            with pytest.raises(ValueError, match=f"{term.item} takes {term.takes}"):
                score_of(instrument, {**answers, term.item: answer})


PHYSICAL_T = "16.2 19.9 23.5 26.7 29.6 32.4 34.9 37.4 39.8 42.3 44.9 47.7 50.8 54.1 57.7 61.9 67.7"
MENTAL_T = "21.1 25.1 28.4 31.3 33.8 36.3 38.8 41.1 43.5 45.8 48.3 50.8 53.3 56.0 59.0 62.5 67.6"


@pytest.mark.parametrize("raw", range(4, 21))
def test_global_health_is_the_published_t_score_of_each_raw_sum(raw: int) -> None:
    parts = [raw // 4 + (place < raw % 4) for place in range(4)]
    assert sum(parts) == raw
    pain = {5: 0, 4: 1, 3: 4, 2: 7, 1: 10}
    mental_t = score_of(GLOBAL_MENTAL_HEALTH, mental(*parts)).value
    physical_t = score_of(GLOBAL_PHYSICAL_HEALTH, physical(parts[0], parts[1], pain[parts[2]], parts[3])).value
    assert mental_t == [float(t) for t in MENTAL_T.split()][raw - 4]
    assert physical_t == [float(t) for t in PHYSICAL_T.split()][raw - 4]


@pytest.mark.parametrize(("pain", "points"), [(0, 5), (1, 4), (3, 4), (4, 3), (6, 3), (7, 2), (9, 2), (10, 1)])
def test_pain_of_global_health_is_recoded_so_that_more_is_better(pain: int, points: int) -> None:
    table = [float(t) for t in PHYSICAL_T.split()]
    assert score_of(GLOBAL_PHYSICAL_HEALTH, physical(1, 1, pain, 1)).value == table[3 + points - 4]


def test_pain_and_stools_count_once_in_the_harvey_bradshaw_index() -> None:
    """Calculators in circulation double both."""
    score = score_of(HBI, HBI_NONE | {"hbi_abdominal_pain": 2, "hbi_liquid_stools": 3})
    assert score.value == 2 + 3


def test_a_partial_mayo_of_three_is_not_read_by_the_bands_of_the_full_score() -> None:
    assert [score_of(PARTIAL_MAYO, mayo(*parts)).band for parts in ((1, 1, 0), (2, 2, 1), (3, 3, 2))] == [
        "mild",
        "moderate",
        "severe",
    ]


def test_the_sibdq_is_the_sum_and_not_the_mean_of_its_items() -> None:
    assert score_of(SIBDQ, dict.fromkeys(SIBDQ_ITEMS, 7)).value == 70


def test_the_manitoba_index_has_six_levels_and_no_seventh() -> None:
    with pytest.raises(ValueError, match="whole number from 0 to 5"):
        score_of(MANITOBA, {"manitoba_persistence": 6})


def test_more_than_six_stools_in_a_night_count_as_four_to_six_do() -> None:
    assert score_of(SCCAI, SCCAI_NONE | {"sccai_night_stools": 9}).value == 2


def test_ibd_control_counts_two_for_the_most_favourable_reply() -> None:
    assert score_of(IBD_CONTROL_8, dict.fromkeys(CONTROL_ITEMS, 0) | {"ibd_control_3f": 2}).value == 2


@pytest.mark.parametrize(
    ("instrument", "rule", "answers", "expected"),
    [
        (PRO_2_CD, "khanna", {"loose_stools_per_day": 1.5, "abdominal_pain": 1}, True),
        (PRO_2_CD, "khanna", {"loose_stools_per_day": 1.51, "abdominal_pain": 1}, False),
        (PRO_2_CD, "khanna", {"loose_stools_per_day": 1.5, "abdominal_pain": 1.01}, False),
        (PRO_2_CD, "stride-ii", {"loose_stools_per_day": 3, "abdominal_pain": 1}, True),
        (PRO_2_CD, "stride-ii", {"loose_stools_per_day": 3.01, "abdominal_pain": 1}, False),
        (PRO_2_UC, "common", {"rectal_bleeding": 0, "stool_frequency": 1}, True),
        (PRO_2_UC, "common", {"rectal_bleeding": 0, "stool_frequency": 2}, False),
        (PRO_2_UC, "common", {"rectal_bleeding": 1, "stool_frequency": 0}, False),
        (PRO_2_UC, "stride-ii", {"rectal_bleeding": 0, "stool_frequency": 0}, True),
        (PRO_2_UC, "stride-ii", {"rectal_bleeding": 0, "stool_frequency": 1}, False),
        (PRO_2_CD, "khanna", {"abdominal_pain": 3}, None),
        (PRO_2_UC, "common", {}, None),
    ],
)
def test_remission_by_items_holds_each_item_to_its_limit_and_says_nothing_without_one(
    instrument: Instrument, rule: str, answers: Answers, expected: bool | None
) -> None:
    assert in_remission_by_items(instrument, rule, answers) is expected


def test_the_sum_and_the_items_may_tell_different_things_of_one_patient() -> None:
    answers = {"stool_frequency": 0, "rectal_bleeding": 1}
    assert score_of(PRO_2_UC, answers).band == "remission"
    assert in_remission_by_items(PRO_2_UC, "common", answers) is False


def test_a_rule_that_an_instrument_does_not_have_is_not_taken_for_another() -> None:
    with pytest.raises(KeyError):
        in_remission_by_items(HBI, "stride-ii", HBI_NONE)
    with pytest.raises(ValueError, match="rectal_bleeding takes"):
        in_remission_by_items(PRO_2_UC, "common", {"rectal_bleeding": True, "stool_frequency": 0})
