"""The machine, the commit and the moment that figures belong to."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("uvicorn", "uvloop", "httptools", "fastapi", "pydantic", "asyncpg", "aiokafka")
QUIET = 1.0
# What decides about a figure: the product, and what the bench asks of it.
_PRODUCT = ("services", "shared", "deploy", "requirements.lock")
_BENCH = ("tests/load/rows", "tests/load/programs", "tests/load/floor*.py", "tests/load/plan.py")


def describe() -> dict[str, Any]:
    """Processor, memory, system, versions; and how busy the machine was before the bench began."""
    cpu = next((line.split(":", 1)[1] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "processor": cpu.strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_before": round(os.getloadavg()[0], 2),
    }


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether speeds measured on one can be compared with speeds measured on the other."""
    return all(one.get(name) == other.get(name) for name in ("processor", "cores", "memory_gib"))


def commit() -> str:
    """The commit that is checked out, and whether files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "no repository"


def is_measured_alike(commit: str, root: Path = ROOT) -> bool:
    """Whether what is checked out is, where it matters to a figure, what stood at that commit."""
    differs = ["git", "diff", "--quiet", commit, "--", *_PRODUCT, *_BENCH]
    return subprocess.run(differs, cwd=root, capture_output=True, check=False).returncode == 0


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
