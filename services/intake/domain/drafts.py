"""A survey while it is being answered: its parts, and what the fields of one part's form say.

A part is a section of the form with at least one question that is shown after the answers so far. What is unanswered
stays unanswered: nothing is taken for a no, and nothing that was saved is dropped but by its own field.

    concern_1_words   a text, a number, a code, `true` or `false`; `~prefer-not-to-say` skips the question
    +missed_doses     the number where `missed_doses` is `+`: more than the buttons offer
    ~matters_most     the reason for skipping a question that is answered by typing
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.intake.domain.questionnaires import (
    Definition,
    Disabled,
    Given,
    Issue,
    Item,
    ItemType,
    Option,
    check,
    shown,
)
from shared.events import SkipReason

SKIP = "~"
MORE = "+"
_NUMBERS = (ItemType.INTEGER, ItemType.DECIMAL)
_REASONS = {str(reason): reason for reason in SkipReason}


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered so far, by item: answers in codes and numbers, words, and reasons for having none.

    `unread` are the questions whose words were saved and cannot be read now, `withheld` those whose answers are not
    shown to whoever looks: they count as answered.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, SkipReason] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()

    @property
    def all(self) -> dict[str, Any]:
        """Answers and words together, as a form is checked."""
        return {**self.answers, **self.words}

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


class Part(NamedTuple):
    """One screen: its place in the survey, from 1, and the items that are shown on it."""

    number: int
    section: Item
    shown: frozenset[str]

    @property
    def questions(self) -> list[Item]:
        return [item for item in inside(self.section) if item.is_asked and item.link_id in self.shown]

    def told(self, answered: Answered) -> list[Item]:
        """Questions that were answered, and those that must be: nothing is said of what may be left empty and was."""
        return [item for item in self.questions if item.asks_for_reason or answered.has(item)]

    def unanswered(self, answered: Answered) -> list[Item]:
        """Questions that must still be answered, or skipped with a reason."""
        return [item for item in self.questions if item.asks_for_reason and not answered.has(item)]


class Taken(NamedTuple):
    """What is answered once a form was sent.

    `wrong` says by question what is wrong with a field that could not be taken, `typed` what stood in it. `given` are
    the questions whose field was taken.
    """

    answered: Answered
    given: frozenset[str]
    wrong: Mapping[str, Issue]
    typed: Mapping[str, str]


def parts(definition: Definition, answered: Answered) -> list[Part]:
    """The parts of a survey as they are shown after these answers."""
    visible = shown(definition, answered.all)
    found = [Part(0, section, visible) for section in definition.sections]
    return [part._replace(number=number) for number, part in enumerate((p for p in found if p.questions), start=1)]


def take(definition: Definition, answered: Answered, fields: Mapping[str, str]) -> Taken:
    """Put the fields of a form into what was answered.

    Each goes by its own name: what was answered meanwhile may have given its part another number, or hidden it. A
    question without a field keeps what it had, and so does one whose field cannot be taken.
    """
    asked = [item for item in definition.walk() if item.is_asked and _is_sent(item, fields)]
    read = {item.link_id: _given(item, fields) for item in asked}
    new = _with(asked, answered, read)
    wrong = {issue.link_id: issue for issue in _issues(definition, new) if issue.link_id in read}
    kept = _with([item for item in asked if item.link_id not in wrong], answered, read)
    return Taken(kept, frozenset(read.keys() - wrong.keys()), wrong, {name: read[name].text for name in wrong})


def without_fields(fields: Mapping[str, str], questions: Set[str]) -> dict[str, str]:
    """The fields of a form but for those of these questions."""
    return {name: text for name, text in fields.items() if name.removeprefix(SKIP).removeprefix(MORE) not in questions}


def part_of(parts: Sequence[Part], fields: Mapping[str, str], number: int) -> Part:
    """The part that a form's fields are of; the one with this number, or the last, where none of it is shown now."""
    sent = (part for part in parts if any(_is_sent(item, fields) for item in part.questions))
    return next(sent, parts[min(number, len(parts)) - 1])


def unfinished(definition: Definition, answered: Answered) -> list[Part]:
    """The parts on which something must still be done before the survey can be sent."""
    errors = check(definition, Given.of_plain(answered.all, answered.skipped)).errors
    wrong = {issue.link_id for issue in errors} - answered.unread
    return [part for part in parts(definition, answered) if wrong & {item.link_id for item in part.questions}]


def steps(item: Item) -> Sequence[Option | int] | None:
    """What a question offers to press: options, or the numbers of a short scale; None where it is typed."""
    if item.options:
        return item.options
    low, high = item.bounds.min_value, item.bounds.max_value
    if item.type in _NUMBERS and isinstance(low, int | float) and isinstance(high, int | float):
        return range(int(low), min(int(high), int(low) + 10) + 1)
    return None


def inside(section: Item) -> Iterator[Item]:
    """All items of a section, each before those inside it."""
    for item in section.items:
        yield item
        yield from inside(item)


class _Field(NamedTuple):
    """What a form says of a question: a text, or the reason for skipping it. What was typed counts before a reason."""

    text: str
    reason: SkipReason | None


def _is_sent(item: Item, fields: Mapping[str, str]) -> bool:
    return item.link_id in fields or SKIP + item.link_id in fields


def _given(item: Item, fields: Mapping[str, str]) -> _Field:
    name = item.link_id
    text = fields.get(name, "").strip()
    # What people type may begin with any sign.
    if text.startswith(SKIP) and not item.is_typed:
        return _Field("", _REASONS.get(text.removeprefix(SKIP)))
    if text == MORE and not item.is_typed:
        return _Field(fields.get(MORE + name, "").strip(), None)
    return _Field(text, _REASONS.get(fields.get(SKIP + name, "")))


def _with(items: Sequence[Item], answered: Answered, read: Mapping[str, _Field]) -> Answered:
    answers, words, skipped = dict(answered.answers), dict(answered.words), dict(answered.skipped)
    for item in items:
        given = read[item.link_id]
        for held in (answers, words, skipped):
            held.pop(item.link_id, None)
        if given.text and item.is_typed:
            words[item.link_id] = given.text
        elif given.text:
            answers[item.link_id] = _value(item, given.text)
        elif given.reason is not None:
            skipped[item.link_id] = given.reason
    return Answered(answers, words, skipped, answered.unread.difference(item.link_id for item in items))


def _issues(definition: Definition, answered: Answered) -> Sequence[Issue]:
    given = Given.of_plain(answered.all, answered.skipped, is_partial=True)
    return check(definition, given, disabled=Disabled.STRIP).errors


def _value(item: Item, text: str) -> Any:
    """The plain answer that a text stands for: as it is when it stands for none, so that the check says so."""
    if item.type is ItemType.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    return _number(text) if item.type in _NUMBERS else text


def _number(text: str) -> float | str:
    """As people write it: `2`, `2.5`, `2,5`."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
