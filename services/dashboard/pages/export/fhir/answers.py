"""What the patient said, now and last time, and the scores that follow from it."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.dashboard.pages import labels
from services.dashboard.pages.export.fhir import words
from services.dashboard.pages.export.fhir.parts import (
    Json,
    an_id,
    answer_value,
    encounter_of,
    item_concept,
    number_value,
    patient_of,
)
from services.dashboard.pages.export.fhir.words import ENGLISH
from services.dashboard.pages.reader import answer_words, reason_words
from shared.events import EntryMode
from shared.fhir import SURVEY, absent, instrument_concept, ours, quantity

Page = Mapping[str, Any]


def answers(page: Page) -> Iterator[Json]:
    """An Observation for each answer and each question without one, for each concern, and what matters as a Goal."""
    if page["survey"] is None or page["clinical"] == "hidden":
        return
    for row in _rows(page):
        for when in ("now", "last"):
            if row[when] is not None:
                yield _answer(page, row["item"], row[when], when)
    for concern in page["concerns"]:
        yield _concern(page, concern)
    if page["matters_most"] is not None:
        yield _goal(page)


def scores(page: Page) -> Iterator[Json]:
    """An Observation for each score of the index in use, with the answers that it is made of as components."""
    trend = page["trend"]
    for point in trend["points"] if trend else ():
        yield _score(page, trend, point)


def _rows(page: Page) -> Iterator[Json]:
    own = page["readings"]["patient"]
    for item, name in (("in_remission", "in_remission"), ("ibd_control", "control")):
        yield {"item": item, "now": own[name], "last": own[f"{name}_last"]}
    yield from (*page["urgent_care"], *page["well_being"], *page["day_to_day"])


def _answer(page: Page, item: str, answer: Mapping[str, Any], when: str) -> Json:
    recall = words.RECALL.get(item)
    name = ENGLISH.named(labels.ITEMS, item)
    is_skipped = answer["state"] == "skipped"
    said = reason_words(ENGLISH, item, answer["reason"]) if is_skipped else answer_words(ENGLISH, item, answer)
    at = page["survey" if when == "now" else "previous"]["submitted_at"]
    return {
        **_from_survey(page, an_id(page, item, when, at), at, is_now=when == "now"),
        "code": item_concept(item, f"{name}, {recall}" if recall else name),
        **answer_value(answer, said),
    }


def _from_survey(page: Page, resource_id: str, at: str, *, is_now: bool) -> Json:
    is_amended = is_now and page["survey"]["correction"] is not None
    return {
        "resourceType": "Observation",
        "id": resource_id,
        "status": "amended" if is_amended else "final",
        "category": [SURVEY],
        "subject": patient_of(page),
        **(encounter_of(page, page["survey"]["visit_id"]) if is_now else {}),
        "effectiveDateTime": at,
        **({} if is_now and page["survey"]["mode"] == EntryMode.PROXY else {"performer": [patient_of(page)]}),
    }


def _concern(page: Page, concern: Mapping[str, Any]) -> Json:
    at = page["survey"]["submitted_at"]
    topic = ours("concern-topic", concern["topic"], ENGLISH.named(labels.TOPICS, concern["topic"]))
    return {
        **_from_survey(page, an_id(page, "concern", concern["rank"], at), at, is_now=True),
        "code": ours("survey-item", f"concern-{concern['rank']}", f"{words.CONCERN}: {concern['rank']}"),
        **({"valueString": concern["words"]} if concern["words"] else {}),
        "component": [{"code": ours("survey-item", "concern-topic", words.TOPIC), "valueCodeableConcept": topic}],
    }


def _goal(page: Page) -> Json:
    """Proposed and no more: the patient named it, and nobody has agreed on it as a treatment goal."""
    return {
        "resourceType": "Goal",
        "id": an_id(page, "matters-most", page["survey"]["submitted_at"]),
        "lifecycleStatus": "proposed",
        "description": {"text": page["matters_most"]},
        "subject": patient_of(page),
        "statusDate": page["survey"]["submitted_at"][:10],
        "expressedBy": patient_of(page),
    }


def _score(page: Page, trend: Mapping[str, Any], point: Mapping[str, Any]) -> Json:
    made: Json = {
        "resourceType": "Observation",
        "id": an_id(page, "score", point["survey_id"]),
        "status": "final",
        "category": [SURVEY],
        "code": instrument_concept(trend["instrument"], trend["name"]),
        "subject": patient_of(page),
        "effectiveDateTime": point["at"],
        **_points(point["value"]),
        "component": [
            {"code": item_concept(item, ENGLISH.named(labels.ITEMS, item)), **_component(value)}
            for item, value in point["items"].items()
        ],
    }
    if point["band"] is not None:
        made["interpretation"] = [{"text": point["words"]}]
    return {name: value for name, value in made.items() if value != []}


def _points(value: float | None) -> Json:
    if value is None:
        return {"dataAbsentReason": {**absent("unknown"), "text": words.NO_SCORE}}
    return {"valueQuantity": quantity(value, "{score}", ENGLISH.unit("{score}"))}


def _component(value: float | None) -> Json:
    return {"dataAbsentReason": absent("unknown")} if value is None else number_value(value)
