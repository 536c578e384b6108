"""How fast the system is ready, and how much memory it holds."""

import time

from deploy.doors import DOORS
from tests.load.bed import Bed
from tests.load.figures import MEMORY, TIME, Figure, Sample, alternate
from tests.load.processes import resident_mib
from tests.load.subjects import Product

TOGETHER = "ten doors, started together"
STACK = "databases, broker and topics, made from nothing"
WHOLE = "whole stack"


def starts(bed: Bed) -> list[Figure]:
    """Each door alone and all ten together, from the start of the process to its first ready answer."""

    def product() -> Sample:
        sample: Sample = {}
        for door in DOORS if bed.plan.is_each_door_started else ():
            began = time.perf_counter()
            with bed.stack.doors([door]):
                sample[f"start of {door}", TIME] = time.perf_counter() - began
        began = time.perf_counter()
        with bed.stack.doors():
            sample[TOGETHER, TIME] = time.perf_counter() - began
        return sample

    def floor() -> Sample:
        began = time.perf_counter()
        with bed.stack.floor():
            seconds = time.perf_counter() - began
        return {(f"start of {door}", TIME): seconds for door in DOORS if door.kind == "app"}

    return alternate(bed.plan.alternations, bed.stack.disk, product, floor)


def memory(bed: Bed, product: Product) -> list[Figure]:
    """What every process holds now, and all together; the floor's door has done nothing yet."""

    def resident() -> Sample:
        held = {str(door): resident_mib(pid) for door, pid in product.door_pids().items()}
        held |= {server: resident_mib(pid) for server, pid in bed.stack.servers().items()}
        return {(name, MEMORY): mib for name, mib in {**held, WHOLE: sum(held.values())}.items()}

    def floor() -> Sample:
        with bed.stack.floor() as subject:
            mib = resident_mib(subject.processes[0].pid)
        return {(str(door), MEMORY): mib for door in DOORS if door.kind == "app"}

    return alternate(1, bed.stack.disk, resident, floor)
