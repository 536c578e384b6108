"""What the clinic recorded and took back: the page is as if it had never been there, and says that it is gone."""

from datetime import timedelta
from typing import Any

import pytest

from services.dashboard.domain import assemble, without_clinical
from shared.events import ClinicianDataUpdated, ViewerRole
from tests.builders import VISIT_AT, a_lab, a_survey, a_visit, an_enrollment, an_event, an_id, in_error
from tests.services.dashboard.histories import (
    MISTAKES,
    a_survey_in_july,
    a_year_of_care,
    folded,
    in_sequence,
    page_of,
)
from tests.services.dashboard.test_page_html import shown

NOW_AND_THEN = (an_enrollment(), a_visit(), a_survey_in_july(), a_survey())
DAY = timedelta(days=1)
OF_ITS_STREAM = ("versions", "as_of", "history", "since", "taken_back")
"""How far the events were read, and what is told of them; nothing of what a fact said."""


def told(*bodies: Any) -> list[dict[str, Any]]:
    return [fact for fact in page_of(*bodies)["since"] if fact["kind"] == "taken-back"]


def without(page: dict[str, Any], *members: str) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name not in members}


@pytest.mark.parametrize("history", [(), NOW_AND_THEN, a_year_of_care()])
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda fact: fact.change.kind)
def test_a_page_is_as_if_what_was_taken_back_had_never_been_there(
    history: tuple[Any, ...], mistake: ClinicianDataUpdated
) -> None:
    before, seen = page_of(*history, an_enrollment()), page_of(*history, an_enrollment(), mistake)
    after = page_of(*history, an_enrollment(), mistake, in_error(mistake))
    assert without(after, *OF_ITS_STREAM) == without(before, *OF_ITS_STREAM)
    assert without(seen, *OF_ITS_STREAM) != without(before, *OF_ITS_STREAM)
    assert [fact for fact in after["since"] if fact["kind"] != "taken-back"] == before["since"][:4]


def test_what_was_taken_back_stays_away_when_an_older_event_of_it_comes_late() -> None:
    first, corrected, gone = in_sequence(a_lab(), a_lab(value=9.0), in_error(a_lab(value=9.0)))
    for order in ((gone, first, corrected), (corrected, gone, first), (first, gone, corrected, first)):
        assert assemble(folded(*order)) == assemble(folded(first, corrected, gone))
        assert assemble(folded(*order))["labs"] == []


def test_what_was_taken_back_since_last_time_is_told_first_and_counted_by_kind() -> None:
    page = page_of(*NOW_AND_THEN, *MISTAKES, *(in_error(fact) for fact in MISTAKES))
    counts = {"labs": 1, "medications": 1, "assessments": 1, "steps": 1}
    assert page["since"][0] == {"kind": "taken-back", "at": "2026-10-13T23:20:00+00:00", **counts}
    assert len(page["since"]) == 5


def test_each_fact_that_was_taken_back_is_named_by_its_id_and_nothing_else_of_it() -> None:
    page = page_of(an_enrollment(), *MISTAKES, *(in_error(fact) for fact in MISTAKES[:3]))
    assert [one["kind"] for one in page["taken_back"]] == ["lab", "medication", "assessment"]
    assert {one["id"] for one in page["taken_back"]} == {str(an_id("mistake"))}
    assert page["plan"]
    assert without_clinical(page)["taken_back"] == []


def test_what_was_taken_back_before_last_time_is_not_told_any_more() -> None:
    lab, gone = (an_event(fact, sequence=n) for n, fact in enumerate((a_lab(), in_error(a_lab())), start=1))
    surveys = (a_survey_in_july, VISIT_AT + 30 * DAY), (a_survey, VISIT_AT + 60 * DAY)
    later = [an_event(survey(submitted_at=at), sequence=n, time=at) for n, (survey, at) in enumerate(surveys, start=1)]
    assert [fact["kind"] for fact in assemble(folded(lab, gone, later[0]))["since"]] == ["taken-back"]
    assert "taken-back" not in [fact["kind"] for fact in assemble(folded(lab, gone, *later))["since"]]


def test_without_a_survey_before_it_is_told_all_the_same() -> None:
    (fact,) = told(a_survey(), a_lab(), in_error(a_lab()))
    assert fact["labs"] == 1
    assert told(a_lab()) == []


@pytest.mark.parametrize("role", [ViewerRole.CLINICIAN, ViewerRole.PATIENT])
def test_the_page_says_so_in_a_line(role: ViewerRole) -> None:
    lab, medicine, *_ = MISTAKES
    gone = (lab, medicine, in_error(lab), in_error(medicine))
    said = "1 laboratory result and 1 entry of a medicine taken back on 13 Oct: entered in error"
    assert said in shown(*NOW_AND_THEN, *gone, viewer_role=role)
    assert f"{said} No earlier survey to compare with." in shown(a_survey(), *gone, viewer_role=role)
    assert "entered in error" not in shown(*NOW_AND_THEN, viewer_role=role)


def test_who_organises_is_not_told_of_it() -> None:
    page = page_of(*NOW_AND_THEN, MISTAKES[0], in_error(MISTAKES[0]))
    assert page["since"][0]["kind"] == "taken-back"
    assert without_clinical(page)["since"] == []
