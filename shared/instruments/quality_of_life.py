"""Quality of life, disability and general health. Of these only the scoring ships."""

from shared.instruments.definition import Band, Instrument, Step, Term

SIBDQ = Instrument(
    id="sibdq",
    version="1.0",
    name="Short inflammatory bowel disease questionnaire (SIBDQ)",
    citation=(
        "Irvine EJ et al. Am J Gastroenterol 1996;91:1571-8, PMID 8759664 (PMID from memory; verify). Sum of 10 to 70; "
        "some papers state the mean, 1 to 7, which is not this score. Below 50 is called poor."
    ),
    terms=tuple(
        Term(f"sibdq_{number}", what=f"item {number} of the form, 1 worst to 7 best", low=1, high=7)
        for number in range(1, 11)
    ),
    higher_is="better",
    bands=(Band("under-50", 10, "under 50"), Band("50-or-more", 50, "50 or more")),
    minimal_change=None,
    answered_by="patient",
    recall="past 2 weeks (from memory; verify)",
    wording="none",
    licence="McMaster University; needs an agreement with a fee: scoring only.",
)

_DISK_ITEMS = (
    ("pain", "abdominal pain"),
    ("body_image", "body image"),
    ("education_work", "education and work"),
    ("emotions", "emotions"),
    ("energy", "energy"),
    ("interpersonal", "interpersonal interactions"),
    ("joint_pain", "joint pain"),
    ("defecation", "regulating defecation"),
    ("sexual", "sexual functions"),
    ("sleep", "sleep"),
)

IBD_DISK = Instrument(
    id="ibd-disk",
    version="1.0",
    name="IBD-Disk",
    citation=(
        "Ghosh S et al. Development of the IBD Disk. Inflamm Bowel Dis 2017;23:333-40. A total over 40 is often read "
        "as moderate to severe disability: from memory; verify."
    ),
    terms=tuple(
        Term(f"ibd_disk_{item}", what=f"{what}, 0 no trouble to 10 most", high=10) for item, what in _DISK_ITEMS
    ),
    higher_is="worse",
    bands=(Band("40-or-less", 0, "40 or less"), Band("over-40", 41, "over 40")),
    minimal_change=None,
    answered_by="patient",
    recall="past week (from memory; verify)",
    wording="none",
    licence="Permission needed (from memory; verify): scoring only.",
)

_HEALTH_MEASURES = (
    "Copyright HealthMeasures. English and Spanish are free for individual research and care; use on a screen needs "
    "their permission for electronic administration: scoring only."
)
_PROMIS = (
    "Hays RD et al. Qual Life Res 2009;18:873-80, PMID 19543809 (PMID from memory; verify). PROMIS Scale v1.2 Global "
    "Health: items that end in r count in the direction of better health"
)
_PROMIS_BANDS = "T-score: 50 is the mean of the general population of the US, 10 its standard deviation."


def _best_of_five(number: str) -> Term:
    return Term(f"promis_global{number}", what=f"item Global{number} of the form, 1 worst to 5 best", low=1, high=5)


GLOBAL_PHYSICAL_HEALTH = Instrument(
    id="promis-global-physical-health",
    version="1.2",
    name="PROMIS Global-10, physical health (GPH)",
    citation=f"{_PROMIS}. Table: Hays RD, gim.med.ucla.edu, ph4 summary of 19 Jun 2009. {_PROMIS_BANDS}",
    terms=(
        _best_of_five("03"),
        _best_of_five("06"),
        Term(
            "promis_global07r",
            what="item Global07r of the form, pain as rated, 0 none to 10 worst",
            high=10,
            steps=(Step(0, 5), Step(1, 4), Step(4, 3), Step(7, 2), Step(10, 1)),
        ),
        _best_of_five("08r"),
    ),
    higher_is="better",
    bands=(Band("below-mean", 16.2, "below the mean"), Band("mean-or-above", 50, "the mean or above")),
    minimal_change=None,
    answered_by="patient",
    recall="in general; pain and tiredness: past 7 days",
    wording="none",
    licence=_HEALTH_MEASURES,
    table=(
        *(16.2, 19.9, 23.5, 26.7, 29.6, 32.4, 34.9, 37.4, 39.8),
        *(42.3, 44.9, 47.7, 50.8, 54.1, 57.7, 61.9, 67.7),
    ),
)

GLOBAL_MENTAL_HEALTH = Instrument(
    id="promis-global-mental-health",
    version="1.2",
    name="PROMIS Global-10, mental health (GMH)",
    citation=(
        f"{_PROMIS}. Table: Hays RD, gim.med.ucla.edu, mh4 summary of 22 Jun 2009 (a raw sum of 4 is 21.1; the manual "
        f"of HealthMeasures prints 21.2: from memory; verify). {_PROMIS_BANDS}"
    ),
    terms=tuple(_best_of_five(number) for number in ("02", "04", "05", "10r")),
    higher_is="better",
    bands=(Band("below-mean", 21.1, "below the mean"), Band("mean-or-above", 50, "the mean or above")),
    minimal_change=None,
    answered_by="patient",
    recall="in general; emotions: past 7 days",
    wording="none",
    licence=_HEALTH_MEASURES,
    table=(
        *(21.1, 25.1, 28.4, 31.3, 33.8, 36.3, 38.8, 41.1, 43.5),
        *(45.8, 48.3, 50.8, 53.3, 56.0, 59.0, 62.5, 67.6),
    ),
)
