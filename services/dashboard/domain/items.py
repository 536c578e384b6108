"""Reading facts back: times as instants, items in one fixed order, the survey of now and the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from services.dashboard.domain.facts import Facts, Item, Section
from shared.events import RecordChange
from shared.sealing import in_event

Json = dict[str, Any]


@lru_cache(maxsize=20_000)
def instant(text: str) -> datetime:
    """The time in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def utc(text: str | None) -> str | None:
    """The same instant written in UTC, to the second or finer; null stays null."""
    return None if text is None else _in_utc(text)


@lru_cache(maxsize=20_000)
def _in_utc(text: str) -> str:
    return instant(text).isoformat()


def counting(facts: Facts, section: Section) -> list[Item]:
    """Items of a section without those that were entered in error."""
    return [item for item in facts["items"][section].values() if not is_in_error(item)]


def is_in_error(item: Item) -> bool:
    """Surveys say it as what their version is, what the clinic recorded by a mark; an older row has neither."""
    return item.get("change") == RecordChange.ENTERED_IN_ERROR or item.get("entered_in_error") is not None


def by_time(facts: Facts, section: Section, time: str, identity: str) -> list[Item]:
    """Items of a section that count, oldest first; where times are equal the id decides, so that the order is always
    the same.
    """
    return sorted(counting(facts, section), key=lambda item: (instant(item[time]), item[identity]))


def sealed_text(sealed: str | None, item: Item, field: str) -> Json | None:
    """A text that only its patient's key opens, with the place that it was sealed for; null stays null."""
    return None if sealed is None else {"sealed": sealed, "place": [*in_event(item["event_id"], field)]}


@dataclass(frozen=True, slots=True)
class Surveys:
    """A patient's surveys, oldest first: `now` is the newest, `last` the newest before it for another visit, both of
    those that are kept whole.

    Every comparison on the page is between these two, so that a survey sent twice for one visit is not
    compared with itself.
    """

    all: Sequence[Item]
    now: Item | None
    last: Item | None


def surveys_of(facts: Facts) -> Surveys:
    every = by_time(facts, "surveys", "submitted_at", "survey_id")
    whole = [survey for survey in reversed(every) if not survey.get("is_point")]
    now = whole[0] if whole else None
    earlier = (survey for survey in whole if now and survey["visit_id"] != now["visit_id"])
    return Surveys(every, now, next(earlier, None))


def answer(survey: Item | None, item: str) -> Json | None:
    """What became of a question: `answered` with its value, `skipped` with its reason, or `not-asked`.

    Null when there is no survey at all: the four cases are never mixed up.
    """
    if survey is None:
        return None
    answers: Mapping[str, Any] = survey["answers"]
    skipped: Mapping[str, str] = survey["skipped"]
    if item in answers:
        return {"state": "answered", "value": answers[item]}
    if item in skipped:
        return {"state": "skipped", "reason": skipped[item]}
    return {"state": "not-asked"}


def value_of(survey: Item | None, item: str) -> Any:
    """The answer, or null when there is none."""
    return None if survey is None else survey["answers"].get(item)
