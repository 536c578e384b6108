"""A survey while it is being answered: its parts, and what is answered once a part's form was sent.

A part is a section of the form with at least one question that is shown after the answers so far. What is unanswered
stays unanswered: nothing is taken for a no, and nothing that was saved is dropped but by its own field.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from services.intake.domain.fields import SKIPPED, Field, given_at, is_sent, numbered, read_fields
from services.intake.domain.questionnaires import (
    Definition,
    Disabled,
    Given,
    Issue,
    Item,
    ItemType,
    Rule,
    check,
    shown,
    with_calculated,
)
from shared.events import SkipReason


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered so far, by item: answers in codes and numbers, reasons for having none, and as `words` what is
    kept sealed: people's own words, quantities, and groups that repeat, each as a whole.

    `unread` are the questions whose words were saved and cannot be read now, `withheld` those whose answers are not
    shown to whoever looks: they count as answered.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    skipped: Mapping[str, SkipReason] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()

    @property
    def all(self) -> dict[str, Any]:
        """Answers and words together, as a form is checked."""
        return {**self.answers, **self.words}

    def of(self, item: Item) -> Any:
        """What a question was answered with, or skipped for."""
        return next((held[item.link_id] for held in (self.all, self.skipped) if item.link_id in held), None)

    def has(self, item: Item) -> bool:
        """Whether it is known what became of a question."""
        held = (self.answers, self.words, self.skipped, self.unread, self.withheld)
        return any(item.link_id in one for one in held)

    def without(self, items: frozenset[str]) -> "Answered":
        """The same as it is shown to somebody from whom the answers to these questions are withheld."""
        return Answered(
            {item: answer for item, answer in self.answers.items() if item not in items},
            {item: said for item, said in self.words.items() if item not in items},
            self.skipped,
            self.unread - items,
            items,
        )

    def several(self, item: Item) -> Sequence[Any]:
        """The answers to a question that repeats, or the groups."""
        return self.answers.get(item.link_id) or self.words.get(item.link_id) or ()


class Part(NamedTuple):
    """One screen: its place in the survey, from 1, and the items that are shown on it.

    A group that repeats is one of its questions.
    """

    number: int
    section: Item
    shown: frozenset[str]

    @property
    def questions(self) -> list[Item]:
        return [item for item in inside(self.section) if _is_answered(item) and item.link_id in self.shown]

    def told(self, answered: Answered) -> list[Item]:
        """Questions that were answered, and those that must be: nothing is said of what may be left empty and was."""
        return [item for item in self.questions if item.asks_for_reason or answered.has(item)]

    def unanswered(self, answered: Answered) -> dict[str, Issue]:
        """What must still be answered, or skipped with a reason, by the names of fields."""
        found = dict[str, Issue]()
        for item in self.questions:
            if item.is_group:
                found |= _open_in(item, answered)
            elif item.asks_for_reason and not answered.has(item):
                found[item.link_id] = Issue(Rule.UNEXPLAINED, item.link_id)
            count, fewest = len(answered.several(item)) if item.repeats else 0, item.bounds.min_occurs
            if fewest is not None and 0 < count < fewest:
                found[item.link_id] = Issue(Rule.TOO_FEW, item.link_id, str(fewest))
        return found


class Taken(NamedTuple):
    """What is answered once a form was sent.

    `wrong` says by the names of fields what is wrong where something could not be taken, `typed` what stood there.
    `changed` are the questions whose answer is another one now.
    """

    answered: Answered
    changed: frozenset[str]
    wrong: Mapping[str, Issue]
    typed: Mapping[str, str]


def parts(definition: Definition, answered: Answered) -> list[Part]:
    """The parts of a survey as they are shown after these answers."""
    visible = shown(definition, with_calculated(definition, answered.all, answered.skipped))
    found = [Part(0, section, visible) for section in definition.sections]
    return [part._replace(number=number) for number, part in enumerate((p for p in found if p.questions), start=1)]


def given_so_far(definition: Definition, answered: Answered, *, is_partial: bool = False) -> Given:
    """What was answered, and what the form calculates of it, as it is checked."""
    answers = with_calculated(definition, answered.all, answered.skipped)
    return Given.of_plain(answers, answered.skipped, is_partial=is_partial)


def take(
    definition: Definition, answered: Answered, fields: Mapping[str, str], *, closed: Set[str] = frozenset()
) -> Taken:
    """Put the fields of a form into what was answered; those of `closed` questions say nothing.

    Each goes by its own name: what was answered meanwhile may have given its part another number, or hidden it. A
    question without a field keeps what it had, and so does one whose field cannot be taken; of groups that repeat all
    is kept that can be taken.
    """
    asked = [item for item in _answerable(definition) if item.link_id not in closed and is_sent(item, fields)]
    read = {item.link_id: read_fields(item, fields) for item in asked}
    wrong = {name: issue for one in read.values() for name, issue in one.wrong.items()}
    failed = {item.link_id for item in asked if read[item.link_id].wrong}
    for issue in _issues(definition, _with(asked, answered, read)):
        name = _asked_as(definition, issue)
        if name in read and name not in failed:
            wrong[name] = issue
    failed |= wrong.keys() & read.keys()
    now = _with([item for item in asked if item.is_group or item.link_id not in failed], answered, read)
    return Taken(
        answered=now,
        changed=frozenset(item.link_id for item in asked if now.of(item) != answered.of(item)),
        wrong=wrong,
        typed={name: text for one in sorted(failed) for name, text in read[one].typed.items()},
    )


def times(definition: Definition, fields: Mapping[str, str], now: datetime) -> dict[str, datetime]:
    """When each answer in a form was given."""
    sent = (item for item in _answerable(definition) if is_sent(item, fields))
    return {item.link_id: given_at(item, fields, now) for item in sent}


def part_of(parts: Sequence[Part], fields: Mapping[str, str], number: int) -> Part:
    """The part that a form's fields are of; the one with this number, or the last, where none of it is shown now."""
    sent = (part for part in parts if any(is_sent(item, fields) for item in part.questions))
    return next(sent, parts[min(number, len(parts)) - 1])


