"""A form as it is asked: a tree of items, read once out of a FHIR R4 `Questionnaire` and never changed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from services.intake.domain.questionnaires.comparing import order
from services.intake.domain.questionnaires.issues import Issue, Rule
from services.intake.domain.questionnaires.values import Coding, Number, Quantity, Read, Value
from services.intake.domain.questionnaires.words import Words

# What is wrong with a value, and what would have been right; None when it fits.
Wrong = tuple[Rule, str] | None
Limit = Callable[[Any], Wrong]


class ItemType(StrEnum):
    GROUP = "group"
    DISPLAY = "display"
    QUESTION = "question"  # abstract in R4: it has no answers of any type
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE = "date"
    DATE_TIME = "dateTime"
    TIME = "time"
    STRING = "string"
    TEXT = "text"
    URL = "url"
    CHOICE = "choice"
    OPEN_CHOICE = "open-choice"
    ATTACHMENT = "attachment"
    REFERENCE = "reference"
    QUANTITY = "quantity"


WITHOUT_ANSWER = frozenset({ItemType.GROUP, ItemType.DISPLAY, ItemType.QUESTION})
CHOICES = frozenset({ItemType.CHOICE, ItemType.OPEN_CHOICE})


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers that are offered; `code` is what a plain answer names it by."""

    value: Value
    code: str
    words: Words
    weight: Number | None = None
    is_exclusive: bool = False
    is_selected: bool = False

    def text(self, language: str) -> str:
        return self.words.said_in(language)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits the answers of an item; None where nothing does."""

    min_length: int | None = None
    max_length: int | None = None
    min_value: Value | None = None
    max_value: Value | None = None
    max_decimal_places: int | None = None
    min_occurs: int | None = None
    max_occurs: int | None = None
    pattern: str | None = None
    units: tuple[Coding, ...] = ()
    max_size: Number | None = None
    media_types: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One `enableWhen`: `holds` says of the answers to `question` whether they fulfil it."""

    question: str
    operator: str
    expected: Value
    holds: Callable[[list[Value]], bool] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule in FHIRPath over the answers; `human` says to a person what it asks for."""

    key: str
    expression: str
    human: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Expressions:
    """What an item says in FHIRPath, and the variables that it names, in their order."""

    variables: tuple[tuple[str, str], ...] = ()
    enabled: str | None = None
    calculated: str | None = None
    initial: str | None = None
    constraints: tuple[Constraint, ...] = ()

    def all(self) -> Iterator[str]:
        yield from (expression for _, expression in self.variables)
        yield from (one for one in (self.enabled, self.calculated, self.initial) if one)
        yield from (constraint.expression for constraint in self.constraints)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A question, a group of them, or words to read.

    `options` is None where any answer of the type is taken; `labels` say what some numbers mean. `may_be_empty`:
    where the form asks for reasons, none is asked for here. `list_away` is the address of a list of answers that is
    not in the document: no answer can be checked against it.
    """

    link_id: str
    type: ItemType
    words: Words = field(default_factory=Words)
    help_words: Words = field(default_factory=Words)
    prefix: str = ""
    control: str | None = None
    codes: tuple[Coding, ...] = ()
    required: bool = False
    repeats: bool = False
    is_hidden: bool = False
    is_read_only: bool = False
    may_be_empty: bool = False
    is_from_last: bool = False
    is_extracted: bool | None = None
    link_period: Quantity | None = None
    unit: Coding | None = None
    options: tuple[Option, ...] | None = None
    labels: Mapping[Number, Words] = field(default_factory=dict)
    list_away: str | None = None
    bounds: Bounds = Bounds()
    conditions: tuple[Condition, ...] = ()
    needs_all: bool = False
    initial: tuple[Value, ...] = ()
    expressions: Expressions = Expressions()
    items: tuple["Item", ...] = ()
    ancestors: tuple[str, ...] = ()
    # Prepared when the definition is read: how a plain answer and one of FHIR are read, and what limits them.
    read_plain: Read = field(repr=False, compare=False)
    readers: Mapping[str, Read] = field(repr=False, compare=False)
    limits: tuple[Limit, ...] = field(repr=False, compare=False)

    @cached_property
    def is_asked(self) -> bool:
        """Whether a person is asked for an answer when the item is shown."""
        is_given = self.is_hidden or self.is_read_only or self.expressions.calculated is not None
        return self.takes_answers and not is_given

    @cached_property
    def is_group(self) -> bool:
        return self.type is ItemType.GROUP

    @cached_property
    def takes_answers(self) -> bool:
        return self.type not in WITHOUT_ANSWER

    @cached_property
    def is_conditional(self) -> bool:
        return bool(self.conditions) or self.expressions.enabled is not None

    @cached_property
    def is_fixed(self) -> bool:
        """Whether the only answers are those that come with the form."""
        is_computed = self.expressions.calculated is not None or self.expressions.initial is not None
        return self.is_read_only and bool(self.initial) and not is_computed

    @cached_property
    def is_typed(self) -> bool:
        """Whether people answer in their own words."""
        return self.type in (ItemType.STRING, ItemType.TEXT)

    @cached_property
    def opens_scope(self) -> bool:
        """Whether each occurrence, or each answer, has questions of its own."""
        return self.repeats and any(item.type is not ItemType.DISPLAY for item in self.items)

    @cached_property
    def words_inside(self) -> frozenset[str]:
        """What is to be read with it, such as help: shown wherever the item is."""
        return frozenset(one.link_id for one in self.items if one.type is ItemType.DISPLAY and not one.is_conditional)

    @cached_property
    def has_more_inside(self) -> bool:
        """Whether there is anything inside but what is to be read with it."""
        return len(self.items) > len(self.words_inside)

    @cached_property
    def children(self) -> Mapping[str, "Item"]:
        return {item.link_id: item for item in self.items}

    @cached_property
    def codes_offered(self) -> Mapping[str, Option]:
        return {option.code: option for option in self.options or ()}

    @cached_property
    def path(self) -> str:
        """Where its answers stand in a response, in FHIRPath."""
        return "QuestionnaireResponse" + "".join(
            ".item.where(linkId='{}')".format(link_id.replace("\\", "\\\\").replace("'", "\\'"))
            for link_id in (*self.ancestors, self.link_id)
        )

    @cached_property
    def asks_for_reason(self) -> bool:
        """Whether it must be known why there is no answer, where a form asks for reasons."""
        return self.is_asked and not self.may_be_empty

    def text(self, language: str) -> str:
        return self.words.said_in(language)

    def help(self, language: str) -> str:
        return self.help_words.said_in(language)

    def option_of(self, value: Value) -> Option | None:
        """The option that an answer chose."""
        for option in self.options or ():
            is_same = (
                option.value.same(value)
                if isinstance(option.value, Coding) and isinstance(value, Coding)
                else option.value == value and isinstance(option.value, bool) == isinstance(value, bool)
            )
            if is_same:
                return option
        return None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A form at one version. `flaws` say why it takes no new answers here; empty for one that was compiled."""

    url: str
    version: str
    status: str
    words: Words
    items: tuple[Item, ...]
    codes: tuple[Coding, ...] = ()
    instruments: tuple[str, ...] = ()
    asks_for_reasons: bool = False
    is_extracted: bool | None = None
    effective_from: str | None = None
    effective_to: str | None = None
    launch_context: tuple[tuple[str, str], ...] = ()
    expressions: Expressions = Expressions()
    flaws: tuple[Issue, ...] = ()
    resource: Mapping[str, Any] = field(repr=False, compare=False)

    @cached_property
    def key(self) -> str:
        """`url|version`, as a response names it; the address alone where there is no version."""
        return f"{self.url}|{self.version}" if self.version else self.url

    @cached_property
    def by_id(self) -> Mapping[str, Item]:
        return {item.link_id: item for item in self.walk()}

    @cached_property
    def children(self) -> Mapping[str, Item]:
        return {item.link_id: item for item in self.items}

    @cached_property
    def repeating_around(self) -> Mapping[str, str | None]:
        """For each item the nearest one around it that repeats with questions of its own."""
        around: dict[str, str | None] = {}
        for item in self.walk():  # those around come first
            above = item.ancestors[-1] if item.ancestors else None
            around[item.link_id] = above if above and self.by_id[above].opens_scope else around.get(above or "")
        return around

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each item stands, in the order of the form."""
        return {link_id: place for place, link_id in enumerate(self.by_id)}

    @cached_property
    def sections(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.type is ItemType.GROUP)

    @cached_property
    def has_rules(self) -> bool:
        """Whether a check must ask FHIRPath."""
        owners = (self.expressions, *(item.expressions for item in self.walk()))
        return any(owner.constraints or owner.calculated or owner.enabled for owner in owners)

    @cached_property
    def calculates(self) -> bool:
        """Whether an answer follows from others."""
        return any(item.expressions.calculated for item in self.walk())

    def title(self, language: str) -> str:
        return self.words.said_in(language)

    def takes(self, canonical: object) -> bool:
        """Whether a response that names this canonical is one to this form; one that names none may be."""
        if canonical is None:
            return True
        if not isinstance(canonical, str):
            return False
        url, _, version = canonical.partition("#")[0].partition("|")
        return url == self.url and version in ("", self.version)

    def out_of_use(self, at: str, *, status: str | None = None) -> list[str]:
        """Why no new answers are taken at this date or time; empty when they are.

        `status`: the one that the form has now, where it is known to be another than it came with.
        """
        status = status or self.status
        reasons = [] if status == "active" else [f"The form is {status or 'of no status'}, not active."]
        if self.effective_from is not None and order(at, self.effective_from) == -1:
            reasons.append(f"The form is in use from {self.effective_from}.")
        if self.effective_to is not None and order(at, self.effective_to) == 1:
            reasons.append(f"The form was in use until {self.effective_to}.")
        return reasons

    def walk(self) -> Iterator[Item]:
        """All items, each before those inside it."""
        waiting = list(reversed(self.items))
        while waiting:
            item = waiting.pop()
            yield item
            waiting.extend(reversed(item.items))
