"""What counts as moved between two runs."""

from typing import Any

from tests.load.compare import in_words, moves
from tests.load.figures import DRIVER, P99, PART, Figure
from tests.load.test_figures import a_document, a_figure

SLOW_MACHINE, FAST_MACHINE = (100, 102, 104, 106, 108), (200, 204, 208, 212, 216)
A_P99: dict[str, Any] = {"measure": P99.name, "unit": P99.unit, "is_more_better": False}


def verdicts(before: Figure, now: Figure, *, is_same_machine: bool = True) -> list[str]:
    found = moves(a_document(before), a_document(now), is_same_machine=is_same_machine)
    return [move.verdict for move in found]


def test_the_same_samples_have_not_moved() -> None:
    assert verdicts(a_figure(*SLOW_MACHINE), a_figure(*SLOW_MACHINE)) == []


def test_samples_that_overlap_have_not_moved_however_far_their_medians_are_apart() -> None:
    assert verdicts(a_figure(1, 100, 100, 100, 150), a_figure(140, 200, 200, 200, 200)) == []


def test_samples_apart_by_less_than_five_percent_have_not_moved() -> None:
    assert verdicts(a_figure(100, 100.1, 100.2), a_figure(104, 104.1, 104.2)) == []


def test_a_speed_that_rises_is_better_and_a_delay_that_rises_is_worse() -> None:
    assert verdicts(a_figure(*SLOW_MACHINE), a_figure(*FAST_MACHINE)) == ["better"]
    assert verdicts(a_figure(*FAST_MACHINE), a_figure(*SLOW_MACHINE)) == ["worse"]
    assert verdicts(a_figure(*SLOW_MACHINE, **A_P99), a_figure(*FAST_MACHINE, **A_P99)) == ["worse"]


def test_a_faster_machine_alone_moves_no_share_of_the_floor() -> None:
    before = a_figure(*SLOW_MACHINE, floor=SLOW_MACHINE)
    assert verdicts(before, a_figure(*FAST_MACHINE, floor=FAST_MACHINE)) == []
    assert verdicts(before, a_figure(*FAST_MACHINE, floor=SLOW_MACHINE)) == ["better"]


def test_on_another_machine_only_shares_of_the_floor_are_compared() -> None:
    assert verdicts(a_figure(*SLOW_MACHINE), a_figure(*FAST_MACHINE), is_same_machine=False) == []
    with_floor = a_figure(*FAST_MACHINE, floor=SLOW_MACHINE)
    assert verdicts(a_figure(*SLOW_MACHINE, floor=SLOW_MACHINE), with_floor, is_same_machine=False) == ["better"]


def test_one_sample_moves_by_a_quarter_only() -> None:
    assert verdicts(a_figure(100), a_figure(124)) == []
    assert verdicts(a_figure(100), a_figure(126)) == ["better"]


def test_delays_below_half_a_millisecond_the_driver_and_the_profile_are_not_compared() -> None:
    assert verdicts(a_figure(0.1, 0.1, **A_P99), a_figure(0.4, 0.4, **A_P99)) == []
    for measure in (DRIVER.name, f"{PART}intake-app"):
        assert verdicts(a_figure(10, 10, measure=measure), a_figure(90, 90, measure=measure)) == []


def test_a_figure_that_was_not_measured_before_has_not_moved() -> None:
    assert moves(a_document(), a_document(a_figure(1)), is_same_machine=True) == []


def test_the_largest_move_comes_first_and_says_from_what_to_what() -> None:
    before = a_document(a_figure(100, 100), a_figure(100, 100, row="analytics", floor=(200, 200)))
    now = a_document(a_figure(150, 150), a_figure(20, 20, row="analytics", floor=(200, 200)))
    assert in_words(moves(before, now, is_same_machine=True)) == [
        "worse: analytics, rate (as it is): 0.50 of the floor -> 0.10 of the floor (-80%)",
        "better: relay, rate (as it is): 100 /s -> 150 /s (+50%)",
    ]
