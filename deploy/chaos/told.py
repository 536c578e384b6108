"""What must be, by the ledger alone: figures, what is on each page, versions, who was erased, which links were revoked;
nothing of the system in it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from deploy.chaos import writes
from deploy.chaos.ledger import Entry

IN_ERROR = "in error"
# As what a write counts, and in which state as long as none is named.
_COUNTED = {
    **dict.fromkeys((writes.PATIENT, writes.CONSENT), ("patients", "invited")),
    **dict.fromkeys((writes.VISIT, writes.CHANGE), ("visits", "scheduled")),
    **dict.fromkeys((writes.SURVEY, writes.AMENDMENT), ("surveys", "counting")),
    writes.MISTAKE: ("surveys", IN_ERROR),
    writes.ASSESSMENT: ("clinical facts", "assessment"),
    writes.LAB: ("clinical facts", "lab"),
    writes.MEDICATION: ("clinical facts", "medication"),
    writes.STEP: ("clinical facts", "plan-step"),
    **dict.fromkeys(writes.TAKEN_BACK.values(), ("clinical facts", IN_ERROR)),
    **dict.fromkeys((writes.LOOK, writes.VIEW), ("views", "")),
    writes.FEEDBACK: ("feedback", ""),
}
_NAMED = ("patients", "visits")
# Where the page has it.
_SECTIONS = {
    **dict.fromkeys((writes.PATIENT, writes.CONSENT), "enrollment"),
    **dict.fromkeys((writes.VISIT, writes.CHANGE), "visits"),
    **dict.fromkeys((writes.SURVEY, writes.AMENDMENT, writes.MISTAKE), "surveys"),
    writes.ASSESSMENT: "assessments",
    writes.LAB: "labs",
    writes.MEDICATION: "medications",
    writes.STEP: "steps",
}
_SECTIONS |= {mark: _SECTIONS[kind] for kind, mark in writes.TAKEN_BACK.items()}


class Figure(NamedTuple):
    """What a count of analytics is of."""

    name: str
    site_id: str
    detail: str


class Item(NamedTuple):
    """A thing on the page of a patient."""

    site_id: str
    patient_id: str
    section: str
    thing: str


def accepted(ledger: Iterable[Entry]) -> Iterator[Entry]:
    """What a service took, in that order."""
    return (entry for entry in ledger if entry.is_accepted and entry.thing is not None)


def erased(ledger: Iterable[Entry]) -> frozenset[str]:
    """The patients of whom nothing may be left."""
    return frozenset(str(entry.patient_id) for entry in accepted(ledger) if entry.what == writes.ERASURE)


def revoked(ledger: Sequence[Entry]) -> frozenset[str]:
    """The links that open nothing any more, but those of who was erased, which are gone."""
    gone = erased(ledger)
    of_others = (entry for entry in accepted(ledger) if entry.patient_id not in gone)
    return frozenset(str(entry.thing) for entry in of_others if entry.what == writes.REVOKING)


def versions(ledger: Sequence[Entry]) -> dict[str, int]:
    """The version of each survey that counts, 0 where none does; none of who was erased."""
    found: dict[str, int] = {}
    newest: Counter[str] = Counter()
    gone = erased(ledger)
    for entry in accepted(ledger):
        if entry.what in (writes.SURVEY, writes.AMENDMENT, writes.MISTAKE) and entry.patient_id not in gone:
            survey = str(entry.thing)
            newest[survey] += 1
            found[survey] = 0 if entry.what == writes.MISTAKE else newest[survey]
    return found


def counted(ledger: Sequence[Entry]) -> Counter[Figure]:
    """The figures: what analytics must count. Of who was erased there is nothing but that they were."""
    gone = erased(ledger)
    states: dict[tuple[str, str, str], str] = {}
    for entry in accepted(ledger):
        if entry.patient_id in gone:
            states["erased", entry.site_id, str(entry.patient_id)] = ""
        elif entry.what in _COUNTED:
            name, state = _COUNTED[entry.what]
            states[name, entry.site_id, str(entry.thing)] = (entry.state if name in _NAMED else None) or state
    figures: Counter[Figure] = Counter()
    for (name, site_id, _), state in states.items():
        figures[Figure(name, site_id, state)] += 1
    return figures


def items(ledger: Sequence[Entry]) -> dict[Item, str]:
    """What the page must have of each patient, and how it stands: the consent, the state of a visit, how many versions
    there are of a laboratory result, that a fact of the clinic is in error. Of who was erased there is nothing.
    """
    gone = erased(ledger)
    found: dict[Item, str] = {}
    for entry in accepted(ledger):
        if entry.what in _SECTIONS and entry.patient_id not in gone:
            item = Item(entry.site_id, str(entry.patient_id), _SECTIONS[entry.what], str(entry.thing))
            found[item] = _standing(entry, found.get(item))
    return found


def _standing(entry: Entry, before: str | None) -> str:
    if entry.what in writes.TAKEN_BACK.values():
        return IN_ERROR
    if entry.what == writes.LAB:
        return str(1 + int(before or 0))
    name, state = _COUNTED[entry.what]
    return (entry.state or state) if name in _NAMED else ""
