"""Laboratory results that follow the course: inflammation first, blood counts behind it; censored as laboratories do.

Some sites report hemoglobin in g/L, and at some the method for calprotectin changes on a day, with higher readings.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from deploy.demo.course import Course
from deploy.demo.network import Body
from deploy.demo.people import Person
from shared.events import Diagnosis, Sex

_OLD_METHOD, _NEW_METHOD = "ELISA", "chemiluminescence"
_NEW_METHOD_FACTOR = 1.4


@dataclass(frozen=True, slots=True)
class Draw:
    """A day at the laboratory."""

    person: Person
    course: Course
    day: int
    today: date

    def bodies(self, rng: Random) -> Iterator[Body]:
        """The results of this day, as `POST /v1/labs` takes them."""
        taken_at = self.person.place.instant(self.today, self.day, rng.randint(7, 11), rng.randrange(60)).isoformat()
        orders = (
            (0.5, self._calprotectin),
            (0.85, self._crp),
            (0.9, self._hemoglobin),
            (0.35, self._albumin),
            (0.25, self._ferritin),
            (0.25, self._platelets),
            (0.12, self._vitamin_d),
        )
        for share, result in orders:
            if rng.random() < share:
                yield {**result(rng), "taken_at": taken_at}

    @property
    def _activity(self) -> float:
        return self.course.activity(self.day)

    @property
    def _past_activity(self) -> float:
        """Blood counts answer to the last two months."""
        return sum(self.course.activity(self.day - back) for back in (0, 20, 40, 60)) / 4

    def _calprotectin(self, rng: Random) -> Body:
        value = 24 * math.exp(4.6 * self._activity + rng.gauss(0, 0.35))
        changed = self.person.place.new_method_from
        is_new = changed is not None and self.day >= changed
        body: Body = {"loinc": "38445-3", "unit": "ug/g", "method": _NEW_METHOD if is_new else _OLD_METHOD}
        return body | censored(round(value * (_NEW_METHOD_FACTOR if is_new else 1)), low=16, high=3000)

    def _crp(self, rng: Random) -> Body:
        reach = 3.3 if self.person.diagnosis is Diagnosis.CROHNS else 2.5
        value = round(1.6 * math.exp(reach * self._activity + rng.gauss(0, 0.3)), 1)
        return {"loinc": "1988-5", "unit": "mg/L", "reference_high": 5, **censored(value, low=3)}

    def _hemoglobin(self, rng: Random) -> Body:
        is_male = self.person.sex is Sex.MALE
        value = (15.0 if is_male else 13.6) - 3.2 * self._past_activity + rng.gauss(0, 0.35)
        low, high = (13.0, 17.0) if is_male else (12.0, 15.5)
        factor, unit = (10, "g/L") if self.person.place.is_metric else (1, "g/dL")
        return {
            "loinc": "718-7",
            "value": round(value * factor, 0 if factor == 10 else 1),
            "unit": unit,
            "reference_low": low * factor,
            "reference_high": high * factor,
        }

    def _albumin(self, rng: Random) -> Body:
        value = round(4.4 - 1.2 * self._past_activity + rng.gauss(0, 0.15), 1)
        return {"loinc": "1751-7", "value": value, "unit": "g/dL", "reference_low": 3.5, "reference_high": 5.2}

    def _ferritin(self, rng: Random) -> Body:
        value = round(70 * math.exp(-1.6 * self._past_activity + rng.gauss(0, 0.5)))
        return {"loinc": "2276-4", "value": max(4, value), "unit": "ng/mL"}

    def _platelets(self, rng: Random) -> Body:
        value = round(245 + 190 * self._activity + rng.gauss(0, 28))
        return {"loinc": "777-3", "value": value, "unit": "10*3/uL", "reference_low": 150, "reference_high": 450}

    def _vitamin_d(self, rng: Random) -> Body:
        return {"loinc": "62292-8", "value": max(6, round(rng.gauss(31, 9))), "unit": "ng/mL"}


def censored(value: float, *, low: float, high: float = math.inf) -> Body:
    """A reading within what the method can tell; beyond it, the limit and which side."""
    if value < low:
        return {"value": low, "comparator": "<"}
    return {"value": high, "comparator": ">"} if value > high else {"value": value}
