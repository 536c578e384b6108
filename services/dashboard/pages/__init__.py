"""The page as HTML for people: words, tables and pictures made on the server; nothing needs a script."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Environment

from services.dashboard.domain import RELOADED_WITHIN, GlassReason, freshness, open_words
from services.dashboard.pages import gaps, labels, looks, readings, sentences
from services.dashboard.pages import glass as broken_glass
from services.dashboard.pages.addresses import address
from services.dashboard.pages.around import Around, since_words
from services.dashboard.pages.charts.frame import Span
from services.dashboard.pages.live import Live
from services.dashboard.pages.phrases import PHRASES
from services.dashboard.pages.pictures import pictures_of
from services.dashboard.pages.plan import PlanForms
from services.dashboard.pages.reader import Reader, answer_words, limit_words, reason_words
from services.dashboard.pages.scored import paper_words
from services.dashboard.pages.treatment import treatment_line
from shared.errors import Problem
from shared.events import DashboardViewed, ViewerRole
from shared.pages import environment
from shared.pages.notices import Action, notice
from shared.pages.speaking import Spoken
from shared.sealing import Opener
from shared.speech import Said

STATIC = Path(__file__).parent / "static"
MOST_STEPS = 5
MOST_GAPS = 5
BLANK_AFTER_S = 300
_ALONE = Around()
_ENGLISH = Spoken()


def present(  # noqa: PLR0913 - the page, and what is known of the look, each by name
    page: Mapping[str, Any],
    *,
    now: datetime,
    time_zone: str,
    unseal: Opener,
    viewer_role: ViewerRole,
    view: DashboardViewed | None = None,
    around: Around = _ALONE,
    live: Live | None = None,
    plan_forms: PlanForms | None = None,
    survey_at: str | None = None,
    care_line: str | None = None,
    span: Span = Span.YEAR,
    is_shared: bool = False,
    is_synthetic: bool = False,
    spoken: Spoken = _ENGLISH,
) -> str:
    """A page of `domain.assemble` as an HTML document, for a reader at `now` in the site's zone.

    Sealed words are opened only here. `view` is the look that the page's script reports the length of, `live` lets a
    script follow the page, by `plan_forms` its reader writes the plan, `survey_at` is where they get on with a survey
    that is missing, and `care_line` whom a patient calls. One that `is_shared` is for two: larger, without what is for
    one of them, covered when nobody touches it for long. No style and no script is inline.

    Raises:
        ZoneInfoNotFoundError: `time_zone` is no IANA zone.
    """
    reader = Reader(now.astimezone(ZoneInfo(time_zone)), viewer_role, spoken.language)
    on_top = {"reader": reader, "around": around, "is_synthetic": is_synthetic}
    if page["erased"]:  # Of them the page says only that, when and why.
        return _render("erased.html", spoken, page=page, **on_top)
    opened = open_words(page, unseal)
    return _render(
        "patient.html",
        spoken,
        page=opened,
        cells=sentences.freshness_cells(freshness(opened, reader.now), opened, reader),
        pictures=pictures_of(opened, reader, span),
        view=view,
        live=live,
        plan_forms=plan_forms,
        survey_at=survey_at,
        care_line=care_line,
        is_shared=is_shared,
        **on_top,
    )


def present_looks(
    found: Mapping[str, Any],
    *,
    now: datetime,
    time_zone: str,
    own_subject: str | None,
    is_synthetic: bool = False,
    spoken: Spoken = _ENGLISH,
) -> str:
    """Who looked, as an HTML document without a script; `own_subject` is the patient's who reads it, if one does."""
    role = ViewerRole.COORDINATOR if own_subject is None else ViewerRole.PATIENT
    return _render(
        "looks.html",
        spoken,
        looks=found,
        reader=Reader(now.astimezone(ZoneInfo(time_zone)), role, spoken.language),
        own_subject=own_subject,
        is_synthetic=is_synthetic,
    )


