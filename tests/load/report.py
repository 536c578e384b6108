"""A document of the bench as a page for people: `docs/performance.md`."""

from collections.abc import Sequence
from statistics import median

from tests.load.aims import Outcome, outcomes
from tests.load.figures import PART, Document, Figure
from tests.load.machine import QUIET

_NOT_COVERED = (
    "One machine: doors, database, broker and load generators share its cores, and the network is the loopback device.",
    "One broker with one copy of every topic, no TLS, no other tenants. Kafka does not flush each message to disk.",
    "The disk is this machine's, and once more with 1 ms added to every flush; no network disk was at hand.",
    "Minutes, not days: no vacuum of large tables, no month's end, no full disk.",
    "wrk's delays are a closed loop's: under overload it sends less. Delays that are promised come from the open loop.",
    "The ten doors stand idle beside the floor's chain while that is measured, so its figures there are a little low.",
)
_EXPLANATION = """\
The product beside its floor, in turn: medians, with the lowest and highest sample in brackets. The floor
(`tests/load/floor.py`) is the least that is as durable: one statement, no validation, tokens, walls or audit. CPU is
that of the doors and of their sessions in PostgreSQL; from survey to page it is what they use above what they use idle.
In an open loop a delay counts from the moment a request was due, and a request that failed has ten seconds. Patients,
visits and histories were loaded through the doors, in bulk; the log behind projection and analytics was written
straight to the topics."""
_PROFILE = """\
Where a survey's goes on its way to the page stands above, by process; where a door's goes, in
[decision 52](decisions/0052-a-short-way-through-a-door.md). What an event costs two workers that read a log of 200,000,
in µs of CPU: profiles by py-spy, once each, before and after decision 51. They are of another machine, slower and busy
with other work: what compares is the shares.

| Projection | before | after | Analytics | before | after |
|---|---|---|---|---|---|
| pages put together | 96 | 41 | pseudonyms and rows | 17 | 10 |
| pages as bytes, with digest | 32 | 13 | written | 7 | 5 |
| facts folded | 27 | 24 | events decoded | 13 | 11 |
| facts read, and held | 16 | 8 | heads, deliveries, offsets | 9 | 10 |
| facts and pages written | 31 | 11 | Kafka's client | 9 | 13 |
| events decoded | 25 | 14 | network, metrics, rest | 14 | 15 |
| heads, deliveries, offsets | 18 | 8 | session in PostgreSQL | 29 | 24 |
| Kafka's client | 17 | 12 | | | |
| network, metrics, rest | 44 | 24 | | | |
| session in PostgreSQL | 193 | 86 | | | |

Pages are put together once for all that came of a patient in one batch."""
_NOT_MEASURED = "**Not measured yet: this is a short run, or one on a busy machine, to see that the bench works.**"


def page(document: Document, before: Sequence[Document] = ()) -> str:
    """The page, in Markdown; `before` are runs of the same code, the last one first."""
    return "\n".join(
        [
            "# Performance",
            "",
            *([] if is_measurement(document) else [_NOT_MEASURED, ""]),
            *_head(document),
            "",
            "## What it must reach",
            "",
            *_aims([document, *before]),
            "",
            *_runs(before),
            "## All figures",
            "",
            _EXPLANATION,
            "",
            *_figures(document.figures),
            "## Where the time goes",
            "",
            _PROFILE,
            "",
            "## What is not covered",
            "",
            *(f"- {sentence}" for sentence in (*document.left_out, *_NOT_COVERED)),
            "",
        ]
    )


def is_measurement(document: Document) -> bool:
    """Whether it may be quoted: a full run that began on a quiet machine."""
    return bool(document.form == "full" and document.machine["load_before"] <= QUIET)


def _head(document: Document) -> list[str]:
    machine = document.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return [
        f"Measured at {document.at} on commit `{document.commit}` with `{document.command}`: "
        f"{document.form} form, {document.minutes} minutes.",
        "",
        f"- Machine: {_machine(document)}.",
        f"- Software: Python {machine['python']}, {packages}.",
    ]


def _machine(document: Document) -> str:
    machine = document.machine
    flushes = ", ".join(f"{ms:.2f} ms ({disk})" for disk, ms in document.flush_ms.items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; load "
        f"before the start {machine['load_before']}; one durable commit takes {flushes}"
    )


def _aims(runs: Sequence[Document]) -> list[str]:
    found = zip(*(outcomes(run) for run in runs), strict=True)
    rows = (f"| {' | '.join([*aim_cells(last), *(_measured(one) for one in before)])} |" for last, *before in found)
    more = [f" Run {number} |" for number in range(1, len(runs))]
    return [f"| What | Wanted | Measured | |{''.join(more)}", f"|---|---|---|---|{'---|' * len(more)}", *rows]


def _runs(before: Sequence[Document]) -> list[str]:
    """What the runs before this one were."""
    if not before:
        return []
    named = (
        f"- Run {number} (`performance-{number}.json`): {run.at}, commit `{run.commit}`, {run.minutes} minutes. "
        f"{_machine(run)}."
        for number, run in enumerate(before, start=1)
    )
    return ["Runs before it, of the same code:", "", *named, ""]


def aim_cells(outcome: Outcome) -> tuple[str, str, str, str]:
    """What, wanted, measured, reached or not."""
    aim = outcome.aim
    wanted = f"at {'least' if aim.is_least else 'most'} {_number(aim.limit)} {aim.unit}"
    verdict = {True: "reached", False: "not reached", None: "not measured"}[outcome.is_reached]
    return aim.what, wanted, _measured(outcome), verdict


def _measured(outcome: Outcome) -> str:
    return "" if outcome.measured is None else _number(outcome.measured)


def _figures(figures: Sequence[Figure]) -> list[str]:
    lines: list[str] = []
    for disk in dict.fromkeys(figure.disk for figure in figures):
        lines += [
            f"### Disk {disk}",
            "",
            "| Row | Measure | Product | Floor | Product / floor |",
            "|---|---|---|---|---|",
        ]
        for row in dict.fromkeys(figure.row for figure in figures if figure.disk == disk):
            lines += _row(row, [figure for figure in figures if (figure.row, figure.disk) == (row, disk)])
        lines.append("")
    return lines


def _row(row: str, figures: Sequence[Figure]) -> list[str]:
    parts = {one.measure.removeprefix(PART): one.value for one in figures if one.measure.startswith(PART)}
    lines = [_line(figure) for figure in figures if not figure.measure.startswith(PART)]
    if parts:
        largest = sorted(parts.items(), key=lambda part: -part[1])
        lines.append(f"| | of it, µs | {', '.join(f'{name} {_number(value)}' for name, value in largest)} | | |")
    return [f"| {row} {lines[0].removeprefix('|').lstrip()}", *lines[1:]]


def _line(figure: Figure) -> str:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    cells = (f"{figure.measure}, {figure.unit}", _samples(figure.product), _samples(figure.floor), ratio)
    return f"| | {' | '.join(cells)} |"


def _samples(samples: Sequence[float]) -> str:
    if not samples:
        return ""
    middle = _number(median(samples))
    return middle if len(samples) == 1 else f"{middle} ({_number(min(samples))} to {_number(max(samples))})"


def _number(value: float) -> str:
    """Three figures of it, without a power of ten."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
