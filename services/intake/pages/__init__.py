"""The patient's pages: opening a link, and what is open now. In the patient's language, without a script."""

from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment

from services.intake.domain import Openings
from services.intake.pages.phrases import PHRASES, day_words
from shared.events import Language
from shared.pages import environment
from shared.pages.notices import notice

STATIC = Path(__file__).parent / "static"


def ask_to_open(language: Language, *, asks_birth_year: bool, is_wrong: bool, is_synthetic: bool) -> str:
    """The page whose button opens the link; it says nothing of the patient."""
    return _render("link.html", language, asks_birth_year=asks_birth_year, is_wrong=is_wrong, is_synthetic=is_synthetic)


def show_start(
    language: Language,
    *,
    visit_at: datetime,
    link_ends_at: datetime,
    openings: Openings,
    own_page: str,
    is_synthetic: bool,
) -> str:
    """What a patient can do now. Times are in the site's zone."""
    return _render(
        "start.html",
        language,
        visit_at=visit_at,
        link_ends_at=link_ends_at,
        openings=openings,
        own_page=own_page,
        is_synthetic=is_synthetic,
    )


def say_unusable(*, is_synthetic: bool) -> str:
    """A link that does not open, whatever the reason."""
    return notice(
        "This link does not open",
        "It is old, or the clinic has replaced it. Ask your clinic for a new one.",
        spanish="Este enlace no se abre. Es antiguo o la clínica lo ha cambiado. Pida uno nuevo a su clínica.",
        is_synthetic=is_synthetic,
    )


def say_too_often(*, is_synthetic: bool) -> str:
    """Too many tries."""
    return notice(
        "Please wait a moment",
        "This link was tried too often. Wait a minute, then open it again.",
        spanish="Este enlace se probó demasiadas veces. Espere un minuto y ábralo otra vez.",
        is_synthetic=is_synthetic,
    )


def _render(template: str, language: Language, **values: object) -> str:
    spoken = language if language in PHRASES else Language.ENGLISH
    return _templates().get_template(template).render(say=PHRASES[spoken], language=spoken, **values)


@cache
def _templates() -> Environment:
    made = environment(__package__ or "services.intake.pages")
    made.filters |= {"day_words": day_words}
    return made