def ask_why(
    given: Mapping[str, str],
    *,
    open_s: int,
    wrong: Collection[str] = (),
    problem: Problem | None = None,
    is_synthetic: bool = False,
    spoken: Spoken = _ENGLISH,
) -> str:
    """The form that breaks the glass. `given` stands in its fields; `wrong` are those that do not do as they are."""
    return _render(
        "break_glass.html",
        spoken,
        given=given,
        reasons=list(GlassReason),
        open_s=open_s,
        wrong=wrong,
        problem=problem,
        is_synthetic=is_synthetic,
    )


def present_uses(found: Mapping[str, Any], *, now: datetime, is_synthetic: bool = False) -> str:
    """Who of other sites opened pages, by day, as an HTML document without a script."""
    return _render("broken_glass.html", _ENGLISH, uses=found, now=now, is_synthetic=is_synthetic)


def say_unknown(patient_id: UUID, role: ViewerRole, *, is_synthetic: bool, spoken: Spoken | None = _ENGLISH) -> str:
    """There is no such page for this reader, whether or not there is one for somebody else."""
    if role is not ViewerRole.CLINICIAN:
        return notice(
            Said("There is no such page", "Esta página no existe"),
            Said("Check the address.", "Revise la dirección."),
            spoken=spoken,
            is_synthetic=is_synthetic,
            is_signed_in=True,
        )
    open_it = Said("Open in an emergency", "Abrir en una emergencia")
    return notice(
        Said("Your clinic has no such patient", "Su clínica no tiene este paciente"),
        Said(
            "Check the address. If the patient is another clinic's and cannot wait, you can open the page in an "
            "emergency.",
            "Revise la dirección. Si el paciente es de otra clínica y no puede esperar, puede abrir la página en una "
            "emergencia.",
        ),
        actions=[Action(open_it, f"/break-glass/new?patient_id={patient_id}")],
        spoken=spoken,
        is_synthetic=is_synthetic,
        is_signed_in=True,
    )


def say_not_linked(patient_id: UUID, *, is_synthetic: bool, spoken: Spoken = _ENGLISH) -> str:
    """There is no such link of this patient, or it is ended."""
    return notice(
        Said("This link is closed", "Este enlace está cerrado"),
        Said(
            "Either clinic can end a link, and it ends when one of the two pages is erased.",
            "Cualquiera de las dos clínicas puede cerrar un enlace, y se cierra cuando se borra una de las dos "
            "páginas.",
        ),
        actions=[Action(Said("Your own page", "Su propia página"), f"/patients/{patient_id}")],
        spoken=spoken,
        is_synthetic=is_synthetic,
        is_signed_in=True,
    )


def say_closed(*, is_synthetic: bool, spoken: Spoken = _ENGLISH) -> str:
    """The glass was closed by who broke it."""
    return notice(
        Said("The page is closed", "La página está cerrada"),
        Said(
            "You can no longer read it. That you did is in the other clinic's list.",
            "Ya no puede leerla. Que la leyó queda en la lista de la otra clínica.",
        ),
        spoken=spoken,
        is_synthetic=is_synthetic,
        is_signed_in=True,
    )


def _render(template: str, spoken: Spoken, **values: object) -> str:
    return _templates().get_template(template).render(say=PHRASES[spoken.language], **spoken._asdict(), **values)


@cache
def _templates() -> Environment:
    made = environment(__package__ or "services.dashboard.pages")
    made.globals |= {
        "sentences": sentences,
        "gaps": gaps,
        "treatment_line": treatment_line,
        "readings": readings,
        "labels": labels,
        "answer_words": answer_words,
        "reason_words": reason_words,
        "limit_words": limit_words,
        "paper_words": paper_words,
        "who_words": looks.who_words,
        "is_own": looks.is_own,
        "turns": looks.turns,
        "broken": broken_glass,
        "since_words": since_words,
        "address": address,
        "spans": tuple(Span),
        "zone_of": ZoneInfo,
        "same_within_s": int(RELOADED_WITHIN.total_seconds()),
        "blank_after_s": BLANK_AFTER_S,
        "most_steps": MOST_STEPS,
        "most_gaps": MOST_GAPS,
    }
    return made
