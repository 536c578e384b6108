"""The survey's pages: one part a screen, what was answered, a call before anything else, thanks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from jinja2 import Environment

from services.intake.domain import drafts, fields
from services.intake.domain.drafts import Answered, Part
from services.intake.domain.questionnaires import Issue, Item, ItemType, Rule
from services.intake.domain.severity import is_severe
from services.intake.pages.phrases import day_words
from services.intake.pages.survey_phrases import SURVEY_PHRASES
from shared.events import Language
from shared.pages import environment
from shared.pages.words import number


@dataclass(frozen=True, slots=True)
class Around:
    """What every page of one survey has around its questions.

    `languages` are those of the form. `base` is where the pages stand, `home` where one came in. `entered_by`: who of
    the staff answers; None for the patient. `made_at` is now, `entered_at` when each question was answered.
    """

    language: Language
    languages: Sequence[Language]
    base: str
    home: str
    visit_id: UUID
    entered_by: str | None
    entered_at: Mapping[str, datetime]
    made_at: datetime
    care_line: str | None
    is_synthetic: bool

    @property
    def queue(self) -> str:
        """The survey's name in the browser's own memory, where several people may keep answers."""
        return "-".join(filter(None, ("samepage", str(self.visit_id), self.entered_by)))


@dataclass(frozen=True, slots=True)
class Shown:
    """How a part is shown: after it was saved, or with what could not be taken, by the names of fields.

    `more`: the item that repeats for which there is one more place.
    """

    faults: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    more: str = ""
    is_saved: bool = False
    is_unsaved: bool = False


@dataclass(frozen=True, slots=True)
class How:
    """How the answers were given and on which day, as it was sent where that does not do; `today` at the site. What was
    to be sent may have been changed meanwhile, by another screen.
    """

    mode: str
    day: str
    today: date
    is_wrong: bool
    is_changed: bool


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
        more=shown.more,
        is_saved=shown.is_saved,
        is_unsaved=shown.is_unsaved,
    )


def show_review(around: Around, parts: Sequence[Part], unfinished: Sequence[Part], answered: Answered, how: How) -> str:
    """All that was answered, before it is sent."""

    def in_words(item: Item, answer: Any) -> str:
        return _in_words(item, answer, around.language)

    return _render(
        "survey_review.html",
        around,
        there="review",
        parts=parts,
        unfinished=unfinished,
        answered=answered,
        how=how,
        in_words=in_words,
    )


def show_call(around: Around, *, number: int, then: str) -> str:
    """Whom to call, before the questions go on with part `number`, at `then`."""
    return _render("survey_call.html", around, there=f"call/{number}", then=then)


def show_thanks(around: Around, *, visit_at: datetime, own_page: str) -> str:
    """What happens next. The time is in the site's zone."""
    return _render("survey_thanks.html", around, there="thanks", visit_at=visit_at, own_page=own_page)


def issue_words(issue: Issue, language: Language) -> str:
    """What is said beside a question that was passed over, or could not be taken."""
    return str(SURVEY_PHRASES[language]["unanswered"]) if issue.rule is Rule.UNEXPLAINED else issue.sentence(language)


def _in_words(item: Item, answer: Any, language: Language) -> str:
    """An answer; of several, or of groups that repeat, each on its line."""
    if item.is_group:
        lines = ("; ".join(_row_in_words(item, row, language)) for row in answer)
        return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
    if isinstance(answer, list):
        return "\n".join(_in_words(item, one, language) for one in answer)
    if isinstance(answer, Mapping):
        return f"{number(answer['value'])} {answer.get('unit', '')}".rstrip()
    return _one_in_words(item, answer, language)


def _row_in_words(group: Item, row: Mapping[str, Any], language: Language) -> Iterator[str]:
    say = SURVEY_PHRASES[language]
    for item in group.items:
        if item.link_id in row:
            yield f"{item.text(language)} {_in_words(item, row[item.link_id], language)}"
        elif item.asks_for_reason:
            is_skipped = item.link_id in row.get(fields.SKIPPED, ())
            yield f"{item.text(language)} {say['skipped' if is_skipped else 'no_answer']}"


def _one_in_words(item: Item, answer: Any, language: Language) -> str:
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
    return [int(step) if isinstance(step, int) else int(step.code) for step in fields.steps(item) or ()]


def _has_more(item: Item) -> bool:
    high, offered = item.bounds.max_value, _numbers_of(item)
    return isinstance(high, int | float) and bool(offered) and high > offered[-1]


def _places(item: Item, answers: Sequence[Any], typed: Mapping[str, str], more: str) -> range:
    """The numbers of the places that an item has which repeats: one for each answer, and what is asked for besides."""
    names = [item.link_id, *(inside.link_id for inside in item.items)]
    sent = (n for n in range(1, fields.MOST_ROWS + 1) if any(fields.numbered(name, n) in typed for name in names))
    wanted = len(answers) + (more == item.link_id)
    shown = max(1, item.bounds.min_occurs or 1, min(wanted, _most_of(item)), len(answers), *sent)
    return range(1, shown + 1)


def _most_of(item: Item) -> int:
    most = item.bounds.max_occurs
    return fields.MOST_ROWS if most is None else min(most, fields.MOST_ROWS)


def _is_ticked(item: Item, place: int, code: str, answers: Sequence[Any], typed: Mapping[str, str]) -> bool:
    """Whether one of the answers to choose from is chosen: as it was sent, where that could not be taken."""
    offered = range(1, len(item.options or ()) + 1)
    if any(fields.numbered(item.link_id, one) in typed for one in offered):
        return fields.numbered(item.link_id, place) in typed
    return code in [str(answer) for answer in answers]


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
            visit_id=around.visit_id,
            made_at=fields.milliseconds(around.made_at),
            entered_at={item: fields.milliseconds(at) for item, at in around.entered_at.items()},
            care_line=around.care_line,
            is_for_staff=around.entered_by is not None,
            is_synthetic=around.is_synthetic,
            **values,
        )
    )


@cache
def _templates() -> Environment:
    made = environment("services.intake.pages")
    made.filters["day_words"] = day_words
    made.globals |= {
        "steps": fields.steps,
        "units_of": fields.units_of,
        "numbered": fields.numbered,
        "places": _places,
        "most_of": _most_of,
        "is_ticked": _is_ticked,
        "numbers_of": _numbers_of,
        "has_more": _has_more,
        "may_be_left": _may_be_left,
        "is_begun": _is_begun,
        "is_severe": is_severe,
        "skip_mark": fields.SKIP,
        "more_mark": fields.MORE,
        "unit_mark": fields.UNIT,
        "skipped_mark": fields.SKIPPED,
        "at_mark": fields.AT,
        "visit_mark": fields.VISIT,
        "ItemType": ItemType,
    }
    return made
