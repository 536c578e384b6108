"""Activity of Crohn's disease."""

from shared.instruments.definition import Instrument, ItemRemission, Term, activity_bands

_KHANNA = (
    "Khanna R et al. A retrospective analysis: the development of patient reported outcome measures for the "
    "assessment of Crohn's disease activity. Aliment Pharmacol Ther 2015. PMID 25348809"
)
_OWN = "Weights and descriptors are in the literature; the questions are our own words."

PRO_2_CD = Instrument(
    id="pro-2-cd",
    version="1.0",
    name="PRO-2 (Crohn's disease)",
    citation=(
        f"{_KHANNA}. Bands 8, 14, 34 for CDAI 150, 220, 450; changes 2, 5, 8 for CDAI 50, 70, 100. Weights 2 and 5 are "
        "those of the CDAI (from memory; verify)."
    ),
    terms=(
        Term(
            "loose_stools_per_day",
            2,
            what="liquid or very soft stools a day, mean of 7 days; our limit is 60",
            high=60,
            is_whole=False,
        ),
        Term("abdominal_pain", 5, what="abdominal pain, mean of 7 days", high=3, is_whole=False),
    ),
    higher_is="worse",
    bands=activity_bands(8, 14, 34),
    minimal_change=2,
    answered_by="patient",
    recall="past 7 days",
    wording="own",
    licence=_OWN,
    remissions=(
        ItemRemission("khanna", (("loose_stools_per_day", 1.5), ("abdominal_pain", 1)), "Khanna 2015, PMID 25348809"),
        ItemRemission(
            "stride-ii", (("loose_stools_per_day", 3), ("abdominal_pain", 1)), "STRIDE-II, Turner D et al. 2021"
        ),
    ),
)

PRO_3_CD = Instrument(
    id="pro-3-cd",
    version="1.0",
    name="PRO-3 (Crohn's disease)",
    citation=(
        f"{_KHANNA}. Bands 13, 22, 53 for CDAI 150, 220, 450; changes 5, 9, 14 for CDAI 50, 70, 100. Weights are those "
        "of the CDAI (from memory; verify)."
    ),
    terms=(
        *PRO_2_CD.terms,
        Term("well_being", 7, what="general well-being, mean of 7 days", high=4, is_whole=False),
    ),
    higher_is="worse",
    bands=activity_bands(13, 22, 53),
    minimal_change=5,
    answered_by="patient",
    recall="past 7 days",
    wording="own",
    licence=_OWN,
)

_COMPLICATIONS = (
    ("hbi_arthralgia", "arthralgia"),
    ("hbi_uveitis", "uveitis"),
    ("hbi_erythema_nodosum", "erythema nodosum"),
    ("hbi_aphthous_ulcers", "aphthous ulcers"),
    ("hbi_pyoderma", "pyoderma gangrenosum"),
    ("hbi_fissure", "anal fissure"),
    ("hbi_new_fistula", "new fistula"),
    ("hbi_abscess", "abscess"),
)

# A mass is felt by a clinician: what a patient can answer alone is not this index and may not have its name.
HBI = Instrument(
    id="hbi",
    version="1.0",
    name="Harvey-Bradshaw index",
    citation=(
        "Harvey RF, Bradshaw JM. A simple index of Crohn's-disease activity. Lancet 1980;1:514, PMID 6102236 (PMID "
        "from memory; verify). Bands and the change of 3 as in PMC9923295. Sources differ on the edge of remission: "
        "below 5 here, below 4 elsewhere. Pain and stools count once; calculators that double them are wrong."
    ),
    terms=(
        Term("hbi_well_being", what="general well-being on the previous day", high=4),
        Term("hbi_abdominal_pain", what="abdominal pain on the previous day", high=3),
        Term("hbi_liquid_stools", what="liquid stools on the previous day, 1 each; our limit is 60", high=60),
        Term("hbi_mass", what="abdominal mass, by examination", high=3),
        *(Term(item, what=complication, is_feature=True) for item, complication in _COMPLICATIONS),
    ),
    higher_is="worse",
    bands=activity_bands(5, 8, 17),
    minimal_change=3,
    answered_by="both",
    recall="previous day",
    wording="own",
    licence="Published 1980; the questions are our own words.",
)
