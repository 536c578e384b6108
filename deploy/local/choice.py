"""Which broker the local stack runs, and the line that says what follows from it."""

from collections.abc import Mapping
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.java import JavaTools
from deploy.local.kafka import Kafka
from deploy.local.record import BrokerKind
from deploy.local.tansu import Tansu

_MEMORY_ONLY = "so events live in memory only, every start begins empty, and guarantees count only with Kafka"


def chosen_broker(
    var: Path, environ: Mapping[str, str], running: BrokerKind | None
) -> tuple[Kafka | Tansu, str | None]:
    """The broker to run and a note: what SAMEPAGE_BROKER asks for, else what runs, else Kafka where Java allows it."""
    wanted = environ.get("SAMEPAGE_BROKER") or None
    if wanted not in (None, "kafka", "tansu"):
        raise StackError(f"SAMEPAGE_BROKER is `{wanted}`; it can be `kafka` or `tansu`")
    if running is not None and wanted not in (None, running):
        raise StackError(f"The local stack runs with {running}; stop it before starting it with {wanted}")
    tools = JavaTools.found(environ)
    if wanted == "kafka" and tools.missing:
        raise StackError(f"SAMEPAGE_BROKER is `kafka`, but Kafka needs {tools.missing}, not found here")
    if "tansu" in (wanted, running) or (running is None and tools.missing):
        return Tansu(var / "log" / "tansu.log"), f"{_reason(wanted, tools.missing)}, {_MEMORY_ONLY}"
    return Kafka(var / "kafka", var / "log" / "kafka.log", tools), None


def _reason(wanted: str | None, missing: str | None) -> str:
    if wanted == "tansu":
        return "SAMEPAGE_BROKER=tansu"
    return f"Kafka needs {missing}, not found here: Tansu stands in" if missing else "The Tansu broker already runs"
