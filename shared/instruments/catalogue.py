"""Every instrument by its `id|version`, and what a number of it means."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from shared.events import Diagnosis
from shared.instruments.colitis import PARTIAL_MAYO, PRO_2_UC, SCCAI
from shared.instruments.crohns import HBI, PRO_2_CD, PRO_3_CD
from shared.instruments.definition import Band, Instrument
from shared.instruments.global_rating import IBD_10, IBD_CONTROL_8, IBD_CONTROL_VAS, MANITOBA, PGA
from shared.instruments.mood import GAD_2, PHQ_2, PHQ_4
from shared.instruments.quality_of_life import GLOBAL_MENTAL_HEALTH, GLOBAL_PHYSICAL_HEALTH, IBD_DISK, SIBDQ
from shared.instruments.rating_scales import FATIGUE_NRS, PAIN_NRS

Change = Literal["better", "same", "worse"]

INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(
    {
        instrument.key: instrument
        for instrument in (
            *(PRO_2_CD, PRO_3_CD, HBI),
            *(PRO_2_UC, PARTIAL_MAYO, SCCAI),
            *(PGA, MANITOBA, IBD_10, IBD_CONTROL_8, IBD_CONTROL_VAS),
            *(SIBDQ, IBD_DISK, GLOBAL_PHYSICAL_HEALTH, GLOBAL_MENTAL_HEALTH),
            *(PHQ_2, GAD_2, PHQ_4, PAIN_NRS, FATIGUE_NRS),
        )
    }
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
