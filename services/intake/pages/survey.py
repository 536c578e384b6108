"""The survey's pages: one part a screen, what was answered, a call before anything else, thanks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment

from services.intake.domain import drafts
from services.intake.domain.drafts import Answered, Part
from services.intake.domain.questionnaires import Item, ItemType
from services.intake.domain.severity import is_severe
from services.intake.pages.phrases import day_words
from services.intake.pages.survey_phrases import SURVEY_PHRASES
from shared.events import Language
from shared.pages import environment
from shared.pages.words import number


@dataclass(frozen=True, slots=True)
class Around:
    """What every page of one survey has around its questions.

    `languages` are those of the form. `base` is where the pages stand, `home` where one came in; `queue` names this
    survey in the browser's own memory.
    """

    language: Language
    languages: Sequence[Language]
    base: str
    home: str
    queue: str
    care_line: str | None
    is_for_staff: bool
    is_synthetic: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """How a part is shown: after it was saved, or with what could not be taken."""

    faults: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    is_saved: bool = False
    is_unsaved: bool = False


def show_part(around: Around, part: Part, count: int, answered: Answered, shown: Shown) -> str:
    """One part of `count`."""
    return _render(
        "survey_part.html",
        around,
        part=part,
        count=count,
        answered=answered,
        faults=shown.faults,
        typed=shown.typed,
        is_saved=shown.is_saved,
        is_unsaved=shown.is_unsaved,
    )


def show_review(around: Around, parts: Sequence[Part], unfinished: Sequence[Part], answered: Answered) -> str:
    """All that was answered, before it is sent."""

    def in_words(item: Item, answer: Any) -> str:
        return _in_words(item, answer, around.language)

    return _render(
        "survey_review.html", around, parts=parts, unfinished=unfinished, answered=answered, in_words=in_words
    )


def show_call(around: Around, *, then: str) -> str:
    """Whom to call, before the questions go on at `then`."""
    return _render("survey_call.html", around, then=then)


def show_thanks(around: Around, *, visit_at: datetime, own_page: str) -> str:
    """What happens next. The time is in the site's zone."""
    return _render("survey_thanks.html", around, visit_at=visit_at, own_page=own_page)


def unanswered_words(language: Language) -> str:
    """What is said beside a question that was passed over."""
    return str(SURVEY_PHRASES[language]["unanswered"])


def _in_words(item: Item, answer: Any, language: Language) -> str:
    say = SURVEY_PHRASES[language]
    if isinstance(answer, bool):
        return str(say["yes"] if answer else say["no"])
    if isinstance(answer, int | float):
        label = item.labels.get(answer)
        said = label.said_in(language) if label else ""
        return f"{number(answer)} · {said}" if said else number(answer)
    option = item.codes_offered.get(answer)
    return str(answer) if option is None else option.text(language)


def _may_be_left(group: Item) -> bool:
    """Whether nothing in a group has to be answered: it need not be looked at."""
    return not any(item.asks_for_reason for item in drafts.inside(group))


def _is_begun(group: Item, answered: Answered) -> bool:
    return any(answered.has(item) for item in drafts.inside(group))


def _numbers_of(item: Item) -> list[int]:
    """The steps of a scale or a count as numbers."""
    return [int(step) if isinstance(step, int) else int(step.code) for step in drafts.steps(item) or ()]


def _has_more(item: Item) -> bool:
    high, offered = item.bounds.max_value, _numbers_of(item)
    return isinstance(high, int | float) and bool(offered) and high > offered[-1]


def _dialled(line: str) -> str:
    """A number as a telephone dials it."""
    return "".join(sign for sign in line if sign.isdigit() or sign == "+")


def _render(template: str, around: Around, **values: object) -> str:
    return (
        _templates()
        .get_template(template)
        .render(
            say=SURVEY_PHRASES[around.language],
            language=around.language,
            languages=around.languages,
            base=around.base,
            home=around.home,
            queue=around.queue,
            care_line=around.care_line,
            asks_mode=around.is_for_staff,
            is_synthetic=around.is_synthetic,
            **values,
        )
    )


@cache
def _templates() -> Environment:
    made = environment("services.intake.pages")
    made.filters |= {"day_words": day_words, "dialled": _dialled}
    made.globals |= {
        "steps": drafts.steps,
        "numbers_of": _numbers_of,
        "has_more": _has_more,
        "may_be_left": _may_be_left,
        "is_begun": _is_begun,
        "is_severe": is_severe,
        "skip_mark": drafts.SKIP,
        "more_mark": drafts.MORE,
        "ItemType": ItemType,
    }
    return made
