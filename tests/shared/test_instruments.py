"""Bands at each edge, direction and thresholds of the instruments, as their sources give them."""

import dataclasses
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Activity, Diagnosis
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

# The bands of each instrument in the order of its scale, and where each starts, as the sources state them.
BANDS: dict[str, tuple[tuple[float, str], ...]] = {
    "pro-2-cd|1.0": ((0, "remission"), (8, "mild"), (14, "moderate"), (34, "severe")),
    "pro-3-cd|1.0": ((0, "remission"), (13, "mild"), (22, "moderate"), (53, "severe")),
    "hbi|1.0": ((0, "remission"), (5, "mild"), (8, "moderate"), (17, "severe")),
    "pro-2-uc|1.0": ((0, "remission"), (1.5, "not-remission")),
    "partial-mayo|1.0": ((0, "remission"), (2, "mild"), (5, "moderate"), (8, "severe")),
    "sccai|1.0": ((0, "remission"), (3, "not-remission"), (5, "active")),
    "pga|1.0": ((0, "remission"), (1, "mild"), (2, "moderate"), (3, "severe")),
    "manitoba-ibd-index|1.0": ((0, "inactive"), (2, "active")),
    "ibd-10|1.0": ((0, "not-controlled"), (7, "controlled")),
    "ibd-control-8|1.0": ((0, "not-quiescent"), (13, "quiescent")),
    "ibd-control-vas|1.0": ((0, "not-quiescent"), (85, "quiescent")),
    "sibdq|1.0": ((10, "under-50"), (50, "50-or-more")),
    "ibd-disk|1.0": ((0, "40-or-less"), (41, "over-40")),
    "promis-global-physical-health|1.2": ((16.2, "below-mean"), (50, "mean-or-above")),
    "promis-global-mental-health|1.2": ((21.1, "below-mean"), (50, "mean-or-above")),
    "phq-2|1.0": ((0, "negative"), (3, "positive")),
    "gad-2|1.0": ((0, "negative"), (3, "positive")),
    "phq-4|1.0": ((0, "none"), (3, "mild"), (6, "moderate"), (9, "severe")),
    "pain-nrs|1.0": ((0, "none"), (1, "mild"), (4, "moderate"), (7, "severe")),
    "fatigue-nrs|1.0": ((0, "none"), (1, "mild"), (4, "moderate"), (7, "severe")),
}
HIGHEST = {
    "pro-2-cd|1.0": 135,
    "pro-3-cd|1.0": 163,
    "hbi|1.0": 78,
    "pro-2-uc|1.0": 6,
    "partial-mayo|1.0": 9,
    "sccai|1.0": 19,
    "pga|1.0": 3,
    "manitoba-ibd-index|1.0": 5,
    "ibd-10|1.0": 10,
    "ibd-control-8|1.0": 16,
    "ibd-control-vas|1.0": 100,
    "sibdq|1.0": 70,
    "ibd-disk|1.0": 100,
    "promis-global-physical-health|1.2": 67.7,
    "promis-global-mental-health|1.2": 67.6,
    "phq-2|1.0": 6,
    "gad-2|1.0": 6,
    "phq-4|1.0": 12,
    "pain-nrs|1.0": 10,
    "fatigue-nrs|1.0": 10,
}
ACTIVITY_INDICES = {"pro-2-cd|1.0", "pro-3-cd|1.0", "hbi|1.0", "partial-mayo|1.0", "pga|1.0"}
STARTS = [(key, start, code) for key, bands in BANDS.items() for start, code in bands]
JUST_BELOW = [(key, start - 0.01, code) for key, bands in BANDS.items() for (_, code), (start, _) in pairwise(bands)]

CHANGES = [
    ("pro-2-cd|1.0", 10, 8.01, "same"),
    ("pro-2-cd|1.0", 10, 8, "better"),
    ("pro-2-cd|1.0", 10, 11.99, "same"),
    ("pro-2-cd|1.0", 10, 12, "worse"),
    ("pro-3-cd|1.0", 20, 15.01, "same"),
    ("pro-3-cd|1.0", 20, 15, "better"),
    ("pro-3-cd|1.0", 20, 24.99, "same"),
    ("pro-3-cd|1.0", 20, 25, "worse"),
    ("pro-2-uc|1.0", 3, 2, "same"),
    ("pro-2-uc|1.0", 3, 1, "better"),
    ("pro-2-uc|1.0", 3, 4, "same"),
    ("pro-2-uc|1.0", 3, 5, "worse"),
    ("hbi|1.0", 10, 8, "same"),
    ("hbi|1.0", 10, 7, "better"),
    ("hbi|1.0", 10, 12, "same"),
    ("hbi|1.0", 10, 13, "worse"),
    ("partial-mayo|1.0", 5, 4, "same"),
    ("partial-mayo|1.0", 5, 3, "better"),
    ("partial-mayo|1.0", 5, 7, "worse"),
    ("sccai|1.0", 5, 4, "same"),
    ("sccai|1.0", 5, 3, "better"),
    ("sccai|1.0", 5, 7, "worse"),
    ("phq-2|1.0", 0, 6, None),
    ("ibd-10|1.0", 0, 10, None),
]


