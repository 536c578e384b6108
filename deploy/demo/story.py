"""A person with what befell them: all that answers and clinical data are drawn from."""

from dataclasses import dataclass

from deploy.demo.course import Course
from deploy.demo.people import Person
from deploy.demo.treatment import Treatment


@dataclass(frozen=True, slots=True)
class Story:
    """One thread: what the patient says, what the clinic measures and what is prescribed all follow the course."""

    person: Person
    course: Course
    treatment: Treatment
