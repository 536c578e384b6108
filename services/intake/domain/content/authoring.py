"""How the shipped surveys are written down: questions of a kind in sections, with both languages side by side.

It knows only what the surveys need; `fhir` turns it into FHIR Questionnaires, which is what everybody else reads.
"""

from dataclasses import dataclass, field
from typing import Literal

from shared.events import Diagnosis
from shared.speech import Said


@dataclass(frozen=True, slots=True)
class YesNo:
    """True for yes, false for no."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`, both allowed.

    `labels` say what some of the values mean; with labels it is a scale, of which one step is chosen.
    """

    low: int
    high: int
    labels: tuple[tuple[int, Said], ...] = ()
    is_whole: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of the codes, which are those of our code system with the name `system`."""

    system: str
    options: tuple[tuple[str, Said], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The patient's own words, at most so many characters; a few lines or many."""

    most: int
    is_long: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class When:
    """A condition on the answer to a question of an earlier screen. Without an answer only `!=` holds."""

    question: str
    operator: Literal["=", "!=", ">"]
    answer: bool | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`hint` says which time the question asks about, and how to answer. `may_be_empty`: no reason is asked for.

    `loinc` is its code where the question is one that LOINC lists word by word.
    """

    id: str
    words: Said
    kind: YesNo | Number | Choice | Words
    hint: Said | None = None
    asked_when: tuple[When, ...] = ()
    may_be_empty: bool = False
    loinc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Questions of one screen, or of one part of it. `notice` is an attribution that must stand beside them.

    A site can leave an optional section out.
    """

    id: str
    title: Said
    items: tuple["Question | Section", ...]
    intro: Said | None = None
    notice: Said | None = None
    asked_when: tuple[When, ...] = ()
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A survey for one diagnosis, and the `id|version` of what its answers are scored by, the index first."""

    id: str
    version: str
    title: Said
    diagnosis: Diagnosis
    sections: tuple[Section, ...]
    instruments: tuple[str, ...]
