"""Events into pages: each touched patient's facts are folded once a batch and the page assembled anew."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson

from services.dashboard import store
from services.dashboard.domain import assemble, empty, fold
from shared import revocations
from shared.db import Connection, lock
from shared.events import Event, LinkRevoked, PatientErased, SiteUpdated, uuid_of
from shared.sealing import Patient

# Of patients of many years: what is known of one may be 400 kB, and their page as much.
_AT_ONCE = 500


async def apply(connection: Connection, events: Sequence[Event]) -> None:
    """The effect of a batch; the same again, or in another order, ends in the same rows."""
    erased = {
        Patient(event.site_id, event.body.patient_id): event.body.erased_at
        for event in events
        if isinstance(event.body, PatientErased)
    }
    if erased:  # nobody links them meanwhile
        await lock(connection, erased.keys())
    await store.record_sites(connection, events)
    await revocations.record(connection, events)
    by_patient: dict[Patient, list[Event]] = defaultdict(list)
    for event in events:
        if not isinstance(event.body, SiteUpdated | LinkRevoked):
            by_patient[Patient(event.site_id, uuid_of(event.key))].append(event)
    patients = sorted(by_patient)  # rows are held in one order by all who hold some
    for first in range(0, len(patients), _AT_ONCE):
        await _fold(connection, {patient: by_patient[patient] for patient in patients[first : first + _AT_ONCE]})
    for patient, erased_at in erased.items():
        await store.record_links_forgotten(connection, patient, erased_at)


async def _fold(connection: Connection, by_patient: Mapping[Patient, Sequence[Event]]) -> None:
    """Make the pages of these patients anew, with their new events."""
    held = await store.hold_facts(connection, by_patient.keys(), empty())
    rows = []
    for key, kept in held.items():
        facts = {**empty(), **kept}  # a row of an earlier version lacks what this one added
        for event in by_patient[key]:
            facts = fold(facts, event)
        page = orjson.dumps(assemble(facts), option=orjson.OPT_SORT_KEYS)
        rows.append((key, facts, page, hashlib.sha256(page).hexdigest()[:32]))
    await store.record_pages(connection, rows)
