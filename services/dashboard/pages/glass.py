"""Broken glass in words: the line on the page, the form that breaks it, the list of the patient's site."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from services.dashboard.domain import BrokenGlass
from services.dashboard.pages.reader import Line, Reader
from shared.events import Language
from shared.pages.words import clock, counted_in, on
from shared.speech import Noun, Said

Json = Mapping[str, Any]

REASONS: Mapping[str, Said] = {
    "emergency": Said("emergency care", "atención de emergencia"),
    "transfer": Said("transfer of care", "traslado de la atención"),
    "on-call-cover": Said("on-call cover", "guardia"),
    "other": Said("another reason", "otra razón"),
}
_OWN = Said(
    " This is a patient of {site}. Your reason: {reason}. It closes at {until}. Every look is in that clinic's list.",
    " Es paciente de {site}. Su razón: {reason}. Se cierra a las {until}. Cada vista queda en la lista de esa clínica.",
)
_OTHERS = Said(
    " by {who} at another clinic ({sites}). Reason: {reason}. Until {until}.",
    " por {who} en otra clínica ({sites}). Razón: {reason}. Hasta las {until}.",
)
FORM: Mapping[str, Said] = {
    "title": Said("Open in an emergency", "Abrir en una emergencia"),
    "recorded": Said("Every try is recorded", "Cada intento queda registrado"),
    "open_other": Said("Open a patient of another clinic", "Abrir un paciente de otra clínica"),
    "only_when": Said(
        "Only when this patient needs you and their clinic cannot be asked in time.",
        "Solo cuando este paciente le necesita y no da tiempo a preguntar a su clínica.",
    ),
    "one_page": Said("One page, for reading, for {}.", "Una página, solo para leer, durante {}."),
    "goes_to": Said(
        "Your name, your clinic and your reason go to the patient's clinic, and somebody there looks into it.",
        "Su nombre, su clínica y su razón llegan a la clínica del paciente, y allí alguien lo revisa.",
    ),
    "patient_sees": Said("The patient sees that you looked.", "El paciente ve que usted miró."),
    "not_yet": Said("Not opened yet", "Todavía no se abrió"),
    "is_missing": Said("Something below is missing.", "Falta algo más abajo."),
    "site_id": Said("The patient's clinic", "La clínica del paciente"),
    "site_id_hint": Said("Its short name, such as lakeside.", "Su nombre corto, como lakeside."),
    "patient_id": Said("The patient's id there", "El identificador del paciente allí"),
    "patient_id_hint": Said(
        "It stands in a link to the page, and in a letter of transfer.",
        "Está en un enlace a la página y en la carta de traslado.",
    ),
    "reason": Said("Why", "Por qué"),
    "reason_hint": Said("Choose the nearest.", "Elija la más cercana."),
    "words": Said("In your words", "Con sus palabras"),
    "words_hint": Said(
        "10 to 500 characters. The patient's clinic reads them.",
        "De 10 a 500 caracteres. Las lee la clínica del paciente.",
    ),
    "open_for": Said("Open the page for {}", "Abrir la página durante {}"),
    "can_wait": Said("If it can wait, call the other clinic.", "Si puede esperar, llame a la otra clínica."),
}
WRONG: Mapping[str, Said] = {
    "site_id": Said(
        "The clinic's short name: small letters, digits and hyphens.",
        "El nombre corto de la clínica: letras minúsculas, cifras y guiones.",
    ),
    "patient_id": Said(
        "The patient's id as that clinic gives it: 32 digits and letters, with hyphens.",
        "El identificador del paciente como lo da esa clínica: 32 cifras y letras, con guiones.",
    ),
    "reason": Said("Choose one.", "Elija una."),
    "words": Said("10 to 500 characters.", "De 10 a 500 caracteres."),
}
"""What each field of the form wants, where it was not given."""
_NOT_OPENED = Said("Not opened", "No se abrió")
_FAILED: Mapping[str, tuple[Said, Said]] = {
    "not-found": (
        Said("No clinic and patient like that", "No hay ninguna clínica con ese paciente"),
        Said(
            "Check both ids with the other clinic. Nothing more can be said here.",
            "Compruebe los dos identificadores con la otra clínica. Aquí no se puede decir más.",
        ),
    ),
    "own-site": (
        _NOT_OPENED,
        Said(
            "A patient of your own clinic needs no emergency: open the page itself.",
            "Un paciente de su propia clínica no necesita emergencia: abra su página.",
        ),
    ),
    "too-many-tries": (
        _NOT_OPENED,
        Said(
            "There were too many tries in an hour. Call the other clinic, or try again later.",
            "Hubo demasiados intentos en una hora. Llame a la otra clínica o pruebe más tarde.",
        ),
    ),
}
_NOT_NOW = (
    _NOT_OPENED,
    Said(
        "It cannot be opened now. Try again in a moment, or call the other clinic.",
        "Ahora no se puede abrir. Pruebe otra vez en un momento o llame a la otra clínica.",
    ),
)
_HOURS = Noun(Said("hour", "hora"), Said("hours", "horas"))
_MINUTES = Noun(Said("minute", "minuto"), Said("minutes", "minutos"))


def glass_line(glass: BrokenGlass, reader: Reader, *, is_own: bool) -> Line:
    """What the page says of it for as long as it is open."""
    reason, until = reader.named(REASONS, glass.reason), clock(glass.until.astimezone(reader.now.tzinfo))
    if is_own:
        return Line(
            reader.say(Said("Opened in an emergency, for reading only.", "Abierta en una emergencia, solo para leer.")),
            reader.say(_OWN, site=glass.site_id, reason=reason, until=until),
        )
    return Line(
        reader.say(Said("Opened in an emergency", "Abierta en una emergencia")),
        reader.say(_OTHERS, who=glass.subject, sites=reader.listed(glass.of_sites), reason=reason, until=until),
    )


def reason_words(reason: str, language: Language = Language.ENGLISH) -> str:
    return REASONS[reason].said_in(language)


def state_line(use: Json, zone: ZoneInfo, now: datetime) -> Line:
    """Whether it is open, and how it closed."""
    if use["ended_at"] is not None:
        by = "by who opened it" if use["ended_by"] == use["subject"] else f"by {use['ended_by']}"
        return Line(f"closed {clock(use['ended_at'].astimezone(zone))}", by)
    until = clock(use["until"].astimezone(zone))
    return Line("open", f"until {until}") if now < use["until"] else Line(f"closed {until}", "by itself")


def by_day(uses: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    """The uses under the days of their sites, in the order that they come in."""
    return [(on(day), list(of_day)) for day, of_day in groupby(uses, key=lambda use: use["day"])]


def span_words(seconds: int, language: Language) -> str:
    """`1 hour`, `30 minutes`."""
    count, noun = (seconds // 3600, _HOURS) if seconds % 3600 == 0 else (seconds // 60, _MINUTES)
    return counted_in(language, count, noun)


def failure_line(kind: str, language: Language) -> Line:
    """Why the glass was not broken, by the kind of the problem."""
    return Line(*(said.said_in(language) for said in _FAILED.get(kind, _NOT_NOW)))
