"""Answers checked against their form, in one process and without a door; beside it, the least that reading them takes.

The floor parses the same bytes and walks through what is in them, without any form. All of it is synthetic.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson

from services.intake.domain.questionnaires import Definition, Given, check, compile_questionnaire, to_response
from services.intake.domain.questionnaires import extensions as known
from tests.load.figures import CPU, Figure, Sample, alternate
from tests.load.loops import BadRun
from tests.questionnaires import Json, asking, extension, group, option, questionnaire, when

SURVEY, LARGE = 40, 500
_ENDS = [extension(known.MIN_VALUE, valueInteger=0), extension(known.MAX_VALUE, valueInteger=10)]
_SCALE = [option(code) for code in ("none", "mild", "moderate", "severe")]
_EACH_S = 0.5


def row(questions: int, form: str) -> str:
    return f"check answers to {questions} questions, {form}"


def measure(alternations: int) -> list[Figure]:
    """A survey of the length of ours, and a long form; as plain JSON and as FHIR. No disk takes part in it."""
    return alternate(alternations, "as it is", _checked, _walked)


def _checked() -> Sample:
    sample: Sample = {}
    for questions in (SURVEY, LARGE):
        definition = a_survey(questions)
        for form, given in _given(definition, questions):
            if not check(definition, given).is_valid:
                raise BadRun(f"{row(questions, form)}: the answers do not fit.")
            sample[row(questions, form), CPU] = _cost_us(partial(check, definition, given))
    return sample


def _walked() -> Sample:
    sample: Sample = {}
    for questions in (SURVEY, LARGE):
        for form, given in _given(a_survey(questions), questions):
            body = orjson.dumps(given.answers if given.is_plain else given.response)
            sample[row(questions, form), CPU] = _cost_us(partial(_read, body))
    return sample


def a_survey(questions: int) -> Definition:
    """Sections of five questions, one of which hangs on another; it asks for a reason where there is no answer."""
    sections = [
        group(
            f"section-{place}",
            asking(f"has-{place}", "boolean"),
            asking(f"count-{place}", "integer", *_ENDS),
            asking(f"how-{place}", "choice", answerOption=_SCALE),
            asking(f"more-{place}", "integer", *_ENDS, enableWhen=[when(f"has-{place}", "!=", answerBoolean=True)]),
            asking(f"words-{place}", "string", maxLength=500),
        )
        for place in range(questions // 5)
    ]
    return compile_questionnaire(
        questionnaire(*sections, extension=[extension(known.EXPLICIT_SKIP, valueBoolean=True)])
    )


def _given(definition: Definition, questions: int) -> Iterator[tuple[str, Given]]:
    answers: Json = {}
    for place in range(questions // 5):
        answers |= {f"has-{place}": False, f"count-{place}": 3, f"how-{place}": "mild", f"more-{place}": 1}
        answers[f"words-{place}"] = "Some words of a patient"
    plain = Given.of_plain(answers)
    yield "plain", plain
    yield "FHIR", Given.of_response(to_response(definition, plain))


def _cost_us(work: Callable[[], object]) -> float:
    """Processor time of one, over half a second of them."""
    began, done = time.process_time(), 0
    while (spent := time.process_time() - began) < _EACH_S:
        work()
        done += 1
    return spent / done * 1e6


def _read(body: bytes) -> int:
    return _walk(orjson.loads(body))


def _walk(document: Any) -> int:
    """How many values there are."""
    if isinstance(document, dict):
        return sum(_walk(value) for value in document.values())
    return sum(_walk(value) for value in document) if isinstance(document, list) else 1
