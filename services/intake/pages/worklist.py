"""The coordinator's list in words: the visits of a week, how each survey stands, and the one next thing to do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from jinja2 import Environment

from services.intake import store
from services.intake.domain import (
    WEEKS_SHOWN,
    Channel,
    Contact,
    Delivery,
    DeliveryState,
    Hindrance,
    LinkProgress,
    NextStep,
    Week,
    is_lately,
)
from services.intake.pages.alerts import DIAGNOSES, WORDS
from services.intake.pages.bar import Bar, staff_page, staff_templates
from services.intake.pages.filled import Filled
from services.intake.pages.imports import in_a_sentence
from services.intake.pages.visit_changes import Changing
from shared.events import Language, VisitState, VisitUpdated
from shared.pages.words import clock, on, short_on

Json = Mapping[str, Any]


class Standing(NamedTuple):
    """How a survey stands: the tone, shape and words of its state."""

    tone: str
    shape: str
    words: str


STANDINGS: Mapping[LinkProgress, Standing] = {
    LinkProgress.NO_LINK: Standing("off", "missing", "no link yet"),
    LinkProgress.PLANNED: Standing("off", "open", "link planned"),
    LinkProgress.SENT: Standing("plain", "open", "link sent"),
    LinkProgress.NOT_DELIVERED: Standing("note", "old", "link came back"),
    LinkProgress.OPENED: Standing("plain", "open", "opened"),
    LinkProgress.STARTED: Standing("plain", "half", "started"),
    LinkProgress.ANSWERED: Standing("done", "full", "answered"),
    LinkProgress.NOT_WANTED: Standing("off", "no", "does not want one"),
}
_SEXES: Mapping[str, str] = {"other": "other sex", "unknown": "sex not recorded"}
_SPOKEN: Mapping[Language | None, str] = {Language.SPANISH: ", in Spanish", Language.OTHER: ", in another language"}
_CAME_BACK: Mapping[DeliveryState | None, str] = {
    DeliveryState.CAME_BACK: "the address does not take it",
    DeliveryState.FAILED: "it could not be sent",
    DeliveryState.NOT_KNOWN: "it may have gone",
}
_MESSAGES: Mapping[DeliveryState, str] = {
    DeliveryState.PLANNED: "planned",
    DeliveryState.SENDING: "on its way",
    DeliveryState.SENT: "sent",
    DeliveryState.CAME_BACK: "came back",
    DeliveryState.FAILED: "could not be sent",
    DeliveryState.NOT_KNOWN: "may have gone",
    DeliveryState.STOPPED: "not sent",
}
_HINDRANCES: Mapping[Hindrance, str] = {
    Hindrance.BEGUN: "No message can be sent: the visit has begun.",
    Hindrance.WRITTEN_TO: "No message can be sent now: one went in the last 20 hours, or is about to go.",
    Hindrance.NOT_WANTED: "No message can be sent: the patient wants none.",
    Hindrance.NO_ADDRESS: "No message can be sent: there is no address of the patient’s to which this site sends.",
}
_CHANNELS: Mapping[Channel | None, str] = {Channel.EMAIL: "by mail", Channel.SMS: "by text message"}
_WEEKS = ("This week", "Next week")
BESIDE = 3  # alerts, and patients at high risk, beside the list


class Row(NamedTuple):
    """A visit on the list. `at` is by the site's clocks; `parts` is how many a survey that was started has.

    `why_not`: why nobody can have a message sent now.
    """

    visit: store.VisitWithLink
    at: datetime
    parts: int
    step: NextStep
    why_not: Hindrance | None

    @property
    def not_sent(self) -> str | None:
        """Why no message can be sent now, in a sentence."""
        return None if self.why_not is None else _HINDRANCES[self.why_not]

    @property
    def standing(self) -> Standing:
        return STANDINGS[self.visit.progress]

    @property
    def name(self) -> str:
        return name_of(self.visit.patient_id)

    @property
    def about(self) -> str:
        return about(self.visit.person.birth_year, self.visit.person.sex)

    @property
    def diagnosis(self) -> str:
        return DIAGNOSES[self.visit.person.diagnosis]

    @property
    def is_open(self) -> bool:
        """Whether the survey can still be answered."""
        is_coming = self.visit.state in (VisitState.SCHEDULED, VisitState.CHECKED_IN)
        return is_coming and self.visit.answered_at is None


def name_of(patient_id: UUID) -> str:
    """A patient as the clinic can find them: intake knows no names."""
    return str(patient_id)[:8]


def about(birth_year: int, sex: str) -> str:
    """`born 1984, female`."""
    return f"born {birth_year}, {_SEXES.get(sex, sex)}"


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a week is shown: everything, or what fits each of these."""

    words: str = ""
    clinician: str = ""
    progress: LinkProgress | None = None

    def fits(self, row: Row) -> bool:
        """Whether the row is shown."""
        said = f"{row.visit.patient_id} {row.about} {row.diagnosis}".lower().replace(",", "").split()
        return (
            all(any(word.startswith(part) for word in said) for part in self.words.lower().split())
            and self.clinician in ("", row.visit.clinician_id)
            and self.progress in (None, row.visit.progress)
        )


