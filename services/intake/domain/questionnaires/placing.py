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

MOST_SCOPES = 2_000


@dataclass(slots=True)
class Answer:
    """One answer; `inside` are those to the questions under it, where the question repeats.

    `name` is the `value[x]` that it came as; None where it came as plain JSON.
    """

    value: Value
    name: str | None = None
    inside: "Scope | None" = None


@dataclass(slots=True)
class Entry:
    """What was given for one item in one scope. `is_shown` is None until somebody asked.

    Most have answers and nothing else, and a list that is not there costs nothing.
    """

    item: Item
    scope: "Scope"
    answers: list[Answer] = field(default_factory=list)
    skipped: SkipReason | None = None
    opened: "list[Scope] | None" = None
    issues: list[Issue] | None = None
    is_shown: bool | None = None

    @property
    def occurrences(self) -> "list[Scope]":
        """Of a group that repeats."""
        return self.opened or []

    @property
    def is_given(self) -> bool:
        return bool(self.answers) or self.skipped is not None or self.issues is not None


@dataclass(slots=True)
class Scope:
    """Entries by link id; `outer` is the scope around, `owner` the repeating item that opened this one.

    `answer` is the one under which these entries stand, where the owner is a question.
    """

    outer: "Scope | None" = None
    owner: Entry | None = None
    answer: Answer | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    inner: list["Scope"] = field(default_factory=list)
    found_inside: dict[str, Entry | None] = field(default_factory=dict)

    def entry(self, item: Item) -> Entry:
        found = self.entries.get(item.link_id)
        if found is None:
            found = self.entries[item.link_id] = Entry(item, self)
        return found

    def forget_shown(self) -> None:
        """Ask again of every entry, here and inside, whether it is shown."""
        self.found_inside.clear()
        for entry in self.entries.values():
            entry.is_shown = None
        for scope in self._inside():
            scope.found_inside.clear()
            for entry in scope.entries.values():
                entry.is_shown = None

    def last_inside(self, link_id: str) -> Entry | None:
        """The last entry of a question in the scopes inside this one."""
        if link_id not in self.found_inside:
            scopes = (scope for scope in self._inside() if link_id in scope.entries)
            last = next(scopes, None)
            self.found_inside[link_id] = None if last is None else last.entries[link_id]
        return self.found_inside[link_id]

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
    room: int = MOST_SCOPES

    def open(self, owner: Entry, answer: Answer | None = None) -> Scope | None:
        """A new scope: an occurrence of a group, or what is asked under an answer; None when there is room for no more.

        Every one of them may be asked for the rules of the form, so somebody could keep us busy with very many.
        """
        if self.room == 0:
            if owner.issues is None:
                self.wrong(owner, Rule.TOO_MANY, str(MOST_SCOPES))
            return None
        self.room -= 1
        scope = Scope(owner.scope, owner, answer)
        owner.scope.inner.append(scope)
        if answer is None:
            owner.opened = [] if owner.opened is None else owner.opened
            owner.opened.append(scope)
        else:
            answer.inside = scope
        return scope

    def wrong(self, entry: Entry, rule: Rule, expected: str = "") -> None:
        """Say of an entry that it cannot be used as it was given."""
        entry.issues = [] if entry.issues is None else entry.issues
        entry.issues.append(Issue(rule, entry.item.link_id, expected, path=entry.item.path))

    def lost(self, link_id: str | None, rule: Rule, path: str, expected: str = "") -> None:
        """Say of a part that belongs to no item."""
        self.issues.append(Issue(rule, link_id, expected, path=path))
