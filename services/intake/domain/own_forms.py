"""Forms that a site brought, as surveys: what they may hold, so that their answers can be kept and read beside others.

A question with the `linkId` of a shipped one, or of an item of an instrument that the form names, is that question, to
whoever reads answers anywhere: it must take no answer that the other would not take.
"""

import re
from collections.abc import Iterator

from services.intake.domain.fields import MOST_ROWS, NUMBERS, units_of
from services.intake.domain.forms import FORMS, KNOWN_ITEMS, Form
from services.intake.domain.questionnaires import Definition, Issue, Item, ItemType, Rule, Severity
from shared.errors import FieldError
from shared.instruments import INSTRUMENTS, Term

MOST_ON_PAGES = 500
_NUMBERED = re.compile(r".*\[\d+\]", re.DOTALL)
# Everything else is answered on a page by a button, a number, a quantity, a day or words.
_NOT_ON_PAGES = frozenset(
    {
        ItemType.QUESTION,
        ItemType.DATE_TIME,
        ItemType.URL,
        ItemType.OPEN_CHOICE,
        ItemType.ATTACHMENT,
        ItemType.REFERENCE,
    }
)


def own_form(definition: Definition) -> Form:
    """A site's definition as a form that is answered."""
    return Form(definition.key, None, definition)


def unfit_for_answers(definition: Definition) -> list[FieldError]:
    """Why answers to a form could not be kept or would be misread, by item; `form` where it is the form itself."""
    is_taken = definition.key in FORMS
    return [
        *([FieldError("form", "another url: this one with its version names a shipped form")] if is_taken else ()),
        *(
            FieldError(item.link_id, f"a question with this linkId is asked by the shipped surveys: {_takes(shipped)}")
            for item, shipped in _alone(definition)
            if not _is_asked_so(item, shipped)
        ),
        *(error for key in definition.instruments for error in _unfit_for_score(definition, key)),
        *(
            FieldError(item.link_id, "no question for a file: files are not kept here")
            for item in definition.walk()
            if item.type is ItemType.ATTACHMENT
        ),
        *(
            FieldError(item.link_id, "a linkId without a number in brackets: answers to what repeats are kept so")
            for item in definition.walk()
            if _NUMBERED.fullmatch(item.link_id)
        ),
    ]


def unfit_for_pages(definition: Definition) -> list[FieldError]:
    """Why the survey's pages cannot ask a form, by item, each a sentence; `form` where it is the form itself."""
    wrong = []
    if len(definition.by_id) > MOST_ON_PAGES:
        wrong.append(FieldError("form", f"The pages ask forms of at most {MOST_ON_PAGES} items."))
    if not definition.asks_for_reasons:
        wrong.append(FieldError("form", "Who gives no answer on the pages says why: give the form explicit-skip."))
    around = definition.repeating_around
    for item in definition.walk():
        why = _not_asked(item) or _not_asked_again(item, is_inside=around[item.link_id] is not None)
        if why is not None:
            wrong.append(FieldError(item.link_id, why))
    return wrong


def warnings_of(definition: Definition) -> list[Issue]:
    """What who brings a form should know of it, though it is sound: whether its answers are kept, and where it can be
    asked."""
    not_kept = [
        FieldError(error.field, f"No answers to this form are taken. Expected: {error.expected}.")
        for error in unfit_for_answers(definition)
    ]
    not_asked = unfit_for_pages(definition)
    if not_asked:
        not_asked.insert(0, FieldError("form", "The pages cannot ask this form, so no link leads to it."))
    by_id = definition.by_id
    return [
        Issue(Rule.NOT_ASKED, error.field, error.expected, Severity.WARNING, by_id[error.field].path)
        if error.field in by_id
        else Issue(Rule.NOT_ASKED, None, error.expected, Severity.WARNING, "Questionnaire")
        for error in (*not_kept, *not_asked)
    ]


