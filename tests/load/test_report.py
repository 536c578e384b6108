"""The page of figures, and what it says is reached."""

import pytest

from tests.load.aims import AIMS, Outcome, outcomes
from tests.load.figures import CPU, MEMORY, PART, RATE, TIME, Figure, Measure
from tests.load.plan import FULL
from tests.load.report import page
from tests.load.rows import scale, sizes, submit
from tests.load.test_figures import a_document, a_figure


def measured(row: str, measure: Measure, *product: float, floor: tuple[float, ...] = (), slow: bool = False) -> Figure:
    disk = "1 ms a flush" if slow else "as it is"
    names = {"row": row, "measure": measure.name, "unit": measure.unit, "is_more_better": measure.is_more_better}
    return a_figure(*product, floor=floor, disk=disk, **names)


def outcome(what: str, *figures: Figure) -> Outcome:
    (found,) = (one for one in outcomes(a_document(*figures)) if one.aim.what.startswith(what))
    return found


def test_a_run_without_figures_reaches_nothing_and_fails_nothing() -> None:
    assert {one.is_reached for one in outcomes(a_document())} == {None}


def test_the_aims_of_submitting_are_read_on_the_slow_disk() -> None:
    row = submit.row(32)
    assert outcome("submit, one process", measured(row, RATE, 3_100)).is_reached is None
    assert outcome("submit, one process", measured(row, RATE, 3_100, slow=True)).is_reached
    assert outcome("submit, one process", measured(row, RATE, 2_900, slow=True)).is_reached is False


def test_the_share_of_the_floor_is_an_aim_of_its_own() -> None:
    figure = measured(submit.row(32), RATE, 700, 500, 600, floor=(1_000, 1_000, 1_000), slow=True)
    shares = [one for one in outcomes(a_document(figure)) if one.aim.unit == "of the floor" and one.measured]
    assert [(one.measured, one.is_reached) for one in shares] == [(0.6, True)]


@pytest.mark.parametrize(("large", "is_reached"), [(1_290.0, True), (1_310.0, False)])
def test_the_cost_of_an_operation_may_grow_by_three_tenths_from_few_patients_to_many(
    large: float, is_reached: bool
) -> None:
    few, many = (scale.row(FULL.scale_rate, count, 40) for count in (1_000, 100_000))
    figures = (measured(few, CPU, 1_000), measured(many, CPU, large))
    assert outcome("cost of a survey and its page", *figures).is_reached is is_reached


def test_readiness_is_the_time_of_the_servers_and_of_the_doors_together() -> None:
    figures = (measured(sizes.STACK, TIME, 9.0, 11.0), measured(sizes.TOGETHER, TIME, 8.0))
    assert outcome("ready from nothing", *figures).measured == 18.0
    assert outcome("ready from nothing", figures[0]).measured is None


def test_the_page_shows_every_aim_every_figure_and_what_was_left_out() -> None:
    row = measured("relay", RATE, 1_000, 3_000, 2_000, floor=(4_000, 4_000, 4_000))
    share = measured("relay", Measure(f"{PART}intake-worker", "µs"), 12.5)
    text = page(a_document(row, share, measured("whole stack", MEMORY, 1_400), left_out=("There is no compiler.",)))
    assert text.count("not measured") == len(AIMS) - 2
    assert "| relay | rate, /s | 2,000 (1,000 to 3,000) | 4,000 (4,000 to 4,000) | 0.50 |" in text
    assert "| | of it, µs | intake-worker 12.5 | | |" in text
    assert "| relay, one process | at least 30,000 /s | 2,000 | not reached |" in text
    assert "| whole stack resident, database and broker included | at most 1,638 MiB | 1,400 | reached |" in text
    assert "- There is no compiler." in text


def test_only_a_full_run_on_a_quiet_machine_is_shown_as_a_measurement() -> None:
    quiet = a_document()
    busy = {**quiet.machine, "load_before": 3.0}
    assert "Not measured yet" not in page(quiet)
    assert "Not measured yet" in page(a_document(form="quick"))
    assert "Not measured yet" in page(a_document(machine=busy))
