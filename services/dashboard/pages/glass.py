"""Broken glass in words: the line on the page, the form that breaks it, the list of the patient's site."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from services.dashboard.domain import BrokenGlass
from services.dashboard.pages.labels import plain
from services.dashboard.pages.reader import Line, Reader
from shared.pages.words import clock, counted, listed, on

Json = Mapping[str, Any]

REASONS: Mapping[str, str] = {
    "emergency": "emergency care",
    "transfer": "transfer of care",
    "on-call-cover": "on-call cover",
    "other": "another reason",
}
WRONG: Mapping[str, str] = {
    "site_id": "The clinic's short name: small letters, digits and hyphens.",
    "patient_id": "The patient's id as that clinic gives it: 32 digits and letters, with hyphens.",
    "reason": "Choose one.",
    "words": "10 to 500 characters.",
}
"""What each field of the form wants, where it was not given."""


def glass_line(glass: BrokenGlass, reader: Reader, *, is_own: bool) -> Line:
    """What the page says of it for as long as it is open."""
    reason, until = REASONS[glass.reason], clock(glass.until.astimezone(reader.now.tzinfo))
    if is_own:
        return Line(
            "Opened in an emergency, for reading only.",
            f" This is a patient of {glass.site_id}. Your reason: {reason}. It closes at {until}. "
            "Every look is in that clinic's list.",
        )
    return Line(
        "Opened in an emergency",
        f" by {glass.subject} at another clinic ({listed(glass.of_sites)}). Reason: {reason}. Until {until}.",
    )


def reason_words(reason: str) -> str:
    return REASONS.get(reason, plain(reason))


def state_line(use: Json, zone: ZoneInfo, now: datetime) -> Line:
    """Whether it is open, and how it closed."""
    if use["ended_at"] is not None:
        by = "by who opened it" if use["ended_by"] == use["subject"] else f"by {use['ended_by']}"
        return Line(f"closed {clock(use['ended_at'].astimezone(zone))}", by)
    until = clock(use["until"].astimezone(zone))
    return Line("open", f"until {until}") if now < use["until"] else Line(f"closed {until}", "by itself")


def by_day(uses: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    """The uses under the days of their sites, in the order that they come in."""
    return [(on(day), list(of_day)) for day, of_day in groupby(uses, key=lambda use: use["day"])]


def span_words(seconds: int) -> str:
    """`1 hour`, `30 minutes`."""
    return counted(seconds // 3600, "hour") if seconds % 3600 == 0 else counted(seconds // 60, "minute")
