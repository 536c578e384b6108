"""Instruments as data: what a score is made of and means, in which direction, and how much of a change counts.

Whoever has answers computes scores from them; the page and the network's measures read them. All go by these
definitions, found by the `id|version` that a `Score` carries. A definition never changes: another cut or
weight is another version. A difference below an instrument's own threshold is "same"; where no source gives a
threshold, nothing is said. Questions whose words are somebody's property are never here, only how they score.

The collaboRATE measure of the visit is scored where feedback is counted, in analytics.
"""

from shared.instruments.catalogue import INSTRUMENTS, Change, band_of, change, index_of
from shared.instruments.colitis import PARTIAL_MAYO, PRO_2_UC, SCCAI
from shared.instruments.crohns import HBI, PRO_2_CD, PRO_3_CD
from shared.instruments.definition import Answer, Band, Instrument, ItemRemission, Step, Term
from shared.instruments.global_rating import IBD_10, IBD_CONTROL_8, IBD_CONTROL_VAS, MANITOBA, PGA
from shared.instruments.mood import GAD_2, PHQ_2, PHQ_4
from shared.instruments.quality_of_life import GLOBAL_MENTAL_HEALTH, GLOBAL_PHYSICAL_HEALTH, IBD_DISK, SIBDQ
from shared.instruments.rating_scales import FATIGUE_NRS, PAIN_NRS
from shared.instruments.scoring import in_remission_by_items, score_of

__all__ = [
    "FATIGUE_NRS",
    "GAD_2",
    "GLOBAL_MENTAL_HEALTH",
    "GLOBAL_PHYSICAL_HEALTH",
    "HBI",
    "IBD_10",
    "IBD_CONTROL_8",
    "IBD_CONTROL_VAS",
    "IBD_DISK",
    "INSTRUMENTS",
    "MANITOBA",
    "PAIN_NRS",
    "PARTIAL_MAYO",
    "PGA",
    "PHQ_2",
    "PHQ_4",
    "PRO_2_CD",
    "PRO_2_UC",
    "PRO_3_CD",
    "SCCAI",
    "SIBDQ",
    "Answer",
    "Band",
    "Change",
    "Instrument",
    "ItemRemission",
    "Step",
    "Term",
    "band_of",
    "change",
    "in_remission_by_items",
    "index_of",
    "score_of",
]
