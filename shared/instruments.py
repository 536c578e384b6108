"""Instruments as data: what a score means, in which direction, and how much of a change counts.

Intake computes scores from answers; the page and the network's measures read them. Both go by these
definitions, found by the `id|version` that a `Score` carries. A definition never changes: another cut or
weight is another version. A difference below an instrument's own threshold is "same"; where no source gives a
threshold, nothing is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from shared.events import Activity, Diagnosis

Change = Literal["better", "same", "worse"]


@dataclass(frozen=True, slots=True)
class Band:
    """A named stretch of the scale: from `starts_at`, included, up to where the next band starts."""

    code: str
    starts_at: float
    words: str


@dataclass(frozen=True, slots=True)
class Term:
    """One item of the weighted sum."""

    item: str
    weight: int = 1


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A score: the weighted sum of its terms, from `low` to `high`, with bands in rising order from `low`.

    `minimal_change` is the smallest difference in points that counts, null when no source was found for one.
    """

    id: str
    version: str
    name: str
    citation: str
    terms: tuple[Term, ...]
    low: float
    high: float
    higher_is: Literal["better", "worse"]
    bands: tuple[Band, ...]
    minimal_change: float | None

    @cached_property
    def key(self) -> str:
        """`id|version`, as a `Score` carries it."""
        return f"{self.id}|{self.version}"

    @cached_property
    def items(self) -> tuple[str, ...]:
        return tuple(term.item for term in self.terms)


def _activity_bands(mild: float, moderate: float, severe: float) -> tuple[Band, ...]:
    starts = (0.0, mild, moderate, severe)
    return tuple(Band(activity, start, activity) for activity, start in zip(Activity, starts, strict=True))


_KHANNA = (
    "Khanna R et al. A retrospective analysis: the development of patient reported outcome measures for the "
    "assessment of Crohn's disease activity. Aliment Pharmacol Ther 2015. PMID 25348809"
)

PRO_2_CD = Instrument(
    id="pro-2-cd",
    version="1.0",
    name="PRO-2 (Crohn's disease)",
    citation=f"{_KHANNA}. Bands 8, 14, 34 for CDAI 150, 220, 450; changes 2, 5, 8 for CDAI 50, 70, 100.",
    terms=(Term("loose_stools_per_day", 2), Term("abdominal_pain", 5)),
    low=0,
    high=135,
    higher_is="worse",
    bands=_activity_bands(8, 14, 34),
    minimal_change=2,
)

PRO_3_CD = Instrument(
    id="pro-3-cd",
    version="1.0",
    name="PRO-3 (Crohn's disease)",
    citation=f"{_KHANNA}. Bands 13, 22, 53 for CDAI 150, 220, 450; changes 5, 9, 14 for CDAI 50, 70, 100.",
    terms=(*PRO_2_CD.terms, Term("well_being", 7)),
    low=0,
    high=163,
    higher_is="worse",
    bands=_activity_bands(13, 22, 53),
    minimal_change=5,
)

# No source gives this sum a mild, a moderate and a severe. The cut is one of the sum (below 1.5, so 0 or 1):
# the stricter rule by item, no bleeding at all, calls a sum of 1 from bleeding alone "not in remission".
PRO_2_UC = Instrument(
    id="pro-2-uc",
    version="1.0",
    name="PRO-2 (ulcerative colitis)",
    citation=(
        "Cut: Bewtra M et al. Inflamm Bowel Dis 2014, PMID 24810138 (6-point Mayo score below 1.5; 83% "
        "sensitive, 72% specific for patient-defined remission). Change: Lewis JD et al. Inflamm Bowel Dis "
        "2008;14:1660-6, PMID 18623174 (1.5 points for perceived improvement; taken here for worsening too)."
    ),
    terms=(Term("stool_frequency"), Term("rectal_bleeding")),
    low=0,
    high=6,
    higher_is="worse",
    bands=(Band("remission", 0, "remission"), Band("not-remission", 1.5, "not in remission")),
    minimal_change=1.5,
)

PHQ_2 = Instrument(
    id="phq-2",
    version="1.0",
    name="PHQ-2",
    citation=(
        "Kroenke K, Spitzer RL, Williams JBW. The Patient Health Questionnaire-2: validity of a two-item "
        "depression screener. Med Care 2003, PMID 14583691 (3 or more: 83% sensitive, 92% specific)."
    ),
    terms=(Term("phq2_interest"), Term("phq2_mood")),
    low=0,
    high=6,
    higher_is="worse",
    bands=(Band("negative", 0, "under 3"), Band("positive", 3, "3 or more")),
    minimal_change=None,
)

IBD_10 = Instrument(
    id="ibd-10",
    version="1.0",
    name="IBD-10",
    citation=(
        "Subramanian S et al. Validation of a simple 0 to 10 numerical score (IBD-10). Inflamm Bowel Dis "
        "2016, PMID 27243590 (7 or more predicts remission; 90% sensitive, 75% specific)."
    ),
    terms=(Term("ibd_control"),),
    low=0,
    high=10,
    higher_is="better",
    bands=(Band("not-controlled", 0, "under 7"), Band("controlled", 7, "7 or more")),
    minimal_change=None,
)

INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(
    {instrument.key: instrument for instrument in (PRO_2_CD, PRO_3_CD, PRO_2_UC, PHQ_2, IBD_10)}
)


def index_of(diagnosis: Diagnosis) -> Instrument:
    """The activity index shown for a diagnosis.

    IBD-unclassified has no index of its own: it borrows PRO-2 of ulcerative colitis, validated only there.
    """
    return PRO_3_CD if diagnosis is Diagnosis.CROHNS else PRO_2_UC


def band_of(instrument_key: str, value: float) -> Band:
    """The band that a value lies in; a value on an edge belongs to the band that starts there.

    Raises:
        KeyError: no such `id|version`.
        ValueError: the value is outside the instrument's range, or not a number.
    """
    instrument = INSTRUMENTS[instrument_key]
    if not instrument.low <= value <= instrument.high:
        raise ValueError(f"{instrument.name} goes from {instrument.low:g} to {instrument.high:g}")
    return next(band for band in reversed(instrument.bands) if band.starts_at <= value)


def change(instrument_key: str, before: float, now: float) -> Change | None:
    """What became of a score, by the instrument's own threshold; null when it has none.

    A difference equal to the threshold counts. Differences are taken to a millionth, so that two scores which
    differ by the threshold on paper do so here.

    Raises:
        KeyError: no such `id|version`.
    """
    instrument = INSTRUMENTS[instrument_key]
    if instrument.minimal_change is None:
        return None
    difference = round(now - before, 6)
    if abs(difference) < instrument.minimal_change:
        return "same"
    return "better" if (difference > 0) == (instrument.higher_is == "better") else "worse"
