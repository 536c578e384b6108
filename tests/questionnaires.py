"""Forms and answers for tests, as FHIR would have them. All of it is made up."""

from typing import Any

from services.intake.domain.questionnaires import Checked, Definition, Disabled, Given, check, compile_questionnaire
from services.intake.domain.questionnaires.extensions import CALCULATED_EXPRESSION, CONSTRAINT, EXPLICIT_SKIP

URL = "https://samepage.example/fhir/Questionnaire/test"
SYSTEM = "https://samepage.example/fhir/CodeSystem/test"
Json = dict[str, Any]


def extension(url: str, **value: Any) -> Json:
    return {"url": url, **value}


def asking(link_id: str, kind: str, *extensions: Json, **parts: Any) -> Json:
    """An item that asks something."""
    carried = {"extension": list(extensions)} if extensions else {}
    return {"linkId": link_id, "type": kind, "text": f"What about {link_id}?", **carried, **parts}


def group(link_id: str, *items: Json, **parts: Any) -> Json:
    return {"linkId": link_id, "type": "group", "text": link_id, "item": list(items), **parts}


def when(question: str, operator: str, **answer: Any) -> Json:
    return {"question": question, "operator": operator, **answer}


def option(code: str, *extensions: Json, **parts: Any) -> Json:
    carried = {"extension": list(extensions)} if extensions else {}
    return {"valueCoding": {"system": SYSTEM, "code": code, "display": code.title()}, **carried, **parts}


def questionnaire(*items: Json, **parts: Any) -> Json:
    head = {"resourceType": "Questionnaire", "url": URL, "version": "1.0", "status": "active", "title": "Test"}
    return {**head, "item": list(items), **parts}


def a_form(*items: Json, **parts: Any) -> Definition:
    return compile_questionnaire(questionnaire(*items, **parts))


def a_survey(*items: Json, **parts: Any) -> Definition:
    """A form that asks for a reason where there is no answer."""
    return a_form(*items, extension=[extension(EXPLICIT_SKIP, valueBoolean=True)], **parts)


def constraint(expression: str, human: str = "The dates do not fit.", severity: str = "error") -> Json:
    """A rule in FHIRPath that answers must keep."""
    parts = [
        extension("key", valueId="c-1"),
        extension("severity", valueCode=severity),
        extension("expression", valueString=expression),
        extension("human", valueString=human),
    ]
    return extension(CONSTRAINT, extension=parts)


def calculated(expression: str) -> Json:
    """That the form calculates the answer, in FHIRPath."""
    return extension(CALCULATED_EXPRESSION, valueExpression={"language": "text/fhirpath", "expression": expression})


def value_of(link_id: str) -> str:
    """An answer's value, in FHIRPath."""
    return f"%resource.descendants().where(linkId='{link_id}').answer.value"


def response(*items: Json, **parts: Any) -> Json:
    head = {"resourceType": "QuestionnaireResponse", "questionnaire": f"{URL}|1.0", "status": "completed"}
    return {**head, **({"item": list(items)} if items else {}), **parts}


def answered(link_id: str, *answers: Json) -> Json:
    return {"linkId": link_id, "answer": list(answers)}


def plainly(
    form: Definition, answers: Json, skipped: Json | None = None, *, disabled: Disabled = Disabled.REFUSE
) -> Checked:
    return check(form, Given.of_plain(answers, skipped), disabled=disabled)


def wrong(checked: Checked) -> list[tuple[str | None, str]]:
    """What is wrong, by item and rule."""
    return [(issue.link_id, str(issue.rule)) for issue in checked.issues]
