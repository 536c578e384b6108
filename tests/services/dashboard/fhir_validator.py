"""HAPI FHIR's validator, which is not ours: fetched by Maven once for all checkouts, run by Java without a network."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from deploy.local.java import JavaTools
from deploy.local.process import run

_HERE = Path(__file__).parent / "validator"
_POM = _HERE / "pom.xml"


class Finding(NamedTuple):
    document: str
    severity: str
    place: str
    words: str


def findings(documents: Mapping[str, Any], folder: Path) -> list[Finding]:
    """What the validator says of these documents, each a file in `folder` by its name. Skips where it cannot run."""
    tools = JavaTools.found(os.environ)
    if tools.java is None:
        pytest.skip("no Java 17 or newer here")
    jars = _jars(tools.maven, tools.jars.parent)
    for name, document in documents.items():
        (folder / name).write_bytes(orjson.dumps(document))
    command = [tools.java, "-Xmx600m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
    said = run(
        [*command, str(_HERE / "Validate.java"), *(str(folder / name) for name in documents)],
        what="HAPI FHIR's validator",
        seconds=300,
    )
    lines = (line.split("\t") for line in said.splitlines())
    return [Finding(Path(document).name, *rest) for document, *rest in lines]


def _jars(maven: str | None, cache: Path) -> Path:
    jars = cache / f"fhir-validator-{sha256(_POM.read_bytes()).hexdigest()[:8]}"
    if jars.exists():
        return jars
    if maven is None:
        pytest.skip("no Maven here to fetch HAPI FHIR's validator with")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as parent:
        draft = Path(parent) / "jars"
        copy = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
        run(
            [
                maven,
                "--batch-mode",
                "--quiet",
                "--strict-checksums",
                "-f",
                str(_POM),
                copy,
                f"-DoutputDirectory={draft}",
            ],
            what="Fetching HAPI FHIR's validator with Maven",
            seconds=900,
        )
        if not jars.exists():
            shutil.move(draft, jars)
    return jars
