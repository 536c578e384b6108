"""All generated files at once: what each holds, writing them, and whether those on disk are up to date."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.contracts import access, instruments
from deploy.contracts.asyncapi import asyncapi
from deploy.contracts.interfaces import interfaces, openapi_documents
from deploy.contracts.messages import example_of, schema_of
from deploy.contracts.page import page
from shared.events import TOPICS

FOLDER = "shared/contracts"
PAGE, ACCESS, INSTRUMENTS = "docs/events.md", "docs/access.md", "docs/instruments.md"
Documents = Mapping[str, str]
_VERSIONED = re.compile(r"(?P<topic>[a-z-]+)\.v(?P<version>[0-9]+)\.(schema|example)\.json")


def documents() -> Documents:
    """Every generated file: its path under the project and its text. The same code always gives the same text."""
    services = interfaces()
    made = {PAGE: page(services), ACCESS: access.page(), INSTRUMENTS: instruments.page()}
    made[f"{FOLDER}/asyncapi.yaml"] = _yaml(asyncapi(services))
    for topic in TOPICS.values():
        made[f"{FOLDER}/{topic.schema}"] = _json(schema_of(topic))
        made[f"{FOLDER}/{topic.name}.v{topic.version}.example.json"] = _json(example_of(topic))
    for service, openapi in openapi_documents().items():
        made[f"{FOLDER}/openapi/{service}.json"] = _json(openapi)
    return made


def write(root: Path) -> list[str]:
    """Bring the files under `root` up to date; the paths that changed, those removed too."""
    made = documents()
    changed = []
    for path, text in made.items():
        file = root / path
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            changed.append(path)
    for path in _leftovers(root, made):
        (root / path).unlink()
        changed.append(path)
    return sorted(changed)


def stale(root: Path, made: Documents) -> list[str]:
    """One sentence for each file under `root` that is not what would be written now."""
    findings = [
        f"{path} is not as it would be written now: run `samepage contracts write`."
        for path, text in made.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    gone = [f"{path} is not generated any more: run `samepage contracts write`." for path in _leftovers(root, made)]
    return sorted(findings + gone)


def is_earlier_version(path: str) -> bool:
    """Whether a file describes an earlier version of a topic that still exists: such files stay, as its events do."""
    name = _VERSIONED.fullmatch(path.rpartition("/")[2])
    topic = TOPICS.get(name["topic"]) if name else None
    return topic is not None and name is not None and int(name["version"]) < topic.version


def _leftovers(root: Path, made: Documents) -> list[str]:
    found = (file.relative_to(root).as_posix() for file in (root / FOLDER).rglob("*") if file.is_file())
    return sorted(path for path in found if path not in made and not is_earlier_version(path))


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Unabridged, sort_keys=True, allow_unicode=True, width=110)


class _Unabridged(yaml.SafeDumper):
    """Writes a part that stands twice in full, since not every reader of YAML follows aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
