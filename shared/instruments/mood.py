"""Low mood and worry: the PHQ-4 and its two halves. None of its items asks about harming oneself."""

from shared.instruments.definition import Band, Instrument, Term

_FREE = "Public domain; no permission needed to reproduce, translate, display or distribute. Attribution shown."
_TWO_WEEKS = "last 2 weeks"
_NEGATIVE_OR_POSITIVE = (Band("negative", 0, "under 3"), Band("positive", 3, "3 or more"))

PHQ_2 = Instrument(
    id="phq-2",
    version="1.0",
    name="PHQ-2",
    citation=(
        "Kroenke K, Spitzer RL, Williams JBW. The Patient Health Questionnaire-2: validity of a two-item "
        "depression screener. Med Care 2003, PMID 14583691 (3 or more: 83% sensitive, 92% specific). Later work: 2 or "
        "more finds more (86% sensitive, 78% specific, PMC2906530)."
    ),
    terms=(
        Term("phq2_interest", what="little interest or pleasure", high=3),
        Term("phq2_mood", what="down, depressed or hopeless", high=3),
    ),
    higher_is="worse",
    bands=_NEGATIVE_OR_POSITIVE,
    minimal_change=None,
    answered_by="patient",
    recall=_TWO_WEEKS,
    wording="published",
    licence=_FREE,
)

GAD_2 = Instrument(
    id="gad-2",
    version="1.0",
    name="GAD-2 (anxiety half of the PHQ-4)",
    citation="Kroenke K et al. Ann Intern Med 2007;146:317-25, PMID 17339617 (PMID from memory; verify). 3 or more.",
    terms=(
        Term("phq4_nervous", what="nervous, anxious or on edge", high=3),
        Term("phq4_worry", what="cannot stop or control worrying", high=3),
    ),
    higher_is="worse",
    bands=_NEGATIVE_OR_POSITIVE,
    minimal_change=None,
    answered_by="patient",
    recall=_TWO_WEEKS,
    wording="published",
    licence=_FREE,
)

PHQ_4 = Instrument(
    id="phq-4",
    version="1.0",
    name="PHQ-4",
    citation=(
        "Kroenke K et al. An ultra-brief screening scale for anxiety and depression: the PHQ-4. Psychosomatics "
        "2009;50:613-21, PMID 19996233 (PMID from memory; verify). Bands as in the NINDS common data elements."
    ),
    terms=(*GAD_2.terms, *PHQ_2.terms),
    higher_is="worse",
    bands=(
        Band("none", 0, "none"),
        Band("mild", 3, "mild"),
        Band("moderate", 6, "moderate"),
        Band("severe", 9, "severe"),
    ),
    minimal_change=None,
    answered_by="patient",
    recall=_TWO_WEEKS,
    wording="published",
    licence=_FREE,
)
