"""What a survey is made of: answers of a kind, items, sections, forms.

The parts are those of a FHIR Questionnaire (`id` is its linkId, the kinds its boolean, choice, integer and
decimal, `not_asked_if` its enableWhen), so that an engine for those can take this place without a change to
`survey-completed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from shared.events import Diagnosis, SkipReason

Answers = Mapping[str, float | str | bool]
Skipped = Mapping[str, SkipReason]


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`, both allowed; `words` say what some of the values mean."""

    low: int
    high: int
    words: tuple[tuple[int, str], ...] = ()
    is_whole: bool = field(default=True, kw_only=True)

    @property
    def expected(self) -> str:
        return f"{'a whole' if self.is_whole else 'a'} number from {self.low} to {self.high}"

    def accepts(self, answer: object) -> bool:
        """True and false are no numbers here, nor is NaN; 3.0 is whole."""
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            return False
        return self.low <= answer <= self.high and (not self.is_whole or answer == int(answer))


@dataclass(frozen=True, slots=True)
class YesNo:
    """True for yes, false for no."""

    @property
    def expected(self) -> str:
        return "yes or no (true or false)"

    def accepts(self, answer: object) -> bool:
        return isinstance(answer, bool)


@dataclass(frozen=True)
class Choice:
    """Exactly one of the codes."""

    options: tuple[tuple[str, str], ...]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(code for code, _ in self.options)

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self.codes)}"

    def accepts(self, answer: object) -> bool:
        return isinstance(answer, str) and answer in self.codes


AnswerKind = Number | YesNo | Choice


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `recall` is the time that it asks about; null when it asks about now.

    `not_asked_if` names an earlier yes/no item: when its answer is yes, this question is not shown.
    """

    id: str
    words: str
    kind: AnswerKind
    recall: str | None = None
    not_asked_if: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Questions of one screen. `notice` is an attribution that must stand beside them."""

    id: str
    title: str
    items: tuple[Item, ...]
    intro: str | None = None
    notice: str | None = None


@dataclass(frozen=True)
class Form:
    """A survey for one diagnosis, and the `id|version` of what its answers are scored by, the index first."""

    id: str
    version: str
    diagnosis: Diagnosis
    sections: tuple[Section, ...]
    instruments: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """`id|version`, as `survey-completed` carries it."""
        return f"{self.id}|{self.version}"

    @cached_property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for section in self.sections for item in section.items)
