"""Loads a synthetic network through the public doors, in the order that the system needs.

Loading the same network again repeats nothing. A patient whom a site has enrolled before, in another network, is left
alone with all that belongs to them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from deploy.demo.network import Body, Network, Patient, Visit
from deploy.demo.sending import ITEMS_A_BATCH, Accepted, LoadFailed, Outcome, Patience, Rejected, Sender
from shared.auth import Role
from shared.events import (
    CLINICIAN_DATA_UPDATED,
    DASHBOARD_VIEWED,
    ENROLLMENT_UPDATED,
    FEEDBACK_RECEIVED,
    SITE_UPDATED,
    SURVEY_COMPLETED,
    VISIT_UPDATED,
    Diagnosis,
    Topic,
    ViewContext,
    VisitState,
)

_REASONS_KEPT = 10
_SURVEY_RULE: Body = {"care_line": "+1 312 555 0142"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of it, by topic: items sent, accepted (each is one event) and rejected, with the first reasons.

    `unanswered_visit` is one to come at the site of the showcase, of somebody with Crohn's disease.
    """

    sent: Mapping[str, int]
    accepted: Mapping[str, int]
    rejected: Mapping[str, int]
    reasons: tuple[str, ...]
    showcase_site: str
    showcase_patient: UUID
    showcase_visit: UUID
    unanswered_visit: UUID | None


class _Item(NamedTuple):
    """Something to send; `after` is the receipt of what the service must have heard of before."""

    site_id: str
    body: Body
    after: str | None = None


class _Known(NamedTuple):
    """A patient whom the system has, with the ids that it gave."""

    site_id: str
    patient: Patient
    patient_id: str
    receipt: str | None


class _KnownVisit(NamedTuple):
    known: _Known
    visit: Visit
    visit_id: str

    def about(self, body: Body, *, after: str | None = None) -> _Item:
        """The body with the ids of patient and visit."""
        ids = {"patient_id": self.known.patient_id, "visit_id": self.visit_id}
        return _Item(self.known.site_id, {**ids, **body}, after or self.known.receipt)


async def load(
    network: Network,
    doors: Mapping[str, str],
    token: Callable[[str, list[str]], str],
    *,
    progress: Callable[[str], None],
    patience: Patience | None = None,
) -> Loaded:
    """Send everything; `doors` are the base URLs of the services, `progress` is told what is under way.

    Raises:
        LoadFailed: a service does not answer or refuses, or the showcase patient was not accepted.
    """
    bearer = token(Role.SYSTEM, [site.site_id for site in network.sites])
    async with Sender(doors, bearer, patience or Patience()) as sender:
        return await _Load(network, sender, progress).run()