@dataclass(frozen=True, slots=True)
class Worklist:
    """The visits of a week at a site. `key` makes what is pressed on this page twice happen once.

    `sent` and `left` are how many messages were just asked for, and how many could not be.
    """

    rows: Sequence[Row]
    week: Week
    now: datetime
    shown: Filter
    key: str
    sent: int | None = None
    left: int = 0

    @property
    def title(self) -> str:
        return self.name_of(self.week.number, of="'s visits")

    @property
    def days(self) -> str:
        """`Mon 19 to Sun 25 October 2026`."""
        first, last = self.week.first, self.week.last
        return f"{first:%a} {short_on(first)} to {last:%a} {on(last)}" if first < last else f"{first:%a} {on(first)}"

    @property
    def tally(self) -> list[tuple[LinkProgress, Standing, int]]:
        """How many surveys stand how, without what there is none of."""
        counts = Counter(row.visit.progress for row in self.rows)
        return [(progress, standing, counts[progress]) for progress, standing in STANDINGS.items() if counts[progress]]

    @property
    def chosen(self) -> list[Row]:
        return [row for row in self.rows if self.shown.fits(row)]

    @property
    def clinicians(self) -> list[str]:
        return sorted({row.visit.clinician_id for row in self.rows})

    @property
    def answered(self) -> int:
        return sum(row.visit.answered_at is not None for row in self.rows)

    def count(self, step: str) -> int:
        """How many visits have this next."""
        return sum(row.step == step for row in self.rows)

    def by_day(self) -> list[tuple[str, list[Row]]]:
        """`Monday 19 October`, with what is shown of it."""
        days = groupby(self.chosen, lambda row: row.at.date())
        return [(f"{day:%A} {short_on(day)}", list(rows)) for day, rows in days]

    def name_of(self, number: int, of: str = "") -> str:
        """`This week`, `Next week`, `Week of 26 Oct`."""
        if number < len(_WEEKS):
            return _WEEKS[number] + of
        monday = self.week.first - timedelta(days=self.week.first.weekday())
        week = f"Week of {short_on(monday + timedelta(weeks=number - self.week.number))}"
        return f"Visits in the {week[0].lower()}{week[1:]}" if of else week


def show_worklist(
    worklist: Worklist, *, alerts: Json, high_risk: Json, newest: Json | None, patient_page: str, bar: Bar
) -> str:
    """The list, with alerts, patients at high risk and the last import beside it."""
    return staff_page(
        _templates(),
        "visits.html",
        bar,
        list=worklist,
        alerts=alerts,
        high_risk=high_risk,
        newest=newest,
        patient_page=patient_page,
    )


@dataclass(frozen=True, slots=True)
class Around:
    """What a page about one visit shows beside it: `flag` is why its patient is on the high-risk list, `link` is a new
    one, `why` is why something was not done. `changing` is how the visit can be changed.
    """

    now: datetime
    patient_page: str
    key: str
    changing: Changing
    flag: store.Flag | None = None
    link: str | None = None
    why: str | None = None


def show_visit(row: Row, messages: Iterable[Delivery], around: Around, bar: Bar) -> str:
    """One visit: how its survey stands, what can be done, and the messages about it."""
    zone = row.at.tzinfo
    shown = [(one.due_at.astimezone(zone), _MESSAGES[one.state], _CHANNELS.get(one.channel)) for one in messages]
    return staff_page(_templates(), "visit.html", bar, row=row, messages=shown, around=around)


def show_contact(visit: VisitUpdated, form: Filled, bar: Bar) -> str:
    """The form about how a patient is reached."""
    return staff_page(_templates(), "contact.html", bar, visit=visit, name=name_of(visit.patient_id), form=form)


def reached(contact: Contact | None) -> str:
    """`Reached by mail and by text message.`"""
    if contact is None or not contact.channels:
        return "We have no address."
    by = " and ".join(words for channel, words in _CHANNELS.items() if channel in contact.channels)
    return f"Reached {by}." if contact.wants_messages else f"Could be reached {by}, but wants no messages."


def when(moment: datetime, now: datetime) -> str:
    """`today 07:12`, `yesterday`, `12 Oct`; both in the zone of the clinic."""
    local = moment.astimezone(now.tzinfo)
    days = (now.date() - local.date()).days
    if days == 0:
        return f"today {clock(local)}"
    return "yesterday" if days == 1 else short_on(local)


def detail(row: Row, now: datetime) -> str:
    """What is said beside the state of a survey: `part 3 of 15, today 07:12`."""
    visit = row.visit
    match visit.progress:
        case LinkProgress.PLANNED if visit.delivery_at is not None:
            said = f"goes {when(max(visit.delivery_at, now), now)}"
        case LinkProgress.SENT:
            said = _join(_when(visit.sent_at or visit.linked_at, now), "not opened")
        case LinkProgress.NOT_DELIVERED:
            said = _join(_when(visit.delivery_at, now), _CAME_BACK.get(visit.delivery, ""))
        case LinkProgress.OPENED:
            said = _when(visit.opened_at, now)
        case LinkProgress.STARTED if visit.started is not None:
            said = f"part {visit.started.part} of {row.parts}, {when(visit.started.saved_at, now)}"
        case LinkProgress.ANSWERED:
            return _when(visit.answered_at, now) + _SPOKEN.get(visit.answered_in, "")
        case _:
            said = ""
    return _join(said, _message(visit, now))


def _message(visit: store.VisitWithLink, now: datetime) -> str:
    if visit.progress is LinkProgress.PLANNED:
        return ""
    if visit.asked_at is not None:
        return "message on its way"
    reminded = visit.progress in (LinkProgress.OPENED, LinkProgress.STARTED) and is_lately(visit.sent_at, now)
    return f"message {_when(visit.sent_at, now)}" if reminded else ""


def _when(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else when(moment, now)


def _join(*said: str) -> str:
    return ", ".join(filter(None, said))


@cache
def _templates() -> Environment:
    made = staff_templates()
    made.filters |= {"in_a_sentence": in_a_sentence}
    made.globals |= {
        **WORDS,
        "detail": detail,
        "reached": reached,
        "weeks": WEEKS_SHOWN,
        "most": store.MOST_VISITS,
        "beside": BESIDE,
    }
    return made
