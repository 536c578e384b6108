"""The three facts that matter of a page, as a card in an EHR: what worries the patient, how they are, what is missing.

It says nothing that the page does not say to a clinician, none of the patient's own words, and how old each fact is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.dashboard.domain import freshness, is_of_now
from services.dashboard.pages import gaps, labels, readings, sentences
from services.dashboard.pages.reader import Reader
from shared.events import ViewerRole
from shared.pages.words import counted

Json = Mapping[str, Any]
LONGEST_SUMMARY = 140
_ASKING = ("moderate", "severe")


class CardWords(NamedTuple):
    """`detail` is a list in Markdown. `is_warning`: the score of now became worse, or says moderate or
    severe activity.
    """

    summary: str
    detail: str
    is_warning: bool


def card_words(page: Json, *, now: datetime, time_zone: str) -> CardWords:
    """The card of a page of `domain.assemble`, its words still sealed, for a clinician at `now`."""
    reader = Reader(now.astimezone(ZoneInfo(time_zone)), ViewerRole.CLINICIAN)
    survey, form, _, medicines = sentences.freshness_cells(freshness(page, reader.now), page, reader)
    missing = gaps.missing_words(page, reader)
    late = [f"{cell.name.lower()} {cell.words}" for cell in (survey, form, medicines) if cell.shape == "old"]
    worry = _worry(page, reader)
    short = f"{worry}. {_how_in_short(page, reader)}. {counted(len(missing) + len(late), 'thing')} missing or late"
    facts = {
        "Wants to talk about": f"{worry} (survey {survey.words})" if page["survey"] else worry,
        "How it is": _how(page, reader),
        "Missing or late": "; ".join([*([", ".join(missing)] if missing else []), *late]) or "nothing",
    }
    computed = page["readings"]["computed"]
    return CardWords(
        short if len(short) <= LONGEST_SUMMARY else f"{short[: LONGEST_SUMMARY - 1]}…",
        "\n".join(f"- **{name}**: {words}" for name, words in facts.items()),
        is_warning=is_of_now(page, reader.now)
        and bool(computed)
        and (computed["change"] == "worse" or computed["band"] in _ASKING),
    )


def _worry(page: Json, reader: Reader) -> str:
    if page["survey"] is None:
        return "No survey yet"
    return reader.named(labels.TOPICS, page["concerns"][0]["topic"]) if page["concerns"] else "No concern named"


def _how_in_short(page: Json, reader: Reader) -> str:
    computed = page["readings"]["computed"]
    if computed is None or computed["value"] is None:
        return "No symptom score"
    word = reader.say(labels.ACTIVITIES[computed["band"]]) if computed["band"] in labels.ACTIVITIES else "Symptom score"
    said = f"{word}, {computed['change']}" if computed["change"] else word
    return said if is_of_now(page, reader.now) else f"{said}, on {reader.day(computed['at'])}"


def _how(page: Json, reader: Reader) -> str:
    """Each voice by itself, with its age: the patient, what the answers add up to, the clinician."""
    patient, computed, clinician = (page["readings"][voice] for voice in ("patient", "computed", "clinician"))
    said = []
    if patient is not None:
        own = readings.patient_reading(page, reader)
        said.append(f"Patient says {own.word.lower()} ({own.stamp}).")
    if computed is not None:
        score = readings.computed_reading(page, reader)
        meta = " ".join(f"{line.bold}{line.rest}" for line in score.meta)
        said.append(f"{score.word} ({score.stamp}). {meta}")
    if clinician is not None:
        rated = readings.clinician_reading(clinician, page["visit"], reader)
        said.append(f"Clinician rated {rated.word.lower()} ({rated.stamp}).")
    return " ".join(said) or "nobody has said yet"
