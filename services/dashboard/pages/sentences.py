"""What the page says in sentences: what changed, what is missing, what the readings mean and whether they
agree.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.dashboard.domain import Age
from services.dashboard.pages.labels import ANSWER_TO, COUNTED, RECORDED, item_words
from services.dashboard.pages.reader import Line, Reader
from shared.pages.words import clock, counted, number, on

Json = Mapping[str, Any]


class Cell(NamedTuple):
    """How fresh one source is. `shape` is null when all is well, else the icon that goes with the word."""

    name: str
    voice: str
    words: str
    shape: str | None


def since_heading(page: Json, reader: Reader) -> str:
    previous = page["previous"]
    return f"Since {reader.day(previous['visit_at'] or previous['submitted_at'])}" if previous else "What changed"


def since_lines(page: Json, reader: Reader) -> list[Line]:
    if page["previous"] is None:
        return [Line("", "No earlier survey to compare with.")]
    return [_since(fact, reader) for fact in page["since"]] or [Line("", "Nothing that our rules mark.")]


def _since(fact: Json, reader: Reader) -> Line:
    match fact["kind"]:
        case "care":
            was = "not known before" if fact["was"] is None else f"was {number(fact['was'])}"
            return Line(counted(fact["now"], *COUNTED[fact["item"]]), f" in 6 months, {was}")
        case "index":
            scores = f", score {number(fact['was'], 1)} to {number(fact['now'], 1)}"
            return Line(f"Symptoms {fact['change']}", "" if reader.is_patient else scores)
        case "rating":
            return Line("Clinician's rating", f" from {fact['was']} to {fact['now']}")
        case "missed-doses":
            return Line(f"{counted(fact['now'], 'dose')} missed", " in 2 weeks")
        case "started" | "stopped":
            return Line(f"{fact['name']} {fact['kind']}", f", {reader.day(fact['on'])}")
    return _since_lab(fact)


def _since_lab(fact: Json) -> Line:
    if fact["kind"] == "new-method":
        return Line(f"{fact['name']}: new method", ", do not compare")
    where = "over its limit" if fact["side"] == "over" else "back within its limit"
    return Line(f"{fact['name']} {where}", f", {fact['comparator'] or ''}{number(fact['value'])}")


def freshness_cells(ages: Mapping[str, Age | None], page: Json, reader: Reader) -> list[Cell]:
    return [
        _cell("Survey", "patient", ages["survey"], "answered", _survey_note(page), reader),
        _cell("Clinician form", "clinic", ages["clinician"], "rated", None, reader),
        _cell("Labs", "clinic", ages["labs"], "taken", None, reader),
        _cell("Medicines list", "clinic", ages["medicines"], "changed", None, reader),
    ]


def _survey_note(page: Json) -> str | None:
    survey, visit = page["survey"], page["visit"]
    if survey and visit and survey["visit_id"] != visit["visit_id"]:
        return "not for this visit"
    days = survey["days_before_visit"] if survey else None
    return f"{days} days before the visit" if days is not None and days > 14 else None


def _cell(name: str, voice: str, age: Age | None, verb: str, note: str | None, reader: Reader) -> Cell:
    if age is None:
        return Cell(name, voice, "none yet", "missing")
    said = f"{verb} {reader.moment(age.at.isoformat())}"
    if age.is_old:
        return Cell(name, voice, f"old: {said}", "old")
    return Cell(name, voice, f"{said}, {note}" if note else said, "old" if note else None)


def missing_words(page: Json) -> list[str]:
    """What is not there, shortest name first in importance; freshness cells already name whole sources."""
    return [words for gap in page["missing"] if (words := _missing(gap))]


def _missing(gap: Json) -> str | None:
    match gap["what"]:
        case "enrollment":
            return "who the patient is"
        case "survey-for-visit":
            return "survey for this visit"
        case "score":
            return "symptom score"
        case "lab":
            return str(gap["name"])
        case "answer":
            return f"{ANSWER_TO.get(gap['item'], item_words(gap['item']).lower())} answer"
    return None


def history_lines(page: Json, reader: Reader) -> list[str]:
    """What of a long history is not kept. A page that was made before there were bounds says nothing of them."""
    history = page.get("history", {})
    lines = [
        f"Only the newest {section['most']} {RECORDED[name]} are kept."
        for name, section in history.items()
        if section["has_more"]
    ]
    until = history["surveys"]["only_scores_until"] if history else None
    return [f"Of surveys up to {reader.full_day(until)} only the scores are kept.", *lines] if until else lines


def visit_words(page: Json, reader: Reader) -> Line:
    visit = page["visit"]
    if visit is None:
        last = page["last_visit"]
        return Line("No coming visit", f", last on {reader.full_day(last['scheduled_at'])}" if last else "")
    at = reader.local(visit["scheduled_at"])
    when = "today" if at.date() == reader.now.date() else on(at)
    is_past = at.date() < reader.now.date()
    bold = f"{'Visit was planned' if is_past else 'Visit'} {when} {clock(at)}"
    return Line(bold, f" with {visit['clinician_id']}{', not recorded since' if is_past else ''}")


def age_words(birth_year: int | None, reader: Reader) -> str:
    """Only the year of birth is known, so the age is one of two."""
    if birth_year is None:
        return "age not known"
    turning = reader.now.year - birth_year
    return f"{turning - 1} or {turning} years"
