"""`make bench`: what this machine does with the system, beside the floor, and what moved since the committed run.

Bounded in requests and time, loopback only, on a stack of its own under `var/bench`. `--quick` is a look, not a
measurement. `--publish` writes `docs/performance.json` and `docs/performance.md`, of a full run on a quiet machine; of
one of some parts only the page says what was not measured. Runs before it stay on the page while the code is the same.
"""

import argparse
import signal
import sys
import time
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from deploy.local.errors import StackError
from tests.load import aims, compare, machine, report
from tests.load.course import PARTS, Course
from tests.load.figures import Document
from tests.load.loops import BadRun
from tests.load.plan import FULL, QUICK
from tests.load.published import Published
from tests.load.stack import BenchStack, NotSlower
from tests.load.subjects import NotReady
from tests.load.tools import Missing, find_tools

VAR = machine.ROOT / "var"
COMMITTED = Published(machine.ROOT / "docs")
console = Console(highlight=False)


def main() -> int:
    """Measure, write, compare; the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    described = machine.describe()
    if options.publish and (options.quick or described["load_before"] > machine.QUIET):
        console.print(f"Only full runs on a quiet machine are published; its load is {described['load_before']}.")
        return 1
    try:
        document = _measured(options, described)
    except (Missing, StackError, NotReady, NotSlower, BadRun) as problem:
        console.print(f"[bold]{problem}[/bold]")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped, and all that was started with it.")
        return 130
    before = next(iter(COMMITTED.runs()), None)
    Published(VAR).add(document, is_same_code=False)
    if options.publish:
        COMMITTED.add(document, is_same_code=before is not None and machine.is_measured_alike(before.commit))
    console.print(_aims_as_table(document))
    console.print(f"All figures are in {(VAR / 'performance.md').relative_to(machine.ROOT)}.")
    for line in _what_moved(before, document):
        console.print(line, soft_wrap=True, markup=False)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="little of everything, once: a look, not a measurement")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[], help="some parts of it")
    parser.add_argument("--publish", action="store_true", help="write docs/performance.json and docs/performance.md")
    return parser.parse_args()


def _measured(options: argparse.Namespace, described: dict[str, object]) -> Document:
    began, at = time.monotonic(), datetime.now(UTC).isoformat(timespec="minutes")

    def say(what: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {what}", markup=False)

    tools = find_tools(VAR / "bench-programs")
    stack = BenchStack(VAR / "bench", tools)
    course = Course(QUICK if options.quick else FULL, tools, stack, options.only or PARTS, say)
    try:
        figures = course.run()
    finally:
        stack.end()
    arguments = " ".join(sys.argv[1:])
    return Document(
        at=at,
        form=course.plan.form,
        command=f'make bench ARGS="{arguments}"' if arguments else "make bench",
        commit=machine.commit(),
        machine=described,
        figures=tuple(figures),
        left_out=tools.left_out,
        flush_ms=stack.flush_ms,
        minutes=round((time.monotonic() - began) / 60, 1),
    )


def _aims_as_table(document: Document) -> Table:
    table = Table("What", "Wanted", "Measured", "")
    for outcome in aims.outcomes(document):
        table.add_row(*report.aim_cells(outcome))
    return table


def _what_moved(before: Document | None, now: Document) -> list[str]:
    if before is None:
        return ["Nothing is committed to compare with."]
    is_same_machine = machine.is_same(before.machine, now.machine)
    found = compare.in_words(compare.moves(before, now, is_same_machine=is_same_machine))
    where = "the same machine" if is_same_machine else "another machine, so only shares of the floor are compared"
    head = f"Against the committed run ({before.form}, {before.at}, commit {before.commit}, {where}):"
    return [head, *(found or ["nothing moved by more than noise."])]


if __name__ == "__main__":
    sys.exit(main())
