"""A network made of groups of people alike, and one such network whose figures were worked out by hand. Synthetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import FastAPI

from services.analytics.worker import subscription_of
from shared.broker import Partition
from shared.db import open_pool, transaction
from shared.dead_letters import drop, listed
from shared.delivery_store import Letter, LetterState, add_letters
from shared.events import ConsentState, Event, SiteType, ViewContext, VisitState, YesNoUnsure
from tests.builders import a_feedback, a_record, a_site, a_survey, a_view, a_visit, an_enrollment, an_event, an_id
from tests.conftest import FreshDatabase, worker_settings
from tests.services.streams import arrive

MARCH, APRIL = datetime(2024, 3, 12, 15, tzinfo=UTC), datetime(2024, 4, 9, 15, tzinfo=UTC)
TOP, MIDDLE, LOW = (9, 9, 9), (6, 6, 6), (5, 5, 5)


@dataclass(frozen=True)
class Group:
    """People of one site and clinician who did the same: one visit each, and what came of it."""

    name: str
    size: int
    site: str
    clinician: str
    visit_at: datetime | None = None
    is_completed: bool = True
    answered_days_before: int | None = None
    is_viewed: bool = False
    efforts: tuple[int | None, int | None, int | None] | None = None
    is_used: bool = False
    helped_discussion: bool | None = None
    helped_what_matters: bool | None = None
    used_over_one_month: bool | None = False
    consent: ConsentState = ConsentState.CONSENTED

    def person(self, number: int) -> UUID:
        return an_id(self.name, number)

    def visit(self, number: int) -> UUID:
        return an_id(self.name, number, "visit")

    def events(self) -> Iterator[Event]:
        """All that was published about them, in order."""
        for number in range(self.size):
            yield from self._events(number)

    def _events(self, number: int) -> Iterator[Event]:
        person, visit_id = self.person(number), self.visit(number)
        about = {"patient_id": person, "visit_id": visit_id}
        bodies = [an_enrollment(patient_id=person, clinician_id=self.clinician, consent=self.consent)]
        yield from (an_event(body, site_id=self.site) for body in bodies)
        if self.visit_at is None:
            return
        done = {"state": VisitState.COMPLETED, "completed_at": self.visit_at} if self.is_completed else {}
        yield an_event(a_visit(**about, scheduled_at=self.visit_at, **done), site_id=self.site)
        if self.answered_days_before is not None:
            submitted_at = self.visit_at - timedelta(days=self.answered_days_before)
            survey_id = an_id(visit_id, "survey")
            yield an_event(a_survey(**about, survey_id=survey_id, submitted_at=submitted_at), site_id=self.site)
        if self.is_viewed:
            view_id = an_id(visit_id, "view")
            looked = {"context": ViewContext.IN_VISIT, "opened_at": self.visit_at}
            yield an_event(a_view(**about, view_id=view_id, **looked), site_id=self.site)
        if self.efforts is not None:
            understand, listen, include = self.efforts
            said = a_feedback(
                **about,
                feedback_id=an_id(visit_id, "feedback"),
                received_at=self.visit_at + timedelta(days=1),
                effort_to_understand=understand,
                effort_to_listen=listen,
                effort_to_include=include,
                helped_discussion=self.helped_discussion,
                helped_what_matters=self.helped_what_matters,
                helped_decisions=None,
                used_in_visit=YesNoUnsure.YES if self.is_used else YesNoUnsure.NO,
                used_outside_visit=YesNoUnsure.UNSURE,
                used_over_one_month=self.used_over_one_month,
            )
            yield an_event(said, site_id=self.site)


def site(site_id: str, name: str, site_type: SiteType = SiteType.ACADEMIC) -> Event:
    return an_event(a_site(name=name, site_type=site_type), site_id=site_id)


def events_of(groups: Sequence[Group]) -> list[Event]:
    return [event for group in groups for event in group.events()]


async def learn(analytics: FastAPI, *events: Event) -> None:
    """Let these events arrive."""
    await arrive(analytics, subscription_of(worker_settings(analytics)), *events)


async def set_aside(analytics: FastAPI, site_id: str, state: LetterState = "dead", offset: int = 5) -> None:
    """Let an event of a site be set aside."""
    database: FreshDatabase = analytics.state.database
    event = an_event(a_visit(), site_id=site_id)
    record = a_record(event, Partition(event.topic, 1), offset)
    async with open_pool(database.worker, size=1) as pool, transaction(pool) as connection:
        await add_letters(connection, "analytics", [Letter(record, state, "body: missing")])


async def give_up(analytics: FastAPI) -> None:
    """Drop the one record that is set aside, as an operator does."""
    subscription = subscription_of(worker_settings(analytics))
    async with open_pool(analytics.state.database.worker, size=1) as pool, transaction(pool) as connection:
        (letter,) = await listed(connection, "analytics")
        assert await drop(connection, subscription, letter.letter_id, "a test record")


SITES = [
    site("riverbend", "Riverbend GI"),
    site("lakeside", "Lakeside Clinic", SiteType.PRIVATE),
    site("hillcrest", "Hillcrest, about to start"),
]
USED_AND_TOP = Group(
    "used and top", 20, "riverbend", "dr-1", MARCH, answered_days_before=2, is_viewed=True,
    efforts=TOP, is_used=True, helped_discussion=True, used_over_one_month=True,
)  # fmt: skip
USED_NOT_TOP = Group(
    "used, not top", 11, "lakeside", "dr-2", MARCH, answered_days_before=14, is_viewed=True,
    efforts=MIDDLE, is_used=True, helped_discussion=False, helped_what_matters=True,
)  # fmt: skip
NOT_USED_AND_TOP = Group(
    "not used, top", 12, "lakeside", "dr-2", APRIL, answered_days_before=0, efforts=TOP, used_over_one_month=True
)
TOO_EARLY = Group("survey too early", 12, "riverbend", "dr-3", APRIL, answered_days_before=20, efforts=LOW)
SILENT = Group("no survey, not completed", 15, "riverbend", "dr-1", APRIL, is_completed=False)
NO_FEEDBACK = Group("no feedback", 24, "riverbend", "dr-3", MARCH, answered_days_before=5)
NO_VISIT = Group("no visit", 6, "riverbend", "dr-3")
FEW_OF_ONE = Group("no visit, and few patients of their clinician", 5, "riverbend", "dr-9")
COUNTED = [USED_AND_TOP, USED_NOT_TOP, NOT_USED_AND_TOP, TOO_EARLY, SILENT, NO_FEEDBACK, NO_VISIT, FEW_OF_ONE]
LEFT_OUT = [
    Group(
        f"{consent} people", 2, "riverbend", "dr-9", MARCH, answered_days_before=1, is_viewed=True,
        efforts=TOP, is_used=True, helped_discussion=True, used_over_one_month=True, consent=consent,
    )
    for consent in ConsentState if consent is not ConsentState.CONSENTED
]  # fmt: skip


def not_due() -> list[Event]:
    """Visits of the first group that count nowhere: one cancelled, one in a far future, with a survey already."""
    events = []
    for number in range(USED_AND_TOP.size):
        person = USED_AND_TOP.person(number)
        cancelled, coming = an_id(person, "cancelled"), an_id(person, "coming")
        for sequence, (visit_id, state, at) in enumerate(
            [
                (cancelled, VisitState.CANCELLED, APRIL),
                (coming, VisitState.SCHEDULED, datetime(2999, 1, 1, tzinfo=UTC)),
            ],
            start=2,
        ):
            visit = a_visit(patient_id=person, visit_id=visit_id, state=state, scheduled_at=at)
            events.append(an_event(visit, sequence=sequence, site_id="riverbend"))
        survey = a_survey(patient_id=person, visit_id=coming, survey_id=an_id(coming, "survey"))
        events.append(an_event(survey, sequence=2, site_id="riverbend"))
    return events


def said_again() -> Event:
    """A second, worse response of one person, later: one person counts once, with the first."""
    later = a_feedback(
        patient_id=USED_AND_TOP.person(0),
        visit_id=an_id("a later visit"),
        feedback_id=an_id("a later response"),
        received_at=APRIL + timedelta(days=100),
        effort_to_listen=0,
        used_in_visit=YesNoUnsure.NO,
    )
    return an_event(later, sequence=2, site_id="riverbend")


KNOWN = [*SITES, *events_of(COUNTED), *events_of(LEFT_OUT), *not_due(), said_again()]
