"""When links are sent: whatever the site's rule and its clocks, the moments are fit for people."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.intake.domain import (
    BY_HAND,
    FIRST,
    OFF,
    Channel,
    Contact,
    Delivery,
    DeliveryRule,
    DeliveryState,
    Link,
    LinkProgress,
    Outlook,
    QuietHours,
    SendOutcome,
    StopReason,
    awake,
    channel_for,
    come_to,
    in_hand,
    link_progress,
    plan,
    put_back,
    stop_reason,
    wrong_with_rule,
)
from services.intake.domain.deliveries import LEAST_BETWEEN
from services.intake.domain.tries import MOST_ATTEMPTS
from shared.events import VisitState

CHICAGO = ZoneInfo("America/Chicago")
ZONES = [
    ZoneInfo(name)
    for name in ("America/Chicago", "America/New_York", "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu")
] + [ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Europe/Dublin"), ZoneInfo("Asia/Kathmandu")]
RULE = replace(OFF, is_on=True)
BOTH = Contact(has_email=True, has_phone=True, preferred=None, language=None, wants_messages=True)
VISIT_AT = datetime(2026, 10, 13, 15, 20, tzinfo=UTC)
NOW = datetime(2026, 10, 1, 15, 0, tzinfo=UTC)


def an_outlook(**changes: Any) -> Outlook:
    """A visit on 13 October at 10:20 in Chicago, of somebody who can be reached."""
    scheduled = Outlook(
        visit_at=VISIT_AT,
        visit_state=VisitState.SCHEDULED,
        zone=CHICAGO,
        has_survey=False,
        rule=RULE,
        contact=BOTH,
    )
    return replace(scheduled, **changes)


def a_delivery(**changes: Any) -> Delivery:
    due = datetime(2026, 10, 6, 15, tzinfo=UTC)
    planned = Delivery(
        delivery_id=UUID(int=1),
        visit_id=UUID(int=2),
        patient_id=UUID(int=3),
        kind=FIRST,
        visit_at=VISIT_AT,
        due_at=due,
        held_until=due,
        made_by="intake-worker",
    )
    return replace(planned, **changes)


def a_link(**changes: Any) -> Link:
    made = Link(uuid4(), UUID(int=2), UUID(int=3), "intake-worker", NOW, VISIT_AT + timedelta(days=14))
    return replace(made, **changes)


def local(planned: dict[str, datetime], zone: ZoneInfo = CHICAGO) -> dict[str, str]:
    return {kind: f"{due.astimezone(zone):%a %d %H:%M}" for kind, due in planned.items()}


clocks = st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None))
instants = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
# Days around which the clocks of these zones change.
CHANGES = [datetime(year, month, day, tzinfo=UTC) for year, month, day in ((2026, 3, 8), (2026, 11, 1), (2027, 4, 4))]


@st.composite
def rules(draw: st.DrawFn) -> DeliveryRule:
    """Rules that a site may set."""
    days = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=6)), reverse=True)
    quiet = draw(st.none() | st.builds(QuietHours, clocks, clocks))
    rule = replace(RULE, days_before=days[0], reminders=tuple(days[1:]), send_at=draw(clocks), quiet=quiet)
    assume(not wrong_with_rule(rule))
    return rule


@st.composite
def outlooks(draw: st.DrawFn) -> tuple[Outlook, datetime]:
    """A visit, and a moment up to seventy days before it, some of them on days when clocks change."""
    near_change = st.builds(
        lambda day, hours: day + timedelta(hours=hours), st.sampled_from(CHANGES), st.floats(-99, 999)
    )
    visit_at = draw(instants | near_change)
    now = visit_at - timedelta(minutes=draw(st.integers(-60, 70 * 24 * 60)))
    sent = draw(st.none() | st.floats(0, 40).map(lambda days: now - timedelta(days=days)))
    gone = [] if sent is None else [a_delivery(state=DeliveryState.SENT, ended_at=sent, visit_at=visit_at)]
    zone = draw(st.sampled_from(ZONES))
    return an_outlook(visit_at=visit_at, zone=zone, rule=draw(rules()), deliveries=gone), now


@given(outlooks())
def test_nothing_is_due_in_quiet_hours_at_the_visit_in_the_past_or_too_close_to_another(
    case: tuple[Outlook, datetime],
) -> None:
    outlook, now = case
    last = outlook.last_sent_at
    for due in plan(outlook, now).values():
        assert now <= due < outlook.visit_at
        assert outlook.rule.quiet is None or not outlook.rule.quiet.holds(due.astimezone(outlook.zone).time())
        assert last is None or due - last >= LEAST_BETWEEN
        last = due


@given(outlooks(), st.integers(0, 70 * 24 * 60))
def test_what_is_planned_is_still_planned_for_the_same_time_when_that_comes_nearer(
    case: tuple[Outlook, datetime], minutes: int
) -> None:
    outlook, now = case
    later = now + timedelta(minutes=minutes)
    before = plan(outlook, now)
    assume(all(due >= later for due in before.values()))
    assert plan(outlook, later) == before


@given(instants, st.sampled_from(ZONES), st.builds(QuietHours, clocks, clocks))
def test_quiet_hours_end_at_their_end_and_whoever_is_awake_is_not_kept_waiting(
    moment: datetime, zone: ZoneInfo, quiet: QuietHours
) -> None:
    assume(not wrong_with_rule(replace(RULE, quiet=quiet, send_at=quiet.ends)))
    due = awake(moment, zone, quiet)
    assert not quiet.holds(due.astimezone(zone).time())
    if not quiet.holds(moment.astimezone(zone).time()):
        assert due == moment
    else:
        assert moment < due <= moment + quiet.lasts + timedelta(hours=1)


def test_the_usual_course_is_a_week_three_days_and_one_day_before() -> None:
    assert local(plan(an_outlook(), NOW)) == {
        FIRST: "Tue 06 10:00",
        "reminder-1": "Sat 10 10:00",
        "reminder-2": "Mon 12 10:00",
    }


def test_a_visit_that_is_made_at_short_notice_gets_its_link_at_once_and_no_reminder_on_its_heels() -> None:
    late = datetime(2026, 10, 11, 20, 0, tzinfo=UTC)
    assert local(plan(an_outlook(), late)) == {FIRST: "Sun 11 15:00"}
    at_night = datetime(2026, 10, 9, 3, 30, tzinfo=UTC)
    assert local(plan(an_outlook(), at_night)) == {
        FIRST: "Fri 09 08:00",
        "reminder-1": "Sat 10 10:00",
        "reminder-2": "Mon 12 10:00",
    }
    night_before = datetime(2026, 10, 13, 1, 30, tzinfo=UTC)
    early = an_outlook(visit_at=datetime(2026, 10, 13, 12, 30, tzinfo=UTC))
    assert plan(early, night_before) == {}, "when the quiet hours are over the visit has begun"


@pytest.mark.parametrize(
    ("day", "visit", "hour"), [("8 Mar", (2026, 3, 15), 15), ("1 Nov", (2026, 11, 8), 16)], ids=["spring", "autumn"]
)
def test_on_the_day_when_the_clocks_change_a_message_goes_at_the_clocks_time(
    day: str, visit: tuple[int, int, int], hour: int
) -> None:
    outlook = an_outlook(visit_at=datetime(*visit, 18, tzinfo=UTC), rule=replace(RULE, reminders=()))
    (due,) = plan(outlook, datetime(visit[0], visit[1], 1, tzinfo=UTC) - timedelta(days=3)).values()
    assert (f"{due.astimezone(CHICAGO):%-d %b %H:%M}", due.hour) == (f"{day} 10:00", hour)


def test_an_hour_that_the_clocks_skip_or_show_twice_is_quiet_as_its_numbers_say() -> None:
    skipped = QuietHours(time(21), time(2, 30))
    in_spring = awake(datetime(2026, 3, 8, 7, 50, tzinfo=UTC), CHICAGO, skipped)
    assert f"{in_spring.astimezone(CHICAGO):%H:%M}" == "03:30", "as long as if there were no change"
    twice = QuietHours(time(21), time(1, 30))
    first, second = (awake(datetime(2026, 11, 1, hour, 10, tzinfo=UTC), CHICAGO, twice) for hour in (6, 7))
    assert (second - first, f"{first:%H:%M}") == (timedelta(hours=1), "06:30")


def test_reminders_stop_when_there_is_nothing_to_remind_of() -> None:
    over = {"visit_state": VisitState.COMPLETED}
    for changes, reason in (
        ({"has_survey": True}, StopReason.ANSWERED),
        ({"visit_state": VisitState.CANCELLED}, StopReason.VISIT_CANCELLED),
        ({"visit_state": VisitState.CHECKED_IN}, StopReason.VISIT_OVER),
        (over, StopReason.VISIT_OVER),
        ({"visit_at": NOW}, StopReason.VISIT_OVER),
        ({"contact": replace(BOTH, wants_messages=False)}, StopReason.NOT_WANTED),
        ({"contact": None}, StopReason.NO_CONTACT),
        ({"contact": replace(BOTH, has_email=False, has_phone=False)}, StopReason.NO_CONTACT),
    ):
        outlook = an_outlook(**changes)
        assert stop_reason(outlook, NOW) is stop_reason(outlook, NOW, by_hand=True) is reason
        assert plan(outlook, NOW) == {}


def test_a_person_may_send_where_the_rule_alone_would_not() -> None:
    back = a_delivery(state=DeliveryState.CAME_BACK, ended_at=NOW)
    for changes, reason in (
        ({"rule": OFF}, StopReason.RULE_OFF),
        ({"link": a_link(revoked_at=NOW)}, StopReason.LINK_CLOSED),
        ({"link": a_link(wrong_answers=5)}, StopReason.LINK_CLOSED),
        ({"deliveries": [back], "contact_changed_at": NOW - timedelta(days=1)}, StopReason.CAME_BACK),
    ):
        outlook = an_outlook(**changes)
        assert stop_reason(outlook, NOW) is reason
        assert stop_reason(outlook, NOW, by_hand=True) is None
        by_hand = a_delivery(kind=BY_HAND, due_at=NOW)
        assert in_hand(by_hand, outlook, NOW).state is DeliveryState.SENDING


def test_a_new_address_is_tried_after_an_old_one_came_back() -> None:
    back = a_delivery(state=DeliveryState.CAME_BACK, ended_at=NOW - timedelta(days=1))
    assert FIRST in plan(an_outlook(deliveries=[back], contact_changed_at=NOW), NOW)


def test_after_a_move_there_is_no_second_first_message_and_the_reminders_follow_the_new_day() -> None:
    sent = [
        a_delivery(kind=kind, state=DeliveryState.SENT, ended_at=VISIT_AT - timedelta(days=days))
        for kind, days in ((FIRST, 7), ("reminder-1", 3))
    ]
    moved = an_outlook(visit_at=VISIT_AT + timedelta(days=14), deliveries=sent)
    assert local(plan(moved, VISIT_AT - timedelta(days=2))) == {
        "reminder-1": "Sat 24 10:00",
        "reminder-2": "Mon 26 10:00",
    }


def test_while_a_message_that_a_person_asked_for_is_on_its_way_the_rule_sends_no_other() -> None:
    asked = a_delivery(kind=BY_HAND, due_at=datetime(2026, 10, 10, 13, tzinfo=UTC))
    for state in (DeliveryState.PLANNED, DeliveryState.SENDING):
        outlook = an_outlook(deliveries=[replace(asked, state=state)])
        assert local(plan(outlook, NOW)) == {"reminder-2": "Mon 12 10:00"}
    assert FIRST in plan(an_outlook(deliveries=[replace(asked, state=DeliveryState.STOPPED)]), NOW)


def test_a_channel_is_one_that_the_site_uses_and_the_patient_has() -> None:
    by_phone = replace(BOTH, preferred=Channel.SMS)
    only_mail = replace(RULE, channels=(Channel.EMAIL,))
    assert channel_for(RULE, BOTH) is Channel.EMAIL
    assert channel_for(RULE, by_phone) is Channel.SMS
    assert channel_for(only_mail, by_phone) is Channel.EMAIL
    assert channel_for(only_mail, replace(by_phone, has_email=False)) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reminders": (3, 3)}, "reminders"),
        ({"reminders": (7,)}, "reminders"),
        ({"quiet": QuietHours(time(8), time(8))}, "quiet.ends"),
        ({"quiet": QuietHours(time(11), time(9))}, "quiet.ends"),
        ({"quiet": QuietHours(time(9), time(11))}, "send_at"),
        ({"channels": (Channel.SMS, Channel.SMS)}, "channels"),
    ],
)
def test_a_rule_that_does_not_fit_together_names_the_field(changes: dict[str, Any], field: str) -> None:
    assert field in {error.field for error in wrong_with_rule(replace(RULE, **changes))}
    assert wrong_with_rule(RULE) == []


DUE = datetime(2026, 10, 6, 15, tzinfo=UTC)


def test_what_is_due_is_taken_in_hand_when_all_still_stands() -> None:
    taken = in_hand(a_delivery(), an_outlook(deliveries=[a_delivery()]), DUE)
    assert (taken.state, taken.attempts, taken.channel) == (DeliveryState.SENDING, 1, Channel.EMAIL)


@pytest.mark.parametrize(
    ("delivery", "outlook", "reason"),
    [
        ({}, {"has_survey": True}, StopReason.ANSWERED),
        ({"kind": BY_HAND}, {"has_survey": True}, StopReason.ANSWERED),
        ({}, {"visit_at": VISIT_AT + timedelta(hours=1)}, StopReason.NOT_NEEDED),
        ({"kind": "reminder-9"}, {}, StopReason.NOT_NEEDED),
    ],
)
def test_what_is_due_and_not_needed_any_more_is_stopped(
    delivery: dict[str, Any], outlook: dict[str, Any], reason: StopReason
) -> None:
    stopped = in_hand(a_delivery(**delivery), an_outlook(**outlook), DUE)
    assert (stopped.state, stopped.reason, stopped.attempts) == (DeliveryState.STOPPED, reason, 0)


def test_a_try_that_falls_into_quiet_hours_waits_for_their_end() -> None:
    at_night = datetime(2026, 10, 7, 3, tzinfo=UTC)
    for kind in (FIRST, BY_HAND):
        waiting = in_hand(a_delivery(kind=kind), an_outlook(), at_night)
        assert (waiting.state, f"{waiting.due_at:%d %H:%M}") == (DeliveryState.PLANNED, "07 13:00")
        assert waiting.held_until == waiting.due_at


def test_a_message_that_a_worker_left_behind_is_sent_once_more_and_then_left_to_a_person() -> None:
    left = a_delivery(state=DeliveryState.SENDING, attempts=1)
    again = in_hand(left, an_outlook(), DUE)
    assert (again.state, again.repeats, again.attempts) == (DeliveryState.SENDING, 1, 2)
    given_up = in_hand(again, an_outlook(), DUE)
    assert (given_up.state, given_up.reason) == (DeliveryState.NOT_KNOWN, "worker-lost")


def tries(outcomes: Sequence[SendOutcome]) -> tuple[Delivery, list[timedelta]]:
    """A message after these outcomes, and how long it waited after each."""
    delivery, pauses = a_delivery(), []
    for outcome in outcomes:
        delivery = come_to(replace(delivery, attempts=delivery.attempts + 1), outcome, "smtp-451", DUE)
        pauses.append(delivery.held_until - DUE)
    return delivery, pauses


def test_what_may_pass_is_tried_again_less_and_less_often_and_not_for_ever() -> None:
    delivery, pauses = tries([SendOutcome.TRY_LATER] * MOST_ATTEMPTS)
    assert [pause.total_seconds() / 60 for pause in pauses[:-1]] == [1, 4, 16, 64, 240, 240, 240]
    assert (delivery.state, delivery.reason, delivery.ended_at) == (DeliveryState.FAILED, "smtp-451", DUE)
    assert tries([SendOutcome.TRY_LATER, SendOutcome.TAKEN])[0].state is DeliveryState.SENT


def test_what_is_refused_is_not_tried_again_and_what_nobody_knows_is_once() -> None:
    assert tries([SendOutcome.REFUSED])[0].state is DeliveryState.CAME_BACK
    assert tries([SendOutcome.NOT_KNOWN])[0].state is DeliveryState.PLANNED
    assert (
        tries([SendOutcome.NOT_KNOWN, SendOutcome.TRY_LATER, SendOutcome.NOT_KNOWN])[0].state is DeliveryState.NOT_KNOWN
    )
    assert tries([SendOutcome.NOT_KNOWN, SendOutcome.TAKEN])[0].state is DeliveryState.SENT


def test_a_try_for_which_there_was_no_key_is_not_counted() -> None:
    back = put_back(a_delivery(state=DeliveryState.SENDING, attempts=3), "no-keys", DUE)
    assert (back.state, back.attempts, back.held_until - DUE) == (DeliveryState.PLANNED, 2, timedelta(minutes=1))


@pytest.mark.parametrize(
    ("delivery", "facts", "progress"),
    [
        (None, {}, LinkProgress.NO_LINK),
        (None, {"has_link": True}, LinkProgress.SENT),
        (DeliveryState.PLANNED, {}, LinkProgress.PLANNED),
        (DeliveryState.SENT, {"has_link": True}, LinkProgress.SENT),
        (DeliveryState.CAME_BACK, {"has_link": True}, LinkProgress.NOT_DELIVERED),
        (DeliveryState.NOT_KNOWN, {"has_link": True, "is_opened": True}, LinkProgress.OPENED),
        (DeliveryState.SENT, {"is_opened": True, "is_started": True}, LinkProgress.STARTED),
        (DeliveryState.SENT, {"is_opened": True, "has_survey": True}, LinkProgress.ANSWERED),
        (None, {"wants_messages": False}, LinkProgress.NOT_WANTED),
        (None, {"wants_messages": False, "has_survey": True}, LinkProgress.ANSWERED),
    ],
)
def test_the_list_says_what_happened_last(
    delivery: DeliveryState | None, facts: dict[str, bool], progress: LinkProgress
) -> None:
    assert link_progress(delivery, **facts) is progress
