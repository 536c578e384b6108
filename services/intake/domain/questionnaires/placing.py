"""Answers put where they belong: each at its item, whether they came as plain JSON or as a FHIR response.

A scope holds the answers that stand side by side: those of the form, of one occurrence of a repeating group, of one
answer of a repeating question. Groups and questions that do not repeat open none, so that a question is found from
anywhere around it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.intake.domain.questionnaires.definition import Item
from services.intake.domain.questionnaires.issues import Issue, Rule
from services.intake.domain.questionnaires.values import Value
from shared.events import SkipReason


@dataclass(slots=True)
class Answer:
    """One answer; `inside` are those to the questions under it, where the question repeats."""

    value: Value
    name: str
    inside: "Scope | None" = None


@dataclass(slots=True)
class Entry:
    """What was given for one item in one scope. `is_shown` is None until somebody asked."""

    item: Item
    scope: "Scope"
    answers: list[Answer] = field(default_factory=list)
    skipped: SkipReason | None = None
    occurrences: list["Scope"] = field(default_factory=list)
    wrong: list[Issue] = field(default_factory=list)
    is_shown: bool | None = None

    @property
    def is_given(self) -> bool:
        return bool(self.answers) or self.skipped is not None or bool(self.wrong)


@dataclass(slots=True)
class Scope:
    """Entries by link id; `outer` is the scope around, and `owner` the repeating item that opened this one."""

    outer: "Scope | None" = None
    owner: Entry | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    inner: list["Scope"] = field(default_factory=list)

    def entry(self, item: Item) -> Entry:
        found = self.entries.get(item.link_id)
        if found is None:
            found = self.entries[item.link_id] = Entry(item, self)
        return found

    def opened(self, owner: Entry) -> "Scope":
        """A new scope inside this one."""
        scope = Scope(self, owner)
        self.inner.append(scope)
        return scope

    def find(self, link_id: str) -> Entry | None:
        """The nearest entry of a question: in this scope or one around it, else the last one inside them."""
        scope: Scope | None = self
        outermost = self
        while scope is not None:
            found = scope.entries.get(link_id)
            if found is not None:
                return found
            outermost, scope = scope, scope.outer
        return outermost.last_inside(link_id) if outermost.inner else None

    def forget_shown(self) -> None:
        """Ask again of every entry, here and inside, whether it is shown."""
        for scope in (self, *self._inside()):
            for entry in scope.entries.values():
                entry.is_shown = None

    def last_inside(self, link_id: str) -> Entry | None:
        return next((found for scope in self._inside() if (found := scope.entries.get(link_id))), None)

    def _inside(self) -> Iterator["Scope"]:
        waiting = [*self.inner]
        while waiting:
            scope = waiting.pop()
            yield scope
            waiting.extend(scope.inner)


@dataclass(slots=True)
class Placed:
    """All that was given, in its place; `issues` are those of what has none.

    `is_to_form` is false when none of it can be meant for the form: then nothing is missing either.
    """

    root: Scope
    is_to_form: bool = True
    issues: list[Issue] = field(default_factory=list)

    def wrong(self, entry: Entry, rule: Rule, expected: str = "") -> None:
        """Say of an entry that it cannot be used as it was given."""
        entry.wrong.append(Issue(rule, entry.item.link_id, expected, path=entry.item.path))

    def lost(self, link_id: str | None, rule: Rule, path: str, expected: str = "") -> None:
        """Say of a part that belongs to no item."""
        self.issues.append(Issue(rule, link_id, expected, path=path))
