"""Patients and visits, by what a site's own system calls them."""

from collections.abc import Sequence
from uuid import UUID

from services.intake import store
from services.intake.domain import Identifiers, VisitNames
from services.intake.store import KnownVisit
from shared.db import Connection, SiteScope
from shared.errors import Problem, conflict


async def patient_called(connection: Connection, identifiers: Identifiers, site_id: str, number: str) -> UUID | None:
    """The patient with this number of the site's."""
    hashes = identifiers.of_patient(site_id, number)
    return await store.patient_with_identifier(connection, SiteScope.of(site_id), hashes)


async def visits_called(
    connection: Connection, site_id: str, names: VisitNames, patient_id: UUID
) -> Sequence[KnownVisit]:
    """The visits that have one of these names; where none has, those of this patient that have the number, on one side
    without the system that it is of.
    """
    known = await store.visits_named(connection, SiteScope.of(site_id), [*names.sought])
    named = [one for one in known if one.names & names.own]
    numbered = (one for one in known if one.visit.patient_id == patient_id and names.have_the_number_of(one.names))
    return named or [*numbered]


async def visit_called(connection: Connection, site_id: str, names: VisitNames, patient_id: UUID) -> UUID | None:
    """The visit that the site's system calls so when it speaks of this patient; None, too, where two are called so."""
    known = await visits_called(connection, site_id, names, patient_id)
    return known[0].visit.visit_id if len(known) == 1 else None


def ambiguous() -> Problem:
    """What the site's system calls a visit is what it calls two."""
    return conflict("visit-ambiguous", "What the system calls this visit belongs to two visits here.")


def own_id(name: str) -> UUID | None:
    """Our own id, where a name is one; whether there is such a record is for the command to say."""
    try:
        return UUID(name)
    except ValueError:
        return None
