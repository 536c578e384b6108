"""A synthetic learning network of 40 sites, in the proportions of the study, drawn from a seed and a day.

What is exact at any scale: 24 active sites (16 academic, 8 private), 67 clinicians with more than five consenting
patients, and the numbers in `Scale`, counted over consenting patients. Everything dated lies before `today`, except
for scheduled visits and due dates; what happens today happens when it is loaded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from deploy.demo import experience
from deploy.demo.answers import survey
from deploy.demo.appointments import LAST_DAY, Appointment, past, past_days, upcoming
from deploy.demo.course import course, onsets
from deploy.demo.experience import Attended, Responses
from deploy.demo.laboratory import Draw
from deploy.demo.network import SCALES, Body, Network, Patient, Scale, ScaleName, Showcase, Site, Visit
from deploy.demo.people import Person, people
from deploy.demo.places import places
from deploy.demo.plans import plan_steps
from deploy.demo.shares import sampled
from deploy.demo.showcase import SURVEYS, TODAY, showcase_patient, showcase_person
from deploy.demo.story import Story
from deploy.demo.treatment import treatment
from shared.events import Activity, ConsentState, VisitState

SEED = 2902
_CUTS = ((0.27, Activity.REMISSION), (0.47, Activity.MILD), (0.72, Activity.MODERATE))
_SHARE_ANSWERED_WITHOUT_CONSENT = 0.3


@dataclass(frozen=True, slots=True)
class _Case:
    """A person with their story and their visits, in the order of time."""

    story: Story
    visits: tuple[Appointment, ...]

    @property
    def person(self) -> Person:
        return self.story.person

    @property
    def is_consenting(self) -> bool:
        return self.person.consent is ConsentState.CONSENTED

    def attended(self) -> Iterator[Attended]:
        """The visits that took place."""
        for position, visit in enumerate(self.visits):
            if visit.is_past:
                yield Attended(self.person, position, visit)


def make_network(*, today: date, scale: ScaleName | Scale = "default", seed: int = SEED) -> Network:
    """The network of this day, scale and seed.

    Raises:
        ValueError: the scale is too small for 24 active sites and 67 clinicians, or asks for more surveys or feedback
            than there are visits.
    """
    size = scale if isinstance(scale, Scale) else SCALES[scale]
    rng = Random(seed)  # noqa: S311 - synthetic data, no secret
    sites = places(rng, size.enrolled)
    first, *others = people(seed, sites, today)
    shown = showcase_person(first, today)
    cases = _answered(rng, _cases(seed, others, today), size.surveys - SURVEYS)
    surveyed = [one for case in cases if case.is_consenting for one in case.attended() if one.visit.answered_day]
    responses = experience.responses(rng, surveyed, size)
    patients: dict[str, list[Patient]] = {place.site_id: [] for place in sites}
    patients[shown.place.site_id].append(showcase_patient(shown, today))
    for case in cases:
        patients[case.person.place.site_id].append(_patient(case, responses, today))
    return Network(
        today=today,
        scale=size,
        showcase=Showcase(shown.place.site_id, shown.identifier, TODAY),
        sites=tuple(
            Site(place.site_id, place.description, place.is_active, tuple(patients[place.site_id])) for place in sites
        ),
    )


def _cases(seed: int, everybody: Sequence[Person], today: date) -> list[_Case]:
    by_site: dict[str, list[Person]] = {}
    for person in everybody:
        if person.place.is_active:
            by_site.setdefault(person.place.site_id, []).append(person)
    ahead: dict[str, Appointment] = {}
    for site_id, members in by_site.items():
        ahead |= upcoming(Random(f"{seed}/{site_id}/ahead"), members, today)  # noqa: S311 - synthetic data, no secret
    return [_case(person, ahead.get(person.identifier), today) for person in everybody]


def _case(person: Person, ahead: Appointment | None, today: date) -> _Case:
    rng = person.random("course")
    started = onsets(rng)
    days = past_days(rng, person, started) if person.place.is_active else []
    came = course(rng, started, days)
    # Nobody is seen in the fortnight before a visit that is planned.
    met = (past(rng, person, day, today) for day in days if ahead is None or day < ahead.day - 14)
    visits = (*(visit for visit in met if visit is not None), *(() if ahead is None else (ahead,)))
    return _Case(Story(person, came, treatment(rng, person.diagnosis, came)), visits)


def _answered(rng: Random, cases: Sequence[_Case], surveys: int) -> list[_Case]:
    """The cases with surveys: as many as wanted of those who consented, and some of the others."""
    ahead = sum(visit.answered_day is not None for case in cases if case.is_consenting for visit in case.visits)
    candidates = [(one.key, one.person.engagement) for case in cases if case.is_consenting for one in case.attended()]
    chosen = set(sampled(rng, candidates, surveys - ahead))
    for case in cases:
        if not case.is_consenting:
            chosen |= {one.key for one in case.attended() if rng.random() < _SHARE_ANSWERED_WITHOUT_CONSENT}
    return [
        replace(
            case,
            visits=tuple(
                visit.answered(rng) if (case.person.identifier, position) in chosen else visit
                for position, visit in enumerate(case.visits)
            ),
        )
        for case in cases
    ]


def _patient(case: _Case, responses: Responses, today: date) -> Patient:
    rng = case.person.random("record")
    medicines = case.story.treatment.intervals if case.person.place.is_active else ()
    return Patient(
        enrolment=case.person.enrolment(today),
        consents=case.person.consents(rng, today),
        visits=tuple(_visit(rng, case, position, responses, today) for position in range(len(case.visits))),
        labs=tuple(lab for visit in case.visits for lab in _labs(rng, case, visit, today)),
        medications=tuple(interval.body(today) for interval in medicines),
    )


def _visit(rng: Random, case: _Case, position: int, responses: Responses, today: date) -> Visit:
    visit = case.visits[position]
    response = responses.get((case.person.identifier, position))
    is_latest = not any(later.is_past for later in case.visits[position + 1 :])
    return Visit(
        schedule={"clinician_id": case.person.clinician_id, "scheduled_at": visit.scheduled_at.isoformat()},
        changes=visit.changes(),
        survey=None if visit.answered_day is None else survey(rng, case.story, visit.answered_day, today),
        assessments=tuple(_assessments(rng, case, visit)),
        plan_steps=tuple(plan_steps(rng, case.story, visit, today, is_latest=is_latest)),
        views=tuple(experience.views(rng, case.person, visit, response, today)),
        feedback=None if response is None else experience.received(rng, response, visit),
    )


def _assessments(rng: Random, case: _Case, visit: Appointment) -> Iterator[Body]:
    """The physician's global assessment, of most visits; it follows the course, not the patient's words."""
    if not visit.is_past or visit.completed_at is None or rng.random() > 0.87:
        return
    judged = case.story.course.activity(visit.day) + rng.gauss(0, 0.06)
    activity = next((band for below, band in _CUTS if judged < below), Activity.SEVERE)
    yield {
        "clinician_id": case.person.clinician_id,
        "activity": activity.value,
        "assessed_at": visit.completed_at.isoformat(),
    }


def _labs(rng: Random, case: _Case, visit: Appointment, today: date) -> Iterator[Body]:
    """The results of the week before a visit, of most visits that take or took place."""
    if visit.state is not VisitState.CANCELLED and visit.day <= 1 and rng.random() < 0.7:
        day = min(LAST_DAY, visit.day - rng.randint(1, 9))
        yield from Draw(case.person, case.story.course, day, today).bodies(rng)
