"""Whether answers fit a form.

Nothing is left out in silence: of each question it is known whether it was answered, skipped with a reason, or not
shown. Never raises, whatever was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from services.intake.domain.questionnaires.comparing import is_same
from services.intake.domain.questionnaires.definition import Definition, Item
from services.intake.domain.questionnaires.enablement import Enablement, is_open
from services.intake.domain.questionnaires.given import Given
from services.intake.domain.questionnaires.issues import Issue, Rule, Severity
from services.intake.domain.questionnaires.placing import Entry, Scope
from services.intake.domain.questionnaires.plain import plain_answers
from services.intake.domain.questionnaires.responses import response_items
from services.intake.domain.questionnaires.rules import Rules
from services.intake.domain.questionnaires.steps import Steps
from services.intake.domain.questionnaires.values import Unread
from shared.events import SkipReason


class Disabled(Enum):
    """What becomes of answers to what is not shown."""

    REFUSE = "refuse"
    STRIP = "strip"


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome: all issues, in the form's order, and the plain answers and reasons of what is shown."""

    issues: tuple[Issue, ...]
    answers: Mapping[str, Any]
    skipped: Mapping[str, SkipReason]
    not_shown: frozenset[str]
    stripped: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.severity is Severity.ERROR)

    @property
    def notes(self) -> tuple[Issue, ...]:
        """What is to be told of answers that are taken all the same."""
        return tuple(issue for issue in self.issues if issue.severity is not Severity.ERROR)

    @property
    def is_valid(self) -> bool:
        return not self.errors


def check(
    definition: Definition, given: Given, *, disabled: Disabled = Disabled.REFUSE, at: datetime | None = None
) -> Checked:
    """What is wrong with answers to a form. `at` is now for expressions that ask for the time."""
    placed = given.placed(definition)
    rules = Rules(definition, given.head, placed.root, at) if definition.has_rules else None
    is_partial = given.is_partial or not placed.is_to_form
    walk = _walked(definition, placed.root, rules, disabled, is_partial=is_partial)
    issues = [*placed.issues, *walk.issues]
    if rules is not None:
        issues += rules.broken()
    if len(issues) > 1:
        places = definition.places
        issues.sort(key=lambda issue: -1 if issue.link_id is None else places.get(issue.link_id, len(places)))
    answers, skipped = plain_answers(placed.root)
    not_shown = frozenset(definition.by_id.keys() - walk.shown)
    return Checked(tuple(issues), answers, skipped, not_shown, tuple(walk.stripped))


def fault_of(item: Item, plain: object) -> Issue | None:
    """What is wrong with one plain answer by itself, whatever else is answered."""
    value = item.read_plain(plain)
    if isinstance(value, Unread):
        return Issue(Rule.WRONG_TYPE, item.link_id, item.type, path=item.path)
    wrong = next((found for limit in item.limits if (found := limit(value)) is not None), None)
    return None if wrong is None else Issue(wrong[0], item.link_id, wrong[1], path=item.path)


def to_response(
    definition: Definition, given: Given, head: Mapping[str, Any] | None = None, *, at: datetime | None = None
) -> dict[str, Any]:
    """A `QuestionnaireResponse` of what is shown and could be read; `head` is what it says beside the answers."""
    items = response_items(definition.items, placed_and_shown(definition, given, at))
    return {
        "status": "in-progress" if given.is_partial else "completed",
        **given.head,
        **(head or {}),
        "resourceType": "QuestionnaireResponse",
        "questionnaire": definition.key,
        **({"item": items} if items else {}),
    }


def shown(definition: Definition, answers: Mapping[str, Any]) -> frozenset[str]:
    """The link ids of all that is shown after these plain answers, groups and words to read among them."""
    return show(definition, Given.of_plain(answers).placed(definition).root, {}, None)


def placed_and_shown(definition: Definition, given: Given, at: datetime | None = None) -> Scope:
    """What was given, of which it is known whether it is shown."""
    root = given.placed(definition).root
    show(definition, root, given.head, at)
    return root


def show(
    definition: Definition, root: Scope, head: Mapping[str, Any], at: datetime | None, steps: Steps | None = None
) -> frozenset[str]:
    """Find out of all that stands in a scope whether it is shown, whatever was found before.

    The link ids of all that is shown, also of what nothing was given for.
    """
    root.forget_shown()
    rules = Rules(definition, head, root, at, steps) if definition.has_rules else None
    return frozenset(_walked(definition, root, rules, Disabled.STRIP, is_partial=True).shown)


def _walked(
    definition: Definition, root: Scope, rules: Rules | None, disabled: Disabled, *, is_partial: bool
) -> "_Walk":
    enablement = Enablement(definition, None if rules is None else rules.is_enabled)
    walk = _Walk(enablement, disabled, asks_for_reasons=definition.asks_for_reasons, is_partial=is_partial)
    walk.over(definition.items, root, is_shown=True, is_begun=True)
    return walk


