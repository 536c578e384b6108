"""When a visit is open for feedback, and what is said when it is not."""

from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.domain import Invitation, missing
from shared.events import VisitState

ENDED = datetime(2026, 10, 13, 15, 50, tzinfo=UTC)
BEFORE = datetime(2026, 10, 11, 18, 4, tzinfo=UTC)
LAST_MOMENT = datetime(2026, 10, 13, 23, 59, 59, tzinfo=UTC)
NEXT_DAY = datetime(2026, 10, 14, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("submitted_at", [BEFORE, ENDED, LAST_MOMENT])
def test_a_completed_visit_with_a_survey_up_to_its_day_is_open(submitted_at: datetime) -> None:
    assert missing(Invitation(VisitState.COMPLETED, ENDED, submitted_at)) is None


@pytest.mark.parametrize("state", [VisitState.SCHEDULED, VisitState.CHECKED_IN, VisitState.CANCELLED])
def test_a_visit_in_another_state_is_not_open(state: VisitState) -> None:
    assert (
        missing(Invitation(state, ENDED, BEFORE))
        == f"The visit is {state}. Feedback opens when the visit is completed."
    )


def test_a_visit_of_which_only_the_survey_is_known_is_not_open() -> None:
    assert missing(Invitation(None, None, BEFORE)) == (
        "The visit's state is not known. Feedback opens when the visit is completed."
    )


def test_a_visit_without_a_survey_is_not_open() -> None:
    assert missing(Invitation(VisitState.COMPLETED, ENDED, None)) == (
        "The visit has no pre-visit survey. Feedback is for visits with a survey."
    )


def test_a_survey_of_the_next_day_was_not_before_the_visit() -> None:
    assert missing(Invitation(VisitState.COMPLETED, ENDED, NEXT_DAY)) == (
        "The survey was submitted after the day of the visit. Feedback is for visits with a survey before."
    )


@given(
    st.builds(lambda after: ENDED + after, st.timedeltas(timedelta(0), timedelta(days=3000))),
    st.timedeltas(timedelta(0), timedelta(days=20)),
    st.timezones(),
    st.timezones(),
)
def test_a_survey_sent_before_the_end_counts_in_every_time_zone(
    ended: datetime, earlier: timedelta, here: tzinfo, there: tzinfo
) -> None:
    sent = ended - earlier
    assert missing(Invitation(VisitState.COMPLETED, ended.astimezone(here), sent.astimezone(there))) is None
