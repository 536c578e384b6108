"""Known answers of the network's measures, and that nothing hidden can be computed."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.analytics.domain import (
    Answer,
    Cell,
    FeedbackFigures,
    Leaving,
    Month,
    figures_of,
    hide_shares,
    p_chart,
    share,
)
from services.analytics.domain.control_chart import fewest_crossings_allowed, longest_run_allowed
from services.analytics.domain.feedback import associate
from tests.services.analytics.attack import is_small, numbers_of, told_by_differences, told_by_mean, told_by_table


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


def months(*counts: tuple[int, int], hidden: Collection[int] = ()) -> list[Month]:
    """Months in a row from January 2024 on; those whose numbers are given are hidden."""
    firsts = (date(2024 + number // 12, number % 12 + 1, 1) for number in range(len(counts)))
    return [
        Month(first, *pair, is_hidden=number in hidden)
        for number, (first, pair) in enumerate(zip(firsts, counts, strict=True))
    ]


STEADY = [(283 + (n % 3) - 1, 500) for n in range(20)]


def test_a_planted_drop_lies_outside_its_limits_and_a_steady_series_signals_nothing() -> None:
    assert p_chart(months(*STEADY)).signals == ()
    assert p_chart(months(*STEADY, (240, 500))).signals == ("Sep 2025 lies outside its limits.",)


def test_a_shift_is_seen_by_its_run() -> None:
    shifted = [(250 + (n % 2), 500) for n in range(12)] + [(280 + (n % 2), 500) for n in range(12)]
    assert any("one side of the median" in signal for signal in p_chart(months(*shifted)).signals)


def test_too_few_months_have_no_limits_and_are_not_said_to_break_no_rule() -> None:
    chart = p_chart(months(*[(20, 40)] * 5))
    assert (chart.centre, chart.verdict) == (None, "Too few months for limits.")


def test_a_month_with_a_small_part_or_that_is_hidden_is_no_point_and_is_said_to_be_unseen() -> None:
    chart = p_chart(months((5, 10), (5, 40), (35, 40), (20, 40), (20, 40), hidden=[4]))
    assert [point.period for point in chart.points] == ["Apr 2024"]
    assert chart.hidden_periods == ("Jan 2024", "Feb 2024", "Mar 2024", "May 2024")
    assert chart.unseen == "4 months are hidden, the last of them May 2024, and no rule looks at them."
    assert chart.unseen in chart.verdict
    alone = p_chart(months(*STEADY, (8, 45)))
    assert alone.verdict == "No signal. One month is hidden (Sep 2025), and no rule looks at it."


@pytest.mark.parametrize("hidden", [[], [0], [2], [2, 3], [11]])
def test_hiding_a_month_lets_no_later_one_into_the_baseline(hidden: list[int]) -> None:
    fell = months(*[(300, 500)] * 12, (200, 500), hidden=hidden)
    chart = p_chart(fell)
    assert chart.centre == 0.6
    assert "Jan 2025 lies outside its limits." in chart.signals
    collapsed = p_chart(months(*[(300, 500)] * 3, (5, 500), *[(300, 500)] * 8, (200, 500)))
    assert (collapsed.centre, collapsed.signals) == (0.6, ("Jan 2025 lies outside its limits.",))


def test_the_baseline_waits_for_a_year_in_which_six_months_have_no_small_part() -> None:
    few, many = (3, 12), (30, 50)
    assert p_chart(months(*[few] * 10, *[many] * 5)).centre is None
    assert p_chart(months(many, *[few] * 11, *[(60, 80)] * 12, many)).centre == 0.75, "a year with one such month"


@pytest.mark.parametrize(("count", "of"), [(5, 50), (45, 50), (3, 8), (10, 11), (1, 1)])
def test_a_share_with_a_small_part_is_not_shown(count: int, of: int) -> None:
    found = share(count, of)
    assert found.share is None
    assert found.count.value is None


WITHHELD = Cell(None, "hidden-too")
COUNTS = st.integers(0, 40) | st.sampled_from([1, 9, 10, 11, 12])


@given(st.lists(COUNTS, min_size=1, max_size=5).map(lambda counts: sorted(counts, reverse=True)))
def test_of_counts_that_are_parts_of_each_other_no_small_one_and_no_small_rest_is_shown(counts: list[int]) -> None:
    leaving = Leaving()
    cells = [leaving.cell(count) for count in counts]
    given = [cell.value for cell in cells if cell.value is not None]
    assert not [value for value in given if 0 < value < 11]
    assert not [before - after for before, after in pairwise(given) if 0 < before - after < 11]
    assert all(cell.value == count for cell, count in zip(cells, counts, strict=True) if cell.value is not None)


def test_the_largest_count_that_may_be_shown_is_shown() -> None:
    for counts, shown in (
        ([83, 56, 43, 32], [83, 56, 43, 32]),
        ([50, 45, 38, 38, 5, 0], [50, None, 38, 38, None, 0]),
    ):
        leaving = Leaving()
        assert [leaving.cell(count).value for count in counts] == shown


def test_a_count_is_looked_at_beside_those_that_it_is_a_part_of_and_no_others() -> None:
    leaving = Leaving()
    assert leaving.cell(60) == Cell(60)
    assert leaving.cell(40, "scored", "top") == Cell(40)
    assert leaving.cell(45, "scored", "used") == Cell(45), "those who used it are no part of those with the top score"
    assert leaving.cell(48, "scored") == WITHHELD, "three of them did not use it"
    assert leaving.cell(40, "scored", "used", "yes") == WITHHELD
    assert leaving.cell(42, "scored", "top") == WITHHELD, "the same people, counted in another way"
    assert leaving.cell(5, "scored", "outside") == Cell(None, "hidden")


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=8))
@example([(1, 29), (11, 29)])
@example([(10, 20), (10, 20)])
@example([(5, 45), (0, 40)])
@example([(1, 30)] * 11)
def test_no_hidden_row_can_be_computed_from_the_totals_of_its_columns(pairs: list[tuple[int, int]]) -> None:
    rows = [(count, count + rest) for count, rest in pairs]
    (shares,) = hide_shares([of for _, of in rows], [count for count, _ in rows])
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


@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS), min_size=1, max_size=8))
@example([(8, 8, 8), (20, 20, 20), (20, 5, 40)])
def test_no_denominator_that_one_measure_hides_can_be_computed_with_those_that_another_shows(
    rows: list[tuple[int, int, int]],
) -> None:
    """An example: eight visits at the first clinic, and at the third many answered and few viewed."""
    of = [max(row) for row in rows]
    measures = hide_shares(of, [answered for answered, _, _ in rows], [viewed for _, viewed, _ in rows])
    hidden = [whole for whole, *found in zip(of, *measures, strict=True) if all(one.of.value is None for one in found)]
    total_is_shown = not is_small(sum(of))
    assert not (total_is_shown and is_small(sum(hidden))), "the total less what either of them shows"


def test_no_more_rows_are_hidden_than_it_takes() -> None:
    counts, of = [5, 40, 30, 20, 0, 0], [50, 80, 60, 90, 0, 70]
    assert [found.of.value for found in hide_shares(of, counts)[0]] == [None, 80, None, 90, 0, 70]
    assert [found.of.value for found in hide_shares([40, 60], [20, 30])[0]] == [40, 60]


# What people said

Efforts = tuple[int | None, int | None, int | None]
BEST: Efforts = (9, 9, 9)
MANY = {"visits": 900, "surveys": 700, "enrolled": 500, "feedback": 400, "over_one_month": 300}


def answer(
    efforts: Efforts, *, used: bool = True, helped: bool | None = True, over_one_month: bool | None = True
) -> Answer:
    return Answer(
        efforts, helped, None, False, used_in_visit=used, used_outside_visit=False, used_over_one_month=over_one_month
    )


def figures(*groups: list[Answer], steps: Mapping[str, int] = MANY) -> tuple[dict[str, Cell], FeedbackFigures]:
    return figures_of([one for group in groups for one in group], steps)


def computed(cells: Mapping[str, Cell], found: FeedbackFigures) -> list[object]:
    """Every small count that somebody computes from what left."""
    document = asdict(found)
    numbers = numbers_of({name: cell.value for name, cell in cells.items()}, document)
    small = [name for name, count in numbers.items() if is_small(count)]
    return [*small, *told_by_differences(numbers), *told_by_mean(document), *told_by_table(document)]


def test_top_score_and_mean_follow_the_instrument_and_a_missing_item_has_no_score() -> None:
    _, found = figures([answer(BEST)] * 20, [answer((6, 6, 6))] * 20, [answer((9, None, 9))] * 20)
    assert found.responses.value == 60
    assert (found.top_score.count.value, found.top_score.of.value) == (20, 40)
    assert found.mean_score == pytest.approx((100 + 18 / 27 * 100) / 2)
    assert (found.helped["discussion"].of.value, found.helped["discussion"].share) == (40, 1), "who was scored counts"
    assert found.helped["what-matters"].of.value == 0, "its own denominator: nobody answered"


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ([(40, BEST), (1, (9, 9, 8))], "the top score is hidden, and the mean says that 40 of 41 have it"),
        ([(30, BEST), (11, (9, 9, 8)), (1, (9, 9, 7))], "one of twelve has 25 points, and the others 26"),
        ([(30, BEST), (11, (0, 0, 0)), (10, (0, 0, 1))], "ten of 21 have a point"),
        ([(20, (9, 9, 8)), (1, (9, 9, 7))], "one of 21 who all have no top score"),
    ],
)
def test_no_mean_is_given_that_says_how_few_have_another_score_than_the_rest(
    groups: list[tuple[int, Efforts]], why: str
) -> None:
    _, found = figures(*([answer(efforts)] * size for size, efforts in groups))
    assert found.mean_score is None, why
    more = [answer((6, 6, 6))] * 11
    assert figures(*([answer(efforts)] * (size + 11) for size, efforts in groups), more)[1].mean_score is not None


def test_who_did_not_use_the_page_is_not_told_by_how_many_were_asked_what_it_helped_with() -> None:
    users = [answer(BEST)] * 30, [answer((6, 6, 6))] * 13, [answer((6, 6, 6), helped=None)] * 12
    _, found = figures(*users, [answer(BEST, used=False)] * 5)
    assert (found.used_in_visit.of.value, found.used_in_visit.count) == (60, WITHHELD)
    assert {(share.count, share.of) for share in found.helped.values()} == {(WITHHELD, WITHHELD)}


def test_who_skipped_a_question_is_not_told_by_the_denominators() -> None:
    _, found = figures([answer(BEST)] * 40, [answer((6, 6, 6))] * 20, [answer((9, None, 9))] * 5)
    assert (found.top_score.of.value, found.responses) == (60, WITHHELD)
    assert (found.used_in_visit.of.value, found.helped["discussion"].of.value) == (60, 60)


def test_who_used_the_page_for_less_than_a_month_is_not_told_by_the_funnel_beside_the_feedback() -> None:
    others = (6, 6, 6)
    groups = (
        [answer(BEST)] * 45,
        [answer(others, over_one_month=False)] * 5,
        [answer(others, over_one_month=None)] * 15,
    )
    cells, found = figures(*groups, steps={**MANY, "feedback": 65, "over_one_month": 45})
    assert (cells["feedback"].value, cells["over_one_month"].value) == (65, 45)
    month = found.used_over_one_month
    assert (month.count, month.of) == (WITHHELD, WITHHELD), "50 answered, and 45 say yes in the funnel"


def test_no_association_is_given_where_a_cell_is_small() -> None:
    groups = [answer(BEST)] * 30, [answer((5, 5, 5))] * 5, [answer(BEST, used=False)] * 30
    assert figures(*groups, [answer((5, 5, 5), used=False)] * 30)[1].association is None
    assert figures(*groups, [answer((5, 5, 5), used=False)] * 30, [answer((5, 5, 5))] * 6)[1].association is not None


MAYBE = st.none() | st.booleans()
EFFORTS = st.sampled_from([BEST, (9, 9, 8), (9, 9, 7), (6, 6, 6), (0, 0, 1), (0, 0, 0), (9, None, 9)])
ALIKE = st.builds(Answer, EFFORTS, MAYBE, MAYBE, st.just(value=True), st.booleans(), st.booleans(), MAYBE)
MORE = st.sampled_from([0, 1, 5, 10, 11, 30])


@settings(max_examples=500)
@given(st.lists(st.tuples(ALIKE, COUNTS), max_size=6), st.tuples(*[MORE] * 6))
def test_nothing_small_can_be_computed_from_the_funnel_and_the_feedback_together(
    groups: list[tuple[Answer, int]], more: tuple[int, ...]
) -> None:
    answers = [one for one, size in groups for _ in range(size)]
    late, again, unanswered, unvisited, unheard, others = more
    feedback = max(len(answers) - late, 0) + again
    yes = sum(bool(one.used_over_one_month) for one in answers)
    surveys = feedback + unanswered
    steps = {
        "enrolled": len(answers) + others,
        "visits": surveys + unvisited,
        "surveys": surveys,
        "feedback": feedback,
        "over_one_month": min(yes + unheard, feedback),
    }
    assert computed(*figures_of(answers, steps)) == []
