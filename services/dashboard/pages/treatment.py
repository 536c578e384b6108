"""What there is to tell whether treatment explains how somebody is, in one line of plain facts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.dashboard.domain import LIMITS, Treatment, is_of_now, levels_of, treatment_of
from services.dashboard.pages.labels import CHANGES
from services.dashboard.pages.reader import Line, Reader
from services.dashboard.pages.sentences import since_medicine
from shared.pages.words import number
from shared.speech import Said

Json = Mapping[str, Any]

_BEGAN = Said("Since {name} began, {day}:", "{name} desde el {day}:")
_NOT_SCORED = Said("the newest survey has no score.", "el último cuestionario no tiene puntuación.")
_NO_SCORE_SINCE = Said("no score yet.", "todavía sin puntuación.")
_NO_SCORE_BEFORE = Said("no score of that time.", "sin puntuación de entonces.")
_MOVED = Said("score {was} then, {now} now", "puntuación {was} entonces, {now} ahora")
_MOVED_BY = Said("score {was} then, {now} on {day}", "puntuación {was} entonces, {now} el {day}")
_SYMPTOMS = Said("symptoms {change}", "síntomas: {change}")
_SYMPTOMS_BY = Said("symptoms {change} by {day}", "síntomas: {change} hasta el {day}")
_CHANGED = Said("Changed since {day}: {changes}.", "Cambios desde el {day}: {changes}.")
_UNCHANGED = Said("Clinic's list unchanged since {day}.", "Lista de la clínica sin cambios desde el {day}.")
_SINCE = Said("Since {day}:", "Desde el {day}:")
_SCORES = Said("score {was} to {now}", "puntuación {was} a {now}")
_LIST_UNCHANGED = Said("clinic's list unchanged", "lista sin cambios")
_NO_SCORE_WHEN = Said("No score when {name} began, {day}.", "Sin puntuación al empezar {name}, {day}.")
_BEFORE = Said("Before {name} began, {day}: {score}.", "Antes de empezar {name}, {day}: {score}.")
_LEVEL = Said("{name} level {value}, {day}.", "Nivel de {name} {value}, {day}.")
_LACKS_LEVEL = Said("{name} level", "nivel de {name}")
_LACKS_BLOOD_LEVEL = Said("blood level of {name}", "nivel de {name} en la sangre")
_NO_LEVEL_SINCE = Said("{name} level after {day}", "nivel de {name} posterior al {day}")


def treatment_line(page: Json, reader: Reader) -> Line | None:
    """`Since 25 Sep: score 8 to 17, worse; clinic's list unchanged. Before adalimumab began, 2 Dec: 39.5. Adalimumab
    level 3.2 µg/mL, 7 Oct.` Where it began since last time: `Since adalimumab began, 2 Oct: score 39.5 then, 17 now:
    better.` Of the list, because the patient may have taken what is not on it. Nothing where nothing for maintenance is
    taken; that a level is missing stands elsewhere.
    """
    treatment = treatment_of(page, reader.now)
    if treatment is None:
        return None
    course, levels = treatment.course, _levels(page, reader)
    began = reader.say(_BEGAN, name=course.name, day=reader.day(course.started_on))
    if treatment.last is not None:
        since = reader.say(_SINCE, day=reader.last_day(page["previous"]))
        late = _of_late(treatment.last, treatment.changes or (), page, reader)
        return Line(since, " ".join(["", late, _then(treatment, began, reader), *levels]))
    changed = [] if treatment.changes is None else [_changed(treatment.changes, page, reader)]
    return Line(began, " ".join(["", _moved(treatment, page, reader), *changed, *levels]))


def lacking_levels(page: Json, reader: Reader) -> Iterator[str]:
    """Levels that are wanted, where there is none or it is as old as an old result."""
    for level in levels_of(page, reader.now):
        if not level.is_wanted:
            continue
        if level.result is None:
            yield reader.say(_LACKS_BLOOD_LEVEL if reader.is_patient else _LACKS_LEVEL, name=level.medicine)
        elif reader.days_since(level.result["at"]) > LIMITS["labs"]:
            yield reader.say(_NO_LEVEL_SINCE, name=level.medicine, day=reader.day(level.result["at"]))


def _levels(page: Json, reader: Reader) -> Iterator[str]:
    for level in levels_of(page, reader.now):
        if level.result is not None:
            value = f"{level.result['comparator'] or ''}{number(level.result['value'])} {reader.unit(level.unit or '')}"
            yield reader.say(_LEVEL, name=level.medicine, value=value, day=reader.day(level.result["at"]))


def _of_late(last: Json, changes: Sequence[Json], page: Json, reader: Reader) -> str:
    """What came of the score and of the list since last time."""
    computed = page["readings"]["computed"]
    change = reader.named(CHANGES, computed["change"]) if computed["change"] else None
    if reader.is_patient and change:
        moved = reader.say(_SYMPTOMS, change=change)
    else:
        scores = reader.say(_SCORES, was=number(last["value"], 1), now=number(computed["value"], 1))
        moved = f"{scores}, {change}" if change else scores
    return f"{moved}; {_named(changes, reader) if changes else reader.say(_LIST_UNCHANGED)}."


def _then(treatment: Treatment, began: str, reader: Reader) -> str:
    """How it was before the medicine began: the score may be some weeks older than its start."""
    course, before = treatment.course, treatment.before
    name, day = course.name, reader.day(course.started_on)
    if before is None:
        return reader.say(_NO_SCORE_WHEN, name=name, day=day)
    if reader.is_patient and treatment.change:
        return f"{began} {reader.say(_SYMPTOMS, change=reader.named(CHANGES, treatment.change))}."
    return reader.say(_BEFORE, name=name, day=day, score=number(before["value"], 1))


def _moved(treatment: Treatment, page: Json, reader: Reader) -> str:
    before, since = treatment.before, treatment.since
    if not treatment.is_scored:
        return reader.say(_NOT_SCORED)
    if since is None:
        return reader.say(_NO_SCORE_SINCE)
    if before is None:
        return reader.say(_NO_SCORE_BEFORE)
    change = reader.named(CHANGES, treatment.change) if treatment.change else None
    is_now = is_of_now(page, reader.now) and since["survey_id"] == page["survey"]["survey_id"]
    day = reader.day(since["at"])
    if reader.is_patient and change:
        return f"{reader.say(_SYMPTOMS if is_now else _SYMPTOMS_BY, change=change, day=day)}."
    moved = _MOVED if is_now else _MOVED_BY
    scores = reader.say(moved, was=number(before["value"], 1), now=number(since["value"], 1), day=day)
    return f"{scores}: {change}." if change else f"{scores}."


def _changed(changes: Sequence[Json], page: Json, reader: Reader) -> str:
    day = reader.last_day(page["previous"])
    if not changes:
        return reader.say(_UNCHANGED, day=day)
    return reader.say(_CHANGED, day=day, changes=_named(changes, reader))


def _named(changes: Sequence[Json], reader: Reader) -> str:
    return "; ".join("".join(since_medicine(change, reader)) for change in changes)
