"""Medicines and agreed steps say their days, and what gets in the way stands beside the medicines."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from services.dashboard.domain import without_clinical
from services.dashboard.pages.charts.frame import Span
from shared.events import Body, ClinicianDataUpdated, Language, SkipReason, ViewerRole, VisitState
from shared.pages.speaking import Spoken
from tests.builders import ANSWERS, VISIT_AT, a_medication, a_step, a_survey, a_visit, an_id
from tests.markup import Document
from tests.services.dashboard.histories import JULY, LAST_VISIT, a_survey_in_july, page_of
from tests.services.dashboard.test_page_html import html_of, shown

SPANISH = Spoken(Language.SPANISH)
STOPPED = {"stopped_on": date(2026, 1, 12), "stop_reason": "side-effects"}


def a_course(**changes: Any) -> ClinicianDataUpdated:
    return a_medication(**{"name": "Prednisone", "dose": "40 mg", "started_on": date(2025, 11, 20), **changes})


def drawn(*bodies: Body, is_wide: bool = True, **changes: Any) -> list[str]:
    """What the picture of the medicines says, text by text."""
    html, kind = html_of(page_of(*bodies), **changes), "only-wide" if is_wide else "only-narrow"
    picture = re.search(rf'<svg class="{kind}"[^>]*"medicines.*?</svg>', html, re.S)
    assert picture is not None
    return re.findall(r"<text[^>]*>([^<]+)</text>", picture[0])


def trends(*bodies: Body, **changes: Any) -> str:
    """The words of the panel that the medicines are drawn in."""
    panel = html_of(page_of(*bodies), **changes).partition('data-panel="trends"')[2].partition("</section>")[0]
    return Document(f"<section {panel}</section>").text


def test_a_medicine_that_is_taken_says_since_when() -> None:
    assert "40 mg, since 20 Nov" in drawn(a_course())
    assert "40 mg, since 20 Nov" in drawn(a_course(), is_wide=False)
    assert "40 mg, desde el 20 nov" in drawn(a_course(), spoken=SPANISH)
    assert "dose not recorded, since 20 Nov" in drawn(a_course(dose=None))


def test_a_day_before_the_axis_begins_has_its_year() -> None:
    assert "40 mg, since 3 Mar 2024" in drawn(a_course(started_on=date(2024, 3, 3)))
    assert "40 mg, since 20 Nov 2025" in drawn(a_course(), span=Span.FIVE_YEARS)


def test_a_medicine_that_was_stopped_says_from_when_until_when_and_why() -> None:
    assert "40 mg, from 20 Nov, stopped 12 Jan: side effects" in drawn(a_course(**STOPPED))
    assert "40 mg, del 20 nov al 12 ene: efectos secundarios" in drawn(a_course(**STOPPED), spoken=SPANISH)
    (narrow,) = [words for words in drawn(a_course(**STOPPED), is_wide=False) if "stopped" in words]
    assert narrow == "stopped 12 Jan: side effects"


def test_a_stop_that_is_planned_has_not_happened() -> None:
    planned = {"stopped_on": date(2026, 12, 20), "stop_reason": "course-completed"}
    assert "40 mg, from 20 Nov, planned until 20 Dec: course completed" in drawn(a_course(**planned))
    assert "40 mg, del 20 nov, previsto hasta el 20 dic: tratamiento completo" in drawn(
        a_course(**planned), spoken=SPANISH
    )


def test_another_dose_is_no_new_start_and_a_pause_is() -> None:
    first = a_course(medication_id=an_id("first"), **STOPPED | {"stop_reason": None})
    for again_on, day in ((date(2026, 1, 12), "12 Jan"), (date(2026, 1, 13), "13 Jan")):
        now = a_course(dose="20 mg", started_on=again_on)
        assert f"20 mg, since {day}; first taken 20 Nov" in drawn(first, now)
    assert "20 mg, since 1 Mar" in drawn(first, a_course(dose="20 mg", started_on=date(2026, 3, 1)))


def test_another_dose_is_no_stop() -> None:
    first = a_course(medication_id=an_id("first"), stopped_on=date(2026, 5, 1), stop_reason="dose-changed")
    for is_wide, now in ((True, "20 mg, since 1 May"), (False, "20 mg")):
        said = drawn(first, a_course(dose="20 mg", started_on=date(2026, 5, 1)), is_wide=is_wide)
        assert {"40 mg", now} <= {words.partition(";")[0] for words in said}, "each dose at its own days"
        assert not [words for words in said if "stopped" in words]


def test_a_course_that_was_stopped_has_its_first_and_its_last_dose() -> None:
    first = a_course(medication_id=an_id("first"), **STOPPED | {"stop_reason": "dose-changed"})
    second = a_course(dose="20 mg", started_on=date(2026, 1, 13), **STOPPED | {"stopped_on": date(2026, 2, 1)})
    assert "40 mg to 20 mg, stopped 1 Feb: side effects" in drawn(first, second)
    spanish = drawn(first, second, spoken=SPANISH)
    assert "de 40 mg a 20 mg, terminó el 1 feb: efectos secundarios" in spanish
    again = a_course(medication_id=an_id("again"), started_on=date(2026, 2, 1), **STOPPED | {"stopped_on": JULY.date()})
    assert "stopped 11 Jul: side effects" in drawn(first, second, again), "not all of it was 40 mg"


def test_who_does_not_see_the_picture_is_told_doses_and_reasons() -> None:
    first = a_course(medication_id=an_id("first"), **STOPPED | {"stop_reason": "dose-changed"})
    second = a_course(dose="20 mg", started_on=date(2026, 1, 13), **STOPPED | {"stopped_on": date(2026, 2, 1)})
    html = html_of(page_of(first, second))
    assert "Prednisone from 20 Nov to 1 Feb (40 mg; 20 mg from 13 Jan): side effects." in html
    assert "Prednisone from 20 Nov until now (40 mg)." in html_of(page_of(a_course()))


def test_the_table_of_the_medicines_has_both_days_and_the_reason() -> None:
    assert "Prednisone 40 mg 20 Nov 2025 12 Jan 2026 side effects" in trends(a_course(**STOPPED))
    assert "Prednisone 40 mg 20 Nov 2025 still on it" in trends(a_course())


@pytest.mark.parametrize("role", [ViewerRole.CLINICIAN, ViewerRole.PATIENT])
def test_missed_doses_and_barriers_stand_beside_the_medicines(role: ViewerRole) -> None:
    taking = "I say As agreed no Missed doses 2 doses in 2 weeks Side effects none Trouble with cost Labs:"
    assert taking in trends(a_survey(), a_course(), viewer_role=role)
    assert "No medicine on the clinic's list" in trends(a_survey(), viewer_role=role)
    assert taking in trends(a_survey(), viewer_role=role), "also where the clinic lists none"
    spanish = trends(a_survey(), a_course(), viewer_role=role, spoken=SPANISH)
    assert "Dosis no tomadas 2 dosis en 2 semanas Efectos secundarios ninguno Estorba el costo" in spanish


def test_what_gets_in_the_way_is_never_nothing_where_it_was_not_said() -> None:
    answers = {name: value for name, value in ANSWERS.items() if name not in ("barriers", "missed_doses")}
    skipped = a_survey(answers=answers, skipped={"barriers": SkipReason.PREFER_NOT_TO_SAY})
    said = trends(skipped, a_course())
    assert "Missed doses not asked" in said
    assert "Trouble with skipped: chose not to answer" in said
    assert "I say No answers yet" in trends(a_course())
    assert "I say Said on 11 Jul, for another visit. As agreed" in trends(a_survey_in_july(), a_visit(), a_course())


def a_visit_on(at: datetime) -> Body:
    return a_visit(visit_id=LAST_VISIT, scheduled_at=at, state=VisitState.COMPLETED, completed_at=at)


def test_a_step_says_when_it_was_agreed_and_in_which_visit() -> None:
    step = a_step(visit_id=LAST_VISIT, agreed_at=JULY, due_on=date(2026, 12, 1))
    assert "by Tue 1 Dec agreed in the visit of 11 Jul" in shown(a_visit_on(JULY), a_visit(), step)
    assert "agreed 11 Jul, visit of 9 Jul" in shown(a_visit_on(JULY - timedelta(days=2)), a_visit(), step)
    assert "agreed 11 Jul" in shown(a_visit(), a_step(visit_id=None, agreed_at=JULY))
    assert "agreed in the visit of 13 Oct" in shown(a_visit(), a_step())
    assert "agreed 1 Nov 2025" in shown(a_step(visit_id=None, agreed_at=VISIT_AT - timedelta(days=346)))


def test_each_reader_is_told_when_a_step_was_agreed_also_when_it_is_done() -> None:
    done: dict[str, Any] = {"is_done": True, "done_on": date(2026, 8, 1)}
    page = page_of(a_visit_on(JULY), a_step(visit_id=LAST_VISIT, agreed_at=JULY, **done))
    for role in (ViewerRole.CLINICIAN, ViewerRole.PATIENT):
        assert "done 1 Aug agreed in the visit of 11 Jul" in Document(html_of(page, viewer_role=role)).text
    hidden = html_of(without_clinical(page), viewer_role=ViewerRole.COORDINATOR)
    assert "done 1 Aug agreed in the visit of 11 Jul" in Document(hidden).text
    assert "hecho 1 ago acordado en la visita del 11 jul" in Document(html_of(page, spoken=SPANISH)).text


def test_next_steps_are_read_before_the_charts() -> None:
    for role in (ViewerRole.CLINICIAN, ViewerRole.PATIENT):
        panels = re.findall(r'data-panel="([a-z-]+)"', html_of(page_of(a_survey(), a_step()), viewer_role=role))
        assert panels.index("concerns") < panels.index("plan") < panels.index("how") < panels.index("trends")
