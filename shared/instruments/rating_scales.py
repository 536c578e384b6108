"""Numeric rating scales, 0 to 10."""

from shared.instruments.definition import Band, Instrument, Term


def _rating_scale(scale_id: str, name: str, item: str, what: str) -> Instrument:
    return Instrument(
        id=scale_id,
        version="1.0",
        name=name,
        citation="As such scales are usually read: 1 to 3 mild, 4 to 6 moderate, 7 to 10 severe; from memory; verify.",
        terms=(Term(item, what=what, high=10),),
        higher_is="worse",
        bands=(
            Band("none", 0, "none"),
            Band("mild", 1, "mild"),
            Band("moderate", 4, "moderate"),
            Band("severe", 7, "severe"),
        ),
        minimal_change=None,
        answered_by="patient",
        recall="past 7 days",
        wording="own",
        licence="Generic.",
    )


PAIN_NRS = _rating_scale("pain-nrs", "Pain, 0 to 10", "pain_nrs", "pain anywhere")
FATIGUE_NRS = _rating_scale("fatigue-nrs", "Fatigue, 0 to 10", "fatigue", "tiredness")
