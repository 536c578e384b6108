"""The three facts that matter of a page, as a card in an EHR: what worries the patient, how they are, what is missing.

It says nothing that the page does not say to a clinician, none of the patient's own words, and how old each fact is.
What was taken back since last time is told as on the page.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.dashboard.domain import freshness, is_of_now
from services.dashboard.pages import gaps, labels, readings, sentences
from services.dashboard.pages.phrases import PHRASES
from services.dashboard.pages.reader import Line, Reader
from shared.events import Language, ViewerRole
from shared.speech import Noun, Said

Json = Mapping[str, Any]
LONGEST_SUMMARY = 140
_ASKING = ("moderate", "severe")
_OPEN_HERE, _OPEN_IN_BROWSER = (
    Said("Open the page here", "Abrir la página aquí"),
    Said("Open the page in the browser", "Abrir la página en el navegador"),
)
_MISSING_OR_LATE = Noun(
    Said("thing missing or late", "dato que falta o es antiguo"),
    Said("things missing or late", "datos que faltan o son antiguos"),
)
_WANTS_TO_TALK, _HOW_IT_IS = Said("Wants to talk about", "Quiere hablar de"), Said("How it is", "Cómo está")
_MISSING, _NOTHING = Said("Missing or late", "Falta o es antiguo"), Said("nothing", "nada")
_OF_SURVEY = Said("{worry} (survey {words})", "{worry} (cuestionario {words})")
_NO_SCORE, _SCORE = (
    Said("No symptom score", "Sin puntuación de síntomas"),
    Said("Symptom score", "Puntuación de síntomas"),
)
_SAID_ON = Said("{said}, on {day}", "{said}, el {day}")
_PATIENT_SAYS = Said("Patient says {word} ({stamp}).", "El paciente dice: {word} ({stamp}).")
_CLINICIAN_RATED = Said("Clinician rated {word} ({stamp}).", "El médico valoró: {word} ({stamp}).")
_NOBODY = Said("nobody has said yet", "todavía nadie lo ha dicho")


class CardWords(NamedTuple):
    """`detail` is a list in Markdown. `is_warning`: the score of now became worse, or says moderate or
    severe activity.
    """

    summary: str
    detail: str
    is_warning: bool


def card_words(page: Json, *, now: datetime, time_zone: str, language: Language = Language.ENGLISH) -> CardWords:
    """The card of a page of `domain.assemble`, its words still sealed, for a clinician at `now`."""
    reader = Reader(now.astimezone(ZoneInfo(time_zone)), ViewerRole.CLINICIAN, language)
    survey, form, _, medicines = sentences.freshness_cells(freshness(page, reader.now), page, reader)
    missing = gaps.missing_words(page, reader)
    late = [f"{cell.name.lower()} {cell.words}" for cell in (survey, form, medicines) if cell.shape == "old"]
    worry = _worry(page, reader)
    lacks = reader.counted(len(missing) + len(late), _MISSING_OR_LATE)
    short = f"{worry}. {_how_in_short(page, reader)}. {lacks}"
    wants = reader.say(_OF_SURVEY, worry=worry, words=survey.words) if page["survey"] else worry
    lacking = "; ".join([*([", ".join(missing)] if missing else []), *late]) or reader.say(_NOTHING)
    taken_back = sentences.taken_back_line(page, reader)
    lines = [
        *([taken_back] if taken_back else []),
        Line(reader.say(_WANTS_TO_TALK), f": {wants}"),
        Line(reader.say(_HOW_IT_IS), f": {_how(page, reader)}"),
        Line(reader.say(_MISSING), f": {lacking}"),
    ]
    computed = page["readings"]["computed"]
    return CardWords(
        short if len(short) <= LONGEST_SUMMARY else f"{short[: LONGEST_SUMMARY - 1]}…",
        "\n".join(f"- **{line.bold}**{line.rest}" for line in lines),
        is_warning=is_of_now(page, reader.now)
        and bool(computed)
        and (computed["change"] == "worse" or computed["band"] in _ASKING),
    )


def link_words(language: Language) -> tuple[str, str]:
    """What leads to the page: inside the EHR, and in the browser."""
    return _OPEN_HERE.said_in(language), _OPEN_IN_BROWSER.said_in(language)


def _worry(page: Json, reader: Reader) -> str:
    say = PHRASES[reader.language]["concerns"]
    if page["survey"] is None:
        return say["no_survey"]
    return reader.named(labels.TOPICS, page["concerns"][0]["topic"]) if page["concerns"] else say["no_concern"]


def _how_in_short(page: Json, reader: Reader) -> str:
    computed = page["readings"]["computed"]
    if computed is None or computed["value"] is None:
        return reader.say(_NO_SCORE)
    word = reader.say(labels.ACTIVITIES.get(computed["band"], _SCORE))
    said = f"{word}, {reader.named(labels.CHANGES, computed['change'])}" if computed["change"] else word
    if is_of_now(page, reader.now):
        return said
    return reader.say(_SAID_ON, said=said, day=reader.day(computed["at"]))


def _how(page: Json, reader: Reader) -> str:
    return " ".join(_voices(page, reader)) or reader.say(_NOBODY)


def _voices(page: Json, reader: Reader) -> Iterator[str]:
    """Each voice by itself, with its age: the patient, what the answers add up to, the clinician."""
    patient, computed, clinician = (page["readings"][voice] for voice in ("patient", "computed", "clinician"))
    if patient is not None:
        own = readings.patient_reading(page, reader)
        yield reader.say(_PATIENT_SAYS, word=own.word.lower(), stamp=own.stamp)
    if computed is not None:
        score = readings.computed_reading(page, reader)
        meta = " ".join(f"{line.bold}{line.rest}" for line in score.meta)
        yield f"{score.word} ({score.stamp}). {meta}"
    if clinician is not None:
        rated = readings.clinician_reading(clinician, page["visit"], reader)
        yield reader.say(_CLINICIAN_RATED, word=rated.word.lower(), stamp=rated.stamp)
