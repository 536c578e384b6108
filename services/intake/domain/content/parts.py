"""The parts of a survey that a site may leave out, and the survey without them.

A left-out part is not shown, as if its condition did not hold: answers stay pinned to the same `url|version`.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from services.intake.domain.content.fhir import OPTIONAL_PART
from services.intake.domain.questionnaires.extensions import INSTRUMENT
from shared.instruments import INSTRUMENTS


def optional_parts(questionnaire: Mapping[str, Any]) -> tuple[str, ...]:
    """Codes of the sections that may be left out, in the order of the survey."""
    return tuple(part for section in questionnaire["item"] if (part := _part_of(section)) is not None)


def without(questionnaire: Mapping[str, Any], parts: Set[str]) -> dict[str, Any]:
    """The survey as a site shows it that leaves `parts` out; the one given stays as it is.

    An instrument that takes an answer of a left-out part goes with it: it has no score, and lacks none.

    Raises:
        ValueError: a part that this survey does not have, or that may not be left out.
    """
    unknown = parts - set(optional_parts(questionnaire))
    if unknown:
        raise ValueError(f"{questionnaire['url']} has no optional part {', '.join(sorted(unknown))}")
    kept = [section for section in questionnaire["item"] if _part_of(section) not in parts]
    gone = {link for section in questionnaire["item"] if section not in kept for link in _link_ids(section)}
    extensions = [extension for extension in questionnaire["extension"] if not _scores(extension, gone)]
    return {**questionnaire, "extension": extensions, "item": kept}


def _part_of(section: Mapping[str, Any]) -> str | None:
    return next((each["valueCode"] for each in section.get("extension", ()) if each["url"] == OPTIONAL_PART), None)


def _link_ids(item: Mapping[str, Any]) -> Iterator[str]:
    yield item["linkId"]
    for child in item.get("item", ()):
        yield from _link_ids(child)


def _scores(extension: Mapping[str, Any], items: Set[str]) -> bool:
    return extension["url"] == INSTRUMENT and not items.isdisjoint(INSTRUMENTS[extension["valueCanonical"]].items)