def _not_asked(item: Item) -> str | None:
    """Why the pages cannot ask an item, or show it."""
    is_choice = item.type is ItemType.CHOICE
    reasons = (
        (item.type in _NOT_ON_PAGES, f"The pages have no place for an item of type {item.type}."),
        (
            item.type is ItemType.QUANTITY and not units_of(item),
            "The pages need the unit of a quantity in the form, or the units to choose from.",
        ),
        (is_choice and not item.options, "The pages need the answers to choose from in the form."),
        (
            bool(item.options) and not is_choice and item.type not in NUMBERS,
            f"The pages offer no answers to choose from in a question of type {item.type}.",
        ),
        (not item.text("en") and (item.is_asked or not item.ancestors), "The pages need words to show."),
        (
            item.is_hidden and item.required and item.expressions.calculated is None,
            "The pages show nobody a hidden item, so that what it requires would never be there.",
        ),
        (item.takes_answers and bool(item.items), "The pages ask nothing under a question: take enableWhen."),
        (not item.ancestors and not item.is_group, "Each group is a screen of the pages: put this item in one."),
    )
    return next((why for holds, why in reasons if holds), None)


def _not_asked_again(item: Item, *, is_inside: bool) -> str | None:
    """Why the pages cannot ask an item as often as it repeats, or inside a group that does."""
    reasons = (
        (
            is_inside and (item.is_group or item.repeats or item.is_conditional),
            "In a group that repeats, the pages ask every question once: no group, no condition, nothing that repeats.",
        ),
        (item.repeats and not item.ancestors, "A screen of the pages comes once: put what repeats in a group."),
        (item.repeats and item.type is ItemType.BOOLEAN, "The pages ask for yes or no once."),
        (
            item.repeats and (item.bounds.min_occurs or 0) > MOST_ROWS,
            f"The pages have at most {MOST_ROWS} places for what repeats.",
        ),
    )
    return next((why for holds, why in reasons if holds), None)


def _alone(definition: Definition) -> Iterator[tuple[Item, Item]]:
    """The questions that are answered once, beside those of the same name; others carry a number in what is kept."""
    for item in definition.walk():
        is_known = item.takes_answers and item.link_id in KNOWN_ITEMS
        if is_known and not item.repeats and definition.repeating_around[item.link_id] is None:
            yield item, KNOWN_ITEMS[item.link_id]


def _is_asked_so(item: Item, shipped: Item) -> bool:
    if item.type is not shipped.type or (shipped.type is ItemType.CHOICE and not item.options):
        return False
    if item.options and shipped.options:
        return item.codes_offered.keys() <= shipped.codes_offered.keys()
    low, high = shipped.bounds.min_value, shipped.bounds.max_value
    return not isinstance(low, int | float) or not isinstance(high, int | float) or _is_within(item, low, high)


def _is_within(item: Item, low: float, high: float) -> bool:
    """Whether an item takes only numbers of this range."""
    least, most = item.bounds.min_value, item.bounds.max_value
    is_bounded = isinstance(least, int | float) and isinstance(most, int | float) and low <= least and most <= high
    return item.type in NUMBERS and is_bounded


def _takes(item: Item) -> str:
    if item.options:
        return f"{item.type}, one of {', '.join(item.codes_offered)}"
    low, high = item.bounds.min_value, item.bounds.max_value
    return str(item.type) if low is None else f"{item.type} from {low} to {high}"


def _unfit_for_score(definition: Definition, key: str) -> list[FieldError]:
    if key not in INSTRUMENTS:
        return [FieldError("form", f"no instrument {key}, which is not known here")]
    return [
        FieldError(term.item, f"for the score {key}: {term.takes}")
        for term in INSTRUMENTS[key].terms
        if (item := definition.by_id.get(term.item)) is None or not _gives(item, term)
    ]


def _gives(item: Item, term: Term) -> bool:
    if term.is_feature:
        return item.type is ItemType.BOOLEAN
    return _is_within(item, term.low, term.high) and (item.type is ItemType.INTEGER or not term.is_whole)
