"""A shipped survey as a FHIR R4 Questionnaire: plain dicts, ready for JSON.

What FHIR has a place for stands there: recall and hints are `help` displays, Spanish is the translation extension,
an item with a LOINC code can be taken out as an Observation. For the rest there are extensions of our own:

    explicit-skip   on the Questionnaire: every question that is shown is answered or skipped with a reason;
                    false on an item that may be left empty
    instrument      on the Questionnaire, repeated, the activity index first: what the answers are scored by
    reading-level   on the Questionnaire, one a language: the formula and its limit, which our own words keep
    optional-part   on a section: a site can leave it out
    labelled-value  on an item, repeated: a coding with a number as its code and what it means as its display

A scale of whole numbers is an `integer` with its values as options, because an answer to it is a number. FHIR gives
an option of that kind no words, and a decimal no options at all: so the words stand in `labelled-value`, for both.
`legal`, the control of attributions, is a code of R5; in R4 such a text is shown like any other.
"""

from collections.abc import Iterator
from typing import Any

from services.intake.domain.content.authoring import Choice, Number, Question, Section, Survey, When, Words, YesNo
from services.intake.domain.content.reading import READING_LEVELS
from services.intake.domain.questionnaires import extensions as known
from shared.events import Diagnosis
from shared.fhir import DIAGNOSES, ICD_10_CM, LOINC, OURS
from shared.speech import Said

OPTIONAL_PART = f"{OURS}/StructureDefinition/optional-part"
_READING_LEVEL = f"{OURS}/StructureDefinition/reading-level"

Json = dict[str, Any]


def questionnaire(survey: Survey) -> Json:
    """The definition that answers to the survey are pinned to, by `url|version`."""
    return {
        "resourceType": "Questionnaire",
        "language": "en",
        "extension": [
            _extension(known.EXPLICIT_SKIP, valueBoolean=True),
            *(_extension(known.INSTRUMENT, valueCanonical=key) for key in survey.instruments),
            *_reading_levels(),
        ],
        "url": f"{OURS}/Questionnaire/{survey.id}",
        "version": survey.version,
        "name": "".join(word.capitalize() for word in survey.id.split("-")),
        **_said("title", survey.title),
        "status": "active",
        "subjectType": ["Patient"],
        "publisher": "Samepage",
        "purpose": (
            "What a patient wants to talk about and how they are, in words of our own, to be read together in the "
            "visit. The Spanish is a draft for a qualified translator."
        ),
        "useContext": [_focus(survey.diagnosis)],
        "copyright": (
            "The questions on worry and mood are those of the PHQ-4, developed by Drs. Robert L. Spitzer, Janet B.W. "
            "Williams, Kurt Kroenke and colleagues, with an educational grant from Pfizer Inc. All others are part of "
            "Samepage."
        ),
        "item": [_section(section) for section in survey.sections],
    }


def _focus(diagnosis: Diagnosis) -> Json:
    code, display = DIAGNOSES[diagnosis]
    return {
        "code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "focus"},
        "valueCodeableConcept": {
            "coding": [
                {"system": f"{OURS}/CodeSystem/diagnosis", "code": str(diagnosis)},
                {"system": ICD_10_CM, "code": code, "display": display},
            ]
        },
    }


def _reading_levels() -> Iterator[Json]:
    for level in READING_LEVELS:
        parts = [
            _extension("lang", valueCode=str(level.language)),
            _extension("formula", valueString=level.formula),
            _extension("limit", valueString=level.limit),
        ]
        yield _extension(_READING_LEVEL, extension=parts)


def _section(section: Section) -> Json:
    extensions = [_extension(OPTIONAL_PART, valueCode=section.id)] if section.is_optional else []
    intro = [_display(f"{section.id}_intro", section.intro)] if section.intro else []
    notice = [_display(f"{section.id}_notice", section.notice, "legal")] if section.notice else []
    asked = [_section(item) if isinstance(item, Section) else _question(item) for item in section.items]
    return {
        **({"extension": extensions} if extensions else {}),
        "linkId": section.id,
        **_said("text", section.title),
        "type": "group",
        **_enabled(section.asked_when),
        "item": [*intro, *asked, *notice],
    }


def _question(question: Question) -> Json:
    extensions = list(_extensions(question))
    return {
        **({"extension": extensions} if extensions else {}),
        "linkId": question.id,
        **({"code": [{"system": LOINC, "code": question.loinc}]} if question.loinc else {}),
        **_said("text", question.words),
        **_kind(question.kind),
        **_enabled(question.asked_when),
        **({"item": [_display(f"{question.id}_help", question.hint, "help")]} if question.hint else {}),
    }


def _kind(kind: YesNo | Number | Choice | Words) -> Json:
    match kind:
        case YesNo():
            return {"type": "boolean"}
        case Number(is_whole=False):
            return {"type": "decimal"}
        case Number(low=low, high=high, labels=labels):
            steps = [{"valueInteger": step} for step in range(low, high + 1)] if labels else []
            return {"type": "integer", **({"answerOption": steps} if steps else {})}
        case Choice(system=system, options=options):
            codings = [
                {"system": f"{OURS}/CodeSystem/{system}", "code": str(code), **_said("display", words)}
                for code, words in options
            ]
            return {"type": "choice", "answerOption": [{"valueCoding": coding} for coding in codings]}
        case Words(most=most, is_long=is_long):
            return {"type": "text" if is_long else "string", "maxLength": most}


def _extensions(question: Question) -> Iterator[Json]:
    kind = question.kind
    if question.loinc:
        yield _extension(known.OBSERVATION_EXTRACT, valueBoolean=True)
    if question.may_be_empty:
        yield _extension(known.EXPLICIT_SKIP, valueBoolean=False)
    if isinstance(kind, Number):
        value = "valueInteger" if kind.is_whole else "valueDecimal"
        yield _extension(known.MIN_VALUE, **{value: kind.low})
        yield _extension(known.MAX_VALUE, **{value: kind.high})
        for step, words in kind.labels:
            yield _extension(known.LABELLED_VALUE, valueCoding={"code": str(step), **_said("display", words)})
    if isinstance(kind, Choice) or (isinstance(kind, Number) and kind.labels):
        yield _control("radio-button")


def _enabled(conditions: tuple[When, ...]) -> Json:
    if not conditions:
        return {}
    enable_when = [
        {
            "question": condition.question,
            "operator": condition.operator,
            "answerBoolean" if isinstance(condition.answer, bool) else "answerInteger": condition.answer,
        }
        for condition in conditions
    ]
    return {"enableWhen": enable_when, **({"enableBehavior": "all"} if len(conditions) > 1 else {})}


def _display(link_id: str, words: Said, control: str | None = None) -> Json:
    return {
        **({"extension": [_control(control)]} if control else {}),
        "linkId": link_id,
        **_said("text", words),
        "type": "display",
    }


def _said(element: str, words: Said) -> Json:
    """A string element in English, and its translation where FHIR puts what belongs to a primitive."""
    spanish = [_extension("lang", valueCode="es"), _extension("content", valueString=words.es)]
    return {element: words.en, f"_{element}": {"extension": [_extension(known.TRANSLATION, extension=spanish)]}}


def _control(code: str) -> Json:
    coding = {"system": "http://hl7.org/fhir/questionnaire-item-control", "code": code}
    return _extension(known.ITEM_CONTROL, valueCodeableConcept={"coding": [coding]})


def _extension(url: str, **value: object) -> Json:
    return {"url": url, **value}
