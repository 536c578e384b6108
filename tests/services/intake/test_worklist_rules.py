"""Which days a week of the list has, and what is next about the survey of a visit."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain import LinkProgress, NextStep, is_lately, next_step, week_of
from shared.events import VisitState

CHICAGO = ZoneInfo("America/Chicago")
# Thursday evening in Chicago, Friday by UTC.
NOW = datetime(2026, 10, 16, 2, 30, tzinfo=UTC)


def test_this_week_begins_today_and_the_others_on_monday_by_the_clocks_of_the_site() -> None:
    days = [(week.first, week.last) for week in (week_of(NOW, CHICAGO, number) for number in range(3))]
    assert days == [
        (date(2026, 10, 15), date(2026, 10, 18)),
        (date(2026, 10, 19), date(2026, 10, 25)),
        (date(2026, 10, 26), date(2026, 11, 1)),
    ]


def test_weeks_follow_each_other_without_a_gap_also_where_the_clocks_change() -> None:
    first, second, third, fourth = (week_of(NOW, CHICAGO, number) for number in range(4))
    assert first.begins == datetime(2026, 10, 15, 5, tzinfo=UTC)
    assert (first.ends, second.ends, third.ends) == (second.begins, third.begins, fourth.begins)
    assert third.ends - third.begins == timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    ("progress", "facts", "step"),
    [
        (LinkProgress.NO_LINK, {}, NextStep.SEND),
        (LinkProgress.NO_LINK, {"can_be_sent": False}, NextStep.COPY),
        (LinkProgress.NO_LINK, {"has_begun": True}, NextStep.WRITE_DOWN),
        (LinkProgress.PLANNED, {}, NextStep.NOTHING),
        (LinkProgress.SENT, {}, NextStep.REMIND),
        (LinkProgress.SENT, {"is_written_to": True}, NextStep.NOTHING),
        (LinkProgress.SENT, {"can_be_sent": False}, NextStep.WRITE_DOWN),
        (LinkProgress.OPENED, {}, NextStep.REMIND),
        (LinkProgress.STARTED, {}, NextStep.REMIND),
        (LinkProgress.STARTED, {"has_begun": True}, NextStep.WRITE_DOWN),
        (LinkProgress.NOT_DELIVERED, {}, NextStep.COPY),
        (LinkProgress.ANSWERED, {}, NextStep.NOTHING),
        (LinkProgress.NOT_WANTED, {}, NextStep.NOTHING),
    ],
)
def test_there_is_one_next_thing_to_do(progress: LinkProgress, facts: dict[str, bool], step: NextStep) -> None:
    usual = {"has_begun": False, "can_be_sent": True, "is_written_to": False}
    assert next_step(progress, VisitState.SCHEDULED, **(usual | facts)) is step


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (VisitState.CHECKED_IN, NextStep.WRITE_DOWN),
        (VisitState.COMPLETED, NextStep.NOTHING),
        (VisitState.CANCELLED, NextStep.NOTHING),
    ],
)
def test_nobody_is_written_to_about_a_visit_that_is_on_or_over(state: VisitState, step: NextStep) -> None:
    found = next_step(LinkProgress.SENT, state, has_begun=False, can_be_sent=True, is_written_to=False)
    assert found is step


def test_a_message_is_too_near_for_another_one_for_twenty_hours() -> None:
    assert is_lately(NOW - timedelta(hours=19, minutes=59), NOW)
    assert not is_lately(NOW - timedelta(hours=20), NOW)
    assert not is_lately(None, NOW)
