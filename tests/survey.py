"""A valid survey and valid feedback, as a client would send them."""

from typing import Any

from services.intake.domain import TYPED, Form, form_for
from services.intake.domain.questionnaires import Disabled, Given, Item, ItemType, check
from shared.events import Diagnosis, SkipReason

CROHNS = form_for(Diagnosis.CROHNS)
FEEDBACK: dict[str, Any] = {
    "effort_to_understand": 9,
    "effort_to_listen": 9,
    "effort_to_include": 8,
    "helped_discussion": True,
    "helped_what_matters": True,
    "helped_decisions": False,
    "used_in_visit": "yes",
    "used_outside_visit": "unsure",
    "used_over_one_month": True,
}


def answers_to(form: Form) -> dict[str, float | str | bool]:
    """Valid answers: the first choice, the lowest number, no; nothing in words."""
    asked = [item for item in form.definition.walk() if item.is_asked]
    answers = {item.link_id: _first(item) for item in asked if item.asks_for_reason and item.link_id not in _UNSAID}
    return dict(check(form.definition, Given.of_plain(answers), disabled=Disabled.STRIP).answers)


def survey_of(patient_id: str, visit_id: str, **changes: Any) -> dict[str, Any]:
    """A whole survey of a person with Crohn's disease, who says nothing in words."""
    said = {"concerns": "concern_1_topic", "matters_most": "matters_most"}
    unsaid = {item for name, item in said.items() if not changes.get(name)}
    skipped = dict.fromkeys(sorted(unsaid), SkipReason.PREFER_NOT_TO_SAY)
    survey = {"patient_id": patient_id, "visit_id": visit_id, "answers": answers_to(CROHNS), "skipped": skipped}
    return {**survey, **changes}


_UNSAID = TYPED | {"concern_1_topic"}


def _first(item: Item) -> float | str | bool:
    if item.options:
        return item.options[0].code if item.type is ItemType.CHOICE else int(item.options[0].code)
    if item.type is ItemType.BOOLEAN:
        return False
    low = item.bounds.min_value
    assert isinstance(low, int | float)
    return low
