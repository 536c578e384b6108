"""A response that is begun for somebody: what is known already is filled in, and they look it over.

In this order, the first that finds something: the item's `initialExpression`, its fixed initial value, the newest
Observation with its code (where the form says how old it may be), the last answer (where the form says so by our own
extension). What would not fit the item is left out. Items in repeating groups are not filled.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.intake.domain.questionnaires.calculation import fill_calculated
from services.intake.domain.questionnaires.checks import show
from services.intake.domain.questionnaires.definition import Definition, Item
from services.intake.domain.questionnaires.evaluation import Evaluation, value_found
from services.intake.domain.questionnaires.expressions import NotEvaluated
from services.intake.domain.questionnaires.extensions import objects_in, value_of
from services.intake.domain.questionnaires.given import Given
from services.intake.domain.questionnaires.placing import Answer, Scope
from services.intake.domain.questionnaires.responses import response_items
from services.intake.domain.questionnaires.values import Coding, Quantity, Unread, Value, coding, moments
from shared.fhir import UCUM

_SPANS = {
    "a": timedelta(days=365.25),
    "mo": timedelta(days=365.25 / 12),
    "wk": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
}


def populate(
    definition: Definition,
    last_response: Mapping[str, Any] | None = None,
    resources: Iterable[Mapping[str, Any]] = (),
    *,
    at: datetime | None = None,
) -> dict[str, Any]:
    """A response in progress, filled with what is known.

    Args:
        last_response: an earlier response to any version of the form.
        resources: what the form is launched with, and Observations; Bundles are opened. Expressions name a resource as
            the form's launchContext says, else by its type in small letters.
        at: now. Without it no Observation is young enough, and no expression knows today.
    """
    known = [one for resource in resources for one in _opened(resource)]
    filling = _Filling(definition, last_response, known, at)
    root = Scope()
    for item in definition.walk():
        if item.takes_answers and definition.repeating_around[item.link_id] is None:
            values = filling.values_of(item)
            if values:
                root.entry(item).answers = [Answer(value) for value in values]
    fill_calculated(definition, root, {}, at)
    show(definition, root, {}, at)
    items = response_items(definition.items, root)
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": definition.key, "status": "in-progress"}
    return {**response, **({"item": items} if items else {})}


class _Filling:
    def __init__(
        self,
        definition: Definition,
        last_response: Mapping[str, Any] | None,
        known: list[Mapping[str, Any]],
        at: datetime | None,
    ) -> None:
        last = {**(last_response or {}), "questionnaire": definition.url}  # of whichever version
        self._last = Given.of_response(last).placed(definition).root
        self._evaluation = Evaluation(definition, {}, Scope(), at, _named(definition, known))
        self._observations = [one for one in known if one.get("resourceType") == "Observation"]
        self._at = at

    def values_of(self, item: Item) -> list[Value]:
        """The first values that are found; one where the item does not repeat."""
        found = self._expressed(item) or [*item.initial] or self._observed(item) or self._answered(item)
        fitting = [value for value in found if not any(limit(value) for limit in item.limits)]
        return fitting if item.repeats else fitting[:1]

    def _expressed(self, item: Item) -> list[Value]:
        if item.expressions.initial is None:
            return []
        try:
            found = self._evaluation.for_item(item, item.expressions.initial)
        except NotEvaluated:
            return []
        values = [value_found(item, [one]) for one in found]
        return [value for value in values if value is not None]

    def _observed(self, item: Item) -> list[Value]:
        span = _span(item.link_period)
        if self._at is None or span is None or not item.codes:
            return []
        dated = [
            (taken[0], observation)
            for observation in self._observations
            if (taken := moments(str(observation.get("effectiveDateTime")))) is not None
            and self._at - span <= taken[0] <= self._at
            and _is_about(observation, item.codes)
        ]
        for _, observation in sorted(dated, key=lambda one: one[0], reverse=True):
            value = _of_observation(item, value_of(observation))
            if value is not None:
                return [value]
        return []

    def _answered(self, item: Item) -> list[Value]:
        entry = self._last.entries.get(item.link_id)
        return [answer.value for answer in entry.answers] if item.is_from_last and entry is not None else []


def _opened(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if resource.get("resourceType") != "Bundle":
        yield resource
        return
    for entry in objects_in(resource, "entry"):
        inside = entry.get("resource")
        if isinstance(inside, Mapping):
            yield inside


def _named(definition: Definition, known: list[Mapping[str, Any]]) -> dict[str, Any]:
    first: dict[str, Mapping[str, Any]] = {}
    for resource in known:
        first.setdefault(str(resource.get("resourceType")), resource)
    named: dict[str, Any] = {kind.lower(): resource for kind, resource in first.items()}
    return {**named, **{name: first[kind] for name, kind in definition.launch_context if kind in first}}


def _span(period: Quantity | None) -> timedelta | None:
    if period is None or period.system not in (None, UCUM):
        return None
    unit = _SPANS.get(period.code or period.unit or "")
    return None if unit is None else unit * float(period.value)


def _is_about(observation: Mapping[str, Any], codes: tuple[Coding, ...]) -> bool:
    found = [coding(one) for one in objects_in(observation.get("code"), "coding")]
    return any(isinstance(one, Coding) and one.same(code) for one in found for code in codes)


def _of_observation(item: Item, raw: object) -> Value | None:
    """The value of an Observation as an answer: a quantity as its number, where the unit is the item's."""
    candidates = [raw, *objects_in(raw, "coding")]
    if isinstance(raw, Mapping) and (item.unit is None or raw.get("code") in (None, item.unit.code)):
        candidates.append(raw.get("value"))
    for candidate in candidates:
        value = item.read_plain(candidate)
        if not isinstance(value, Unread):
            return value
    return None
