"""How much of a long history is kept, so that a patient's row has a bound. Of five busy years that is everything.

The rules only ever take more away as events arrive, and look at nothing but the events. So late ones, repeated ones and
any order of them end in the same facts, and a newer version of an old thing is never lost:

- Of each section those things are kept that were recorded last. The sequence of the newest thing that was left out is
  the section's floor: an event that is not above it says nothing any more.
- Of each thing that was corrected the newest versions are kept.
- Of the surveys that were submitted last everything is kept, of versions of an older time what the trends draw. A
  survey holds one place, by the newest time that it was ever said to be of, however often it is corrected.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from services.dashboard.domain.scales import SCALES
from shared.events import Diagnosis
from shared.instruments import INSTRUMENTS, index_of

Item = Mapping[str, Any]
Items = Mapping[str, Any]

INDEX_KEYS = frozenset(index_of(diagnosis).key for diagnosis in Diagnosis)
"""The scores of which one is drawn with what it is made of."""

_DRAWN = frozenset(
    (*(item for key in INDEX_KEYS for item in INSTRUMENTS[key].items), *(scale.item for scale in SCALES))
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Things by section; versions beside the one that stands, or of a result with it; surveys with every answer."""

    most: Mapping[str, int]
    versions: int
    whole_surveys: int


BOUNDS = Bounds(
    most=MappingProxyType(
        {"visits": 260, "surveys": 260, "assessments": 260, "labs": 1_200, "medications": 260, "steps": 260}
    ),
    versions=4,
    whole_surveys=12,
)
"""Five years of one a week, and of twenty laboratory results a month."""

_VERSIONS_OF = {"surveys": "earlier", "labs": "versions"}
_OF_A_POINT = (
    *("survey_id", "visit_id", "submitted_at", "sequence", "recorded_at"),
    *("version", "change", "reason", "mode", "earlier"),
)


def newest_surveys(held: Mapping[str, str], survey_id: str, submitted_at: str, bounds: Bounds) -> dict[str, str]:
    """The surveys that are kept whole, by id, each with the newest time that it was ever said to be of."""
    times = {**held, survey_id: max(submitted_at, held.get(survey_id, ""))}
    newest_first = sorted(times.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
    return dict(newest_first[: bounds.whole_surveys])


def bounded(section: str, held: Items, floor: int, bounds: Bounds) -> tuple[Items, int]:
    """What is kept of a section in which something is new, and its floor; 0 while nothing was left out."""
    most = bounds.most.get(section, len(held))
    if len(held) <= most:
        return held, floor
    floor = sorted((item["sequence"] for item in held.values()), reverse=True)[most]
    name = _VERSIONS_OF.get(section, "")
    return {one: _above(floor, item, name) for one, item in held.items() if item["sequence"] > floor}, floor


def with_newest_versions(section: str, item: Item, bounds: Bounds) -> Item:
    """The item with no more of its versions than are kept."""
    name = _VERSIONS_OF.get(section, "")
    versions = item.get(name, ())
    if len(versions) <= bounds.versions:
        return item
    return {**item, name: {one: versions[one] for one in sorted(versions, key=int)[-bounds.versions :]}}


def pointed(surveys: Items, newest: Mapping[str, str], bounds: Bounds) -> Items:
    """The surveys; versions of an older time than those that are kept whole are points of the trend."""
    if len(newest) < bounds.whole_surveys:
        return surveys
    oldest_whole = min((time, survey_id) for survey_id, time in newest.items())
    return {survey_id: _pointed_before(oldest_whole, survey_id, survey) for survey_id, survey in surveys.items()}


def history_of(facts: Mapping[str, Any], bounds: Bounds) -> dict[str, Any]:
    """By section how many things are kept, how many at most, and whether older ones were left out."""
    items, floors = facts["items"], facts["floors"]
    sections: dict[str, dict[str, Any]] = {
        section: {"kept": len(items[section]), "most": most, "has_more": section in floors}
        for section, most in bounds.most.items()
    }
    points = [survey["submitted_at"] for survey in items["surveys"].values() if survey.get("is_point")]
    sections["surveys"] |= {"only_scores": len(points), "only_scores_until": max(points, default=None)}
    return sections


def _above(floor: int, item: Item, name: str) -> Item:
    if name not in item:
        return item
    kept = {one: version for one, version in item[name].items() if int(one) > floor}
    return {**item, name: kept} if kept else {key: value for key, value in item.items() if key != name}


def _pointed_before(oldest_whole: tuple[str, str], survey_id: str, survey: Item, *, is_earlier: bool = False) -> Item:
    if "earlier" in survey:
        earlier = survey["earlier"].items()
        versions = {one: _pointed_before(oldest_whole, survey_id, version, is_earlier=True) for one, version in earlier}
        survey = {**survey, "earlier": versions}
    at = survey.get("submitted_at")  # rows from before there were bounds do not say it of earlier versions
    if at is None or survey.get("is_point") or (at, survey_id) >= oldest_whole:
        return survey
    return _point_of_index(survey) if is_earlier else _point(survey, survey["scores"], _DRAWN)


def _point_of_index(earlier: Item) -> Item:
    """What a correction replaced is drawn nowhere: the index says what stood there."""
    scores = [score for score in earlier["scores"] if score["instrument"] in INDEX_KEYS]
    return _point(earlier, scores, {item for score in scores for item in INSTRUMENTS[score["instrument"]].items})


def _point(survey: Item, scores: Sequence[Item], drawn: Collection[str]) -> Item:
    answers = {item: value for item, value in survey["answers"].items() if item in drawn}
    named = {name: survey[name] for name in _OF_A_POINT if name in survey}
    return {**named, "scores": scores, "answers": answers, "is_point": True}
