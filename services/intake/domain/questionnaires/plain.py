"""Plain answers: `{"linkId": value}`, and reasons for skipping beside them.

A question that repeats has a list of values. A group that repeats has a list of objects, each with the plain answers
of one occurrence; `skipped` in such an object holds its reasons. What was asked under a question that repeats has no
place here, and forms that take answers here ask nothing there.
"""

from collections.abc import Mapping
from typing import Any

from services.intake.domain.questionnaires.definition import Definition, Item
from services.intake.domain.questionnaires.issues import Rule
from services.intake.domain.questionnaires.placing import Answer, Placed, Scope
from services.intake.domain.questionnaires.reading import plain_of
from services.intake.domain.questionnaires.values import Unread
from shared.events import SkipReason

_REASONS = {str(reason): reason for reason in SkipReason}
_ALL_REASONS = ", ".join(SkipReason)
SKIPPED = "skipped"


def place_plain(definition: Definition, answers: object, skipped: object) -> Placed:
    """Plain answers at their items. Never raises, whatever they hold."""
    placed = Placed(Scope())
    _Placing(definition, placed).fill(placed.root, answers, skipped)
    return placed


def plain_answers(scope: Scope) -> tuple[dict[str, Any], dict[str, SkipReason]]:
    """The answers and the reasons of a scope as plain JSON, of what is shown."""
    answers: dict[str, Any] = {}
    skipped: dict[str, SkipReason] = {}
    for link_id, entry in scope.entries.items():
        if entry.is_shown is False:
            continue
        if entry.occurrences and entry.item.opens_scope:
            answers[link_id] = [_occurrence(one) for one in entry.occurrences]
        elif entry.answers:
            values = [plain_of(answer.value) for answer in entry.answers]
            answers[link_id] = values if entry.item.repeats else values[0]
        elif entry.skipped is not None:
            skipped[link_id] = entry.skipped
    return answers, skipped


def _occurrence(scope: Scope) -> dict[str, Any]:
    answers, skipped = plain_answers(scope)
    return {**answers, SKIPPED: skipped} if skipped else answers


class _Placing:
    def __init__(self, definition: Definition, placed: Placed) -> None:
        self._items = definition.by_id
        self._repeating_around = definition.repeating_around
        self._placed = placed

    def fill(self, scope: Scope, answers: object, skipped: object, inside: str | None = None) -> None:
        """Place what belongs in one scope; `inside` is the repeating group that it is an occurrence of."""
        for name, given in (("answers", answers), (SKIPPED, skipped)):
            if not isinstance(given, Mapping):
                self._placed.lost(None, Rule.UNREADABLE, name, f"{name} must be an object")
        if isinstance(answers, Mapping):
            for link_id, value in answers.items():
                if inside is None or link_id != SKIPPED:
                    self._answer(scope, link_id, value, inside)
        if isinstance(skipped, Mapping):
            for link_id, reason in skipped.items():
                self._skip(scope, link_id, reason, inside)

    def _item(self, link_id: object, inside: str | None) -> Item | None:
        item = self._items.get(link_id) if isinstance(link_id, str) else None
        if item is None:
            self._placed.lost(str(link_id), Rule.UNKNOWN_QUESTION, "QuestionnaireResponse")
        elif self._repeating_around[item.link_id] != inside:
            self._placed.lost(item.link_id, Rule.MISPLACED, item.path)
        else:
            return item
        return None

    def _answer(self, scope: Scope, link_id: object, raw: object, inside: str | None) -> None:
        item = self._item(link_id, inside)
        if item is None:
            return
        entry = scope.entry(item)
        if item.is_group and item.opens_scope:
            if not isinstance(raw, list):
                self._placed.wrong(entry, Rule.UNREADABLE, "a group that repeats has a list of objects")
                return
            for one in raw:
                occurrence = self._placed.open(entry)
                if occurrence is None:
                    return
                self.fill(occurrence, one, one.get(SKIPPED, {}) if isinstance(one, Mapping) else {}, item.link_id)
            return
        if not item.takes_answers:
            self._placed.wrong(entry, Rule.TAKES_NO_ANSWER)
            return
        for one in raw if item.repeats and isinstance(raw, list) else (raw,):
            value = item.read_plain(one)
            if isinstance(value, Unread):
                self._placed.wrong(entry, Rule.WRONG_TYPE, item.type)
                return
            entry.answers.append(Answer(value))

    def _skip(self, scope: Scope, link_id: object, raw: object, inside: str | None) -> None:
        item = self._item(link_id, inside)
        if item is None:
            return
        entry = scope.entry(item)
        reason = _REASONS.get(raw) if isinstance(raw, str) else None
        if not item.takes_answers:
            self._placed.wrong(entry, Rule.TAKES_NO_ANSWER)
        elif reason is None:
            self._placed.wrong(entry, Rule.UNKNOWN_REASON, _ALL_REASONS)
        else:
            entry.skipped = reason