@dataclass
class _Load:
    network: Network
    sender: Sender
    progress: Callable[[str], None]
    sent: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)

    async def run(self) -> Loaded:
        await self._sites()
        patients = await self._patients()
        await self._consents(patients)
        visits = await self._visits(patients)
        await self._contacts(visits)
        surveys = (one.about(one.visit.survey) for one in visits if one.visit.survey is not None)
        await self._post(SURVEY_COMPLETED, "intake", "/v1/surveys", surveys)
        changed = await self._changes(visits)
        await self._clinical(patients, visits)
        views = (_view(one, view) for one in visits for view in one.visit.views)
        await self._post(DASHBOARD_VIEWED, "dashboard", "/v1/views", views)
        feedback = (
            one.about(one.visit.feedback, after=changed.get(one.visit_id))
            for one in visits
            if one.visit.feedback is not None
        )
        await self._post(FEEDBACK_RECEIVED, "feedback", "/v1/feedback", feedback)
        return self._loaded(visits)

    async def _sites(self) -> None:
        self.progress(f"{len(self.network.sites)} sites")
        puts = [
            self.sender.change("PUT", "intake", f"/v1/sites/{site.site_id}", site.site_id, site.description)
            for site in self.network.sites
        ]
        for outcome in await asyncio.gather(*puts):
            self._count(SITE_UPDATED, outcome)

    async def _patients(self) -> list[_Known]:
        everybody = [(site.site_id, patient) for site in self.network.sites for patient in site.patients]
        items = (_Item(site_id, patient.enrolment) for site_id, patient in everybody)
        outcomes = await self._post(ENROLLMENT_UPDATED, "intake", "/v1/patients", items)
        return [
            _Known(site_id, patient, outcome.id, outcome.receipt)
            for (site_id, patient), outcome in zip(everybody, outcomes, strict=True)
            if isinstance(outcome, Accepted)
        ]

    async def _consents(self, patients: Iterable[_Known]) -> None:
        posts = [
            self.sender.post(
                "intake", f"/v1/patients/{known.patient_id}/consent", known.site_id, known.patient.consents
            )
            for known in patients
            if known.patient.consents
        ]
        self.progress(f"{len(posts)} decisions about consent")
        for outcomes in await asyncio.gather(*posts):
            for outcome in outcomes:
                self._count(ENROLLMENT_UPDATED, outcome)

    async def _visits(self, patients: Iterable[_Known]) -> list[_KnownVisit]:
        wanted = [(known, visit) for known in patients for visit in known.patient.visits]
        items = (_Item(known.site_id, {"patient_id": known.patient_id, **visit.schedule}) for known, visit in wanted)
        outcomes = await self._post(VISIT_UPDATED, "intake", "/v1/visits", items)
        return [
            _KnownVisit(known, visit, outcome.id)
            for (known, visit), outcome in zip(wanted, outcomes, strict=True)
            if isinstance(outcome, Accepted)
        ]

    async def _contacts(self, visits: Iterable[_KnownVisit]) -> None:
        """At the site of the showcase links are sent, to addresses that nobody has, and surveys say whom to call."""
        site_id = self.network.showcase.site_id
        for rule, body in (("delivery-rule", {"is_on": True, "quiet": None}), ("survey-rule", _SURVEY_RULE)):
            await self.sender.change("PUT", "intake", f"/v1/sites/{site_id}/{rule}", site_id, body)
        here = sorted({one.known.patient_id for one in visits if one.known.site_id == site_id})
        self.progress(f"{len(here)} contacts")
        puts = [
            self.sender.change("PUT", "intake", f"/v1/patients/{patient_id}/contact", site_id, _contact(number))
            for number, patient_id in enumerate(here, start=1)
        ]
        refused = [outcome.detail for outcome in await asyncio.gather(*puts) if isinstance(outcome, Rejected)]
        self.reasons += refused[:_REASONS_KEPT]

    async def _changes(self, visits: Iterable[_KnownVisit]) -> dict[str, str]:
        """The receipt of the last change, by visit."""
        changing = [one for one in visits if one.visit.changes]
        self.progress(f"{len(changing)} visits go on")
        receipts = await asyncio.gather(*map(self._change, changing))
        return {one.visit_id: receipt for one, receipt in zip(changing, receipts, strict=True) if receipt}

    async def _change(self, one: _KnownVisit) -> str | None:
        receipt = None
        for change in one.visit.changes:
            path = f"/v1/visits/{one.visit_id}"
            outcome = await self.sender.change("PATCH", "intake", path, one.known.site_id, change)
            if isinstance(outcome, Rejected) and _stands_so(outcome, change):
                outcome = Accepted(one.visit_id)
            self._count(VISIT_UPDATED, outcome)
            receipt = outcome.receipt if isinstance(outcome, Accepted) else receipt
        return receipt

    async def _clinical(self, patients: list[_Known], visits: list[_KnownVisit]) -> None:
        everything: dict[str, Iterator[_Item]] = {
            "/v1/assessments": (one.about(body) for one in visits for body in one.visit.assessments),
            "/v1/medications": (_of(known, body) for known in patients for body in known.patient.medications),
            "/v1/labs": (_of(known, body) for known in patients for body in known.patient.labs),
            "/v1/plans": (one.about(body) for one in visits for body in one.visit.plan_steps),
        }
        for path, items in everything.items():
            await self._post(CLINICIAN_DATA_UPDATED, "clinical", path, items)

    async def _post(self, topic: Topic, service: str, path: str, items: Iterable[_Item]) -> list[Outcome]:
        """Send the items of each site in batches; outcomes in the order of the items."""
        ordered = list(items)
        by_site: dict[str, list[int]] = {}
        for position, item in enumerate(ordered):
            by_site.setdefault(item.site_id, []).append(position)
        outcomes: dict[int, Outcome] = {}

        async def send(site_id: str, positions: list[int]) -> None:
            batch = [ordered[position] for position in positions]
            bodies = [item.body for item in batch]
            answers = await self.sender.post(service, path, site_id, bodies, after=batch[-1].after)
            outcomes.update(zip(positions, answers, strict=True))
            self.progress(f"{service} {path}: {len(outcomes):,} of {len(ordered):,}")

        batches = [
            send(site_id, positions[start : start + ITEMS_A_BATCH])
            for site_id, positions in by_site.items()
            for start in range(0, len(positions), ITEMS_A_BATCH)
        ]
        await asyncio.gather(*batches)
        for outcome in outcomes.values():
            self._count(topic, outcome)
        return [outcomes[position] for position in range(len(ordered))]

    def _count(self, topic: Topic, outcome: Outcome) -> None:
        self.sent[topic.name] += 1
        if isinstance(outcome, Accepted):
            self.accepted[topic.name] += 1
            return
        self.rejected[topic.name] += 1
        if len(self.reasons) < _REASONS_KEPT:
            self.reasons.append(f"{topic.name}: {outcome.kind}: {outcome.detail}")

    def _loaded(self, visits: Iterable[_KnownVisit]) -> Loaded:
        showcase = self.network.showcase
        visits = list(visits)
        hers = [one for one in visits if one.known.patient.identifier == showcase.identifier]
        if len(hers) <= showcase.visit:
            raise LoadFailed(f"The patient to show first was not accepted: {'; '.join(self.reasons)}")
        return Loaded(
            sent=dict(self.sent),
            accepted=dict(self.accepted),
            rejected=dict(self.rejected),
            reasons=tuple(self.reasons),
            showcase_site=showcase.site_id,
            showcase_patient=UUID(hers[0].known.patient_id),
            showcase_visit=UUID(hers[showcase.visit].visit_id),
            unanswered_visit=next((UUID(one.visit_id) for one in visits if self._is_unanswered(one)), None),
        )

    def _is_unanswered(self, one: _KnownVisit) -> bool:
        is_here = one.known.site_id == self.network.showcase.site_id
        has_crohns = one.known.patient.enrolment["diagnosis"] == Diagnosis.CROHNS
        return is_here and has_crohns and one.visit.state is VisitState.SCHEDULED and one.visit.survey is None


def _contact(number: int) -> Body:
    return {"email": f"patient-{number}@example.org", "wants_messages": True}


def _of(known: _Known, body: Body) -> _Item:
    return _Item(known.site_id, {"patient_id": known.patient_id, **body}, known.receipt)


def _view(one: _KnownVisit, view: Body) -> _Item:
    return _of(one.known, view) if view["context"] == ViewContext.OUTSIDE else one.about(view)


def _stands_so(outcome: Rejected, change: Body) -> bool:
    """The change was made before: in an earlier run, or its answer was lost. Nothing but itself keeps a visit of ours
    from being completed.
    """
    is_final = outcome.kind == "visit-not-allowed" and change["state"] == VisitState.COMPLETED
    return is_final or outcome.kind == "visit-unchanged"