def unfinished(definition: Definition, answered: Answered) -> list[Part]:
    """The parts on which something must still be done before the survey can be sent."""
    errors = check(definition, given_so_far(definition, answered)).errors
    wrong = {_asked_as(definition, issue) for issue in errors} - answered.unread
    return [part for part in parts(definition, answered) if wrong & {item.link_id for item in part.questions}]


def inside(section: Item) -> Iterator[Item]:
    """All items of a section, each before those inside it; a group that repeats stands for what is in it."""
    for item in section.items:
        yield item
        if not item.opens_scope:
            yield from inside(item)


def written(said: Any) -> str:
    """What is sealed of an answer."""
    return said if isinstance(said, str) else orjson.dumps(said).decode()


def read_back(item: Item | None, text: str) -> Any:
    """An answer out of what was sealed."""
    is_text = item is None or (item.is_typed and not item.repeats)
    return text if is_text else orjson.loads(text)


def _is_answered(item: Item) -> bool:
    return item.is_asked or (item.is_group and item.opens_scope)


def _answerable(definition: Definition) -> list[Item]:
    around = definition.repeating_around
    return [item for item in definition.walk() if _is_answered(item) and around[item.link_id] is None]


def _asked_as(definition: Definition, issue: Issue) -> str:
    """The question that something is wrong with: the group for what is in one that repeats."""
    name = issue.link_id or ""
    return definition.repeating_around.get(name) or name


def _open_in(group: Item, answered: Answered) -> dict[str, Issue]:
    asked = [item for item in group.items if item.asks_for_reason]
    found = {
        numbered(item.link_id, number): Issue(Rule.UNEXPLAINED, item.link_id)
        for number, row in enumerate(answered.several(group), start=1)
        for item in asked
        if item.link_id not in row and item.link_id not in row.get(SKIPPED, ())
    }
    if group.required and not answered.has(group):
        found[group.link_id] = Issue(Rule.REQUIRED, group.link_id)
    return found


def _with(items: Sequence[Item], answered: Answered, read: Mapping[str, Field]) -> Answered:
    answers, words, skipped = dict(answered.answers), dict(answered.words), dict(answered.skipped)
    for item in items:
        given = read[item.link_id]
        for held in (answers, words, skipped):
            held.pop(item.link_id, None)
        if given.answer is not None:
            (words if _is_sealed(item) else answers)[item.link_id] = given.answer
        elif given.reason is not None:
            skipped[item.link_id] = given.reason
    return Answered(answers, words, skipped, answered.unread.difference(item.link_id for item in items))


def _is_sealed(item: Item) -> bool:
    return item.is_typed or item.is_group or item.type is ItemType.QUANTITY


def _issues(definition: Definition, answered: Answered) -> Sequence[Issue]:
    given = given_so_far(definition, answered, is_partial=True)
    return check(definition, given, disabled=Disabled.STRIP).errors
