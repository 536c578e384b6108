"""When a site's patients get their links and reminders, and what a link asks, as the forms that set it."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment

from services.intake.domain import MOST_DAYS_BEFORE, MOST_REMINDERS, Channel
from services.intake.pages.bar import Bar, staff_page, staff_templates
from services.intake.pages.filled import Filled, said_yes_or_no

SENDS, ASKS = "sends", "asks"
_MAIL_FIRST, _TEXT_FIRST = f"{Channel.EMAIL},{Channel.SMS}", f"{Channel.SMS},{Channel.EMAIL}"
_CHANNELS: Mapping[str, str] = {
    _MAIL_FIRST: "Mail, else text message",
    _TEXT_FIRST: "Text message, else mail",
    Channel.EMAIL: "Mail only",
    Channel.SMS: "Text message only",
}


def show_link_settings(
    rule: Mapping[str, Any], *, asks_birth_year: bool, zone: ZoneInfo, refused: Filled | None, bar: Bar
) -> str:
    """All that a site sets; `refused` is the form that was not taken, as it was sent."""
    given = {} if refused is None else {refused.id: refused}
    asks = Filled(ASKS, {"asks_birth_year": said_yes_or_no(said=asks_birth_year)})
    return staff_page(
        _templates(),
        "link_settings.html",
        bar,
        zone=zone,
        sends=given.get(SENDS, _filled(rule)),
        asks=given.get(ASKS, asks),
        is_on=rule["is_on"],
    )


def _filled(rule: Mapping[str, Any]) -> Filled:
    quiet = rule["quiet"] or {"begins": "", "ends": ""}
    return Filled(
        SENDS,
        {
            "is_on": said_yes_or_no(said=rule["is_on"]),
            "days_before": str(rule["days_before"]),
            "send_at": rule["send_at"],
            "reminders": ", ".join(map(str, rule["reminders"])),
            "quiet_begins": quiet["begins"],
            "quiet_ends": quiet["ends"],
            "channels": ",".join(rule["channels"]),
            "sender_name": rule["sender_name"] or "",
        },
    )


@cache
def _templates() -> Environment:
    made = staff_templates()
    made.globals |= {
        "channel_choices": _CHANNELS,
        "most_days_before": MOST_DAYS_BEFORE,
        "most_reminders": MOST_REMINDERS,
    }
    return made
