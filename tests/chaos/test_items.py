"""What the dashboard's handlers make of a patient is held against the ledger, thing by thing."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from deploy.chaos import writes
from deploy.chaos.evidence import Evidence
from deploy.chaos.findings import checks
from deploy.chaos.holdings import items_of
from deploy.chaos.ledger import Entry
from deploy.databases import connected
from services.dashboard.handlers import apply
from shared.db import Connection, open_pool, transaction
from shared.events import ClinicianDataUpdated, ConsentState, Event, Medication, VisitState
from tests.builders import (
    PATIENT,
    SITE,
    SURVEY,
    VISIT,
    a_lab,
    a_medication,
    a_step,
    a_survey,
    a_visit,
    an_assessment,
    an_enrollment,
    an_event,
    an_id,
    in_error,
)
from tests.conftest import Databases

EVENTS = [
    an_event(an_enrollment(consent=ConsentState.INVITED)),
    an_event(an_enrollment(), sequence=2),
    an_event(a_visit()),
    an_event(a_visit(state=VisitState.CANCELLED), sequence=2),
    an_event(a_survey()),
    an_event(a_lab()),
    an_event(a_lab(value=7.0), sequence=2),
    an_event(an_assessment(), sequence=3),
    an_event(a_medication(), sequence=4),
    an_event(a_step(), sequence=5),
    an_event(in_error(a_step()), sequence=6),
]
Apply = Callable[[Connection, Sequence[Event]], Awaitable[None]]


def told(what: str, thing: object, state: str | None = None) -> Entry:
    return Entry(what=what, site_id=SITE, status=201, patient_id=str(PATIENT), thing=str(thing), state=state)


LEDGER = [
    told(writes.PATIENT, PATIENT),
    told(writes.CONSENT, PATIENT, "consented"),
    told(writes.VISIT, VISIT),
    told(writes.CHANGE, VISIT, "cancelled"),
    told(writes.SURVEY, SURVEY),
    told(writes.LAB, an_id("lab")),
    told(writes.LAB, an_id("lab")),
    told(writes.ASSESSMENT, an_id("assessment")),
    told(writes.MEDICATION, an_id("medication")),
    told(writes.STEP, an_id("step")),
    told(writes.TAKEN_BACK[writes.STEP], an_id("step")),
]
THINGS = {writes.WRITES[one.what].table: frozenset({str(one.thing)}) for one in LEDGER}


async def without_medicines(connection: Connection, events: Sequence[Event]) -> None:
    await apply(connection, [one for one in events if not is_of_medicine(one)])


def is_of_medicine(event: Event) -> bool:
    return isinstance(event.body, ClinicianDataUpdated) and isinstance(event.body.change, Medication)


async def without_what_changes(connection: Connection, events: Sequence[Event]) -> None:
    await apply(connection, [one for one in events if one.sequence != 2])


async def without_marks(connection: Connection, events: Sequence[Event]) -> None:
    await apply(connection, [one for one in events if one.sequence != 6])


async def with_all_that_is_known_on_the_page(connection: Connection, events: Sequence[Event]) -> None:
    await apply(connection, events)
    await connection.execute("UPDATE patient_page SET page = convert_to(facts::text, 'UTF8')")


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (apply, []),
        (without_marks, [f"steps of {PATIENT} of {SITE}: {an_id('step')} is there, not in error"]),
        (
            with_all_that_is_known_on_the_page,
            [f"steps of {PATIENT} of {SITE}: {an_id('step')} is shown in error, not in error"],
        ),
        (without_medicines, [f"medications of {PATIENT} of {SITE}: {an_id('medication')} is missing, not there"]),
        (
            without_what_changes,
            [
                f"enrollment of {PATIENT} of {SITE}: {PATIENT} is invited, not consented",
                f"labs of {PATIENT} of {SITE}: {an_id('lab')} is 1, not 2",
                f"visits of {PATIENT} of {SITE}: {VISIT} is scheduled, not cancelled",
            ],
        ),
    ],
    ids=["sound", "no marks", "marks that nobody minds", "no medicines", "no changes"],
)
async def test_a_handler_that_drops_something_is_found_by_what_the_page_lacks(
    database: Databases, handler: Apply, words: list[str]
) -> None:
    dashboard = await database("dashboard")
    async with open_pool(dashboard.worker, size=1) as pool, transaction(pool) as connection:
        await handler(connection, EVENTS)
    async with connected(dashboard.admin) as superuser:
        evidence = Evidence(LEDGER, [], [], {}, THINGS, items=await items_of(superuser))
    (pages,) = [check for check in checks(evidence) if check.name == "each page has what the ledger has"]
    assert list(pages.findings) == words
