"""Broken glass in words: the line on the page, the form that breaks it, the list of the patient's site."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from services.dashboard.domain import BrokenGlass
from services.dashboard.pages.reader import Line, Reader
from shared.pages.speaking import Speaks
from shared.pages.words import clock, counted, on
from shared.speech import Said

Json = Mapping[str, Any]

REASONS: Mapping[str, Said] = {
    "emergency": Said("emergency care", "atención de emergencia"),
    "transfer": Said("transfer of care", "traslado de la atención"),
    "on-call-cover": Said("on-call cover", "guardia"),
    "other": Said("another reason", "otra razón"),
}
_OWN = Said(
    " This is a patient of {site}. Your reason: {reason}. It closes at {until}. Every look is in that clinic's list.",
    " Es paciente de {site}. Su razón: {reason}. Se cierra a las {until}. Cada vista queda en la lista de esa clínica.",
)
_OTHERS = Said(
    " by {who} at another clinic ({sites}). Reason: {reason}. Until {until}.",
    " por {who} en otra clínica ({sites}). Razón: {reason}. Hasta las {until}.",
)
WRONG: Mapping[str, str] = {
    "site_id": "The clinic's short name: small letters, digits and hyphens.",
    "patient_id": "The patient's id as that clinic gives it: 32 digits and letters, with hyphens.",
    "reason": "Choose one.",
    "words": "10 to 500 characters.",
}
"""What each field of the form wants, where it was not given."""


def glass_line(glass: BrokenGlass, reader: Reader, *, is_own: bool) -> Line:
    """What the page says of it for as long as it is open."""
    reason, until = reader.named(REASONS, glass.reason), clock(glass.until.astimezone(reader.now.tzinfo))
    if is_own:
        return Line(
            reader.say(Said("Opened in an emergency, for reading only.", "Abierta en una emergencia, solo para leer.")),
            reader.say(_OWN, site=glass.site_id, reason=reason, until=until),
        )
    return Line(
        reader.say(Said("Opened in an emergency", "Abierta en una emergencia")),
        reader.say(_OTHERS, who=glass.subject, sites=reader.listed(glass.of_sites), reason=reason, until=until),
    )


def reason_words(reason: str) -> str:
    return Speaks().named(REASONS, reason)


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
