"""Whether the committed contracts are what the code says, and keep what earlier ones promised."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deploy.contracts import history
from deploy.contracts.api_changes import api_changes
from deploy.contracts.changes import Change
from deploy.contracts.documents import FOLDER, Documents, documents, is_earlier_version, stale
from deploy.contracts.schema_changes import EVENT, schema_changes


def check(root: Path, *, tell: Callable[[str], object] = print) -> list[str]:
    """One sentence per finding, none when all is well; `tell` hears in one line what could not be compared."""
    current = documents()
    return stale(root, current) + broken_promises(root, current, tell=tell)


def broken_promises(root: Path, current: Documents, *, tell: Callable[[str], object] = print) -> list[str]:
    """Where `current` breaks what any of the last committed versions promised, and contracts that are gone."""
    if not history.is_kept(root):
        tell(f"No git history at {root}: contracts were not compared with earlier versions.")
        return []
    if history.is_shallow(root):
        tell("The git history is shallow: contracts were compared with the commits that it has.")
    findings = [
        f"{path} was removed; events and callers that rely on it are still there."
        for path in history.committed_paths(root, FOLDER)
        if _differ(path) and path not in current and not is_earlier_version(path)
    ]
    new = []
    for path, text in current.items():
        if not _differ(path):
            continue
        earlier = list(history.earlier_texts(root, path))
        found = dict.fromkeys(change for past in earlier for change in _changes(path, past, text))
        findings += [f"{path}#{change.pointer}: {change.what}." for change in found]
        new += [] if earlier else [path]
    if new:
        tell(f"Nothing committed to compare with: {', '.join(new)}.")
    return findings


def _differ(path: str) -> bool:
    return path.endswith(".schema.json") or path.startswith(f"{FOLDER}/openapi/")


def _changes(path: str, past: str, now: str) -> Iterator[Change]:
    if past == now:
        return
    old: dict[str, Any] = json.loads(past)
    new: dict[str, Any] = json.loads(now)
    yield from schema_changes(old, new, EVENT) if path.endswith(".schema.json") else api_changes(old, new)
