"""After the visit: who looked at the page, and what patients say in private about how it went. All synthetic.

Among those with over one month of use the answers keep a table that was constructed, not observed, so that the
network's analysis has something to find: by clinic type, whether the page was used in the visit and whether all three
efforts got the highest mark. At the study's size (410) its Pearson chi-square is 15.67 and the odds ratio adjusted
for clinic type 2.55 (1.45 to 4.49).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from deploy.demo.appointments import LAST_DAY, Appointment
from deploy.demo.network import Body, Scale
from deploy.demo.people import Person
from deploy.demo.shares import counts, dealt, one_of, sampled
from shared.events import SiteType, ViewContext, ViewerRole, YesNoUnsure

_TABLE = {
    (SiteType.ACADEMIC, True, True): 156.0,
    (SiteType.ACADEMIC, True, False): 9.0,
    (SiteType.ACADEMIC, False, True): 52.0,
    (SiteType.ACADEMIC, False, False): 12.0,
    (SiteType.PRIVATE, True, True): 81.0,
    (SiteType.PRIVATE, True, False): 17.0,
    (SiteType.PRIVATE, False, True): 59.0,
    (SiteType.PRIVATE, False, False): 24.0,
}
_HELPED = {"helped_discussion": 0.83, "helped_what_matters": 0.74, "helped_decisions": 0.71}
_USED = {YesNoUnsure.YES: 0.58, YesNoUnsure.NO: 0.32, YesNoUnsure.UNSURE: 0.10}
_OUTSIDE = {YesNoUnsure.YES: 0.33, YesNoUnsure.NO: 0.62, YesNoUnsure.UNSURE: 0.05}
_TOP_SHARE = {YesNoUnsure.YES: 0.85, YesNoUnsure.NO: 0.72, YesNoUnsure.UNSURE: 0.72}
_EFFORTS = ("effort_to_understand", "effort_to_listen", "effort_to_include")
_ANSWERED_WITHIN_DAYS = 10
_MONTH = 31
_PANELS = ("concerns", "how", "trends", "care", "plan")


@dataclass(frozen=True, slots=True)
class Attended:
    """A completed visit with a survey, of a consenting person: what feedback can be about."""

    person: Person
    position: int
    visit: Appointment

    @property
    def key(self) -> tuple[str, int]:
        return self.person.identifier, self.position


Responses = dict[tuple[str, int], Body]


def responses(rng: Random, attended: Sequence[Attended], scale: Scale) -> Responses:
    """Feedback by person and visit, without its time. Nobody with over one month of use answers twice.

    Raises:
        ValueError: too few visits for the scale.
    """
    able = [
        one
        for one in attended
        if one.visit.day <= -_ANSWERED_WITHIN_DAYS and (one.visit.answered_day or 0) >= one.visit.day - 14
    ]
    latest = {one.person.identifier: one for one in able if one.visit.day - one.person.enrolled_day > _MONTH}
    cells = counts(scale.over_one_month, _TABLE)
    made: Responses = {}
    for site_type in SiteType:
        here = [(one, one.person.engagement) for one in latest.values() if one.person.place.site_type is site_type]
        deal = [cell for cell, count in cells.items() if cell[0] is site_type for _ in range(count)]
        for one, (_, is_used, is_top) in zip(sampled(rng, here, len(deal)), deal, strict=True):
            used = YesNoUnsure.YES if is_used else YesNoUnsure.NO
            made[one.key] = {"used_in_visit": used.value, "used_over_one_month": True, **_efforts(rng, is_top=is_top)}
    answered_once = {identifier for identifier, _ in made}
    others = [(one, 1.0) for one in able if one.person.identifier not in answered_once]
    made |= _others(rng, sampled(rng, others, scale.feedback - len(made)))
    _say_what_helped(rng, list(made.values()))
    return made


def _others(rng: Random, attended: Sequence[Attended]) -> Responses:
    made: Responses = {}
    for one, used in zip(attended, dealt(rng, len(attended), _USED), strict=True):
        body: Body = {"used_in_visit": used.value, "used_over_one_month": None if rng.random() < 0.15 else False}
        body |= _efforts(rng, is_top=rng.random() < _TOP_SHARE[used])
        if rng.random() < 0.2:
            body[one_of(rng, _EFFORTS)] = None
        made[one.key] = body
    return made


def _efforts(rng: Random, *, is_top: bool) -> Body:
    marks = [9, 9, 9] if is_top else [rng.randint(5, 9), rng.randint(4, 9), rng.randint(3, 8)]
    return dict(zip(_EFFORTS, marks, strict=True))


def _say_what_helped(rng: Random, bodies: Sequence[Body]) -> None:
    """Add the shares of the study, among the users of over a month and the others, by use in the visit."""
    groups: dict[tuple[bool, str], list[Body]] = {}
    for body in bodies:
        groups.setdefault((body["used_over_one_month"] is True, body["used_in_visit"]), []).append(body)
    for group in groups.values():
        for item, share in _HELPED.items():
            for body, helped in zip(group, dealt(rng, len(group), {True: share, False: 1 - share}), strict=True):
                body[item] = helped
        for body, outside in zip(group, dealt(rng, len(group), _OUTSIDE), strict=True):
            body["used_outside_visit"] = outside.value


def received(rng: Random, response: Body, visit: Appointment) -> Body:
    """The response with its time: most within two days of the visit."""
    if visit.completed_at is None:
        raise ValueError("feedback is about a completed visit")
    hours = min((_ANSWERED_WITHIN_DAYS - 2) * 24, 2 + rng.expovariate(1 / 30))
    return {**response, "received_at": (visit.completed_at + timedelta(hours=hours)).isoformat(timespec="seconds")}


def views(rng: Random, person: Person, visit: Appointment, response: Body | None, today: date) -> Iterator[Body]:
    """Who opened the page around this visit, in agreement with what the patient says of it."""
    if not visit.is_past or visit.checked_in_at is None or visit.completed_at is None:
        return
    is_answered = visit.answered_day is not None
    if rng.random() < (0.4 if is_answered else 0.12):
        before = person.place.instant(today, visit.day, 7, rng.randrange(50))
        role = ViewerRole.CLINICIAN if rng.random() < 0.7 else ViewerRole.COORDINATOR
        yield _view(rng, role, ViewContext.BEFORE_VISIT, before, 150)
    if rng.random() < _share_in_visit(response, is_answered=is_answered):
        minutes = (visit.completed_at - visit.checked_in_at).total_seconds() / 60
        opened = visit.checked_in_at + timedelta(minutes=rng.uniform(2, 0.5 * minutes))
        yield _view(rng, ViewerRole.CLINICIAN, ViewContext.IN_VISIT, opened, 60 * 0.4 * minutes, is_shared=True)
    if rng.random() < _share_outside(response, is_answered=is_answered):
        later = rng.randint(1, 24)
        is_later = visit.day + later <= LAST_DAY
        context = (
            ViewContext.BEFORE_VISIT if not is_later else ViewContext.AFTER_VISIT if later < 14 else ViewContext.OUTSIDE
        )
        day = visit.day + (later if is_later else -1)
        opened = person.place.instant(today, day, rng.randint(18, 22), rng.randrange(60))
        yield _view(rng, ViewerRole.PATIENT, context, opened, 240)


def _share_in_visit(response: Body | None, *, is_answered: bool) -> float:
    if response is None:
        return 0.62 if is_answered else 0.1
    return {YesNoUnsure.YES: 1.0, YesNoUnsure.UNSURE: 0.5, YesNoUnsure.NO: 0.0}[YesNoUnsure(response["used_in_visit"])]


def _share_outside(response: Body | None, *, is_answered: bool) -> float:
    if response is None:
        return 0.25 if is_answered else 0.03
    return 1.0 if response["used_outside_visit"] == YesNoUnsure.YES else 0.02


def _view(
    rng: Random,
    role: ViewerRole,
    context: ViewContext,
    opened_at: datetime,
    usual_seconds: float,
    *,
    is_shared: bool = False,
) -> Body:
    return {
        "role": role.value,
        "context": context.value,
        "is_shared_screen": is_shared,
        "opened_at": opened_at.isoformat(timespec="seconds"),
        "duration_ms": round(1000 * usual_seconds * rng.uniform(0.3, 1.6)),
        "panels": list(_PANELS[: rng.randint(2, len(_PANELS))] if not is_shared else _PANELS),
    }
