"""What the patient's pages say, in each language. Short sentences, no clinical terms.

The Spanish is a draft for a qualified translator.
"""

from collections.abc import Mapping
from datetime import datetime

from services.intake.domain import Opening
from shared.events import Language
from shared.pages.words import clock, on

_SPANISH_DAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
_SPANISH_MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
_ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

HELP: Mapping[Language, Mapping[str, object]] = {
    Language.ENGLISH: {
        "not_live": "This is not monitored in real time.",
        "need_help": "If you need help now, call",
        "need_help_clinic": "If you need help now, call your clinic.",
        "emergency": "Emergency:",
    },
    Language.SPANISH: {
        "not_live": "Nadie lee esto en tiempo real.",
        "need_help": "Si necesita ayuda ahora, llame al",
        "need_help_clinic": "Si necesita ayuda ahora, llame a su clínica.",
        "emergency": "Emergencia:",
    },
}
"""What every page says from the link to the thanks: that nobody reads along, and whom to call."""

PHRASES: Mapping[Language, Mapping[str, object]] = {
    Language.ENGLISH: {
        **HELP[Language.ENGLISH],
        "link_title": "Open your page",
        "link_lead": "Your clinic sent you this link. It is only for you.",
        "birth_year": "In which year were you born?",
        "birth_year_hint": "Four digits, like 1984",
        "birth_year_wrong": "That is not the year that the clinic has. Check it and try again.",
        "open": "Open",
        "start_title": "Your visit",
        "visit_on": "Your visit is on",
        "answer": "Answer the questions",
        "see_page": "See my page",
        "survey": "Questions before the visit",
        "feedback": "Questions after the visit",
        "survey_states": {
            Opening.NOW: "Not answered yet. Your clinic asks you before the visit.",
            Opening.DONE: "Answered. Thank you.",
            Opening.OVER: "Not asked any more.",
        },
        "feedback_states": {
            Opening.LATER: "They open when your visit is over.",
            Opening.NOW: "Open now. Your clinic asks you how it went.",
            Opening.OVER: "Not asked for this visit.",
        },
        "works_until": "This link works until",
        "only_you": "It is only for you. Anyone who has it can see your page.",
        "help_title": "Need help now?",
    },
    Language.SPANISH: {
        **HELP[Language.SPANISH],
        "link_title": "Abra su página",
        "link_lead": "Su clínica le envió este enlace. Es solo para usted.",
        "birth_year": "¿En qué año nació usted?",
        "birth_year_hint": "Cuatro cifras, como 1984",
        "birth_year_wrong": "No es el año que tiene la clínica. Revíselo y pruebe otra vez.",
        "open": "Abrir",
        "start_title": "Su visita",
        "visit_on": "Su visita es el",
        "answer": "Contestar las preguntas",
        "see_page": "Ver mi página",
        "survey": "Preguntas antes de la visita",
        "feedback": "Preguntas después de la visita",
        "survey_states": {
            Opening.NOW: "Aún sin contestar. Su clínica le pregunta antes de la visita.",
            Opening.DONE: "Contestadas. Gracias.",
            Opening.OVER: "Ya no se preguntan.",
        },
        "feedback_states": {
            Opening.LATER: "Se abren cuando termine su visita.",
            Opening.NOW: "Abiertas ahora. Su clínica le pregunta cómo fue.",
            Opening.OVER: "No se preguntan para esta visita.",
        },
        "works_until": "Este enlace funciona hasta el",
        "only_you": "Es solo para usted. Quien lo tenga puede ver su página.",
        "help_title": "¿Necesita ayuda ahora?",
    },
}


def day_words(at: datetime, language: Language, *, with_time: bool = False) -> str:
    """`Tuesday 13 Oct 2026, 10:20` or `martes 13 de octubre de 2026, 10:20`, in the zone that the time carries."""
    if language is Language.SPANISH:
        day = f"{_SPANISH_DAYS[at.weekday()]} {at.day} de {_SPANISH_MONTHS[at.month - 1]} de {at.year}"
    else:
        day = f"{_ENGLISH_DAYS[at.weekday()]} {on(at)}"
    return f"{day}, {clock(at)}" if with_time else day
