"""What all rows stand on: the plan, the stack, and whom the load is about."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.load.plan import Plan
from tests.load.stack import BenchStack
from tests.load.targets import Patient, Targets
from tests.load.tools import Tools

INTAKE_AT_FIRST = "intake_at_first"
"""A copy of intake's database from before any relay ran: its events are unsent, its visits without surveys."""


@dataclass
class Bed:
    """`read_patients`: those with a whole history, whose pages are read. `say` tells what is under way."""

    plan: Plan
    tools: Tools
    stack: BenchStack
    targets: Targets
    say: Callable[[str], None]
    read_patients: list[Patient] = field(default_factory=list)
