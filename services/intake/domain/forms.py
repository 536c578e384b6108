"""The pre-visit surveys, and whether answers fit one.

Nothing is left out in silence: a question that is shown is either answered or skipped with a reason, and one
that is not shown has neither.
"""

from collections.abc import Mapping
from types import MappingProxyType

from services.intake.domain import pre_visit
from services.intake.domain.questions import Answers, Form, Item, Section, Skipped
from shared.errors import FieldError
from shared.events import Diagnosis, SkipReason
from shared.instruments import IBD_10, PHQ_2, PRO_2_CD, PRO_2_UC, PRO_3_CD, Instrument


def _form(
    form_id: str,
    diagnosis: Diagnosis,
    first: tuple[Section, ...],
    indices: tuple[Instrument, ...],
) -> Form:
    return Form(
        id=form_id,
        version="1.0",
        diagnosis=diagnosis,
        sections=(*first, pre_visit.MOOD, pre_visit.URGENT_CARE, pre_visit.MEDICINES, pre_visit.BARRIERS),
        instruments=tuple(instrument.key for instrument in (*indices, IBD_10, PHQ_2)),
    )


_FORM_OF = {
    form.diagnosis: form
    for form in (
        _form(
            "pre-visit-crohns",
            Diagnosis.CROHNS,
            (pre_visit.BOWELS_CROHNS, pre_visit.FEELING_WITH_WELL_BEING),
            (PRO_3_CD, PRO_2_CD),
        ),
        _form(
            "pre-visit-uc",
            Diagnosis.ULCERATIVE_COLITIS,
            (pre_visit.BOWELS_ULCERATIVE_COLITIS, pre_visit.FEELING),
            (PRO_2_UC,),
        ),
        _form(
            "pre-visit-ibdu",
            Diagnosis.IBD_UNCLASSIFIED,
            (pre_visit.BOWELS_UNCLASSIFIED, pre_visit.FEELING_WITH_WELL_BEING),
            (PRO_2_UC,),
        ),
    )
}

FORMS: Mapping[str, Form] = MappingProxyType({form.key: form for form in _FORM_OF.values()})


def form_for(diagnosis: Diagnosis) -> Form:
    """The survey that a person with this diagnosis gets now."""
    return _FORM_OF[diagnosis]


def is_asked(item: Item, answers: Answers) -> bool:
    """Whether the question is shown, given the answers so far. A skipped condition hides nothing."""
    return item.not_asked_if is None or answers.get(item.not_asked_if) is not True


def check(form: Form, answers: Answers, skipped: Skipped) -> list[FieldError]:
    """What is wrong with a survey, in the form's order and then the unknown ids; empty when it fits.

    Never raises, whatever the mappings hold. An error says what was expected, never what was found.
    """
    errors = [error for item in form.items for error in _check_item(item, answers, skipped)]
    known = {item.id for item in form.items}
    for part, given in (("answers", answers), ("skipped", skipped)):
        errors += [
            FieldError(f"{part}.{item_id}", f"a question of {form.key}; it has none with this id")
            for item_id in given
            if item_id not in known
        ]
    return errors


def _check_item(item: Item, answers: Answers, skipped: Skipped) -> list[FieldError]:
    is_answered, is_skipped = item.id in answers, item.id in skipped
    if not is_asked(item, answers):
        expected = f"nothing: this is not asked when {item.not_asked_if} is yes"
        given = (("answers", is_answered), ("skipped", is_skipped))
        return [FieldError(f"{part}.{item.id}", expected) for part, is_given in given if is_given]
    if is_answered and is_skipped:
        return [FieldError(f"skipped.{item.id}", "either an answer or a reason for skipping, not both")]
    if is_answered and not item.kind.accepts(answers[item.id]):
        return [FieldError(f"answers.{item.id}", item.kind.expected)]
    if is_skipped and skipped[item.id] not in list(SkipReason):
        return [FieldError(f"skipped.{item.id}", f"one of {', '.join(SkipReason)}")]
    if not is_answered and not is_skipped:
        return [FieldError(f"answers.{item.id}", f"{item.kind.expected}, or a reason for skipping it")]
    return []
