"""A valid survey and valid feedback, as a client would send them."""

from typing import Any

from services.intake.domain import FORMS, Choice, Form, Number, is_asked

CROHNS = FORMS["pre-visit-crohns|1.0"]
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
    """Valid answers: the first choice, the lowest number, no."""
    answers: dict[str, float | str | bool] = {}
    for item in form.items:
        if is_asked(item, answers):
            match item.kind:
                case Choice() as choice:
                    answers[item.id] = choice.codes[0]
                case Number() as number:
                    answers[item.id] = number.low
                case _:
                    answers[item.id] = False
    return answers


def survey_of(patient_id: str, visit_id: str, **changes: Any) -> dict[str, Any]:
    """A whole survey of a person with Crohn's disease."""
    return {"patient_id": patient_id, "visit_id": visit_id, "answers": answers_to(CROHNS), **changes}