class _Walk:
    """One way through a form, in its order, that looks at each item in each place where it can be answered."""

    def __init__(self, enablement: Enablement, disabled: Disabled, *, asks_for_reasons: bool, is_partial: bool) -> None:
        self._enablement = enablement
        self._disabled = disabled
        self._asks_for_reasons = asks_for_reasons
        self._is_partial = is_partial
        self.issues: list[Issue] = []
        self.shown: set[str] = set()
        self.stripped: list[str] = []

    def over(self, items: tuple[Item, ...], scope: Scope, *, is_shown: bool, is_begun: bool) -> None:
        """`is_begun`: what is required here must be there. FHIR asks for nothing in a group that was left out."""
        for item in items:
            entry = scope.entries.get(item.link_id)
            is_here = is_shown and (not item.is_conditional or self._enablement.is_enabled(item, scope))
            if is_here:
                self.shown.add(item.link_id)
                if item.words_inside:
                    self.shown |= item.words_inside
            if entry is not None:
                entry.is_shown = is_here
                if not is_here:
                    self._not_shown(entry)
                elif entry.issues is not None:
                    self.issues += entry.issues
            if item.is_group:
                self._group(item, scope, entry, is_shown=is_here, is_begun=is_begun)
                continue
            if is_here and item.takes_answers:
                self._question(item, entry, is_begun=is_begun)
            if item.has_more_inside:
                self._under(item, scope, entry, is_shown=is_here, is_begun=is_begun)

    def _group(self, item: Item, scope: Scope, entry: Entry | None, *, is_shown: bool, is_begun: bool) -> None:
        if item.opens_scope:
            occurrences = entry.occurrences if entry is not None else []
            if is_shown and is_begun:
                self._count(item, len(occurrences))
            for one in occurrences:
                self.over(item.items, one, is_shown=is_shown, is_begun=is_begun)
            if not occurrences:
                self.over(item.items, Scope(scope, Entry(item, scope)), is_shown=is_shown, is_begun=False)
            return
        is_inside = self._asks_for_reasons or entry is not None or _is_begun(item, scope)
        if is_shown and is_begun and item.required and not is_inside and not self._is_partial:
            self._say(item, Rule.REQUIRED)
        self.over(item.items, scope, is_shown=is_shown, is_begun=is_begun and is_inside)

    def _under(self, item: Item, scope: Scope, entry: Entry | None, *, is_shown: bool, is_begun: bool) -> None:
        """What is asked under an answer is asked of each answer, and of none where there is none."""
        if item.opens_scope:
            for answer in entry.answers if entry is not None else ():
                inside = answer.inside or Scope(scope, entry, answer)
                self.over(item.items, inside, is_shown=is_shown, is_begun=is_begun)
        else:
            self.over(item.items, scope, is_shown=is_shown and is_open(item, scope), is_begun=is_begun)

    def _question(self, item: Item, entry: Entry | None, *, is_begun: bool) -> None:
        if entry is not None and entry.answers:
            if entry.skipped is not None:
                self._say(item, Rule.BOTH)
            self._answers(item, entry)
        elif (entry is None or not entry.is_given) and is_begun and not self._is_partial:
            self._missing(item)

    def _missing(self, item: Item) -> None:
        if self._asks_for_reasons and not item.is_hidden:
            if item.asks_for_reason:
                self._say(item, Rule.UNEXPLAINED)
        elif item.required and item.expressions.calculated is None:
            self._say(item, Rule.REQUIRED)

    def _answers(self, item: Item, entry: Entry) -> None:
        answers = entry.answers
        for answer in answers:
            for limit in item.limits:
                wrong = limit(answer.value)
                if wrong is not None:
                    self._say(item, *wrong)
        if item.list_away is not None:
            self._say(item, Rule.LIST_AWAY, item.list_away)
        if item.is_fixed and not all(any(is_same(answer.value, one) for one in item.initial) for answer in answers):
            self._say(item, Rule.READ_ONLY)
        if len(answers) > 1 or item.bounds.min_occurs is not None:
            if entry.issues is None:
                self._count(item, len(answers))
            chosen = [item.option_of(answer.value) for answer in answers]
            if len(answers) > 1 and any(option is not None and option.is_exclusive for option in chosen):
                self._say(item, Rule.STANDS_ALONE)

    def _count(self, item: Item, count: int) -> None:
        """Whether there are too few or too many; none at all is too few only of what is required."""
        fewest, most = item.bounds.min_occurs, item.bounds.max_occurs
        if count > 1 and not item.repeats:
            self._say(item, Rule.ONE_ONLY)
        elif most is not None and count > most:
            self._say(item, Rule.TOO_MANY, str(most))
        elif not self._is_partial:
            if count == 0 and item.required:
                self._say(item, Rule.REQUIRED)
            elif fewest is not None and 0 < count < fewest:
                self._say(item, Rule.TOO_FEW, str(fewest))

    def _not_shown(self, entry: Entry) -> None:
        if not entry.is_given:
            return
        if self._disabled is Disabled.REFUSE:
            self._say(entry.item, Rule.NOT_SHOWN)
        else:
            self.stripped.append(entry.item.link_id)
            self._say(entry.item, Rule.STRIPPED, severity=Severity.WARNING)

    def _say(self, item: Item, rule: Rule, expected: str = "", severity: Severity = Severity.ERROR) -> None:
        self.issues.append(Issue(rule, item.link_id, expected, severity, item.path))


def _is_begun(group: Item, scope: Scope) -> bool:
    """Whether anything was given inside a group."""
    entries = (scope.entries.get(item.link_id) for item in group.items)
    is_begun = any(entry is not None and (entry.is_given or entry.opened is not None) for entry in entries)
    return is_begun or any(_is_begun(item, scope) for item in group.items)
