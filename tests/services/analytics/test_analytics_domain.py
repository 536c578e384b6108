"""Known answers of the network's measures, and that nothing hidden can be computed."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.analytics.domain import Answer, Cell, figures_of, hide_chain, hide_shares, p_chart, share
from services.analytics.domain.control_chart import fewest_crossings_allowed, longest_run_allowed
from services.analytics.domain.feedback import associate


@pytest.mark.parametrize(("n", "run", "crossings"), [(10, 6, 2), (12, 7, 3), (20, 7, 6), (24, 8, 8), (36, 8, 13)])
def test_anhoej_limits_are_those_of_the_literature(n: int, run: int, crossings: int) -> None:
    assert longest_run_allowed(n) == run
    assert fewest_crossings_allowed(n) == crossings


def test_the_synthetic_fixture_reproduces_the_printed_chi_square_and_the_crude_odds_ratio() -> None:
    found = associate(237, 26, 111, 36)
    assert found.chi_square == pytest.approx(15.668, abs=0.001)
    assert found.p_value == pytest.approx(7.55e-5, rel=0.01)
    assert found.odds_ratio == pytest.approx(2.956, abs=0.001)
    assert found.interval == pytest.approx((1.70, 5.14), abs=0.005)


def test_a_planted_drop_lies_outside_its_limits_and_a_steady_series_signals_nothing() -> None:
    steady = [(f"month {n}", 283 + (n % 3) - 1, 500) for n in range(20)]
    assert p_chart(steady).signals == ()
    dropped = [*steady, ("month 20", 240, 500)]
    assert p_chart(dropped).signals == ("month 20 lies outside its limits.",)


def test_a_shift_is_seen_by_its_run() -> None:
    shifted = [(f"m{n}", 250 + (n % 2), 500) for n in range(12)] + [
        (f"m{n}", 280 + (n % 2), 500) for n in range(12, 24)
    ]
    assert any("one side of the median" in signal for signal in p_chart(shifted).signals)


def test_too_few_periods_have_no_limits() -> None:
    assert p_chart([("a", 20, 40)] * 5).centre is None


def test_months_with_a_small_denominator_are_left_out() -> None:
    assert [point.period for point in p_chart([("a", 5, 10), ("b", 20, 40)]).points] == ["b"]


@pytest.mark.parametrize(("count", "of"), [(5, 50), (45, 50), (3, 8), (10, 11), (1, 1)])
def test_a_share_with_a_small_part_is_not_shown(count: int, of: int) -> None:
    found = share(count, of)
    assert found.share is None
    assert found.count.value is None


WITHHELD = Cell(None, "hidden-too")
COUNTS = st.integers(0, 40) | st.sampled_from([1, 9, 10, 11, 12])


@given(st.lists(COUNTS, min_size=1, max_size=5).map(lambda counts: sorted(counts, reverse=True)))
def test_of_counts_that_are_parts_of_each_other_no_small_one_and_no_small_rest_is_shown(counts: list[int]) -> None:
    cells = hide_chain(counts)
    given = [cell.value for cell in cells if cell.value is not None]
    assert not [value for value in given if 0 < value < 11]
    assert not [before - after for before, after in pairwise(given) if 0 < before - after < 11]
    assert all(cell.value == count for cell, count in zip(cells, counts, strict=True) if cell.value is not None)


def test_the_largest_count_that_may_be_shown_is_shown() -> None:
    assert [cell.value for cell in hide_chain([83, 56, 43, 32])] == [83, 56, 43, 32]
    assert [cell.value for cell in hide_chain([50, 45, 38, 38, 5, 0])] == [50, None, 38, 38, None, 0]


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=8))
@example([(1, 29), (11, 29)])
@example([(10, 20), (10, 20)])
@example([(5, 45), (0, 40)])
@example([(1, 30)] * 11)
def test_no_hidden_row_can_be_computed_from_the_totals_of_its_columns(pairs: list[tuple[int, int]]) -> None:
    rows = [(count, count + rest) for count, rest in pairs]
    shares = hide_shares(rows)
    total = share(sum(count for count, _ in rows), sum(of for _, of in rows))
    for (count, of), found in zip(rows, shares, strict=True):
        assert (found.count, found.of) in ((Cell(count), Cell(of)), (WITHHELD, WITHHELD))
        assert found.of.value is None or not any(0 < part < 11 for part in (count, of - count, of))
    hidden = [row for row, found in zip(rows, shares, strict=True) if found.of.value is None]
    if not hidden or total.share is None:
        return
    assert len(hidden) > 1, "the totals less all other rows are this one"
    for column in zip(*((count, of - count, of) for count, of in hidden), strict=True):
        assert not 0 < sum(column) < 11, "the sum of the hidden rows is a count too"


def test_no_more_rows_are_hidden_than_it_takes() -> None:
    rows = [(5, 50), (40, 80), (30, 60), (20, 90), (0, 0), (0, 70)]
    assert [found.of.value for found in hide_shares(rows)] == [None, 80, None, 90, 0, 70]
    assert [found.of.value for found in hide_shares([(20, 40), (30, 60)])] == [40, 60]


def answer(efforts: tuple[int | None, int | None, int | None], *, used: bool = True) -> Answer:
    return Answer(efforts, True, None, False, used_in_visit=used, used_outside_visit=False, used_over_one_month=True)


def test_top_score_and_mean_follow_the_instrument_and_a_missing_item_has_no_score() -> None:
    figures = figures_of([answer((9, 9, 9))] * 20 + [answer((6, 6, 6))] * 20 + [answer((9, None, 9))] * 20)
    assert figures.responses.value == 60
    assert (figures.top_score.count.value, figures.top_score.of.value) == (20, 40)
    assert figures.mean_score == pytest.approx((100 + 18 / 27 * 100) / 2)
    assert figures.helped["discussion"].share == 1
    assert figures.helped["what-matters"].of.value == 0, "its own denominator: nobody answered"


def test_no_association_is_given_where_a_cell_is_small() -> None:
    groups = [answer((9, 9, 9))] * 30 + [answer((5, 5, 5))] * 5 + [answer((9, 9, 9), used=False)] * 30
    assert figures_of([*groups, *[answer((5, 5, 5), used=False)] * 30]).association is None
