"""What can be wrong with a definition or with answers to it, in words that a person understands.

A rule says which FHIR issue code stands for it and how it is said in English and Spanish; `{}` is what was expected.
No sentence repeats what somebody answered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Rule(StrEnum):
    UNSOUND = "unsound"
    UNUSABLE = "unusable"
    NOT_ASKED = "not-asked"
    UNREADABLE = "unreadable"
    ANOTHER_FORM = "another-form"
    NOT_IN_USE = "not-in-use"
    UNKNOWN_QUESTION = "unknown-question"
    MISPLACED = "misplaced"
    TAKES_NO_ANSWER = "takes-no-answer"
    WRONG_TYPE = "wrong-type"
    REQUIRED = "required"
    UNEXPLAINED = "unexplained"
    BOTH = "answered-and-skipped"
    UNKNOWN_REASON = "unknown-reason"
    NOT_SHOWN = "not-shown"
    STRIPPED = "stripped"
    ONE_ONLY = "one-only"
    TOO_FEW = "too-few"
    TOO_MANY = "too-many"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    OTHER_FORM_OF_WORDS = "pattern"
    TOO_LOW = "too-low"
    TOO_HIGH = "too-high"
    TOO_PRECISE = "too-precise"
    NOT_OFFERED = "not-offered"
    LIST_AWAY = "list-away"
    STANDS_ALONE = "stands-alone"
    WRONG_UNIT = "wrong-unit"
    OTHER_UNIT = "other-unit"
    TOO_LARGE = "too-large"
    OTHER_SIZE = "other-size"
    MEDIA_TYPE = "media-type"
    NOT_BASE64 = "not-base64"
    NO_ADDRESS = "no-address"
    REFERENCE_TYPE = "reference-type"
    READ_ONLY = "read-only"
    CALCULATED = "calculated"
    CONSTRAINT = "constraint"
    NOT_EVALUATED = "not-evaluated"
    TOO_COSTLY = "too-costly"


_SAID: dict[Rule, tuple[str, str, str]] = {
    Rule.UNSOUND: ("invalid", "{}", "{}"),
    Rule.UNUSABLE: ("structure", "{}", "{}"),
    Rule.NOT_ASKED: ("not-supported", "{}", "{}"),
    Rule.UNREADABLE: ("structure", "This part cannot be read: {}.", "Esta parte no se puede leer: {}."),
    Rule.ANOTHER_FORM: (
        "not-found",
        "These answers are to a form that is not at hand: {}.",
        "Estas respuestas son de un formulario que no está disponible: {}.",
    ),
    Rule.NOT_IN_USE: ("business-rule", "{}", "{}"),
    Rule.UNKNOWN_QUESTION: (
        "not-found",
        "This form has no question with this id.",
        "Este formulario no tiene ninguna pregunta con este identificador.",
    ),
    Rule.MISPLACED: (
        "structure",
        "This stands in another place than its question in the form.",
        "Esto está en otro lugar que su pregunta en el formulario.",
    ),
    Rule.TAKES_NO_ANSWER: ("structure", "This part takes no answer.", "Esta parte no admite respuesta."),
    Rule.WRONG_TYPE: ("value", "The answer must be {}.", "La respuesta debe ser {}."),
    Rule.REQUIRED: ("required", "This question needs an answer.", "Esta pregunta necesita una respuesta."),
    Rule.UNEXPLAINED: (
        "required",
        "Answer this question, or choose why you skip it.",
        "Responda a esta pregunta o elija por qué la omite.",
    ),
    Rule.BOTH: (
        "business-rule",
        "Give either an answer or a reason for skipping, not both.",
        "Dé una respuesta o un motivo para omitirla, no ambas cosas.",
    ),
    Rule.UNKNOWN_REASON: (
        "code-invalid",
        "The reason for skipping must be one of {}.",
        "El motivo para omitirla debe ser uno de {}.",
    ),
    Rule.NOT_SHOWN: (
        "business-rule",
        "This is not asked, because of other answers, so it takes no answer.",
        "Esto no se pregunta, debido a otras respuestas, así que no admite respuesta.",
    ),
    Rule.STRIPPED: (
        "business-rule",
        "This is not asked, because of other answers; what was given for it was left out.",
        "Esto no se pregunta, debido a otras respuestas; lo que se dio se ha omitido.",
    ),
    Rule.ONE_ONLY: ("structure", "Give one answer only.", "Dé una sola respuesta."),
    Rule.TOO_FEW: ("business-rule", "Give at least {} answers.", "Dé al menos {} respuestas."),
    Rule.TOO_MANY: ("business-rule", "Give at most {} answers.", "Dé como máximo {} respuestas."),
    Rule.TOO_SHORT: ("value", "Use at least {} characters.", "Use al menos {} caracteres."),
    Rule.TOO_LONG: ("too-long", "Use at most {} characters.", "Use como máximo {} caracteres."),
    Rule.OTHER_FORM_OF_WORDS: (
        "value",
        "The answer does not have the form that this question asks for.",
        "La respuesta no tiene la forma que pide esta pregunta.",
    ),
    Rule.TOO_LOW: ("value", "The answer must be {} or more.", "La respuesta debe ser {} o más."),
    Rule.TOO_HIGH: ("value", "The answer must be {} or less.", "La respuesta debe ser {} o menos."),
    Rule.TOO_PRECISE: ("value", "Use at most {} decimal places.", "Use como máximo {} decimales."),
    Rule.NOT_OFFERED: (
        "code-invalid",
        "Choose one of the answers that are offered.",
        "Elija una de las respuestas que se ofrecen.",
    ),
    Rule.LIST_AWAY: (
        "not-supported",
        "The list of answers {} is not at hand, so that no answer can be checked.",
        "La lista de respuestas {} no está disponible y no se puede comprobar ninguna respuesta.",
    ),
    Rule.STANDS_ALONE: (
        "business-rule",
        "One of these answers stands alone and cannot be chosen with others.",
        "Una de estas respuestas va sola y no se puede elegir con otras.",
    ),
    Rule.WRONG_UNIT: ("code-invalid", "The unit must be one of {}.", "La unidad debe ser una de {}."),
    Rule.OTHER_UNIT: (
        "value",
        "The answer must be in a unit that can be compared with {}.",
        "La respuesta debe estar en una unidad comparable con {}.",
    ),
    Rule.TOO_LARGE: ("too-long", "The file must have {} bytes at most.", "El archivo debe tener {} bytes como máximo."),
    Rule.OTHER_SIZE: (
        "value",
        "The file does not have the size that is stated for it.",
        "El archivo no tiene el tamaño que se indica.",
    ),
    Rule.MEDIA_TYPE: ("value", "The file must be of type {}.", "El archivo debe ser de tipo {}."),
    Rule.NOT_BASE64: (
        "value",
        "The content of the file cannot be read: it must be base64.",
        "El contenido del archivo no se puede leer: debe ser base64.",
    ),
    Rule.NO_ADDRESS: (
        "value",
        "The reference must be an address such as Patient/123.",
        "La referencia debe ser una dirección como Patient/123.",
    ),
    Rule.REFERENCE_TYPE: ("value", "The reference must be to {}.", "La referencia debe ser a {}."),
    Rule.READ_ONLY: (
        "business-rule",
        "This answer comes with the form and cannot be changed.",
        "Esta respuesta viene con el formulario y no se puede cambiar.",
    ),
    Rule.CALCULATED: (
        "business-rule",
        "This answer is not what the form calculates.",
        "Esta respuesta no es la que calcula el formulario.",
    ),
    Rule.CONSTRAINT: ("invariant", "{}", "{}"),
    Rule.NOT_EVALUATED: ("exception", "A rule could not be evaluated: {}", "No se pudo evaluar una regla: {}"),
    Rule.TOO_COSTLY: (
        "too-costly",
        "The rules of this form take more work than they may over these answers. Not evaluated to the end: {}",
        "Las reglas de este formulario exigen más trabajo del permitido con estas respuestas. Sin evaluar del todo: {}",
    ),
}


# What a type asks for, in words.
_TYPES = {
    "boolean": ("yes or no (true or false)", "sí o no (true o false)"),
    "decimal": ("a number", "un número"),
    "integer": ("a whole number", "un número entero"),
    "date": ("a date such as 2026-11-26", "una fecha como 2026-11-26"),
    "dateTime": ("a date, or a time such as 2026-11-26T09:30:00Z", "una fecha, o una hora como 2026-11-26T09:30:00Z"),
    "time": ("a time of day such as 09:30:00", "una hora del día como 09:30:00"),
    "string": ("some words", "unas palabras"),
    "text": ("some words", "unas palabras"),
    "url": ("an address such as https://example.org", "una dirección como https://example.org"),
    "choice": ("one of the answers that are offered", "una de las respuestas que se ofrecen"),
    "open-choice": (
        "one of the answers that are offered, or words",
        "una de las respuestas que se ofrecen, o palabras",
    ),
    "attachment": ("a file", "un archivo"),
    "reference": ("a reference to a record", "una referencia a un registro"),
    "quantity": ("a number with its unit", "un número con su unidad"),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: of which item (None: of the whole), by which rule, and what was expected."""

    rule: Rule
    link_id: str | None = None
    expected: str = ""
    severity: Severity = Severity.ERROR
    path: str = "QuestionnaireResponse"

    @property
    def code(self) -> str:
        """FHIR's issue type."""
        return _SAID[self.rule][0]

    def sentence(self, language: str = "en") -> str:
        column = 1 if language == "es" else 0
        expected = _TYPES[self.expected][column] if self.rule is Rule.WRONG_TYPE else self.expected
        return _SAID[self.rule][1 + column].replace("{}", expected)

    def json(self) -> dict[str, Any]:
        """As an issue of an OperationOutcome; `diagnostics` names the item."""
        return {
            "severity": self.severity,
            "code": self.code,
            "details": {"text": self.sentence()},
            **({} if self.link_id is None else {"diagnostics": f"linkId {self.link_id}"}),
            "expression": [self.path],
        }


def flaw(link_id: str | None, sentence: str) -> Issue:
    """Something of a form that its author must mend."""
    path = "Questionnaire" if link_id is None else f"Questionnaire.descendants().where(linkId='{link_id}')"
    return Issue(Rule.UNSOUND, link_id, sentence, path=path)


def another_form(canonical: object) -> Issue:
    """Answers name a form that is not at hand, or none."""
    named = canonical[:200] if isinstance(canonical, str) else "it has no address"
    return Issue(Rule.ANOTHER_FORM, expected=named, path="QuestionnaireResponse.questionnaire")


class UnsoundDefinition(Exception):
    """The document is not a form that answers can be checked against. `issues` say where and why."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__("; ".join(issue.sentence() for issue in self.issues))


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """All issues as a FHIR OperationOutcome; one that says that all is well where there are none."""
    found = [issue.json() for issue in issues]
    well = {"severity": "information", "code": "informational", "details": {"text": "All is well."}}
    return {"resourceType": "OperationOutcome", "issue": found or [well]}
