"""The parts of the bench in the order in which they can share a stack: three stacks, each made from nothing.

What needs no stack comes before them. The first has patients and visits, and measures doors and journeys, on the disk
as it is and slowed down; its relay comes last, because it sends everything to the topics once more with every run. The
second grows. The third has a log that was written straight to the topics, for the stages that read.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from deploy.doors import Door
from tests.load import databases
from tests.load.aims import FAST, SLOW
from tests.load.bed import INTAKE_AT_FIRST, Bed
from tests.load.figures import TIME, Figure
from tests.load.histories import load_histories
from tests.load.plan import Plan
from tests.load.rows import forms, journey, live, page, scale, sizes, stages, submit
from tests.load.settling import settle
from tests.load.stack import BenchStack
from tests.load.targets import Targets
from tests.load.tools import Tools

PARTS = ("forms", "starts", "submit", "memory", "journey", "page", "live", "slow", "relay", "scale", "reading")


@dataclass
class Course:
    """One run of the bench."""

    plan: Plan
    tools: Tools
    stack: BenchStack
    parts: Collection[str]
    say: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)
    stack_s: list[float] = field(default_factory=list)

    def run(self) -> list[Figure]:
        """All figures of the parts that were asked for."""
        self._part("forms", lambda: forms.measure(self.plan.alternations))
        if not {"forms", "scale", "reading"}.issuperset(self.parts):
            self._on_loaded_stack(self._bed())
        if "scale" in self.parts:
            bed = self._bed()
            self._part("scale", lambda: scale.measure(bed))
        if "reading" in self.parts:
            bed = self._bed()
            self._part("reading", lambda: stages.reading(bed))
        whole = Figure(sizes.STACK, TIME.name, TIME.unit, FAST, TIME.is_more_better, tuple(self.stack_s))
        return [whole, *self.figures] if self.stack_s else self.figures

    def _bed(self) -> Bed:
        self.say("a stack from nothing")
        self.stack_s.append(self.stack.begin())
        return Bed(self.plan, self.tools, self.stack, Targets(self.stack, self.stack.home / "targets"), self.say)

    def _part(self, name: str, measure: Callable[[], list[Figure]]) -> None:
        if name in self.parts:
            self.say(name)
            self.figures += measure()

    def _on_loaded_stack(self, bed: Bed) -> None:
        self._part("starts", lambda: sizes.starts(bed))
        self._load(bed)
        self._part("submit", lambda: submit.measure(bed))
        if {"memory", "page", "live", "slow"}.intersection(self.parts):
            self._load_histories(bed)
        self._part("journey", lambda: journey.measure(bed, self.plan.journey_rates))
        self._part("page", lambda: page.measure(bed))
        self._part("live", lambda: live.measure(bed))
        if self.tools.flushes is not None:
            self._part("slow", lambda: self._on_slow_disk(bed))
        self._part("relay", lambda: stages.relay(bed))

    def _load(self, bed: Bed) -> None:
        """Patients and their visits through intake's doors; then a copy of it all, for runs that must begin alike."""
        plan, targets = self.plan, bed.targets
        self.say(f"{plan.patients:,} patients with {plan.visits_each} visits each")
        with self.stack.doors([Door("intake", "app")]):
            patients = targets.add_patients(plan.patients, targets.add_sites(scale.SITES_AT_FIRST))
            for _ in range(plan.visits_each):
                targets.add_visits(patients)
        databases.copy_database(self.stack.admin_dsn, "intake", INTAKE_AT_FIRST)
        targets.write()

    def _load_histories(self, bed: Bed) -> None:
        """Pages with something on them; and, while all doors are open after that work, what they hold in memory."""
        self.say("patients with a history")
        with self.stack.doors() as product:
            bed.read_patients = load_histories(self.stack.network, self.plan.read_patients_a_site)
            settle(product)
            self._part("memory", lambda: sizes.memory(bed, product))
        bed.targets.write(read=bed.read_patients)

    def _on_slow_disk(self, bed: Bed) -> list[Figure]:
        self.stack.use_disk(SLOW)
        try:
            measures: dict[str, Callable[[], list[Figure]]] = {
                "submit": lambda: submit.measure(bed),
                "page": lambda: page.measure(bed),
                "journey": lambda: journey.measure(bed, (self.plan.slow_journey_rate,)),
            }
            return [figure for part in self.plan.on_slow_disk for figure in measures[part]()]
        finally:
            self.stack.use_disk(FAST)
