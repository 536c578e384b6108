"""A response as it is shown to who may not know all of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.intake.domain.questionnaires.extensions import DATA_ABSENT_REASON

_MASKED = {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "masked"}]}
_Items = Iterable[Mapping[str, Any]]


def masked(response: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """A response in which every answer is `masked` that does not stand in `known`, a response to the same form too."""
    answers = {item["linkId"]: item.get("answer") for item in _walk(known.get("item", ()))}
    shown = {"item": _level(response["item"], answers)} if "item" in response else {}
    return {**response, **shown}


def _level(items: _Items, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_item(item, known) for item in items]


def _item(item: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(item)
    if "item" in item:
        shown["item"] = _level(item["item"], known)
    if "answer" in item and item["answer"] != known.get(item["linkId"]):
        shown["answer"] = [
            {**_MASKED, **({"item": _level(one["item"], known)} if "item" in one else {})} for one in item["answer"]
        ]
    return shown


def _walk(items: _Items) -> Iterator[Mapping[str, Any]]:
    for item in items:
        yield item
        yield from _walk(item.get("item", ()))
        for answer in item.get("answer", ()):
            yield from _walk(answer.get("item", ()))
