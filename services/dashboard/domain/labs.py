"""Laboratory results as series: one a LOINC code, against a limit, broken where the method changed.

A censored result (`<16`) says only on which side of a number the true value lies; it is judged only where
that is enough. Results of two methods are not compared.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Literal

from services.dashboard.domain.facts import Facts, Item
from services.dashboard.domain.items import Json, by_time, utc

Side = Literal["over", "under", "within"]


@dataclass(frozen=True, slots=True)
class Marker:
    """A test of inflammation that is drawn on the page. `source` says who set the limit."""

    loinc: str
    name: str
    sample: str
    limit: float
    limit_words: str
    source: str
    scale: Literal["linear", "log"]
    prefers_laboratory: bool


MARKERS = (
    Marker(
        "38445-3",
        "Calprotectin",
        "in stool",
        250,
        "target under",
        "STRIDE-II, doi 10.1053/j.gastro.2020.12.031: target 100 to 250 µg/g",
        "log",
        prefers_laboratory=False,
    ),
    Marker(
        "1988-5",
        "CRP",
        "in blood",
        5,
        "usual under",
        "the laboratory's own upper limit, else 5 mg/L (PMC9923295)",
        "linear",
        prefers_laboratory=True,
    ),
)
LEVELS: Mapping[str, str] = MappingProxyType(
    {"86894-3": "adalimumab", "39803-2": "infliximab", "86896-8": "infliximab", "87404-0": "certolizumab"}
)
"""Tests of how much of a medicine is in the blood, by LOINC: the ingredient. Of golimumab none is taken here."""
_MARKER_OF = {marker.loinc: marker for marker in MARKERS}


def labs_of(facts: Facts) -> list[Json]:
    """A series for each LOINC code: the markers of inflammation first, then by name."""
    results = sorted(by_time(facts, "labs", "taken_at", "lab_id"), key=lambda lab: str(lab["loinc"]))
    series = [_series(loinc, list(group)) for loinc, group in groupby(results, key=lambda lab: str(lab["loinc"]))]
    order = [marker.loinc for marker in MARKERS]
    return sorted(series, key=lambda one: (not one["marker"], *_place(one["loinc"], order), one["name"], one["loinc"]))


def _place(loinc: str, order: Sequence[str]) -> tuple[int]:
    return (order.index(loinc) if loinc in order else len(order),)


def side_of(value: float, comparator: str | None, low: float | None, high: float | None) -> Side | None:
    """Over, under or within the limits, or null when the result cannot tell or there is no limit.

    `high` itself and `low` itself are within. `<5` lies between 0 and 5: a result of the laboratory is not
    negative.
    """
    least = value if comparator in (None, ">", ">=") else 0.0
    most = value if comparator in (None, "<", "<=") else math.inf
    if low is None and high is None:
        return None
    if high is not None and (least > high or (comparator == ">" and value >= high)):
        return "over"
    if low is not None and (most < low or (comparator == "<" and value <= low)):
        return "under"
    is_within = (high is None or most <= high) and (low is None or least >= low)
    return "within" if is_within else None


def _series(loinc: str, results: Sequence[Item]) -> Json:
    newest, marker = results[-1], _MARKER_OF.get(loinc)
    points = [_point(result, marker) for result in results]
    return {
        "loinc": loinc,
        "name": marker.name if marker else newest["name"],
        "sample": marker.sample if marker else None,
        "unit": newest["unit"],
        "marker": marker is not None,
        "scale": marker.scale if marker else "linear",
        "limit": _limit(newest, marker),
        "points": points,
        "method_changes": list(_method_changes(points)),
    }


def _method_changes(points: Sequence[Json]) -> Iterator[Json]:
    """Where a result names another method than the last one that was named; `after` is the result before it."""
    known = None
    for before, now in pairwise(points):
        known = before["method"] or known
        if known and now["method"] and now["method"] != known:
            yield {"after": before["at"], "at": now["at"], "from": known, "to": now["method"]}


def _limit(newest: Item, marker: Marker | None) -> Json | None:
    if marker is None:
        low, high = newest["reference_low"], newest["reference_high"]
        if low is None and high is None:
            return None
        return {"low": low, "high": high, "words": None, "source": "the laboratory"}
    words = {"words": marker.limit_words, "source": marker.source}
    return {"low": None, "high": _high(newest, marker), **words}


def _high(result: Item, marker: Marker) -> float:
    own = result["reference_high"]
    return float(own) if marker.prefers_laboratory and own is not None else marker.limit


def _point(result: Item, marker: Marker | None) -> Json:
    low = None if marker else result["reference_low"]
    high = _high(result, marker) if marker else result["reference_high"]
    return {
        "lab_id": result["lab_id"],
        "at": utc(result["taken_at"]),
        "value": result["value"],
        "comparator": result["comparator"],
        "unit": result["unit"],
        "method": result["method"],
        "limit_low": low,
        "limit_high": high,
        "side": side_of(result["value"], result["comparator"], low, high),
        "was": _was(result),
    }


def _was(result: Item) -> list[Json]:
    """The values that corrections replaced, oldest first, where they differ from what stands now."""
    now = {name: result[name] for name in ("value", "comparator", "unit")}
    versions = sorted(result["versions"].items(), key=lambda pair: int(pair[0]))
    return [version for _, version in versions if version != now]
