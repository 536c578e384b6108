"""The three pre-visit surveys: the same sections but for what an index of the diagnosis needs.

Of a diagnosis the newest version stands last and is the one that is asked. Those before it stay: who began with one
goes on with it, and what was answered is read by it.
"""

from services.intake.domain.content import bowels, feeling
from services.intake.domain.content.authoring import Section, Survey
from services.intake.domain.content.closing import CLOSING
from services.intake.domain.content.concerns import CONCERNS, GOAL
from services.intake.domain.content.medicines import DOSES, MEDICINES, OBSTACLES
from services.intake.domain.content.mood import MOOD, WORRY
from services.intake.domain.content.urgent_care import URGENT_CARE, URGENT_CARE_LATELY
from shared.events import Diagnosis
from shared.instruments import (
    FATIGUE_NRS,
    GAD_2,
    IBD_10,
    PAIN_NRS,
    PHQ_2,
    PHQ_4,
    PRO_2_CD,
    PRO_2_UC,
    PRO_3_CD,
    Instrument,
)
from shared.speech import Said


def _sections(bowel_section: Section, feeling_section: Section) -> tuple[Section, ...]:
    return (
        CONCERNS,
        GOAL,
        bowels.STOMA,
        bowel_section,
        bowels.BAG,
        bowels.RUSH_AND_NIGHTS,
        feeling.PAIN_AND_FATIGUE,
        feeling_section,
        WORRY,
        MOOD,
        URGENT_CARE,
        URGENT_CARE_LATELY,
        MEDICINES,
        DOSES,
        OBSTACLES,
        CLOSING,
    )


def _keys(*indices: Instrument) -> tuple[str, ...]:
    return tuple(instrument.key for instrument in (*indices, IBD_10, PHQ_2, GAD_2, PHQ_4, PAIN_NRS, FATIGUE_NRS))


def _crohns(version: str, bowel_section: Section) -> Survey:
    return Survey(
        id="pre-visit-crohns",
        version=version,
        title=Said("Before your visit: Crohn’s disease", "Antes de su visita: enfermedad de Crohn"),
        diagnosis=Diagnosis.CROHNS,
        sections=_sections(bowel_section, feeling.FEELING_WITH_WELL_BEING),
        instruments=_keys(PRO_3_CD, PRO_2_CD),
    )


SURVEYS = (
    _crohns("1.0", bowels.BOWELS_CROHNS_1_0),
    _crohns("1.1", bowels.BOWELS_CROHNS),
    Survey(
        id="pre-visit-uc",
        version="1.0",
        title=Said("Before your visit: ulcerative colitis", "Antes de su visita: colitis ulcerosa"),
        diagnosis=Diagnosis.ULCERATIVE_COLITIS,
        sections=_sections(bowels.BOWELS_ULCERATIVE_COLITIS, feeling.FEELING),
        instruments=_keys(PRO_2_UC),
    ),
    Survey(
        id="pre-visit-ibdu",
        version="1.0",
        title=Said("Before your visit: IBD, unclassified", "Antes de su visita: EII sin clasificar"),
        diagnosis=Diagnosis.IBD_UNCLASSIFIED,
        sections=_sections(bowels.BOWELS_UNCLASSIFIED, feeling.FEELING_WITH_WELL_BEING),
        instruments=_keys(PRO_2_UC),
    ),
)
