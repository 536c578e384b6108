"""Which answers ask for a person at the clinic: the network's rules, what a site may change of them, and its own.

A rule compares one answer, or one score, with a number, and says where that number comes from. An answer that is a code
counts its place among the codes that the rule names. It names no disease and proposes no treatment: whoever is alerted
reads the answer itself. A rule never changes; a change makes another version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from shared.errors import FieldError, Problem
from shared.instruments import PHQ_2

LONGEST_QUIET_DAYS = 30
LEAST_MINUTES, MOST_MINUTES = 5, 7 * 24 * 60
SUBJECT_NAME, LONGEST_CODE = r"^[a-z0-9][a-z0-9_-]{1,79}$", 80
"""What an item or an instrument is called that a rule looks at, and the characters of an answer that it names."""


class Severity(StrEnum):
    """How soon somebody must look: within the hour of the clinic's day, or within the day."""

    URGENT = "urgent"
    SOON = "soon"


class Source(StrEnum):
    """What a rule looks at. A score that is incomplete meets no rule."""

    ITEM = "item"
    INSTRUMENT = "instrument"


class Comparison(StrEnum):
    AT_LEAST = "at-least"
    AT_MOST = "at-most"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a rule looks at and what it says to staff. `name` is the id of an item or, without version, an instrument.

    `recall` is the time that the question asks about, `citation` says where the threshold comes from. `codes` are for a
    question that is answered by one: those that count, 1 for the first, 2 for the second; any other meets no rule.
    """

    source: Source
    name: str
    comparison: Comparison
    english: str
    spanish: str
    citation: str
    recall: str | None = None
    codes: tuple[str, ...] = ()

    @property
    def looks_at(self) -> tuple[Source, str, Comparison, tuple[str, ...]]:
        """What stays in all versions of a rule: only so do their alerts compare."""
        return self.source, self.name, self.comparison, self.codes

    def counted(self, answer: object) -> float | None:
        """What an answer counts: its number, 1 for a yes, the place of a code that is named; None where it is none."""
        if isinstance(answer, str):
            return float(self.codes.index(answer) + 1) if answer in self.codes else None
        return float(answer) if isinstance(answer, int | float) and not self.codes else None


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What a site decides. `escalates_after`: minutes without an owner, one number a level, each above the last.

    For `quiet_days` after an alert the same answer of the same patient raises no other; a worse one does.
    """

    threshold: float
    severity: Severity
    escalates_after: tuple[int, ...]
    quiet_days: int
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A version of a rule. `bounds` are the thresholds that a site may choose; None for a rule of its own."""

    id: str
    version: str
    definition: Definition
    settings: RuleSettings
    bounds: tuple[float, float] | None = None

    @property
    def key(self) -> str:
        """`id|version`, as an alert pins it."""
        return f"{self.id}|{self.version}"


def site_version(number: int) -> str:
    """The version of the rule that a site's change of this number made."""
    return f"site.{number}"


def rule_changed(rule: Rule, settings: RuleSettings, number: int) -> Rule:
    """The next version of a rule, as the site's change of this number.

    Raises:
        Problem: 422, a setting is out of its bounds.
    """
    wrong = _wrong_with(settings, rule.bounds)
    if wrong:
        raise Problem(422, "invalid", f"{len(wrong)} field(s) are not valid.", errors=wrong)
    return replace(rule, version=site_version(number), settings=settings)


def _wrong_with(settings: RuleSettings, bounds: tuple[float, float] | None) -> list[FieldError]:
    wrong = []
    if bounds is not None and not bounds[0] <= settings.threshold <= bounds[1]:
        wrong.append(FieldError("threshold", f"a number from {bounds[0]:g} to {bounds[1]:g}"))
    minutes = settings.escalates_after
    is_rising = all(before < after for before, after in pairwise(minutes))
    if not is_rising or not all(LEAST_MINUTES <= one <= MOST_MINUTES for one in minutes):
        wrong.append(FieldError("escalates_after", f"{LEAST_MINUTES} to {MOST_MINUTES} minutes, each above the last"))
    if not 0 <= settings.quiet_days <= LONGEST_QUIET_DAYS:
        wrong.append(FieldError("quiet_days", f"a whole number from 0 to {LONGEST_QUIET_DAYS}"))
    return wrong


