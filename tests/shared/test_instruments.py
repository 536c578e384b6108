"""Bands at each edge, direction and thresholds of the instruments, as their sources give them."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Activity, Diagnosis
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

EDGES = [
    ("pro-2-cd|1.0", 0, "remission"),
    ("pro-2-cd|1.0", 7.99, "remission"),
    ("pro-2-cd|1.0", 8, "mild"),
    ("pro-2-cd|1.0", 13.99, "mild"),
    ("pro-2-cd|1.0", 14, "moderate"),
    ("pro-2-cd|1.0", 33.99, "moderate"),
    ("pro-2-cd|1.0", 34, "severe"),
    ("pro-2-cd|1.0", 135, "severe"),
    ("pro-3-cd|1.0", 0, "remission"),
    ("pro-3-cd|1.0", 12.99, "remission"),
    ("pro-3-cd|1.0", 13, "mild"),
    ("pro-3-cd|1.0", 21.99, "mild"),
    ("pro-3-cd|1.0", 22, "moderate"),
    ("pro-3-cd|1.0", 52.99, "moderate"),
    ("pro-3-cd|1.0", 53, "severe"),
    ("pro-3-cd|1.0", 163, "severe"),
    ("pro-2-uc|1.0", 0, "remission"),
    ("pro-2-uc|1.0", 1, "remission"),
    ("pro-2-uc|1.0", 1.5, "not-remission"),
    ("pro-2-uc|1.0", 2, "not-remission"),
    ("pro-2-uc|1.0", 6, "not-remission"),
    ("phq-2|1.0", 0, "negative"),
    ("phq-2|1.0", 2, "negative"),
    ("phq-2|1.0", 3, "positive"),
    ("phq-2|1.0", 6, "positive"),
    ("ibd-10|1.0", 0, "not-controlled"),
    ("ibd-10|1.0", 6, "not-controlled"),
    ("ibd-10|1.0", 7, "controlled"),
    ("ibd-10|1.0", 10, "controlled"),
]

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
    ("phq-2|1.0", 0, 6, None),
    ("ibd-10|1.0", 0, 10, None),
]


@pytest.mark.parametrize(("instrument", "value", "code"), EDGES)
def test_a_value_on_an_edge_is_in_the_band_starting_there(instrument: str, value: float, code: str) -> None:
    assert band_of(instrument, value).code == code


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_a_value_outside_the_range_has_no_band(instrument: Instrument) -> None:
    for value in (instrument.low - 0.01, instrument.high + 0.01, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="goes from 0 to"):
            band_of(instrument.key, value)


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_bands_cover_the_whole_range_in_rising_order(instrument: Instrument) -> None:
    starts = [band.starts_at for band in instrument.bands]
    assert starts == sorted(set(starts))
    assert starts[0] == instrument.low
    assert starts[-1] <= instrument.high
    assert len({band.code for band in instrument.bands}) == len(instrument.bands)


def test_the_four_words_of_activity_stand_only_where_a_definition_has_four_bands() -> None:
    four = {key for key, instrument in INSTRUMENTS.items() if len(instrument.bands) == 4}
    assert four == {"pro-2-cd|1.0", "pro-3-cd|1.0"}
    for key in four:
        assert [band.code for band in INSTRUMENTS[key].bands] == list(Activity)
    others = {band.code for key in INSTRUMENTS.keys() - four for band in INSTRUMENTS[key].bands}
    assert others & set(Activity) == {"remission"}


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


def test_control_is_the_one_score_in_which_higher_is_better() -> None:
    assert {key for key, each in INSTRUMENTS.items() if each.higher_is == "better"} == {"ibd-10|1.0"}


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


def test_weights_are_those_of_the_literature() -> None:
    weights = {key: [(term.item, term.weight) for term in each.terms] for key, each in INSTRUMENTS.items()}
    assert weights["pro-2-cd|1.0"] == [("loose_stools_per_day", 2), ("abdominal_pain", 5)]
    assert weights["pro-3-cd|1.0"] == [*weights["pro-2-cd|1.0"], ("well_being", 7)]
    plain_sums = ("pro-2-uc|1.0", "phq-2|1.0", "ibd-10|1.0")
    assert {weight for key in plain_sums for _, weight in weights[key]} == {1}


def test_every_definition_names_its_source_and_cannot_be_changed() -> None:
    for instrument in INSTRUMENTS.values():
        assert "PMID" in instrument.citation
        with pytest.raises(dataclasses.FrozenInstanceError):
            instrument.minimal_change = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        INSTRUMENTS["pro-3-cd|1.0"] = INSTRUMENTS["pro-2-cd|1.0"]  # type: ignore[index]
