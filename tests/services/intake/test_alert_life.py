"""How an alert goes on: which step follows which, who is told that they are late, and when it escalates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import (
    Alert,
    AlertState,
    Outcome,
    Severity,
    alert_closed,
    alert_escalated,
    alert_handed_over,
    alert_reopened,
    alert_taken,
)
from shared.errors import Problem

RAISED = datetime(2026, 10, 13, 6, 50, tzinfo=UTC)
MINUTES = st.lists(st.integers(5, 10_000), max_size=3, unique=True).map(lambda found: tuple(sorted(found)))


def an_alert(**changes: Any) -> Alert:
    """Open, and raised in the morning. Synthetic."""
    alert = Alert(
        site_id="riverbend",
        alert_id=uuid4(),
        patient_id=uuid4(),
        survey_id=uuid4(),
        visit_id=uuid4(),
        form="pre-visit-crohns|1.0",
        rule_id="severe-pain",
        rule_version="1.0",
        severity=Severity.URGENT,
        answer=9,
        submitted_at=RAISED,
        raised_at=RAISED,
        is_late=False,
        repeats=None,
        state=AlertState.OPEN,
        owner=None,
        version=1,
        outcome=None,
        closed_at=None,
        waits_since=RAISED,
        escalates_after=(60, 240),
        escalation=0,
    )
    return replace(alert, **changes)


def take(alert: Alert) -> Alert:
    return alert_taken(alert, "j-ortiz", alert.version)


def close(alert: Alert) -> Alert:
    return alert_closed(alert, "dr-rowe", Outcome.CALLED, RAISED, alert.version)


def reopen(alert: Alert) -> Alert:
    return alert_reopened(alert, RAISED + timedelta(days=1), alert.version)


def refused(step: Any, alert: Alert) -> str:
    with pytest.raises(Problem) as problem:
        step(alert)
    assert problem.value.status == 409
    return problem.value.kind


def test_an_alert_is_taken_handed_over_closed_and_opened_again() -> None:
    taken = take(an_alert())
    assert (taken.state, taken.owner, taken.version, taken.escalates_at) == ("acknowledged", "j-ortiz", 2, None)
    given_on = alert_handed_over(taken, "dr-rowe", 2)
    assert (given_on.state, given_on.owner, given_on.version) == ("acknowledged", "dr-rowe", 3)
    done = close(given_on)
    assert (done.state, done.owner, done.outcome, done.closed_at) == ("closed", "dr-rowe", "called", RAISED)
    again = reopen(done)
    assert (again.state, again.owner, again.outcome, again.closed_at, again.version) == ("open", None, None, None, 5)
    assert again.escalates_at == RAISED + timedelta(days=1, hours=1), "the clock starts anew"


def test_who_closes_what_nobody_had_had_it() -> None:
    assert close(an_alert()).owner == "dr-rowe"
    assert close(take(an_alert())).owner == "j-ortiz"


@pytest.mark.parametrize(
    ("before", "step", "why"),
    [
        (take, take, "alert-not-open"),
        (close, take, "alert-not-open"),
        (close, close, "alert-closed"),
        (close, lambda alert: alert_handed_over(alert, "dr-silva", alert.version), "alert-closed"),
        (take, lambda alert: alert_handed_over(alert, "j-ortiz", alert.version), "alert-unchanged"),
        (take, reopen, "alert-not-closed"),
        (lambda alert: alert, reopen, "alert-not-closed"),
    ],
)
def test_a_step_that_does_not_follow_is_refused(before: Any, step: Any, why: str) -> None:
    assert refused(step, before(an_alert())) == why


@pytest.mark.parametrize(
    "step",
    [
        lambda alert: alert_taken(alert, "j-ortiz", 1),
        lambda alert: alert_handed_over(alert, "j-ortiz", 1),
        lambda alert: alert_closed(alert, "j-ortiz", Outcome.CALLED, RAISED, 1),
        lambda alert: alert_reopened(alert, RAISED, 1),
    ],
)
def test_who_has_seen_an_older_version_is_told_so_whatever_they_want(step: Any) -> None:
    for stands in (an_alert(version=2), replace(close(an_alert()), version=2)):
        assert refused(step, stands) == "stale"


@pytest.mark.parametrize(
    ("minutes", "level", "next_in"),
    [(0, 0, 60), (59, 0, 60), (60, 1, 240), (239, 1, 240), (240, 2, None), (100_000, 2, None)],
)
def test_an_alert_reaches_a_level_at_its_minute(minutes: int, level: int, next_in: int | None) -> None:
    reached = alert_escalated(an_alert(), RAISED + timedelta(minutes=minutes))
    assert reached.escalation == level
    assert reached.escalates_at == (None if next_in is None else RAISED + timedelta(minutes=next_in))


def test_what_somebody_has_or_has_closed_escalates_no_more() -> None:
    later = RAISED + timedelta(days=9)
    for alert in (take(an_alert()), close(an_alert())):
        assert alert_escalated(alert, later) == alert
        assert alert.escalates_at is None


@given(MINUTES, st.lists(st.integers(0, 20_000), min_size=1, max_size=6))
def test_however_often_the_clock_is_looked_at_the_level_is_that_of_the_last_look_and_never_falls(
    escalates_after: tuple[int, ...], looks: list[int]
) -> None:
    alert = an_alert(escalates_after=escalates_after)
    levels = []
    for minutes in sorted(looks):
        alert = alert_escalated(alert, RAISED + timedelta(minutes=minutes))
        levels.append(alert.escalation)
    at_once = alert_escalated(an_alert(escalates_after=escalates_after), RAISED + timedelta(minutes=max(looks)))
    assert levels == sorted(levels)
    assert alert.escalation == at_once.escalation
    assert alert_escalated(alert, RAISED - timedelta(days=1)).escalation == alert.escalation, "a clock that jumps back"


@given(MINUTES, st.integers(0, 20_000))
def test_after_a_look_nothing_that_was_due_is_due_still(escalates_after: tuple[int, ...], minutes: int) -> None:
    now = RAISED + timedelta(minutes=minutes)
    due = alert_escalated(an_alert(escalates_after=escalates_after), now).escalates_at
    assert due is None or due > now


@given(st.lists(st.sampled_from(["take", "hand over", "close", "reopen"]), max_size=12))
def test_whatever_people_try_an_alert_has_an_owner_unless_it_is_open_and_an_outcome_only_when_it_is_closed(
    tries: list[str],
) -> None:
    steps = {"take": take, "close": close, "reopen": reopen}
    steps["hand over"] = lambda alert: alert_handed_over(alert, "dr-silva", alert.version)
    alert, done = an_alert(), 0
    for tried in tries:
        try:
            alert = steps[tried](alert)
            done += 1
        except Problem:
            pass
        assert (alert.owner is None) == (alert.state is AlertState.OPEN)
        assert (alert.outcome is None) == (alert.closed_at is None) == (alert.state is not AlertState.CLOSED)
    assert alert.version == 1 + done
