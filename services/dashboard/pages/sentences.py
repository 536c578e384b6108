"""What the page says in sentences: who it is about, how fresh it is, what changed."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from services.dashboard.domain import Age, is_of_now
from services.dashboard.pages.labels import CHANGES, COUNTED, DOSES, MARKERS, RECORDED, TAKEN_BACK
from services.dashboard.pages.reader import Line, Reader
from services.dashboard.pages.readings import answered_by, band_words
from shared.events import ConsentState, EntryMode
from shared.pages.words import clock, number
from shared.speech import Said

Json = Mapping[str, Any]
_NOT_KNOWN_BEFORE = Said(" in 6 months, not known before", " en 6 meses, antes no se sabía")
_MEDICINES = {
    "started": Said("{name} started", "{name}: empezó"),
    "stopped": Said("{name} stopped", "{name}: terminó"),
    "new-dose": Said("{name}: new dose", "{name}: nueva dosis"),
}
_OVER = Said("{name} over its limit", "{name}: sobre su límite")
_TAKEN_BACK = Said(" taken back on {day}: entered in error", ": error de anotación, fuera de la página desde el {day}")
_BACK = Said("{name} back within its limit", "{name}: otra vez dentro de su límite")
_LAST_ON = Said(", last on {day}", ", la última el {day}")
_LAST_TODAY = Said(", the last one was today {time}", ", la última fue hoy {time}")
_VISIT, _WAS_PLANNED = Said("Visit {when}", "Visita {when}"), Said("Visit was planned {when}", "Visita prevista {when}")
_WITH = Said(" with {clinician}", " con {clinician}")
_YOU_WITHDREW = Said(
    "You withdrew your consent: you no longer count in the network's figures. Your care goes on as before.",
    "Usted retiró su consentimiento: ya no cuenta en las cifras de la red. Su atención sigue como antes.",
)
_WITHDREW = Said(
    "Consent withdrawn: no longer counted in the network's figures. Care goes on as before.",
    "Consentimiento retirado: ya no cuenta en las cifras de la red. La atención sigue como antes.",
)
_WITH_NOT_RECORDED = Said(" with {clinician}, not recorded since", " con {clinician}, sin registrar desde entonces")
_ONLY_NEWEST = Said("Only the newest {most} {things} are kept.", "Solo se guarda lo más nuevo: {most} {things}.")
_ONLY_SCORES = Said(
    "Of surveys up to {day} only the scores and what is drawn are kept.",
    "De los cuestionarios hasta el {day} solo se guardan las puntuaciones y lo que se dibuja.",
)


_FOR_PATIENT = Said("Answered by somebody else for the patient.", "Lo contestó otra persona por el paciente.")
_FOR_YOU = Said("Answered by somebody else for you.", "Lo contestó otra persona por usted.")


class Cell(NamedTuple):
    """How fresh one source is. `shape` is null when all is well, else the icon that goes with the word."""

    name: str
    voice: str
    words: str
    shape: str | None


def since_heading(page: Json, reader: Reader) -> str:
    previous = page["previous"]
    if previous is None:
        return reader.say(Said("What changed", "Qué cambió"))
    day = reader.last_day(previous)
    return reader.say(Said("Since {day}", "Desde el {day}"), day=day)


def since_lines(page: Json, reader: Reader) -> list[Line]:
    if page["previous"] is None:
        none = Said("No earlier survey to compare with.", "No hay otro cuestionario para comparar.")
        return [*(_since(fact, reader) for fact in page["since"]), Line("", reader.say(none))]
    nothing = Said("Nothing that our rules mark.", "Nada que marquen nuestras reglas.")
    return [_since(fact, reader) for fact in page["since"]] or [Line("", reader.say(nothing))]


def taken_back_line(page: Json, reader: Reader) -> Line | None:
    """That facts were taken back since last time, and when; what they said is told nowhere."""
    found = (_since(fact, reader) for fact in page["since"] if fact["kind"] == "taken-back")
    return next(found, None)


def until_words(page: Json, reader: Reader) -> str | None:
    """Beside what changed: until when, where the newest answers are old or of another visit."""
    if page["previous"] is None or is_of_now(page, reader.now):
        return None
    said = Said("as answered on {day}", "según lo contestado el {day}")
    return reader.say(said, day=reader.day(page["survey"]["submitted_at"]))


def voice_of(fact: Json) -> str:
    """Who says what changed."""
    return {"care": "patient", "missed-doses": "patient", "index": "computed"}.get(fact["kind"], "clinic")


def _since(fact: Json, reader: Reader) -> Line:
    match fact["kind"]:
        case "care":
            was = "" if fact["was"] is None else number(fact["was"])
            said = Said(" in 6 months, was {was}", " en 6 meses, antes {was}") if was else _NOT_KNOWN_BEFORE
            return Line(reader.counted(fact["now"], COUNTED[fact["item"]]), reader.say(said, was=was))
        case "index":
            said = Said(", score {was} to {now}", ", de {was} a {now}")
            scores = reader.say(said, was=number(fact["was"], 1), now=number(fact["now"], 1))
            change = reader.named(CHANGES, fact["change"])
            symptoms = reader.say(Said("Symptoms {change}", "Síntomas: {change}"), change=change)
            return Line(symptoms, "" if reader.is_patient else scores)
        case "missed-doses":
            doses = reader.counted(fact["now"], DOSES)
            return Line(
                reader.say(Said("{doses} missed", "{doses} sin tomar"), doses=doses),
                reader.say(Said(" in 2 weeks", " en 2 semanas")),
            )
    return _since_by_clinic(fact, reader)


def _since_by_clinic(fact: Json, reader: Reader) -> Line:
    match fact["kind"]:
        case "rating":
            was, now = band_words(fact["was"], reader), band_words(fact["now"], reader)
            return Line(
                reader.say(Said("Clinician's rating", "Valoración del médico")),
                reader.say(Said(" from {was} to {now}", ": de {was} a {now}"), was=was, now=now),
            )
        case "started" | "stopped" | "new-dose":
            return since_medicine(fact, reader)
        case "taken-back":
            things = [reader.counted(fact[name], noun) for name, noun in TAKEN_BACK.items() if fact[name]]
            return Line(reader.listed(things), reader.say(_TAKEN_BACK, day=reader.day(fact["at"])))
    return _since_lab(fact, reader)


def since_medicine(fact: Json, reader: Reader) -> Line:
    """`Adalimumab: new dose`, and `, 80 mg weekly, 3 Mar`."""
    dose = f", {fact['now']}" if fact["kind"] == "new-dose" else ""
    return Line(reader.say(_MEDICINES[fact["kind"]], name=fact["name"]), f"{dose}, {reader.day(fact['on'])}")


def _since_lab(fact: Json, reader: Reader) -> Line:
    name = reader.named(MARKERS, fact["name"])
    if fact["kind"] == "new-method":
        return Line(
            reader.say(Said("{name}: new method", "{name}: método nuevo"), name=name),
            reader.say(Said(", do not compare", ", no comparar")),
        )
    where = _OVER if fact["side"] == "over" else _BACK
    return Line(reader.say(where, name=name), f", {fact['comparator'] or ''}{number(fact['value'])}")


def freshness_cells(ages: Mapping[str, Age | None], page: Json, reader: Reader) -> list[Cell]:
    survey, form = Said("Survey", "Cuestionario"), Said("Clinician form", "Formulario médico")
    labs, medicines = Said("Labs", "Laboratorio"), Said("Medicines list", "Lista de medicinas")
    answered, rated = Said("answered {when}", "contestado {when}"), Said("rated {when}", "valorado {when}")
    taken, written = Said("taken {when}", "tomado {when}"), Said("last entry {when}", "anotada {when}")
    patient, clinic = partial(_cell, reader, "patient"), partial(_cell, reader, "clinic")
    return [
        patient(survey, answered, ages["survey"], _survey_note(page, reader), also=_how_it_came(page, reader)),
        clinic(form, rated, ages["clinician"]),
        clinic(labs, taken, ages["labs"]),
        clinic(medicines, written, ages["medicines"]),
    ]


def _how_it_came(page: Json, reader: Reader) -> Iterator[str]:
    """Who answered, where that is not the patient alone, and that it is not what was said first."""
    if page["survey"] is None:
        return
    by, correction = answered_by(page, reader), page["survey"]["correction"]
    if by:
        yield by
    if correction:
        corrected = Said("corrected {day}", "corregido el {day}")
        yield reader.say(corrected, day=reader.day(correction["recorded_at"]))


def _survey_note(page: Json, reader: Reader) -> str | None:
    survey, visit = page["survey"], page["visit"]
    if survey and visit and survey["visit_id"] != visit["visit_id"]:
        return reader.say(Said("not for this visit", "no es para esta visita"))
    days = survey["days_before_visit"] if survey else None
    if days is None or days <= 14:
        return None
    return reader.say(Said("{days} days before the visit", "{days} días antes de la visita"), days=days)


def now_words(page: Json, reader: Reader) -> str:
    """What stands over the newest answers: `now`, or their day where they are old or of another visit."""
    if is_of_now(page, reader.now):
        return reader.say(Said("now", "ahora"))
    return reader.day(page["survey"]["submitted_at"])


def said_words(page: Json, reader: Reader) -> str | None:
    """Beside what the patient wants to talk about: when that was, where it is old or of another visit."""
    if is_of_now(page, reader.now):
        return None
    day, visit = reader.day(page["survey"]["submitted_at"]), page["visit"]
    if visit is None or page["survey"]["visit_id"] == visit["visit_id"]:
        return reader.say(Said("Said on {day}.", "Dicho el {day}."), day=day)
    return reader.say(Said("Said on {day}, for another visit.", "Dicho el {day}, para otra visita."), day=day)


def proxy_words(page: Json, reader: Reader) -> str | None:
    """Beside what the patient wants to talk about: that it is not the patient who said so."""
    if page["survey"]["mode"] != EntryMode.PROXY:
        return None
    return reader.say(_FOR_YOU if reader.is_patient else _FOR_PATIENT)


def too_old_to_agree(page: Json, reader: Reader) -> str | None:
    """Said in place of whether the readings agree, where what the patient said is not of now."""
    if page["survey"] is None or is_of_now(page, reader.now):
        return None
    words = Said(
        "The patient's answers are of {day}. Nothing here says how it is now.",
        "Las respuestas del paciente son del {day}. Nada aquí dice cómo está ahora.",
    )
    return reader.say(words, day=reader.day(page["survey"]["submitted_at"]))


def consent_words(page: Json, reader: Reader) -> str | None:
    """Said where a patient's data serve their care alone."""
    if page["patient"]["consent"] != ConsentState.WITHDRAWN:
        return None
    return reader.say(_YOU_WITHDREW if reader.is_patient else _WITHDREW)


