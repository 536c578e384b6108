"""FHIR `QuestionnaireResponse`s: read into their places, and written again.

A question that was skipped has one answer without a value, whose data-absent-reason says why.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.intake.domain.questionnaires.definition import Definition, Item
from services.intake.domain.questionnaires.extensions import DATA_ABSENT_REASON, extension
from services.intake.domain.questionnaires.issues import Rule, another_form
from services.intake.domain.questionnaires.placing import Answer, Entry, Placed, Scope
from services.intake.domain.questionnaires.reading import json_of, name_of
from services.intake.domain.questionnaires.values import UNREAD, Unread, moments
from shared.fhir import ABSENT

COMPLETE = ("completed", "amended")
_STATES = ("in-progress", *COMPLETE, "entered-in-error", "stopped")
_REASONS = {code: reason for reason, code in ABSENT.items()}
_HERE = "QuestionnaireResponse"


def place_response(definition: Definition, response: object) -> Placed:
    """The answers of a response at their items. Never raises, whatever it holds."""
    placed = Placed(Scope(), is_to_form=False)
    if not isinstance(response, dict) or response.get("resourceType") != _HERE:
        placed.lost(None, Rule.UNREADABLE, _HERE, "it is no QuestionnaireResponse")
    elif not definition.takes(response.get("questionnaire")):
        placed.issues.append(another_form(response.get("questionnaire")))
    else:
        placed.is_to_form = True
        _head(placed, response)
        _Placing(definition, placed).level(response, definition.children, placed.root, _HERE)
    return placed


def is_partial(response: object) -> bool:
    """Whether a response may still lack answers, by its status."""
    return isinstance(response, dict) and response.get("status") in ("in-progress", "stopped", "entered-in-error")


def response_items(items: Iterable[Item], scope: Scope) -> list[dict[str, Any]]:
    """The answers of a scope as items of a response, in the form's order; of what is not shown there is nothing."""
    written = []
    for item in items:
        entry = scope.entries.get(item.link_id)
        if entry is not None and entry.is_shown is False:
            continue
        if item.is_group:
            scopes = (entry.occurrences if entry else []) if item.opens_scope else [scope]
            groups = [response_items(item.items, one) for one in scopes]
            written += [{"linkId": item.link_id, "item": group} for group in groups if group]
        elif entry is not None and (entry.answers or entry.skipped is not None):
            written.append({"linkId": item.link_id, "answer": _answers(entry, scope)})
    return written


def _answers(entry: Entry, scope: Scope) -> list[dict[str, Any]]:
    if not entry.answers and entry.skipped is not None:
        return [{"extension": [{"url": DATA_ABSENT_REASON, "valueCode": ABSENT[entry.skipped]}]}]
    written = []
    for answer in entry.answers:
        inside = response_items(entry.item.items, answer.inside or scope) if entry.item.items else []
        value = {answer.name or name_of(entry.item.type, answer.value): json_of(answer.value)}
        written.append({**value, "item": inside} if inside else value)
    return written


def _head(placed: Placed, response: Mapping[str, Any]) -> None:
    if response.get("status") not in _STATES:
        placed.lost(None, Rule.UNREADABLE, f"{_HERE}.status", f"the status must be one of {', '.join(_STATES)}")
    authored = response.get("authored")
    if authored is not None and not (isinstance(authored, str) and moments(authored)):
        placed.lost(None, Rule.UNREADABLE, f"{_HERE}.authored", "authored must be a date or a time with its zone")


