"""What a synthetic network is: sites with patients, their visits and all that was said and measured.

Bodies are as the services' endpoints take them, ready to be sent, but for the ids that the services assign:
`patient_id` and `visit_id` are added by the loader.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from shared.events import ConsentState, VisitState

Body = dict[str, Any]
ScaleName = Literal["default", "study"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How large: patients who consented, their surveys, the answers after visits, those from over a month of use."""

    enrolled: int
    surveys: int
    feedback: int
    over_one_month: int


STUDY = Scale(enrolled=4057, surveys=2842, feedback=800, over_one_month=410)


def scaled(enrolled: int) -> Scale:
    """The study's proportions for another number of patients."""
    share = enrolled / STUDY.enrolled
    return Scale(
        enrolled, round(STUDY.surveys * share), round(STUDY.feedback * share), round(STUDY.over_one_month * share)
    )


DEFAULT = scaled(1000)
SCALES: dict[ScaleName, Scale] = {"default": DEFAULT, "study": STUDY}


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit with what belongs to it. `changes` are the states after "scheduled", in order."""

    schedule: Body
    changes: tuple[Body, ...] = ()
    survey: Body | None = None
    assessments: tuple[Body, ...] = ()
    plan_steps: tuple[Body, ...] = ()
    views: tuple[Body, ...] = ()
    feedback: Body | None = None

    @property
    def state(self) -> VisitState:
        return VisitState(self.changes[-1]["state"]) if self.changes else VisitState.SCHEDULED


@dataclass(frozen=True, slots=True)
class Patient:
    """`consents` are the decisions after enrolment, in order."""

    enrolment: Body
    consents: tuple[Body, ...] = ()
    visits: tuple[Visit, ...] = ()
    labs: tuple[Body, ...] = ()
    medications: tuple[Body, ...] = ()

    @property
    def identifier(self) -> str:
        return str(self.enrolment["identifier"])

    @property
    def consent(self) -> ConsentState:
        return ConsentState(self.consents[-1]["state"] if self.consents else self.enrolment["consent"])


@dataclass(frozen=True, slots=True)
class Site:
    site_id: str
    description: Body
    is_active: bool
    patients: tuple[Patient, ...] = ()


@dataclass(frozen=True, slots=True)
class Showcase:
    """The patient to show first: where, who, and which of the visits is the one of today."""

    site_id: str
    identifier: str
    visit: int


@dataclass(frozen=True, slots=True)
class Network:
    """The same seed, scale and day make the same network."""

    today: date
    scale: Scale
    showcase: Showcase
    sites: tuple[Site, ...] = field(repr=False)

    @property
    def patients(self) -> Iterator[Patient]:
        return (patient for site in self.sites for patient in site.patients)

    @property
    def visits(self) -> Iterator[Visit]:
        return (visit for patient in self.patients for visit in patient.visits)
