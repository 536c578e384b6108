"""Surveys through one intake door: validated, authorised, idempotent, with their events; and through the floor's."""

from uuid import uuid4

from deploy.doors import Door
from tests.load import subjects
from tests.load.bed import INTAKE_AT_FIRST, Bed
from tests.load.figures import CPU, MEDIAN, P99, RATE, Figure, Sample, alternate
from tests.load.loops import BadRun, closed, opened
from tests.load.subjects import Meter, Subject, written_at_rest

DOOR = Door("intake", "app")
BATCH_CONNECTIONS = 4
_SHORTEST_S = 0.3


def row(connections: int) -> str:
    return f"submit a survey, {connections} connection{'s' if connections > 1 else ''}"


def measure(bed: Bed) -> list[Figure]:
    """Every side begins with a fresh process on the same data: a copy of intake's database, or an empty floor."""

    def product() -> Sample:
        with bed.stack.doors([DOOR], {"intake": INTAKE_AT_FIRST}) as subject:
            return _Loops(bed, subject).run()

    def floor() -> Sample:
        subjects.make_floor(bed.stack.admin_dsn)
        with bed.stack.floor() as subject:
            return _Loops(bed, subject).run()

    return alternate(bed.plan.alternations, bed.stack.disk, product, floor)


class _Loops:
    """Loops over the visits of the targets; each visit is used once."""

    def __init__(self, bed: Bed, subject: Subject) -> None:
        self._bed, self._subject = bed, subject
        self._used = 0

    def run(self) -> Sample:
        window_s = self._bed.plan.window_s
        self._closed("warm-up", 32, self._bed.plan.warm_up_s)
        return {
            **self._closed(row(1), 1, window_s),
            **self._open(),
            **self._closed(row(32), 32, window_s),
            **self._closed(row(128), 128, window_s),
            **self._batches(),
        }

    def _closed(self, name: str, connections: int, seconds: int) -> Sample:
        rate, sample = self._loop(name, connections, seconds, "visits.tsv", 1)
        return {(name, RATE): rate, **sample}

    def _batches(self) -> Sample:
        size = self._bed.plan.surveys_a_batch
        name = f"submit surveys as NDJSON, {size} a request, {BATCH_CONNECTIONS} connections"
        self._used = 0
        rate, sample = self._loop(name, BATCH_CONNECTIONS, self._bed.plan.window_s, "batches.tsv", size)
        return {(name, RATE): rate, (name, CPU): sample[name, CPU]}

    def _loop(self, name: str, connections: int, seconds: int, file: str, size: int) -> tuple[float, Sample]:
        """Surveys a second, and the rest; what was answered must have been written, and nothing else."""
        first, written_before = self._used, written_at_rest(self._subject)
        arguments = [str(self._bed.targets.folder), file, str(first), str(size), f"{uuid4().hex}-"]
        arguments.append("once" if self._subject.is_once else "again")
        meter = Meter(self._subject)
        found = closed(self._bed.tools, self._subject.url("intake"), "submit.lua", connections, seconds, arguments)
        spent_s = meter.spent_s()
        self._used = found.used
        sent, written = found.used - first, written_at_rest(self._subject) - written_before
        # Requests that were under way at the end, and the one that wrk makes to look at, may have been written or not.
        if not sent - (connections + 1) * size <= written <= sent:
            raise BadRun(f"{name}: {sent} surveys were sent and {written} events written.")
        if found.seconds < _SHORTEST_S:
            raise BadRun(f"{name}: the visits were used up after {found.seconds:.2f} s; the plan needs more of them.")
        answered = found.requests if size == 1 else written
        sample = {
            (name, MEDIAN): found.p50_ms,
            (name, P99): found.p99_ms,
            (name, CPU): spent_s / written * 1e6,
        }
        return answered / found.seconds, sample

    def _open(self) -> Sample:
        rate, seconds = self._bed.plan.open_rate, self._bed.plan.window_s
        name = f"submit a survey, open loop at {rate:,}/s"
        found = opened(
            self._bed.tools,
            self._subject,
            self._bed.targets.folder,
            "submit",
            rate=rate,
            seconds=seconds,
            skip=self._used if self._subject.is_once else 0,
        )
        self._used += found.due
        return {(name, measure): value for measure, value in found.measures().items()}
