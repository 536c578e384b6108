"""Which days a week of the list has, and what is next about the survey of a visit."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain import (
    OFF,
    Channel,
    Contact,
    DeliveryRule,
    Hindrance,
    LinkProgress,
    NextStep,
    hindrance,
    is_lately,
    next_step,
    week_of,
)
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
    ("progress", "why_not", "step"),
    [
        (LinkProgress.NO_LINK, None, NextStep.SEND),
        (LinkProgress.NO_LINK, Hindrance.NO_ADDRESS, NextStep.COPY),
        (LinkProgress.NO_LINK, Hindrance.BEGUN, NextStep.WRITE_DOWN),
        (LinkProgress.PLANNED, None, NextStep.NOTHING),
        (LinkProgress.SENT, None, NextStep.REMIND),
        (LinkProgress.SENT, Hindrance.WRITTEN_TO, NextStep.NOTHING),
        (LinkProgress.SENT, Hindrance.NOT_WANTED, NextStep.WRITE_DOWN),
        (LinkProgress.OPENED, None, NextStep.REMIND),
        (LinkProgress.STARTED, None, NextStep.REMIND),
        (LinkProgress.STARTED, Hindrance.BEGUN, NextStep.WRITE_DOWN),
        (LinkProgress.NOT_DELIVERED, None, NextStep.COPY),
        (LinkProgress.ANSWERED, None, NextStep.NOTHING),
        (LinkProgress.NOT_WANTED, None, NextStep.NOTHING),
    ],
)
def test_there_is_one_next_thing_to_do(progress: LinkProgress, why_not: Hindrance | None, step: NextStep) -> None:
    assert next_step(progress, VisitState.SCHEDULED, why_not) is step


@pytest.mark.parametrize("state", [VisitState.COMPLETED, VisitState.CANCELLED])
def test_nobody_is_written_to_about_a_visit_that_is_over(state: VisitState) -> None:
    assert next_step(LinkProgress.SENT, state, None) is NextStep.NOTHING


BY_MAIL = replace(OFF, channels=(Channel.EMAIL,))
REACHED = Contact(has_email=True, has_phone=False, preferred=None, language=None, wants_messages=True)


@pytest.mark.parametrize(
    ("sends", "contact", "facts", "why_not"),
    [
        (BY_MAIL, REACHED, {}, None),
        (BY_MAIL, REACHED, {"has_begun": True, "is_written_to": True}, Hindrance.BEGUN),
        (BY_MAIL, None, {"is_written_to": True}, Hindrance.WRITTEN_TO),
        (BY_MAIL, replace(REACHED, wants_messages=False, has_email=False), {}, Hindrance.NOT_WANTED),
        (BY_MAIL, replace(REACHED, has_email=False, has_phone=True), {}, Hindrance.NO_ADDRESS),
        (BY_MAIL, None, {}, Hindrance.NO_ADDRESS),
    ],
)
def test_why_no_message_can_be_sent_is_one_reason(
    sends: DeliveryRule, contact: Contact | None, facts: dict[str, bool], why_not: Hindrance | None
) -> None:
    usual = {"has_begun": False, "is_written_to": False}
    assert hindrance(sends, contact, **(usual | facts)) is why_not


def test_a_message_is_too_near_for_another_one_for_twenty_hours() -> None:
    assert is_lately(NOW - timedelta(hours=19, minutes=59), NOW)
    assert not is_lately(NOW - timedelta(hours=20), NOW)
    assert not is_lately(None, NOW)
