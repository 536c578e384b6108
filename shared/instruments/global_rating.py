"""One answer for the whole: the clinician's global assessment, and how well a patient calls the disease controlled."""

from shared.instruments.definition import Band, Instrument, Term, activity_bands

PGA = Instrument(
    id="pga",
    version="1.0",
    name="Physician global assessment (PGA)",
    citation=(
        "In general use: quiescent, mild, moderate, severe, as ImproveCareNow and Bodger K et al. 2014 (PMID 24107590) "
        "use it."
    ),
    terms=(Term("pga", what="the clinician's word for the activity of the disease, 0 remission to 3 severe", high=3),),
    higher_is="worse",
    bands=activity_bands(1, 2, 3),
    minimal_change=None,
    answered_by="clinician",
    recall="now",
    wording="own",
    licence="Generic.",
)

# A 7-point item of the same group is about flares and is another instrument (PMC9165552).
MANITOBA = Instrument(
    id="manitoba-ibd-index",
    version="1.0",
    name="Manitoba IBD index",
    citation=(
        "Clara I et al. The Manitoba IBD index. Am J Gastroenterol 2009;104:1754-63, PMID 19455122 (six levels, "
        "84% to 89% sensitive). Active from `occasionally`: from memory; verify. The numbers 0 to 5 are ours."
    ),
    terms=(
        Term(
            "manitoba_persistence",
            what="how lasting symptoms were: 0 remission, 1 rarely, 2 occasionally, 3 sometimes, 4 often, 5 constantly",
            high=5,
        ),
    ),
    higher_is="worse",
    bands=(Band("inactive", 0, "inactive"), Band("active", 2, "active")),
    minimal_change=None,
    answered_by="patient",
    recall="past 6 months",
    wording="own",
    licence="The question is our own words.",
)

IBD_10 = Instrument(
    id="ibd-10",
    version="1.0",
    name="IBD-10",
    citation=(
        "Subramanian S et al. Validation of a simple 0 to 10 numerical score (IBD-10). Inflamm Bowel Dis "
        "2016, PMID 27243590 (7 or more predicts remission; 90% sensitive, 75% specific)."
    ),
    terms=(Term("ibd_control", what="how well the disease is controlled", high=10),),
    higher_is="better",
    bands=(Band("not-controlled", 0, "under 7"), Band("controlled", 7, "7 or more")),
    minimal_change=None,
    answered_by="patient",
    recall="past 2 weeks",
    wording="own",
    licence="A numeric rating scale; generic.",
)

_BODGER = (
    "Bodger K et al. Development and validation of a rapid, generic measure of disease control from the patient's "
    "perspective: the IBD-Control questionnaire. Gut 2014;63:1092-102, PMID 24107590"
)
_IBD_CONTROL_LICENCE = "The article is open access; terms for the form were not found: scoring only."

IBD_CONTROL_8 = Instrument(
    id="ibd-control-8",
    version="1.0",
    name="IBD-Control-8",
    citation=(
        f"{_BODGER}. Quiescent from 13 (ECCO 2015, P370). Which eight of the thirteen items: from memory; verify."
    ),
    terms=tuple(
        Term(f"ibd_control_{item}", what=f"item {item} of the form: 2 most favourable, 1 between, 0 least", high=2)
        for item in ("1a", "1b", "3a", "3b", "3c", "3d", "3e", "3f")
    ),
    higher_is="better",
    bands=(Band("not-quiescent", 0, "under 13"), Band("quiescent", 13, "13 or more")),
    minimal_change=None,
    answered_by="patient",
    recall="past 2 weeks",
    wording="none",
    licence=_IBD_CONTROL_LICENCE,
)

IBD_CONTROL_VAS = Instrument(
    id="ibd-control-vas",
    version="1.0",
    name="IBD-Control-VAS",
    citation=f"{_BODGER}. Quiescent from 85 (ECCO 2015, P370).",
    terms=(Term("ibd_control_vas", what="control, 100 best", high=100),),
    higher_is="better",
    bands=(Band("not-quiescent", 0, "under 85"), Band("quiescent", 85, "85 or more")),
    minimal_change=None,
    answered_by="patient",
    recall="past 2 weeks",
    wording="none",
    licence=_IBD_CONTROL_LICENCE,
)