class _Placing:
    def __init__(self, definition: Definition, placed: Placed) -> None:
        self._known = definition.by_id
        self._placed = placed

    def level(self, owner: Mapping[str, Any], items: Mapping[str, Item], scope: Scope, path: str) -> None:
        """Place the items that stand in a response, a group or an answer."""
        raw = owner.get("item")
        if raw is None and "item" not in owner:
            return
        if not isinstance(raw, list) or not raw:
            self._placed.lost(None, Rule.UNREADABLE, f"{path}.item", "item must be a list of items, not an empty one")
            return
        for one in raw:
            link_id = one.get("linkId") if isinstance(one, dict) else None
            if not isinstance(link_id, str):
                self._placed.lost(None, Rule.UNREADABLE, f"{path}.item", "an item must be an object with a linkId")
            elif (item := items.get(link_id)) is not None:
                self._item(item, one, scope)
            else:
                rule = Rule.MISPLACED if link_id in self._known else Rule.UNKNOWN_QUESTION
                self._placed.lost(link_id, rule, f"{path}.item")

    def _item(self, item: Item, raw: Mapping[str, Any], scope: Scope) -> None:
        is_again = item.link_id in scope.entries
        entry = scope.entry(item)
        if item.is_group:
            self._group(entry, raw, scope, is_again=is_again)
        elif not item.takes_answers:
            if "answer" in raw or "item" in raw:
                self._placed.wrong(entry, Rule.TAKES_NO_ANSWER)
        elif is_again:
            self._placed.wrong(entry, Rule.UNREADABLE, "a question stands once, with all its answers")
        elif "item" in raw:
            self._placed.wrong(entry, Rule.UNREADABLE, "what is asked under an answer stands in that answer")
        elif "answer" in raw:
            self._answers(entry, raw["answer"], scope)

    def _group(self, entry: Entry, raw: Mapping[str, Any], scope: Scope, *, is_again: bool) -> None:
        item = entry.item
        if "answer" in raw:
            self._placed.wrong(entry, Rule.TAKES_NO_ANSWER)
        if item.opens_scope:
            occurrence = self._placed.open(entry)
            if occurrence is not None:
                self.level(raw, item.children, occurrence, item.path)
        elif is_again:
            self._placed.wrong(entry, Rule.ONE_ONLY)
        else:
            self.level(raw, item.children, scope, item.path)

    def _answers(self, entry: Entry, raw: object, scope: Scope) -> None:
        if not isinstance(raw, list) or not raw:
            self._placed.wrong(entry, Rule.UNREADABLE, "answer must be a list of answers, not an empty one")
            return
        for place, one in enumerate(raw):
            if not isinstance(one, dict):
                self._placed.wrong(entry, Rule.UNREADABLE, "an answer must be an object")
                continue
            answer = self._answer(entry, one)
            if "item" in one:
                self._under(entry, answer, one, scope if place == 0 else None)

    def _answer(self, entry: Entry, raw: Mapping[str, Any]) -> Answer | None:
        names = list(raw) if len(raw) == 1 else [name for name in raw if name.startswith("value")]
        read = entry.item.readers.get(names[0]) if len(names) == 1 else None
        value = UNREAD if read is None else read(raw[names[0]])
        if not isinstance(value, Unread):
            answer = Answer(value, names[0])
            entry.answers.append(answer)
            return answer
        if not any(name.startswith("value") for name in names):
            self._skip(entry, raw)
        elif len(names) > 1:
            self._placed.wrong(entry, Rule.UNREADABLE, "an answer has one value")
        else:
            self._placed.wrong(entry, Rule.WRONG_TYPE, entry.item.type)
        return None

    def _skip(self, entry: Entry, raw: Mapping[str, Any]) -> None:
        """An answer without a value; its reason may also stand beside the value that is not there."""
        beside = next((raw[name] for name in raw if name.startswith("_value")), None)
        code = extension(raw, DATA_ABSENT_REASON) or extension(beside, DATA_ABSENT_REASON)
        if code is None:
            self._placed.wrong(entry, Rule.UNREADABLE, "an answer needs a value, or a reason why it has none")
        elif not isinstance(code, str) or code not in _REASONS:
            self._placed.wrong(entry, Rule.UNKNOWN_REASON, ", ".join(_REASONS))
        else:
            entry.skipped = _REASONS[code]

    def _under(self, entry: Entry, answer: Answer | None, raw: Mapping[str, Any], scope: Scope | None) -> None:
        """What stands under an answer; `scope` is where, unless each answer has its own."""
        item = entry.item
        if item.opens_scope:
            scope = None if answer is None else self._placed.open(entry, answer)
        if scope is not None:
            self.level(raw, item.children, scope, item.path)
