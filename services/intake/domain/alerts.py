"""From a survey to alerts, and how an alert goes on until somebody has answered for it.

    open -> acknowledged (somebody has it) -> closed (with an outcome)      closed -> open
    open -> closed                                                          acknowledged -> acknowledged (handed over)

An open alert that nobody takes escalates, a level at a time. A repeat that comes while the first is open, or no worse
soon after it, is kept and closed at once: nobody is called twice for one thing, and what was kept quiet can be counted.
What a survey says that was entered in error keeps nothing quiet, nor does an alert that somebody took and forgot.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.intake.domain.alert_rules import Comparison, Rule, Severity, Source
from shared.errors import conflict
from shared.events import Score

LATE_AFTER = timedelta(days=3)
RATE_OVER = timedelta(days=30)
"""What the rate of alerts looks back on. An answer of before that is history: it asks nobody to call."""


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How an alert ended. Nobody chooses `suppressed`: it is that of a repeat."""

    CALLED = "called"
    APPOINTMENT = "appointment"
    SENT_TO_EMERGENCY = "sent-to-emergency"
    NO_ACTION = "no-action"
    SUPPRESSED = "suppressed"


class StepKind(StrEnum):
    TAKEN = "taken"
    HANDED_OVER = "handed-over"
    CLOSED = "closed"
    REOPENED = "reopened"
    ESCALATED = "escalated"


class Met(NamedTuple):
    """A rule that a survey meets, and what the answer counts. Of two answers to one rule the one with more `weight` is
    worse.
    """

    rule: Rule
    answer: float
    weight: float


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it stands, with the version of the rule that raised it. `version` counts what people did with it.

    `waits_since` is when somebody was last asked to take it; `is_late` when the survey was entered days after it was
    given. `repeats` is the alert that this one only repeats.
    """

    site_id: str
    alert_id: UUID
    patient_id: UUID
    survey_id: UUID
    visit_id: UUID
    form: str
    rule_id: str
    rule_version: str
    severity: Severity
    answer: float
    submitted_at: datetime
    raised_at: datetime
    is_late: bool
    repeats: UUID | None
    state: AlertState
    owner: str | None
    version: int
    outcome: Outcome | None
    closed_at: datetime | None
    waits_since: datetime
    escalates_after: tuple[int, ...]
    escalation: int

    @property
    def rule(self) -> str:
        """`id|version`."""
        return f"{self.rule_id}|{self.rule_version}"

    @property
    def escalates_at(self) -> datetime | None:
        """When the next level is reached, if nobody takes it."""
        if self.state is not AlertState.OPEN or self.escalation >= len(self.escalates_after):
            return None
        return self.waits_since + timedelta(minutes=self.escalates_after[self.escalation])


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert that a survey raises, unless it repeats one that is there. `repeats` is one of the same moment."""

    site_id: str
    alert_id: UUID
    patient_id: UUID
    survey_id: UUID
    visit_id: UUID
    form: str
    met: Met
    submitted_at: datetime
    raised_at: datetime
    repeats: UUID | None = None

    @property
    def is_late(self) -> bool:
        """Whether the survey came in so long after it was given that the answer may be old news."""
        return self.raised_at - self.submitted_at > LATE_AFTER

    @property
    def first_escalation_at(self) -> datetime | None:
        """When it escalates if nobody takes it."""
        minutes = self.met.rule.settings.escalates_after
        return self.raised_at + timedelta(minutes=minutes[0]) if minutes else None

    @property
    def quiet_since(self) -> datetime:
        """An alert that was raised after this and was no less bad makes this one a repeat, if its answer was given as
        shortly before.
        """
        return self.raised_at - timedelta(days=self.met.rule.settings.quiet_days)