def _cell(  # noqa: PLR0913 - the two first are the same in all
    reader: Reader,
    voice: str,
    name: Said,
    verb: Said,
    age: Age | None,
    note: str | None = None,
    *,
    also: Iterable[str] = (),
) -> Cell:
    called = reader.say(name)
    if age is None:
        return Cell(called, voice, reader.say(Said("none yet", "todavía nada")), "missing")
    said = ", ".join([reader.say(verb, when=reader.moment(age.at.isoformat())), *also])
    if age.is_old:
        return Cell(called, voice, reader.say(Said("old: {said}", "antiguo: {said}"), said=said), "old")
    return Cell(called, voice, f"{said}, {note}" if note else said, "old" if note else None)


def agreed_words(step: Json, page: Json, reader: Reader) -> str:
    """When a step was agreed, which stays so when it is carried over, and in which visit."""
    agreed_on = reader.day(step["agreed_at"])
    visit_at = next((v["scheduled_at"] for v in page["visits"] if v["visit_id"] == step["visit_id"]), None)
    if visit_at is None:
        return reader.say(Said("agreed {day}", "acordado el {day}"), day=agreed_on)
    visit_on = reader.day(visit_at)
    if visit_on == agreed_on:
        return reader.say(Said("agreed in the visit of {day}", "acordado en la visita del {day}"), day=agreed_on)
    other = Said("agreed {day}, visit of {visit}", "acordado el {day}, visita del {visit}")
    return reader.say(other, day=agreed_on, visit=visit_on)


