"""Activity of ulcerative colitis."""

from shared.instruments.definition import Band, Instrument, ItemRemission, Step, Term, activity_bands
from shared.instruments.global_rating import PGA

_STOOLS = Term("stool_frequency", what="stools a day above the person's own normal", high=3)
_BLEEDING = Term("rectal_bleeding", what="blood with the stool", high=3)
_LEWIS = "Lewis JD et al. Inflamm Bowel Dis 2008;14:1660-6, PMID 18623174"

# No source gives this sum a mild, a moderate and a severe. The cut is one of the sum (below 1.5, so 0 or 1):
# the stricter rule by item, no bleeding at all, calls a sum of 1 from bleeding alone "not in remission".
PRO_2_UC = Instrument(
    id="pro-2-uc",
    version="1.0",
    name="PRO-2 (ulcerative colitis)",
    citation=(
        "Cut: Bewtra M et al. Inflamm Bowel Dis 2014, PMID 24810138 (6-point Mayo score below 1.5; 83% sensitive, 72% "
        f"specific for patient-defined remission). Change: {_LEWIS} (1.5 points for perceived improvement; taken here "
        "for worsening too)."
    ),
    terms=(_STOOLS, _BLEEDING),
    higher_is="worse",
    bands=(Band("remission", 0, "remission"), Band("not-remission", 1.5, "not in remission")),
    minimal_change=1.5,
    answered_by="patient",
    recall="past 3 days",
    wording="own",
    licence="Two items of the Mayo score; the questions are our own words.",
    remissions=(
        ItemRemission("common", (("rectal_bleeding", 0), ("stool_frequency", 1)), "In common use; from memory; verify"),
        ItemRemission(
            "stride-ii",
            (("rectal_bleeding", 0), ("stool_frequency", 0)),
            "STRIDE-II, Turner D et al. 2021; from memory; verify",
        ),
    ),
)

PARTIAL_MAYO = Instrument(
    id="partial-mayo",
    version="1.0",
    name="Partial Mayo score",
    citation=(
        f"{_LEWIS}. Bands and the change of 2 as on igibdscores.it; other papers ask for a drop of 3 (from memory; "
        "verify). The bands 3, 6, 11 seen beside it elsewhere are those of the full Mayo score of 0 to 12."
    ),
    terms=(_STOOLS, _BLEEDING, *PGA.terms),
    higher_is="worse",
    bands=activity_bands(2, 5, 8),
    minimal_change=2,
    answered_by="both",
    recall="past 3 days",
    wording="own",
    licence="Descriptors are in the literature; the questions are our own words.",
)

_FEATURES = (
    ("sccai_arthritis", "arthritis"),
    ("sccai_uveitis", "uveitis"),
    ("sccai_erythema_nodosum", "erythema nodosum"),
    ("sccai_pyoderma", "pyoderma gangrenosum"),
)

SCCAI = Instrument(
    id="sccai",
    version="1.0",
    name="Simple clinical colitis activity index",
    citation=(
        "Walmsley RS et al. A simple clinical colitis activity index. Gut 1998;43:29-32, PMID 9771402. Points of the "
        "items: from memory; verify. Remission below 2.5 (PMID 24810138) and active from 5; ECCO's text says below 2. "
        "Change: about 1.5. More than 6 stools in a night, which the form does not name, count as 4 to 6 do."
    ),
    terms=(
        Term(
            "sccai_day_stools",
            what="stools in a day; our limit is 60",
            high=60,
            steps=(Step(0, 0), Step(4, 1), Step(7, 2), Step(10, 3)),
        ),
        Term(
            "sccai_night_stools",
            what="stools in a night; our limit is 60",
            high=60,
            steps=(Step(0, 0), Step(1, 1), Step(4, 2)),
        ),
        Term("sccai_urgency", what="urgency", high=3),
        Term("sccai_blood", what="blood in the stool", high=3),
        Term("sccai_well_being", what="general well-being", high=4),
        *(Term(item, what=feature, is_feature=True) for item, feature in _FEATURES),
    ),
    higher_is="worse",
    bands=(
        Band("remission", 0, "remission"),
        Band("not-remission", 3, "not in remission"),
        Band("active", 5, "active"),
    ),
    minimal_change=1.5,
    answered_by="both",
    recall="not stated in our sources",
    wording="none",
    licence="Reproduced elsewhere by permission of BMJ: scoring only.",
)
