"""What patients report in numbers: which scales have a trend, and how a number on one of them reads.

Bands and direction are the instruments' own; of a question that belongs to none, ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from shared.instruments import FATIGUE_NRS, GAD_2, IBD_10, PAIN_NRS, PHQ_2, Band, Instrument

Recall = Literal["7-days", "2-weeks", "6-months"]

_NIGHTS = (Band("none", 0, "none"), Band("some", 1, "some"), Band("most-nights", 4, "most nights"))
_BLEEDING = (
    Band("none", 0, "none"),
    Band("a-little", 1, "a little"),
    Band("plain-to-see", 2, "plain to see"),
    Band("without-stool", 3, "without stool"),
)
_COUNTS = (Band("none", 0, "none"), Band("some", 1, "some"))


@dataclass(frozen=True, slots=True)
class Scale:
    """A question with numbers for answers, or the score of several. `recall`: the time that it is about."""

    item: str
    high: float
    bands: tuple[Band, ...]
    recall: Recall | Literal["3-days"]
    instrument: Instrument | None = None

    @property
    def higher_is(self) -> Literal["better", "worse"]:
        return self.instrument.higher_is if self.instrument else "worse"

    def band_of(self, value: float) -> Band:
        return next(band for band in reversed(self.bands) if band.starts_at <= value)

    def value_in(self, scores: Mapping[str, Mapping[str, Any]], answers: Mapping[str, Any]) -> float | None:
        """What a survey says; `scores` are its scores by the id of their instrument.

        Null where that is not known: no answer, no full score, or a score by another version, which is another scale.
        """
        if self.instrument is not None and self.instrument.id in scores:
            score = scores[self.instrument.id]
            return score["value"] if score["instrument"] == self.instrument.key else None
        return answers.get(self.item)


def _scored(instrument: Instrument, recall: Recall) -> Scale:
    only = instrument.items[0] if len(instrument.items) == 1 else instrument.id.replace("-", "_")
    return Scale(only, instrument.high, instrument.bands, recall, instrument)


FATIGUE, PAIN = _scored(FATIGUE_NRS, "7-days"), _scored(PAIN_NRS, "7-days")
BLEEDING = Scale("rectal_bleeding", 3, _BLEEDING, "3-days")
NIGHTS = Scale("nights_woken", 7, _NIGHTS, "7-days")
MOOD = _scored(PHQ_2, "2-weeks")

SCALES = (
    _scored(IBD_10, "2-weeks"),
    *(FATIGUE, PAIN, NIGHTS, MOOD),
    _scored(GAD_2, "2-weeks"),
    *(Scale(item, 99, _COUNTS, "6-months") for item in ("ed_visits", "hospital_stays", "ct_scans", "steroid_courses")),
)
"""Those that have a trend beside the activity index, in the order of the page. Missed doses have none: who takes all as
agreed is not asked.
"""


def scores_by_id(survey: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores of a survey by the id of their instrument, whichever its version."""
    return {score["instrument"].split("|")[0]: score for score in survey["scores"]}


@cache
def told(bands: tuple[Band, ...]) -> Sequence[dict[str, Any]]:
    """Bands as the page has them."""
    return [{"code": str(band.code), "words": str(band.words), "starts_at": band.starts_at} for band in bands]