@pytest.mark.parametrize(("instrument", "start", "code"), STARTS)
def test_a_value_on_an_edge_or_just_above_is_in_the_band_starting_there(
    instrument: str, start: float, code: str
) -> None:
    assert band_of(instrument, start).code == code
    assert band_of(instrument, min(start + 0.01, HIGHEST[instrument])).code == code


@pytest.mark.parametrize(("instrument", "value", "code"), JUST_BELOW)
def test_a_value_just_below_an_edge_is_in_the_band_before(instrument: str, value: float, code: str) -> None:
    assert band_of(instrument, value).code == code


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_a_scale_goes_from_its_first_band_to_its_highest_value(instrument: Instrument) -> None:
    bands = BANDS[instrument.key]
    assert (instrument.low, instrument.high) == (bands[0][0], HIGHEST[instrument.key])
    assert [(band.starts_at, band.code) for band in instrument.bands] == list(bands)
    assert band_of(instrument.key, instrument.high).code == bands[-1][1]
    for value in (instrument.low - 0.01, instrument.high + 0.01, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"goes from {instrument.low:g} to {instrument.high:g}"):
            band_of(instrument.key, value)


def test_the_four_words_of_activity_stand_for_activity_alone() -> None:
    four = {
        key for key, instrument in INSTRUMENTS.items() if [band.code for band in instrument.bands] == list(Activity)
    }
    assert four == ACTIVITY_INDICES
    remission = {key for key, each in INSTRUMENTS.items() if "remission" in {band.code for band in each.bands}}
    assert remission == ACTIVITY_INDICES | {"pro-2-uc|1.0", "sccai|1.0"}


@pytest.mark.parametrize(("instrument", "before", "now", "expected"), CHANGES)
def test_a_change_counts_from_the_threshold_of_its_instrument(
    instrument: str, before: float, now: float, expected: Change | None
) -> None:
    assert change(instrument, before, now) == expected


def test_a_difference_that_reaches_the_threshold_on_paper_reaches_it_in_binary() -> None:
    assert 8.03 - 6.03 < 2
    assert 9.03 - 4.03 < 5
    assert change("pro-2-cd|1.0", 8.03, 6.03) == "better"
    assert change("pro-3-cd|1.0", 4.03, 9.03) == "worse"


@given(st.floats(0, 163), st.floats(0, 163))
def test_a_change_told_backwards_is_its_opposite(before: float, now: float) -> None:
    opposite = {"better": "worse", "same": "same", "worse": "better"}
    forward, backward = change("pro-3-cd|1.0", before, now), change("pro-3-cd|1.0", now, before)
    assert forward is not None
    assert backward == opposite[forward]


def test_higher_is_better_for_control_quality_of_life_and_health_alone() -> None:
    assert {key for key, each in INSTRUMENTS.items() if each.higher_is == "better"} == {
        *("ibd-10|1.0", "ibd-control-8|1.0", "ibd-control-vas|1.0", "sibdq|1.0"),
        *("promis-global-physical-health|1.2", "promis-global-mental-health|1.2"),
    }
    assert change("ibd-10|1.0", 0, 10) is None


def test_a_threshold_of_change_stands_only_where_a_source_gave_one() -> None:
    assert {key: each.minimal_change for key, each in INSTRUMENTS.items() if each.minimal_change is not None} == {
        "pro-2-cd|1.0": 2,
        "pro-3-cd|1.0": 5,
        "hbi|1.0": 3,
        "pro-2-uc|1.0": 1.5,
        "partial-mayo|1.0": 2,
        "sccai|1.0": 1.5,
    }


def test_an_unknown_definition_is_not_taken_for_another_version() -> None:
    with pytest.raises(KeyError):
        band_of("pro-3-cd|2.0", 10)
    with pytest.raises(KeyError):
        change("pro-3-cd", 10, 20)


def test_each_diagnosis_has_its_index_and_unclassified_borrows_that_of_colitis() -> None:
    assert {diagnosis: index_of(diagnosis).key for diagnosis in Diagnosis} == {
        Diagnosis.CROHNS: "pro-3-cd|1.0",
        Diagnosis.ULCERATIVE_COLITIS: "pro-2-uc|1.0",
        Diagnosis.IBD_UNCLASSIFIED: "pro-2-uc|1.0",
    }


def test_every_definition_names_its_source_and_licence_and_cannot_be_changed() -> None:
    for instrument in INSTRUMENTS.values():
        assert re.search(r"PMID \d+|Inflamm Bowel Dis 2017;23:333-40|from memory; verify", instrument.citation)
        assert instrument.licence
        assert instrument.recall
        with pytest.raises(dataclasses.FrozenInstanceError):
            instrument.minimal_change = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        INSTRUMENTS["pro-3-cd|1.0"] = INSTRUMENTS["pro-2-cd|1.0"]  # type: ignore[index]


def test_words_that_belong_to_somebody_are_named_as_scoring_only() -> None:
    assert {key for key, each in INSTRUMENTS.items() if each.wording == "none"} == {
        *("sccai|1.0", "ibd-control-8|1.0", "ibd-control-vas|1.0", "sibdq|1.0", "ibd-disk|1.0"),
        *("promis-global-physical-health|1.2", "promis-global-mental-health|1.2"),
    }
    for instrument in INSTRUMENTS.values():
        assert (instrument.wording == "none") == instrument.licence.endswith("scoring only.")
