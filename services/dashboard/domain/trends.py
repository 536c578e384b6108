"""What became of each score and scale over all surveys that are kept, oldest first."""

from collections.abc import Sequence

from services.dashboard.domain.facts import Item
from services.dashboard.domain.items import Json, Surveys, utc
from services.dashboard.domain.readings import band_words, bands_of, index_score
from services.dashboard.domain.scales import SCALES, Scale, scores_by_id, told
from shared.instruments import INSTRUMENTS


def index_trend(surveys: Surveys, computed: Json | None) -> Json | None:
    """All scores of the index that is in use now; scores of another index are another scale and not drawn
    with it.
    """
    if computed is None:
        return None
    key, known = computed["instrument"], INSTRUMENTS.get(computed["instrument"])
    points = [
        _index_point(survey, score)
        for survey in surveys.all
        if (score := index_score(survey)) is not None and score["instrument"] == key
    ]
    return {
        "instrument": key,
        "name": computed["name"],
        "higher_is": computed["higher_is"],
        "low": known.low if known else None,
        "high": known.high if known else None,
        "terms": [{"item": term.item, "weight": term.weight} for term in known.terms] if known else [],
        "bands": bands_of(key),
        "points": points,
    }


def scale_trends(surveys: Surveys) -> Json:
    """The times of all surveys, and of each scale that one of them has a value on the values in their order; null where
    a survey has none.
    """
    said = [(scores_by_id(survey), survey["answers"]) for survey in surveys.all]
    values = [(scale, [scale.value_in(*one) for one in said]) for scale in SCALES]
    return {
        "at": [utc(survey["submitted_at"]) for survey in surveys.all],
        "scales": [_on_scale(scale, known) for scale, known in values if any(one is not None for one in known)],
    }


def _on_scale(scale: Scale, values: Sequence[float | None]) -> Json:
    return {
        "item": scale.item,
        "instrument": scale.instrument.key if scale.instrument else None,
        "higher_is": scale.higher_is,
        "low": 0,
        "high": scale.high,
        "recall": scale.recall,
        "bands": told(scale.bands),
        "values": values,
    }


def _index_point(survey: Item, score: Item) -> Json:
    known = INSTRUMENTS.get(score["instrument"])
    return {
        "at": utc(survey["submitted_at"]),
        "survey_id": survey["survey_id"],
        "value": score["value"],
        "band": score["band"],
        "words": band_words(score["instrument"], score["band"]),
        "items": {item: survey["answers"].get(item) for item in (known.items if known else ())},
    }
