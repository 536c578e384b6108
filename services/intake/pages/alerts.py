"""Alerts for the people of a site, in words: the list beside the patients at high risk, and one alert."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment

from services.intake.pages.bar import Bar, staff_page, staff_templates
from shared.errors import Problem
from shared.events import Diagnosis
from shared.pages.words import counted

Json = Mapping[str, Any]

OUTCOMES: Mapping[str, str] = {
    "called": "Called the patient",
    "appointment": "Gave an earlier appointment",
    "sent-to-emergency": "Sent to emergency care",
    "no-action": "Nothing to do",
    "suppressed": "Repeats an alert that was there",
}
RISKS: Mapping[str, str] = {
    "urgent-care": "urgent care",
    "steroids": "steroids",
    "opioids": "opioids",
    "severe-symptoms": "severe symptoms",
    "high-stoma-output": "high stoma output",
    "mood": "mood",
    "treatment-change": "change of treatment",
    "other": "another reason",
}
DIAGNOSES: Mapping[str, str] = {
    Diagnosis.CROHNS: "Crohn's",
    Diagnosis.ULCERATIVE_COLITIS: "ulcerative colitis",
    Diagnosis.IBD_UNCLASSIFIED: "IBD, unclassified",
}


class Standing(NamedTuple):
    """How an alert stands: the tone, shape and words of its state."""

    tone: str
    shape: str
    words: str


def present_alerts(
    alerts: Json, high_risk: Json, rates: Sequence[Json], *, now: datetime, patient_page: str, bar: Bar
) -> str:
    """The alerts that are not closed, how many surveys alert, and the high-risk list. `patient_page` is where a
    patient's page stands.
    """
    return staff_page(
        _templates(),
        "alerts.html",
        bar,
        alerts=alerts,
        high_risk=high_risk,
        rates=rates,
        now=now,
        patient_page=patient_page,
    )


def present_alert(alert: Json, *, now: datetime, patient_page: str, problem: Problem | None, bar: Bar) -> str:
    """One alert, with what can be done with it; `problem` is why the last step was not taken."""
    return staff_page(
        _templates(),
        "alert.html",
        bar,
        alert=alert,
        now=now,
        patient_page=patient_page,
        problem=problem,
        outcomes={code: words for code, words in OUTCOMES.items() if code != "suppressed"},
    )


def standing(alert: Json) -> Standing:
    """`nobody has it, 3 h 28 min`, `j-ortiz has it`, `called the patient`."""
    if alert["state"] == "open":
        return Standing("stop", "stop", f"nobody has it, {span(alert['waiting_s'])}")
    if alert["state"] == "acknowledged":
        return Standing("note", "half", f"{alert['owner']} has it")
    return Standing("done", "done", OUTCOMES[alert["outcome"]].lower())


def told(alert: Json) -> Standing:
    """Whether the clinic's people were told that it waits: `notice sent`, `notice not sent to 1 of 2 addresses`."""
    notices = alert["told"]
    made, why = notices["made"], f" ({notices['why_not']})" if notices["why_not"] else ""
    if notices["not_sent"]:
        return Standing(
            "note", "old", f"notice not sent to {notices['not_sent']} of {counted(made, 'address', 'addresses')}{why}"
        )
    if notices["sent"] == made > 0:
        return Standing("done", "done", f"notice sent to {counted(made, 'address', 'addresses')}")
    if made and why:
        return Standing("note", "old", f"notice is tried again{why}")
    if made and alert["state"] == "open":
        return Standing("off", "open", "notice on its way")
    return Standing("off", "missing", "no notice")


def rate_words(rate: Json) -> str:
    """`3 of 42 surveys of the last 30 days raised an alert, 7%.`"""
    if rate["rate"] is None:
        return "No survey in the last 30 days."
    surveys = counted(rate["surveys"], "survey")
    return f"{rate['surveys_alerted']} of {surveys} of the last 30 days raised an alert, {rate['rate']:.0%}."


def span(seconds: int) -> str:
    """`under a minute`, `28 min`, `3 h 28 min`, `2 days`."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 1:
        return "under a minute"
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 2 else counted(days, "day")


def person(alert: Json) -> str:
    """A patient as the clinic can find them: intake knows no names."""
    return f"{str(alert['patient_id'])[:8]}, born {alert['birth_year']}"


def step_words(step: Json) -> str:
    """What was done, as one line of the history."""
    match step["step"]:
        case "taken":
            return "took it"
        case "handed-over":
            return f"gave it to {step['owner']}"
        case "closed":
            return f"closed it: {OUTCOMES[step['outcome']].lower()}"
        case "reopened":
            return "opened it again"
    return f"Nobody took it in time: level {step['escalation']}"


def is_overdue(flagged: Json, now: datetime) -> bool:
    """Whether the day of the call has passed at the site."""
    due = flagged["call_due_on"]
    return due is not None and due < now.astimezone(ZoneInfo(flagged["time_zone"])).date()


def managers(huddles: Sequence[Json], now: datetime) -> list[str]:
    """Who keeps each list and, as long as it is to come, when the team meets."""
    lines = []
    for one in huddles:
        coming = one["next_at"] is not None and one["next_at"] > now - timedelta(hours=1)
        at = f"{one['next_at'].astimezone(ZoneInfo(one['time_zone'])):%a %-d %b %H:%M}" if coming else "not set"
        lines.append(f"{one['list_manager']} keeps it, next huddle {at}")
    return lines


# What the pieces in alert_parts.html speak with.
WORDS: Mapping[str, object] = {
    "zone_of": ZoneInfo,
    "standing": standing,
    "told": told,
    "person": person,
    "is_overdue": is_overdue,
    "managers": managers,
    "risks": RISKS,
    "diagnoses": DIAGNOSES,
    "rate_words": rate_words,
}


@cache
def _templates() -> Environment:
    made = staff_templates()
    made.globals |= {**WORDS, "step_words": step_words}
    return made
