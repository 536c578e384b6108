"""Observations out of a response: SDC's observation-based extraction.

One Observation for each answer to a coded question, one that groups others for each coded group and for a coded form.
Where a form marks what to extract (`observationExtract`), only that is extracted; where it marks nothing, all that has
a code. A question that was skipped gives an Observation without a value that says why. Attachments and references have
no place in an Observation and are left out.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from services.intake.domain.questionnaires.checks import placed_and_shown
from services.intake.domain.questionnaires.definition import Definition, Item, ItemType
from services.intake.domain.questionnaires.given import Given
from services.intake.domain.questionnaires.placing import Answer, Entry, Scope
from services.intake.domain.questionnaires.responses import response_items
from services.intake.domain.questionnaires.values import Coding, Quantity
from shared.fhir import ABSENT, SURVEY, absent

_STATES = {
    "completed": "final",
    "amended": "amended",
    "entered-in-error": "entered-in-error",
    "stopped": "final",
}
_NAMES = {
    ItemType.BOOLEAN: "valueBoolean",
    ItemType.INTEGER: "valueInteger",
    ItemType.DATE: "valueDateTime",
    ItemType.DATE_TIME: "valueDateTime",
    ItemType.TIME: "valueTime",
}
_LEFT_OUT = frozenset({ItemType.ATTACHMENT, ItemType.REFERENCE})


def extract(
    definition: Definition, response: Mapping[str, Any], *, system_of_link_ids: str | None = None
) -> dict[str, Any]:
    """A transaction Bundle of what the answers say. The same response gives the same ids.

    With `system_of_link_ids` every question has its linkId as a code of that system, and each is extracted, whatever
    the form marks.
    """
    root = placed_and_shown(definition, Given.of_response(response))
    extraction = _Extraction(definition, response, root, system_of_link_ids)
    members = list(extraction.over(definition.items, root))
    if definition.codes and definition.is_extracted is not False and members:
        extraction.add("", {"code": _code(definition.codes, definition.words.base), "hasMember": members})
    return {"resourceType": "Bundle", "type": "transaction", "entry": extraction.entries}


class _Extraction:
    def __init__(
        self, definition: Definition, response: Mapping[str, Any], root: Scope, system_of_link_ids: str | None
    ) -> None:
        self._definition = definition
        self._system = system_of_link_ids
        self._is_marked = definition.is_extracted is not None or any(
            item.is_extracted is not None for item in definition.walk()
        )
        # The same answers, wherever they are extracted again: a response may have no id of its own.
        self._identity = json.dumps(
            [definition.key, response.get("id"), response_items(definition.items, root)], default=str
        )
        self._shared = common_parts(response)
        self.entries: list[dict[str, Any]] = []

    def over(self, items: tuple[Item, ...], scope: Scope) -> Iterator[dict[str, str]]:
        """Extract from one scope; references to what stands directly under the item around it."""
        for item in items:
            entry = scope.entries.get(item.link_id)
            if entry is not None and entry.is_shown is False:
                continue
            if not item.is_group:
                yield from self._question(item, entry, scope)
                continue
            scopes = (entry.occurrences if entry is not None else []) if item.opens_scope else [scope]
            for one in scopes:
                members = list(self.over(item.items, one))
                if item.codes and members and self._is_wanted(item):
                    yield self.add(item.link_id, {"code": _code(item.codes, item.words.base), "hasMember": members})
                else:
                    yield from members

    def add(self, link_id: str, content: dict[str, Any]) -> dict[str, str]:
        """Put an Observation into the Bundle; the reference to it."""
        name = f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self._identity}|{link_id}|{len(self.entries)}')}"
        self.entries.append(posted(name, self._shared | content))
        return {"reference": name}

    def _question(self, item: Item, entry: Entry | None, scope: Scope) -> Iterator[dict[str, str]]:
        if entry is None:
            return
        codes = item.codes if self._system is None else (*item.codes, Coding(self._system, item.link_id))
        if codes and item.type not in _LEFT_OUT and self._is_wanted(item):
            code = _code(codes, item.words.base)
            if entry.skipped is not None and not entry.answers:
                yield self.add(item.link_id, {"code": code, "dataAbsentReason": absent(ABSENT[entry.skipped])})
            for answer in entry.answers:
                yield self.add(item.link_id, {"code": code, **_value(item, answer)})
        insides = [answer.inside for answer in entry.answers if answer.inside] if item.opens_scope else [scope]
        for inside in insides:
            yield from self.over(item.items, inside)

    def _is_wanted(self, item: Item) -> bool:
        """What the item says, else what the nearest one around it says, else the form."""
        if not self._is_marked or self._system is not None:
            return True
        around = [self._definition.by_id[link_id].is_extracted for link_id in reversed(item.ancestors)]
        said = [one for one in (item.is_extracted, *around, self._definition.is_extracted) if one is not None]
        return bool(said) and said[0]


def posted(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a transaction Bundle: an Observation, to be made."""
    request = {"method": "POST", "url": "Observation"}
    return {"fullUrl": name, "resource": {"resourceType": "Observation", **content}, "request": request}


def common_parts(response: Mapping[str, Any]) -> dict[str, Any]:
    """What all Observations of a response say alike."""
    author, local = response.get("author"), response.get("id")
    parts = {
        "status": _STATES.get(str(response.get("status")), "preliminary"),
        "category": [SURVEY],
        "subject": response.get("subject"),
        "encounter": response.get("encounter"),
        "effectiveDateTime": response.get("authored"),
        "performer": [author] if author else None,
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{local}"}] if isinstance(local, str) else None,
    }
    return {name: part for name, part in parts.items() if part is not None}


def _code(codes: tuple[Coding, ...], words: str) -> dict[str, Any]:
    return {"coding": [code.json() for code in codes], **({"text": words} if words else {})}


def _value(item: Item, answer: Answer) -> dict[str, Any]:
    value = answer.value
    if isinstance(value, Coding):
        return {"valueCodeableConcept": _code((value,), value.display or "")}
    if isinstance(value, Quantity):
        return {"valueQuantity": value.json()}
    unit = item.unit
    if item.type is ItemType.DECIMAL or (item.type is ItemType.INTEGER and unit is not None):
        # R4's Observation has no decimal: a number is a quantity, with the form's unit where it names one.
        units = {} if unit is None else {"unit": unit.display or unit.code, "system": unit.system, "code": unit.code}
        return {"valueQuantity": {"value": value, **{name: part for name, part in units.items() if part}}}
    return {_NAMES.get(item.type, "valueString"): value if item.type in _NAMES else str(value)}
