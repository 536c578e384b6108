"""Patients for their coordinator, in words: the form about somebody new, and one who is here with their visits."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import uuid4
from zoneinfo import ZoneInfo

from jinja2 import Environment

from services.intake import store
from services.intake.domain import ConsentText
from services.intake.pages.alerts import DIAGNOSES
from services.intake.pages.bar import Bar, sentence, staff_page, staff_templates
from services.intake.pages.consents import CONSENT_WORDS, DECISION, INVITATION, Consent
from services.intake.pages.filled import Filled
from services.intake.pages.visit_changes import WHY_CANCELLED
from services.intake.pages.worklist import about, name_of
from shared.events import Education, EnrollmentUpdated, Language, Sex, VisitState

NEW, VISIT = "patient", "visit"
_SEXES: Mapping[str, str] = {
    Sex.FEMALE: "Female",
    Sex.MALE: "Male",
    Sex.OTHER: "Other",
    Sex.UNKNOWN: "Not recorded",
}
_LANGUAGES: Mapping[str, str] = {
    Language.ENGLISH: "English",
    Language.SPANISH: "Spanish",
    Language.OTHER: "Another language",
}
_EDUCATIONS: Mapping[str, str] = {
    Education.NOT_SAID: "Not said",
    Education.LESS_THAN_HIGH_SCHOOL: "Less than high school",
    Education.HIGH_SCHOOL: "High school",
    Education.SOME_COLLEGE: "Some college",
    Education.COLLEGE_DEGREE: "College degree",
}
_STATES: Mapping[VisitState, str] = {
    VisitState.SCHEDULED: "scheduled",
    VisitState.CHECKED_IN: "checked in",
    VisitState.COMPLETED: "completed",
    VisitState.CANCELLED: "cancelled",
}


class Asked(NamedTuple):
    """The form about somebody new, by the clocks of the site; `why` is why it was refused, `known` who they are.

    `clinicians` are offered where one is typed.
    """

    form: Filled
    zone: ZoneInfo
    texts: Sequence[ConsentText]
    clinicians: Sequence[str]
    why: str | None
    known: EnrollmentUpdated | None

    def visit_at(self, site: str | None) -> str:
        """The visit that was typed, for the address of another page, which may have to name the site."""
        typed = {name: self.form.says(name) for name in ("clinician_id", "scheduled_at")} | {"site": site or ""}
        return urlencode({name: said for name, said in typed.items() if said})


class Person(NamedTuple):
    """A patient with their visits, the last first; `patient_page` is where their page stands, but for the id.

    `clinicians` are offered for another visit.
    """

    enrolment: EnrollmentUpdated
    visits: Sequence[store.ListedVisit]
    clinicians: Sequence[str]
    consent: Consent
    zone: ZoneInfo
    patient_page: str


def show_new_patient(asked: Asked, bar: Bar) -> str:
    """The form about somebody new."""
    return staff_page(_templates(), "new_patient.html", bar, asked=asked, form=asked.form, key=uuid4().hex)


def show_person(person: Person, filled: Filled | None, why: str | None, bar: Bar) -> str:
    """A patient, with the forms of another visit and of the next step of their consent.

    `filled` is the one of them that is not empty; `why` is why the last try was refused.
    """
    given = {} if filled is None else {filled.id: filled}
    forms = {name: given.get(name, Filled(name, {})) for name in (VISIT, DECISION, INVITATION)}
    refused = filled.id if filled is not None and (why or filled.wrong) else None
    return staff_page(
        _templates(), "person.html", bar, person=person, **forms, refused=refused, why=why, key=uuid4().hex
    )


@cache
def _templates() -> Environment:
    made = staff_templates()
    made.globals |= {
        "about": about,
        "name_of": name_of,
        "diagnoses": DIAGNOSES,
        "diagnosis_choices": [(code, sentence(words)) for code, words in DIAGNOSES.items()],
        "sexes": _SEXES,
        "languages": _LANGUAGES,
        "educations": _EDUCATIONS,
        **CONSENT_WORDS,
        "visit_states": _STATES,
        "why_cancelled": WHY_CANCELLED,
    }
    return made
