"""What the system must reach on two cores, and whether a run of the bench says that it does."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.load.figures import CPU, MEDIAN, MEMORY, P99, RATE, TIME, Disk, Document, Figure, Measure
from tests.load.plan import FULL
from tests.load.rows import forms, journey, page, scale, sizes, submit

SLOW: Disk = "1 ms a flush"
FAST: Disk = "as it is"

Read = Callable[[Document], float | None]


@dataclass(frozen=True, slots=True)
class Aim:
    """One condition. `read` takes the number out of a document; None where it was not measured."""

    what: str
    limit: float
    unit: str
    is_least: bool
    read: Read


@dataclass(frozen=True, slots=True)
class Outcome:
    """An aim beside what was measured."""

    aim: Aim
    measured: float | None

    @property
    def is_reached(self) -> bool | None:
        """None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.aim.limit if self.aim.is_least else self.measured <= self.aim.limit


def outcomes(document: Document) -> list[Outcome]:
    """Every aim, as this run measured it."""
    return [Outcome(aim, aim.read(document)) for aim in AIMS]


def _value(row: str, measure: Measure, disk: Disk = FAST) -> Read:
    return lambda document: _of(document, row, measure, disk, lambda figure: figure.value)


def _ratio(row: str, measure: Measure, disk: Disk = FAST) -> Read:
    return lambda document: _of(document, row, measure, disk, lambda figure: figure.ratio)


def _of(
    document: Document, row: str, measure: Measure, disk: Disk, take: Callable[[Figure], float | None]
) -> float | None:
    figure = document.by_key().get((row, disk, measure.name))
    return None if figure is None else take(figure)


def _growth(large: str, small: str) -> Read:
    """How much more an operation costs at one size than at another."""

    def read(document: Document) -> float | None:
        costs = [_value(row, CPU)(document) for row in (large, small)]
        return costs[0] / costs[1] if costs[0] and costs[1] else None

    return read


def _sum(*reads: Read) -> Read:
    def read(document: Document) -> float | None:
        values = [one(document) for one in reads]
        return sum(value for value in values if value is not None) if all(values) else None

    return read


def _at(patients: int, sites: int) -> str:
    return scale.row(FULL.scale_rate, patients, sites)


_SUBMIT, _PAGE, _JOURNEY = submit.row(32), page.row("JSON", 32), journey.row(200)
_HTML = page.row("HTML", 1)
_FEW, _MANY = FULL.scale_patients[0], FULL.scale_patients[-1]
_MORE_SITES = _MANY + (FULL.scale_sites[-1] - scale.SITES_AT_FIRST) * FULL.patients_a_new_site

AIMS: tuple[Aim, ...] = (
    Aim("submit, one process, 32 connections, 1 ms a flush", 3_000, "/s", True, _value(_SUBMIT, RATE, SLOW)),
    Aim("the same: p99", 40, "ms", False, _value(_SUBMIT, P99, SLOW)),
    Aim("the same: share of the floor", 0.6, "of the floor", True, _ratio(_SUBMIT, RATE, SLOW)),
    Aim("page as JSON with its record of the look, 32 connections", 2_500, "/s", True, _value(_PAGE, RATE)),
    Aim("the same: p99", 45, "ms", False, _value(_PAGE, P99)),
    Aim("the same: share of the floor", 0.6, "of the floor", True, _ratio(_PAGE, RATE)),
    Aim("the same, 1 ms a flush", 2_500, "/s", True, _value(_PAGE, RATE, SLOW)),
    Aim("page as HTML, complete with its charts, one connection: median", 50, "ms", False, _value(_HTML, MEDIAN)),
    Aim("the same, first of a fresh process", 400, "ms", False, _value(page.FIRST, page.FIRST_MS)),
    Aim("the same with styles and scripts, compressed", 120, "kB", False, _value(page.WHOLE, page.WEIGHT)),
    Aim("a survey checked against its form, plain", 150, "µs", False, _value(forms.row(forms.SURVEY, "plain"), CPU)),
    Aim("the same, FHIR", 150, "µs", False, _value(forms.row(forms.SURVEY, "FHIR"), CPU)),
    Aim("a form of 500 questions, FHIR", 10_000, "µs", False, _value(forms.row(forms.LARGE, "FHIR"), CPU)),
    Aim("relay, one process", 30_000, "/s", True, _value("relay", RATE)),
    Aim("projection, one process", 10_000, "/s", True, _value("projection", RATE)),
    Aim("analytics, one process", 60_000, "/s", True, _value("analytics", RATE)),
    Aim("survey to page at 200/s, everything on the machine: median", 60, "ms", False, _value(_JOURNEY, MEDIAN)),
    Aim("the same: p99", 200, "ms", False, _value(_JOURNEY, P99)),
    Aim(
        f"cost of a survey and its page, {_MANY:,} against {_FEW:,} patients",
        1.3,
        "times",
        False,
        _growth(_at(_MANY, scale.SITES_AT_FIRST), _at(_FEW, scale.SITES_AT_FIRST)),
    ),
    Aim(
        f"the same, {FULL.scale_sites[-1]:,} against {scale.SITES_AT_FIRST} sites",
        1.3,
        "times",
        False,
        _growth(_at(_MORE_SITES, FULL.scale_sites[-1]), _at(_MANY, scale.SITES_AT_FIRST)),
    ),
    Aim("whole stack resident, database and broker included", 1.6 * 1024, "MiB", False, _value(sizes.WHOLE, MEMORY)),
    Aim(
        "ready from nothing, all ten doors",
        20,
        "s",
        False,
        _sum(_value(sizes.STACK, TIME), _value(sizes.TOGETHER, TIME)),
    ),
)