def rules_met(rules: Iterable[Rule], answers: Mapping[str, Any], scores: Sequence[Score]) -> list[Met]:
    """The rules that a survey meets, in their order. What was skipped, not asked or not scored meets none."""
    values = {score.instrument.partition("|")[0]: score.value for score in scores}
    found = []
    for rule in rules:
        looked_up = answers if rule.definition.source is Source.ITEM else values
        answer = rule.definition.counted(looked_up.get(rule.definition.name))
        if answer is None:
            continue
        sign = 1 if rule.definition.comparison is Comparison.AT_LEAST else -1
        if sign * answer >= sign * rule.settings.threshold:
            found.append(Met(rule, answer, sign * answer))
    return found


def repeats_marked(alerts: Iterable[NewAlert]) -> list[NewAlert]:
    """Of several alerts of one moment, about one patient by one rule, all but the worst repeat it."""
    worst: dict[tuple[str, UUID, str], UUID] = {}
    marked = []
    for one in sorted(alerts, key=lambda alert: -alert.met.weight):
        first = worst.setdefault((one.site_id, one.patient_id, one.met.rule.id), one.alert_id)
        marked.append(one if first == one.alert_id else replace(one, repeats=first))
    return marked


def alert_taken(alert: Alert, by: str, version: int) -> Alert:
    """The alert after somebody took it.

    Raises:
        Problem: 409 `stale`, or `alert-not-open` where somebody has it, or it is closed.
    """
    _check_version(alert, version)
    if alert.state is not AlertState.OPEN:
        raise conflict("alert-not-open", f"{_standing(alert)} Only an open alert can be taken.")
    return _next(alert, state=AlertState.ACKNOWLEDGED, owner=by)


def alert_handed_over(alert: Alert, to: str, version: int) -> Alert:
    """The alert after it was given to somebody, by whoever.

    Raises:
        Problem: 409 `stale`, `alert-closed`, or `alert-unchanged` where they have it already.
    """
    _check_version(alert, version)
    if alert.state is AlertState.CLOSED:
        raise conflict("alert-closed", "The alert is closed. Reopen it first.")
    if alert.owner == to:
        raise conflict("alert-unchanged", f"{to} has it already.")
    return _next(alert, state=AlertState.ACKNOWLEDGED, owner=to)


def alert_closed(alert: Alert, by: str, outcome: Outcome, at: datetime, version: int) -> Alert:
    """The alert after somebody has dealt with it; who closes what nobody had, had it.

    Raises:
        Problem: 409 `stale`, or `alert-closed`.
    """
    _check_version(alert, version)
    if alert.state is AlertState.CLOSED:
        raise conflict("alert-closed", "The alert is closed already.")
    return _next(alert, state=AlertState.CLOSED, owner=alert.owner or by, outcome=outcome, closed_at=at)


def alert_reopened(alert: Alert, at: datetime, version: int) -> Alert:
    """The alert after it turned out not to be over: nobody has it, and it waits from now on.

    Raises:
        Problem: 409 `stale`, or `alert-not-closed`.
    """
    _check_version(alert, version)
    if alert.state is not AlertState.CLOSED:
        raise conflict("alert-not-closed", f"{_standing(alert)} Only a closed alert can be reopened.")
    return _next(alert, state=AlertState.OPEN, owner=None, outcome=None, closed_at=None, waits_since=at, escalation=0)


def alert_escalated(alert: Alert, now: datetime) -> Alert:
    """The alert at the level that it has reached by now: also after a long pause in one step, never back."""
    if alert.state is not AlertState.OPEN:
        return alert
    waited = now - alert.waits_since
    reached = sum(timedelta(minutes=minutes) <= waited for minutes in alert.escalates_after)
    return replace(alert, escalation=max(reached, alert.escalation))


def _next(alert: Alert, **changes: Any) -> Alert:
    return replace(alert, version=alert.version + 1, **changes)


def _check_version(alert: Alert, version: int) -> None:
    if version != alert.version:
        why = "Somebody was faster: the alert stands differently now. Look at it again."
        raise conflict("stale", why)


def _standing(alert: Alert) -> str:
    if alert.state is AlertState.ACKNOWLEDGED:
        return f"{alert.owner} has it."
    return f"The alert is {alert.state}."
