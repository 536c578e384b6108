"""What a run of the bench found: figures, each with its samples, and the document that holds them.

A figure has one sample an alternation of the product and, measured in turn with it, of the floor. Its value is the
median; its noise is how far its own samples lie apart.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal, NamedTuple

Disk = Literal["as it is", "1 ms a flush"]


class Measure(NamedTuple):
    """What is measured and in what; of a speed more is better, of everything else less."""

    name: str
    unit: str
    is_more_better: bool = False


RATE = Measure("rate", "/s", is_more_better=True)
MEDIAN = Measure("median", "ms")
P99 = Measure("p99", "ms")
CPU = Measure("CPU an operation", "µs")
TIME = Measure("time", "s")
MEMORY = Measure("resident", "MiB")
SHARE = Measure("CPU", "% of a core")
FAILED = Measure("failed", "%")
LATE = Measure("lateness of the driver, p99", "ms")
DRIVER = Measure("CPU of the driver", "% of a core")
PART = "CPU in "
"""How the measures begin that say where the CPU of an operation goes: a profile, no figures to compare."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one row. `floor` is empty where nothing was measured beside it."""

    row: str
    measure: str
    unit: str
    disk: Disk
    is_more_better: bool
    product: tuple[float, ...]
    floor: tuple[float, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.row, self.disk, self.measure)

    @property
    def value(self) -> float:
        return median(self.product)

    @property
    def floor_value(self) -> float | None:
        return median(self.floor) if self.floor else None

    @property
    def ratios(self) -> tuple[float, ...]:
        """The product's samples over the floor's, pair by pair: what the machine did to both falls out."""
        pairs = zip(self.product, self.floor, strict=False)
        return tuple(product / floor for product, floor in pairs if floor)

    @property
    def ratio(self) -> float | None:
        return median(self.ratios) if self.ratios else None


Sample = dict[tuple[str, Measure], float]
"""What one run of one side found, by row and measure."""


def alternate(
    times: int,
    disk: Disk,
    product: Callable[[], Sample],
    floor: Callable[[], Sample] | None = None,
) -> list[Figure]:
    """Run product and floor in turn, `times` each, and put the samples together."""
    found: dict[tuple[str, Measure], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for _ in range(times):
        for side, run in enumerate((product, floor)):
            for key, value in (run() if run else {}).items():
                found[key][side].append(round(value, 4))
    return [
        Figure(row, measure.name, measure.unit, disk, measure.is_more_better, tuple(products), tuple(floors))
        for (row, measure), (products, floors) in found.items()
        if products
    ]


@dataclass(frozen=True, slots=True)
class Document:
    """One run of the bench. `left_out` says in sentences what could not be measured here; `flush_ms` is what a durable
    commit takes, by disk.
    """

    at: str
    form: str
    command: str
    commit: str
    machine: Mapping[str, Any]
    figures: tuple[Figure, ...]
    left_out: tuple[str, ...]
    flush_ms: Mapping[str, float]
    minutes: float

    def by_key(self) -> dict[tuple[str, str, str], Figure]:
        return {figure.key: figure for figure in self.figures}

    def text(self) -> str:
        """The document as JSON, a figure a line."""
        head = {name: value for name, value in asdict(self).items() if name != "figures"}
        figures = ",\n  ".join(json.dumps(asdict(figure)) for figure in self.figures)
        return f'{json.dumps(head, indent=1)[:-2]},\n "figures": [\n  {figures}\n ]\n}}\n'

    @classmethod
    def of_text(cls, text: str) -> "Document":
        """The document as it was written."""
        document = json.loads(text)
        figures = tuple(
            Figure(**{**one, "product": tuple(one["product"]), "floor": tuple(one["floor"])})
            for one in document["figures"]
        )
        return cls(**{**document, "figures": figures, "left_out": tuple(document["left_out"])})
