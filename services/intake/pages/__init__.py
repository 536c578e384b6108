"""The patient's pages: opening a link, and what is open now. In the patient's language, without a script."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment

from services.intake.domain import Openings
from services.intake.pages.phrases import PHRASES, day_words
from shared.pages import environment
from shared.pages.notices import notice
from shared.pages.speaking import Spoken
from shared.speech import Said

STATIC = Path(__file__).parent / "static"


def ask_to_open(
    spoken: Spoken, *, asks_birth_year: bool, is_wrong: bool, care_line: str | None, is_synthetic: bool
) -> str:
    """The page whose button opens the link; it says nothing of the patient."""
    return _render(
        "link.html",
        spoken,
        asks_birth_year=asks_birth_year,
        is_wrong=is_wrong,
        care_line=care_line,
        is_synthetic=is_synthetic,
    )


class Start(NamedTuple):
    """What a patient can do now, until when, and whom to call. Times are in the site's zone."""

    visit_at: datetime
    link_ends_at: datetime
    openings: Openings
    own_page: str
    care_line: str | None


def show_start(spoken: Spoken, start: Start, *, is_synthetic: bool) -> str:
    """Where a patient comes in."""
    return _render("start.html", spoken, **start._asdict(), is_synthetic=is_synthetic)


def say_unusable(spoken: Spoken | None, *, is_synthetic: bool) -> str:
    """A link that does not open, whatever the reason."""
    return notice(
        Said("This link does not open", "Este enlace no se abre"),
        Said(
            "It is old, or the clinic has replaced it. Ask your clinic for a new one.",
            "Es antiguo o la clínica lo ha cambiado. Pida uno nuevo a su clínica.",
        ),
        spoken=spoken,
        is_synthetic=is_synthetic,
    )


def say_too_often(spoken: Spoken | None, *, is_synthetic: bool) -> str:
    """Too many tries."""
    return notice(
        Said("Please wait a moment", "Espere un momento"),
        Said(
            "This link was tried too often. Wait a minute, then open it again.",
            "Este enlace se probó demasiadas veces. Espere un minuto y ábralo otra vez.",
        ),
        spoken=spoken,
        is_synthetic=is_synthetic,
    )


def _render(template: str, spoken: Spoken, **values: object) -> str:
    return _templates().get_template(template).render(say=PHRASES[spoken.language], **spoken._asdict(), **values)


@cache
def _templates() -> Environment:
    made = environment(__package__ or "services.intake.pages")
    made.filters["day_words"] = day_words
    return made