_NETWORK = (
    Rule(
        "severe-bleeding",
        "1.0",
        Definition(
            Source.ITEM,
            "rectal_bleeding",
            Comparison.AT_LEAST,
            "Severe bleeding: blood came without stool",
            "Sangrado intenso: salió sangre sin heces",
            "Highest grade of the Mayo rectal bleeding item (Schroeder 1987, NEJM 317:1625)",
            "past 3 days",
        ),
        RuleSettings(threshold=3, severity=Severity.URGENT, escalates_after=(60, 240), quiet_days=7),
        bounds=(2, 3),
    ),
    Rule(
        "severe-pain",
        "1.0",
        Definition(
            Source.ITEM,
            "pain_nrs",
            Comparison.AT_LEAST,
            "Severe pain",
            "Dolor intenso",
            "Upper part of the severe band, 7 to 10, of a 0 to 10 scale (Serlin 1995, Pain 61:277)",
            "past 7 days",
        ),
        RuleSettings(threshold=8, severity=Severity.URGENT, escalates_after=(60, 240), quiet_days=7),
        bounds=(7, 10),
    ),
    Rule(
        "severe-belly-pain",
        "1.0",
        Definition(
            Source.ITEM,
            "abdominal_pain",
            Comparison.AT_LEAST,
            "Severe belly pain: it stops the person",
            "Dolor de vientre intenso: le impide hacer cosas",
            "Highest grade of the abdominal pain item of the CDAI (Best 1976, Gastroenterology 70:439)",
            "past 7 days",
        ),
        RuleSettings(threshold=3, severity=Severity.URGENT, escalates_after=(60, 240), quiet_days=7),
        bounds=(2, 3),
    ),
    Rule(
        "high-output",
        "1.0",
        Definition(
            Source.ITEM,
            "output_change",
            Comparison.AT_LEAST,
            "High output: much more came out, or like water",
            "Mucha salida: salió mucho más, o como agua",
            "Highest answer of our own question; a high output dries people out (Baker 2011, Colorectal Dis 13:191)",
            "past 7 days",
            codes=("more", "much-more"),
        ),
        RuleSettings(threshold=2, severity=Severity.URGENT, escalates_after=(60, 240), quiet_days=7),
        bounds=(1, 2),
    ),
    Rule(
        "low-mood",
        "1.0",
        Definition(
            Source.INSTRUMENT,
            PHQ_2.id,
            Comparison.AT_LEAST,
            "Low mood: PHQ-2 at or above the cut",
            "Ánimo bajo: PHQ-2 en el límite o por encima",
            "Cut of 3 for a closer look (Kroenke 2003, Med Care 41:1284)",
            "last 2 weeks",
        ),
        RuleSettings(threshold=3, severity=Severity.SOON, escalates_after=(1440, 4320), quiet_days=14),
        bounds=(2, 6),
    ),
    Rule(
        "emergency-visit",
        "1.0",
        Definition(
            Source.ITEM,
            "ed_in_2_weeks",
            Comparison.AT_LEAST,
            "Went to an emergency room in the past 2 weeks",
            "Fue a la sala de emergencias en las últimas 2 semanas",
            "Urgent care is a reason to call: high-risk list of the IBD Qorus urgent-care toolkit",
            "past 2 weeks",
        ),
        RuleSettings(threshold=1, severity=Severity.SOON, escalates_after=(1440, 4320), quiet_days=14),
        bounds=(1, 1),
    ),
)

NETWORK_RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _NETWORK})
"""The network's rules, by id. A version that was ever in force stays in `EVERY_NETWORK_RULE`."""
EVERY_NETWORK_RULE: Mapping[str, Rule] = MappingProxyType({rule.key: rule for rule in _NETWORK})


def rules_in_force(of_site: Mapping[str, Rule]) -> tuple[Rule, ...]:
    """The rules that hold at a site which has changed or made these, by id: switched on, the network's first."""
    rules = {**NETWORK_RULES, **of_site}
    return tuple(rule for rule in rules.values() if rule.settings.is_on)
