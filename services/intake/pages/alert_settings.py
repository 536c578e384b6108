"""A site's alerts as its people set them: who is told, each rule with what it raised, and a rule of the site's own."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment

from services.intake.domain import LONGEST_QUIET_DAYS, SUBJECTS, Comparison, Severity, Source, Subject, met_in_words
from services.intake.pages.alerts import WORDS
from services.intake.pages.bar import Bar, staff_page, staff_templates
from services.intake.pages.filled import Filled, said_yes_or_no
from shared.pages.words import counted, on

Json = Mapping[str, Any]
NOTICES, NEW = "notices", "new"
# How soon somebody must look.
_SEVERITIES: Mapping[Severity, str] = {Severity.URGENT: "Today", Severity.SOON: "In the next days"}
_GROUPS: Mapping[Source, str] = {Source.ITEM: "Questions", Source.INSTRUMENT: "Scores"}


class RuleShown(NamedTuple):
    """A rule and the form that changes it; in words when it is met, what it raised, how long an alert waits and who
    changed it last. `thresholds` are those to choose from, none where any number does or there is only one.
    """

    rule: Json
    form: Filled
    met: str
    raised: str
    waits: str
    changed: str | None
    thresholds: Sequence[tuple[str, str]]
    is_number: bool


def form_of_rule(rule_id: str) -> str:
    """The id of the form that changes a rule."""
    return f"rule-{rule_id}"


class Told(NamedTuple):
    """What a site has set, and what its own forms ask beside the shipped surveys: a title and its questions each."""

    rules: Sequence[Json]
    notices: Json
    rate: Json
    asked: Sequence[tuple[str, Sequence[Subject]]]


def present_settings(told: Told, *, time_zone: ZoneInfo, refused: Filled | None, bar: Bar) -> str:
    """All that a site sets; `refused` is the form that was not taken, as it was sent."""
    given = {} if refused is None else {refused.id: refused}
    subjects = {**SUBJECTS, **{subject.key: subject for _, asked in told.asked for subject in asked}}
    shipped = [(_GROUPS[source], list(of)) for source, of in groupby(SUBJECTS.values(), attrgetter("source"))]
    shown = [
        _shown(rule, given.get(form_of_rule(rule["id"]), _filled(rule)), told, time_zone, subjects)
        for rule in told.rules
    ]
    return staff_page(
        _templates(),
        "alert_settings.html",
        bar,
        rules=shown,
        refused=None if refused is None else refused.id,
        notices=given.get(NOTICES, _told(told.notices)),
        edition=told.notices["edition"],
        rate=told.rate,
        groups=[*shipped, *told.asked],
    )


def present_new_rule(subject: Subject, form: Filled, bar: Bar) -> str:
    """The form that makes a rule of the site's own about a question or a score."""
    offered = [(option.code, option.text("en")) for option in subject.options]
    return staff_page(_templates(), "alert_rule.html", bar, subject=subject, offered=offered, form=form)


def _shown(rule: Json, form: Filled, told: Told, time_zone: ZoneInfo, subjects: Mapping[str, Subject]) -> RuleShown:
    least, most, codes = rule["least"], rule["most"], rule["definition"]["codes"]
    subject = subjects.get(f"{rule['definition']['source']}.{rule['definition']['name']}")
    met = partial(_met, rule, subject=subject)
    within = [one for one in range(1, len(codes) + 1) if least is None or least <= one <= most]
    return RuleShown(
        rule,
        form,
        met=met(rule["threshold"]),
        raised=_raised(rule, told.rate),
        waits=_waits(rule, is_told=bool(told.notices["addresses"])),
        changed=_changed(rule, time_zone),
        thresholds=[(str(one), met(one)) for one in within] if len(within) > 1 else [],
        is_number=not codes and (subject is None or not subject.is_yes_or_no),
    )


def _met(rule: Json, threshold: float, subject: Subject | None) -> str:
    definition = rule["definition"]
    return met_in_words(Comparison(definition["comparison"]), definition["codes"], threshold, subject)


def _filled(rule: Json) -> Filled:
    return Filled(
        form_of_rule(rule["id"]),
        {
            "is_on": said_yes_or_no(said=rule["is_on"]),
            "threshold": f"{rule['threshold']:.15g}",
            "severity": rule["severity"],
            "escalates_after": ", ".join(map(str, rule["escalates_after"])),
            "quiet_days": str(rule["quiet_days"]),
        },
    )


def _told(notices: Json) -> Filled:
    return Filled(
        NOTICES,
        {
            "addresses": "\n".join(notices["addresses"]),
            "language": notices["language"],
            "quiet_minutes": str(notices["quiet_minutes"]),
        },
    )


def _raised(rule: Json, rate: Json) -> str:
    """`raised by 3 surveys in 30 days, 2 more only repeated it`."""
    of_rule = next((one for one in rate["rules"] if one["rule_id"] == rule["id"]), None)
    if of_rule is None:
        return "not raised in the last 30 days" if rule["is_on"] else ""
    repeated = of_rule["surveys_suppressed"]
    also = f", {repeated} more only repeated it" if repeated else ""
    return f"raised by {counted(of_rule['surveys_alerted'], 'survey')} in the last 30 days{also}"


def _waits(rule: Json, *, is_told: bool) -> str:
    """`escalates after 1 h and 4 h without an owner`, and whether anybody hears of it by mail."""
    after = " and ".join(map(_in_words, rule["escalates_after"]))
    words = f"escalates after {after} without an owner" if after else "does not escalate"
    return words if is_told else f"{words}, and nobody is told"


def _in_words(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} min"
    if rest == 0 and hours % 24 == 0:
        return counted(hours // 24, "day")
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _changed(rule: Json, time_zone: ZoneInfo) -> str | None:
    if not rule["changes"]:
        return None
    last = rule["changes"][0]
    return f"{last['changed_by']}, {on(last['changed_at'].astimezone(time_zone))}, version {last['version']}"


def _scale(subject: Subject) -> Iterator[str]:
    """`3: Blood came without stool`, of each number that has words."""
    for number, words in subject.scale.labels.items() if subject.scale else ():
        yield f"{number}: {words.said_in('en')}"


@cache
def _templates() -> Environment:
    made = staff_templates()
    made.globals |= {
        **WORDS,
        "scale": _scale,
        "severities": _SEVERITIES,
        "longest_quiet_days": LONGEST_QUIET_DAYS,
    }
    return made
