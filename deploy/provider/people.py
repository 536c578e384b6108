"""The people whom the provider knows: a file that is read anew at each sign-in."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from shared.auth import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in. `where` says it for people."""

    subject: str
    name: str
    role: Role
    sites: tuple[str, ...]

    @property
    def where(self) -> str:
        return ", ".join(self.sites) or "the network"


def keep_people(file: Path, people: Sequence[Person]) -> None:
    """Add these to the people in the file, in one step; one of the same subject is replaced."""
    by_subject = {person.subject: person for person in (*known_people(file), *people)}
    draft = file.with_name(file.name + ".draft")
    draft.write_text(json.dumps([asdict(person) for person in by_subject.values()]))
    draft.replace(file)


def known_people(file: Path) -> list[Person]:
    """The people in the file; none when there is none."""
    if not file.exists():
        return []
    return [
        Person(entry["subject"], entry["name"], Role(entry["role"]), tuple(entry["sites"]))
        for entry in json.loads(file.read_text())
    ]
