"""What is missing for the visit at hand, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.dashboard.domain import LIMITS
from services.dashboard.pages.labels import ANSWERS_TO, MARKERS
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.sentences import Cell
from services.dashboard.pages.treatment import lacking_levels
from shared.events import SkipReason
from shared.speech import Said

Json = Mapping[str, Any]
_GAPS = {
    "enrollment": Said("who the patient is", "quién es el paciente"),
    "survey": Said("survey", "cuestionario"),
    "survey-for-visit": Said("survey for this visit", "cuestionario para esta visita"),
    "assessment": Said("clinician's rating", "valoración del médico"),
    "assessment-for-visit": Said("clinician's rating for this visit", "valoración del médico para esta visita"),
    "no-score": Said("symptom score", "puntuación de síntomas"),
    "score": Said("symptom score", "puntuación de síntomas"),
    "medications": Said("medicines list", "lista de medicinas"),
}
_LEFT_OUT = Said("only what you chose not to answer", "solo lo que prefirió no contestar")
_SCORE_LACKS = Said("symptom score (lacks {items})", "puntuación de síntomas (le falta: {items})")
_NONE_SINCE = Said("{name} after {day}", "{name} posterior al {day}")


def missing_words(page: Json, reader: Reader) -> list[str]:
    """All that is not there for the visit at hand, the markers of inflammation that are too old to speak of it, and the
    level of the medicine where it would help to decide. Patients are not asked again for what they chose not to say.
    """
    asked = [gap for gap in page["missing"] if not (reader.is_patient and _is_chosen(gap))]
    found = [
        *(_missing(gap, reader) for gap in asked),
        *_old_markers(page, reader),
        *lacking_levels(page, reader),
    ]
    return found or ([reader.say(_LEFT_OUT)] if page["missing"] else [])


def _is_chosen(gap: Json) -> bool:
    return gap["what"] == "answer" and bool(gap["reason"] == SkipReason.PREFER_NOT_TO_SAY)


def lacks_survey(page: Json) -> bool:
    """Nobody has answered for the visit at hand."""
    return any(gap["what"] in ("survey", "survey-for-visit") for gap in page["missing"])


def nothing_missing(cells: Iterable[Cell], reader: Reader) -> str:
    """Said where there is no gap; not as if all were well beside a source that is old."""
    if any(cell.shape for cell in cells):
        return reader.say(Said("nothing else", "nada más"))
    return reader.say(Said("nothing that we ask for", "nada de lo que pedimos"))


def _old_markers(page: Json, reader: Reader) -> list[str]:
    newest = ((series["name"], series["points"][-1]["at"]) for series in page["labs"] if series["marker"])
    return [
        reader.say(_NONE_SINCE, name=reader.named(MARKERS, name), day=reader.day(at))
        for name, at in newest
        if reader.days_since(at) > LIMITS["labs"]
    ]


def left_empty(page: Json, reader: Reader) -> str:
    """What is said where nothing is: a form of the site's own need not have asked."""
    own = next((gap["title"] for gap in page["missing"] if gap["what"] == "own-form"), None)
    if own is None:
        return reader.say(Said("Asked, and left empty.", "Se preguntó y quedó vacío."))
    return reader.say(Said("Not answered in “{form}”.", "Sin contestar en «{form}»."), form=own)


def _missing(gap: Json, reader: Reader) -> str:
    match gap["what"]:
        case "own-form":
            return reader.say(Said("other answers to “{form}”", "otras respuestas a «{form}»"), form=gap["title"])
        case "lab":
            return reader.named(MARKERS, gap["name"])
        case "answer":
            return reader.named(ANSWERS_TO, gap["item"])
        case "score" if gap.get("items"):
            return reader.say(_SCORE_LACKS, items=reader.listed([reader.item(item).lower() for item in gap["items"]]))
    return reader.named(_GAPS, gap["what"])
