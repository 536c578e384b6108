"""The next steps that were agreed in a visit: who, by when, and what became of them. Some are late."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.demo.appointments import Appointment
from deploy.demo.network import Body
from deploy.demo.shares import one_of, sampled
from deploy.demo.story import Story


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    who: str
    days: int | None


_WHEN_ACTIVE = (
    Step("Blood test: drug level and antibodies", "clinician", 7),
    Step("Stool test for calprotectin", "patient", 10),
    Step("Lower the steroid as written on the sheet", "patient", 42),
    Step("Call in two weeks to hear how it goes", "nurse", 14),
    Step("Book a colonoscopy", "front-desk", 21),
    Step("Ask the insurer for the new medicine", "nurse", 10),
    Step("Keep a symptom diary for two weeks", "patient", 14),
    Step("Decide together whether to switch the medicine", "clinician", 30),
)
_WHEN_QUIET = (
    Step("Repeat calprotectin before the next visit", "patient", 90),
    Step("Renew the insurance approval early", "nurse", 45),
    Step("Vaccines: flu and pneumonia", "patient", 60),
    Step("Send the plan for travel with medicine", "nurse", 14),
    Step("Blood count and vitamin D with the next labs", "clinician", 80),
    Step("See the dietitian once", "front-desk", 40),
    Step("Go on as now; write if something changes", "patient", None),
)


def plan_steps(rng: Random, story: Story, visit: Appointment, today: date, *, is_latest: bool) -> Iterator[Body]:
    """What was agreed in this visit, as `POST /v1/plans` takes it. Steps of earlier visits are mostly done."""
    if visit.completed_at is None or rng.random() > 0.62:
        return
    steps = _WHEN_ACTIVE if story.course.activity(visit.day) > 0.35 else _WHEN_QUIET
    for step in sampled(rng, [(step, 1.0) for step in steps], one_of(rng, (1, 1, 2, 2, 3))):
        yield {
            "what": step.what,
            "who": step.who,
            "agreed_at": (visit.completed_at - timedelta(minutes=rng.randint(1, 8))).isoformat(),
            **_dates(rng, step, visit.day, today, is_latest=is_latest),
        }


def _dates(rng: Random, step: Step, agreed_day: int, today: date, *, is_latest: bool) -> Body:
    if step.days is None:
        return {}
    due = agreed_day + step.days
    body: Body = {"due_on": (today + timedelta(days=due)).isoformat()}
    done = due + rng.randint(-step.days + 1, 4)
    share = 0.93 if not is_latest else 0.72 if due < 0 else 0.25
    if done < 0 and rng.random() < share:
        body |= {"is_done": True, "done_on": (today + timedelta(days=done)).isoformat()}
    return body
