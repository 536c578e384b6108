"""The Docker engine under these tests, and the images that they stand on; as a program it says what is lacking."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
_BASES = re.findall(r"^FROM (\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
_BOUGHT = [service["image"] for service in COMPOSE["services"].values() if not service["image"].startswith("$")]
_PULL_SECONDS = 300
_LONGEST_SECONDS = 600


def docker(*words: str, environ: Mapping[str, str] | None = None) -> str:
    """What a docker command printed; the test fails with the command's own words when it fails."""
    done = _run(*words, environ=environ, seconds=_LONGEST_SECONDS)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout


def variable_of(setting: str) -> str:
    """The environment variable by which the image of Kafka takes one of its settings."""
    return f"KAFKA_{setting.upper().replace('.', '_')}"


@cache
def lacking() -> str | None:
    """What these tests miss on this machine, in one line; None when nothing is missing."""
    if _run("info").returncode != 0 or _run("compose", "version").returncode != 0:
        return "no Docker engine with Compose answers here"
    for image in sorted({*_BASES, *_BOUGHT}):
        is_here = _run("image", "inspect", image).returncode == 0
        if not is_here and _run("pull", "--quiet", image, seconds=_PULL_SECONDS).returncode != 0:
            return f"the image {image} is neither on this machine nor to be had from a registry"
    return None


def _run(
    *words: str, environ: Mapping[str, str] | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *words],
        env=None if environ is None else {**os.environ, **environ},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


if __name__ == "__main__":
    sys.exit((reason := lacking()) and f"The container tests are left out: {reason}.")
