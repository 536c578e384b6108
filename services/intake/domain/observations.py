"""A survey as FHIR Observations: its answers, as `$extract` says them, and then its scores.

Of the shipped surveys, LOINC has a code for a few questions. Here every question of theirs has one of our own too, its
linkId: so all that was ever said in one can be taken out, though a published version never changes.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from services.intake.domain.forms import Form
from services.intake.domain.questionnaires import common_parts, extract, posted
from shared.events import Score
from shared.fhir import OURS, absent, instrument_concept, ours, quantity
from shared.instruments import INSTRUMENTS, band_of

_SYSTEM = f"{OURS}/CodeSystem/survey-item"

Json = Mapping[str, Any]


def observations(form: Form, response: Json, scores: Iterable[Score]) -> dict[str, Any]:
    """A transaction Bundle of a response to a form and of what it scored. The same gives the same ids."""
    is_shipped = form.diagnosis is not None
    bundle = extract(form.definition, response, system_of_link_ids=_SYSTEM if is_shipped else None)
    return bundle | {"entry": [*bundle["entry"], *(_scored(response, score) for score in scores)]}


def _scored(response: Json, score: Score) -> dict[str, Any]:
    name = "|".join((OURS, str(response["id"]), score.instrument, str(score.value)))
    code = instrument_concept(score.instrument, INSTRUMENTS[score.instrument].name)
    return posted(f"urn:uuid:{uuid5(NAMESPACE_URL, name)}", {**common_parts(response), "code": code, **_value(score)})


def _value(score: Score) -> dict[str, Any]:
    """The points and the band that they lie in, or which answers are missing."""
    if score.value is None:
        return {"dataAbsentReason": absent("unknown") | {"text": f"No answer to: {', '.join(score.missing)}"}}
    points = quantity(score.value, "{score}", "points")
    if score.band is None:
        return {"valueQuantity": points}
    band = ours("score-band", score.band, band_of(score.instrument, score.value).words)
    return {"valueQuantity": points, "interpretation": [band]}
