"""The people of the network, in the study's proportions.

65% female, 70% with a college degree, 47 ± 15 years (18 to 89), Crohn's 63%, ulcerative colitis 34%, other 3%.
`enrolled` patients have consented; about 6% more were invited, said no or withdrew, and have care like everyone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.demo.network import Body
from deploy.demo.places import Place
from deploy.demo.shares import dealt, one_of, pick
from services.intake.domain import ConsentReason
from shared.events import ConsentState, Diagnosis, Education, Language, Sex

FIRST_DAY = -313
_SEXES = {Sex.FEMALE: 0.65, Sex.MALE: 0.335, Sex.OTHER: 0.01, Sex.UNKNOWN: 0.005}
_EDUCATIONS = {
    Education.COLLEGE_DEGREE: 0.70,
    Education.SOME_COLLEGE: 0.14,
    Education.HIGH_SCHOOL: 0.11,
    Education.LESS_THAN_HIGH_SCHOOL: 0.02,
    Education.NOT_SAID: 0.03,
}
_DIAGNOSES = {Diagnosis.CROHNS: 0.63, Diagnosis.ULCERATIVE_COLITIS: 0.34, Diagnosis.IBD_UNCLASSIFIED: 0.03}
_LANGUAGES = {Language.ENGLISH: 0.87, Language.SPANISH: 0.12, Language.OTHER: 0.01}
_WITHOUT_CONSENT = {ConsentState.INVITED: 0.5, ConsentState.DISSENTED: 0.3, ConsentState.WITHDRAWN: 0.2}
_SHARE_WITHOUT_CONSENT = 0.06
_REASONS = dict.fromkeys(ConsentReason, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A synthetic patient. `enrolled_day` counts from today.

    `doubt`, 0 to 1: below a threshold of the diagnosis, the person does not call a quiet disease remission.
    `engagement`, above 0: how readily they answer. `reserve`, 0 to 1: how readily they skip a question.
    """

    identifier: str
    place: Place
    clinician_id: str
    sex: Sex
    birth_year: int
    education: Education
    language: Language
    diagnosis: Diagnosis
    enrolled_day: int
    consent: ConsentState
    doubt: float
    engagement: float
    reserve: float
    has_stoma: bool
    seed: int

    def random(self, purpose: str) -> Random:
        """Chance of this person's own, the same each time: what happens to others does not change it."""
        return Random(f"{self.seed}/{self.identifier}/{purpose}")  # noqa: S311 - synthetic data, no secret

    def enrolment(self, today: date) -> Body:
        """The body of the enrolment; those who later say no, or were asked before, enter as invited."""
        asked_first = self.consent in (ConsentState.INVITED, ConsentState.DISSENTED) or self.engagement < 0.35
        return {
            "identifier": self.identifier,
            "birth_year": self.birth_year,
            "sex": self.sex.value,
            "education": self.education.value,
            "language": self.language.value,
            "diagnosis": self.diagnosis.value,
            "clinician_id": self.clinician_id,
            "enrolled_on": (today + timedelta(days=self.enrolled_day)).isoformat(),
            "consent": (ConsentState.INVITED if asked_first else ConsentState.CONSENTED).value,
        }

    def consents(self, rng: Random, today: date) -> tuple[Body, ...]:
        """The decisions after enrolment."""
        day = min(-1, self.enrolled_day + rng.randint(0, 5))
        was_invited = self.enrolment(today)["consent"] == ConsentState.INVITED
        decisions = []
        if was_invited and self.consent in (ConsentState.CONSENTED, ConsentState.WITHDRAWN):
            decisions.append(_decision(ConsentState.CONSENTED, today, day, None))
        if self.consent is ConsentState.DISSENTED:
            decisions.append(_decision(ConsentState.DISSENTED, today, day, pick(rng, _REASONS)))
        if self.consent is ConsentState.WITHDRAWN:
            later = min(-1, day + rng.randint(30, 120))
            decisions.append(_decision(ConsentState.WITHDRAWN, today, later, pick(rng, _REASONS)))
        return tuple(decisions)


def _decision(state: ConsentState, today: date, day: int, reason: ConsentReason | None) -> Body:
    body: Body = {"state": state.value, "decided_on": (today + timedelta(days=day)).isoformat()}
    return body if reason is None else {**body, "reason": reason.value}


def people(seed: int, places: list[Place], today: date) -> Iterator[Person]:
    """Everybody at every site, in the order of the sites; the shares hold over those who consented and the others."""
    rng = Random(f"{seed}/people")  # noqa: S311 - synthetic data, no secret
    chairs = [
        (place, clinician.clinician_id, ConsentState.CONSENTED)
        for place in places
        for clinician in place.clinicians
        for _ in range(clinician.patients)
    ]
    others = dealt(rng, round(len(chairs) * _SHARE_WITHOUT_CONSENT), _WITHOUT_CONSENT)
    active = [place for place in places if place.is_active]
    for position, consent in enumerate(others):
        place = active[position % len(active)]
        chairs.append((place, one_of(rng, place.clinicians).clinician_id, consent))
    starting = [place for place in places if not place.is_active]
    chairs += [(place, f"dr-{place.site_id}-1", ConsentState.INVITED) for place in starting[::3] for _ in range(3)]
    order = {place.site_id: position for position, place in enumerate(places)}
    return iter(sorted(_seated(rng, seed, chairs, today), key=lambda person: order[person.place.site_id]))


def _seated(rng: Random, seed: int, chairs: list[tuple[Place, str, ConsentState]], today: date) -> Iterator[Person]:
    size = len(chairs)
    traits = zip(
        chairs,
        dealt(rng, size, _SEXES),
        dealt(rng, size, _EDUCATIONS),
        dealt(rng, size, _DIAGNOSES),
        dealt(rng, size, _LANGUAGES),
        strict=True,
    )
    numbers: dict[str, int] = {}
    for (place, clinician_id, consent), sex, education, diagnosis, language in traits:
        numbers[place.site_id] = number = numbers.get(place.site_id, 0) + 1
        last_day = -3 if place.is_active else -1
        earliest = FIRST_DAY if place.is_active else -10
        yield Person(
            identifier=f"SYNTHETIC-{place.site_id}-{number:04}",
            place=place,
            clinician_id=clinician_id,
            sex=sex,
            birth_year=today.year - _age(rng),
            education=education,
            language=language,
            diagnosis=diagnosis,
            enrolled_day=rng.randint(earliest, last_day),
            consent=consent,
            doubt=rng.random(),
            engagement=rng.uniform(0.3, 1) ** 2 * 2,
            reserve=rng.random(),
            has_stoma=diagnosis is not Diagnosis.IBD_UNCLASSIFIED and rng.random() < 0.04,
            seed=seed,
        )


def _age(rng: Random) -> int:
    """Mean 47, standard deviation 15 once the ends are cut off at 18 and 89."""
    while True:
        age = round(rng.gauss(45.2, 17))
        if 18 <= age <= 89:
            return age
