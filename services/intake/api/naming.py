"""Patients and visits, by what a site's own system calls them."""

from collections.abc import Sequence
from uuid import UUID

from services.intake import store
from services.intake.domain import Identifiers
from shared.db import Connection, SiteScope


async def patient_called(connection: Connection, identifiers: Identifiers, site_id: str, number: str) -> UUID | None:
    """The patient with this number of the site's."""
    hashes = identifiers.of_patient(site_id, number)
    return await store.patient_with_identifier(connection, SiteScope.of(site_id), hashes)


async def visit_called(
    connection: Connection, identifiers: Identifiers, site_id: str, names: Sequence[str]
) -> UUID | None:
    """The visit that the site's system calls so; None, too, where these are names of two."""
    hashes = [hashed for name in names for hashed in identifiers.of_visit(site_id, name)]
    known = await store.visits_named(connection, SiteScope.of(site_id), hashes)
    return known[0].visit.visit_id if len(known) == 1 else None


def own_id(name: str) -> UUID | None:
    """Our own id, where a name is one; whether there is such a record is for the command to say."""
    try:
        return UUID(name)
    except ValueError:
        return None