def history_lines(page: Json, reader: Reader) -> list[str]:
    """What of a long history is not kept. A page that was made before there were bounds says nothing of them."""
    history = page.get("history", {})
    lines = [
        reader.say(_ONLY_NEWEST, most=number(section["most"]), things=reader.say(RECORDED[name]))
        for name, section in history.items()
        if section["has_more"]
    ]
    until = history["surveys"]["only_scores_until"] if history else None
    return [reader.say(_ONLY_SCORES, day=reader.full_day(until)), *lines] if until else lines


def visit_words(page: Json, reader: Reader) -> Line:
    visit = page["visit"]
    if visit is None:
        last = page["last_visit"]
        none = reader.say(Said("No coming visit", "Ninguna visita por venir"))
        return Line(none, _last_visit(reader.local(last["scheduled_at"]), reader) if last else "")
    at = reader.local(visit["scheduled_at"])
    is_past, clinician = at.date() < reader.now.date(), visit["clinician_id"]
    when = f"{_visit_day(at, reader)} {clock(at)}"
    return Line(
        reader.say(_WAS_PLANNED if is_past else _VISIT, when=when),
        reader.say(_WITH_NOT_RECORDED if is_past else _WITH, clinician=clinician),
    )


def _last_visit(at: datetime, reader: Reader) -> str:
    if at.date() == reader.now.date():
        return reader.say(_LAST_TODAY, time=clock(at))
    return reader.say(_LAST_ON, day=reader.on(at))


def _visit_day(at: datetime, reader: Reader) -> str:
    return reader.say(Said("today", "hoy")) if at.date() == reader.now.date() else reader.on(at)


def age_words(birth_year: int | None, reader: Reader) -> str:
    """Only the year of birth is known, so the age is one of two."""
    if birth_year is None:
        return reader.say(Said("age not known", "edad no conocida"))
    turning = reader.now.year - birth_year
    return reader.say(Said("{one} or {other} years", "{one} o {other} años"), one=turning - 1, other=turning)
