"""The page as HTML for people: words, tables and pictures made on the server; nothing needs a script."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Environment

from services.dashboard.domain import freshness, open_words
from services.dashboard.pages import labels, looks, readings, sentences
from services.dashboard.pages.pictures import pictures_of
from services.dashboard.pages.reader import Reader, answer_words, reason_words
from shared.events import ViewerRole
from shared.pages import environment
from shared.sealing import Opener

STATIC = Path(__file__).parent / "static"
MOST_STEPS = 5


def present(  # noqa: PLR0913 - the page, and what is known of the look, each by name
    page: Mapping[str, Any],
    *,
    now: datetime,
    time_zone: str,
    unseal: Opener,
    viewer_role: ViewerRole,
    view_id: UUID | None = None,
    is_synthetic: bool = False,
) -> str:
    """A page of `domain.assemble` as an HTML document, for a reader at `now` in the site's zone.

    Sealed words are opened only here. `view_id` names the look that the page's script reports the length of;
    without it nothing is reported. The document has no inline style and no inline script. Of an erased patient it says
    only that, when and why.

    Raises:
        ZoneInfoNotFoundError: `time_zone` is no IANA zone.
    """
    reader = Reader(now.astimezone(ZoneInfo(time_zone)), viewer_role)
    if page["erased"]:
        return _templates().get_template("erased.html").render(page=page, reader=reader, is_synthetic=is_synthetic)
    opened = open_words(page, unseal)
    ages = freshness(opened, reader.now)
    return (
        _templates()
        .get_template("patient.html")
        .render(
            page=opened,
            reader=reader,
            cells=sentences.freshness_cells(ages, opened, reader),
            pictures=pictures_of(opened, reader),
            view_id=view_id,
            is_synthetic=is_synthetic,
            most_steps=MOST_STEPS,
        )
    )


def present_looks(
    found: Mapping[str, Any], *, now: datetime, time_zone: str, own_subject: str | None, is_synthetic: bool = False
) -> str:
    """Who looked, as an HTML document without a script; `own_subject` is the patient's who reads it, if one does."""
    role = ViewerRole.COORDINATOR if own_subject is None else ViewerRole.PATIENT
    return (
        _templates()
        .get_template("looks.html")
        .render(
            looks=found,
            reader=Reader(now.astimezone(ZoneInfo(time_zone)), role),
            own_subject=own_subject,
            is_synthetic=is_synthetic,
        )
    )


@cache
def _templates() -> Environment:
    made = environment(__package__ or "services.dashboard.pages")
    made.globals |= {
        "say": sentences,
        "readings": readings,
        "labels": labels,
        "answer_words": answer_words,
        "reason_words": reason_words,
        "who_words": looks.who_words,
        "purpose_words": looks.purpose_words,
        "shown_words": looks.shown_words,
    }
    return made
