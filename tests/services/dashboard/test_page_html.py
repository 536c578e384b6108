"""The page as people get it: whole, safe under a strict policy, and honest about what is not there."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dashboard.domain import assemble, empty, without_clinical
from services.dashboard.pages import STATIC, labels, present
from services.dashboard.pages.live import Live
from shared.events import Activity, Body, ConsentState, ErasureReason, Event, Score, SkipReason, ViewerRole, VisitState
from shared.instruments import PRO_2_UC
from shared.sealing import ERASED, NOT_READABLE_NOW, Place, Words, WordsState
from tests.builders import (
    ANSWERS,
    PATIENT,
    VISIT_AT,
    a_lab,
    a_medication,
    a_step,
    a_survey,
    a_view,
    a_visit,
    an_assessment,
    an_enrollment,
    an_erasure,
    an_id,
)
from tests.markup import Document
from tests.services.dashboard.histories import (
    HISTORY,
    JULY,
    LAST_VISIT,
    a_survey_in_july,
    folded,
    page_of,
)

NOW = VISIT_AT - timedelta(minutes=2)
CALPROTECTIN: dict[str, Any] = {"loinc": "38445-3", "name": "Calprotectin", "unit": "ug/g"}
HEMOGLOBIN: dict[str, Any] = {
    "loinc": "718-7",
    "name": "Hemoglobin",
    "unit": "g/dL",
    "reference_low": 12.0,
    "reference_high": None,
}


def opened(sealed: str, _place: Place) -> Words:
    return Words(WordsState.READABLE, f"words of {sealed}")


def html_of(page: dict[str, Any], **changes: Any) -> str:
    look: dict[str, Any] = {
        "now": NOW,
        "time_zone": "America/Chicago",
        "unseal": opened,
        "viewer_role": ViewerRole.CLINICIAN,
        "view": a_view(duration_ms=2000),
        **changes,
    }
    return present(page, **look)


def shown(*bodies: Body, **changes: Any) -> str:
    return Document(html_of(page_of(*bodies), **changes)).text


def picture_of(key: str, *bodies: Body, **changes: Any) -> str:
    """The wide one."""
    found = re.search(rf'<svg class="only-wide"[^>]*"{key}-t .*?</svg>', html_of(page_of(*bodies), **changes), re.S)
    assert found is not None
    return found[0]


def a_rich_page(*more: Body) -> dict[str, Any]:
    """Two surveys, both markers with a change of method, other checks, medicines past and present, a plan."""
    return page_of(
        an_enrollment(),
        a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY),
        a_visit(),
        a_survey_in_july(),
        a_survey(),
        an_assessment(),
        a_lab(),
        a_lab(lab_id=an_id("july"), taken_at=JULY, value=3, comparator="<"),
        a_lab(**CALPROTECTIN, lab_id=an_id("old"), taken_at=JULY, value=95, method="ELISA"),
        a_lab(**CALPROTECTIN, lab_id=an_id("new"), value=312, method="CLIA"),
        a_lab(**HEMOGLOBIN, lab_id=an_id("hb"), value=11.6),
        a_medication(),
        a_medication(
            medication_id=an_id("pred"),
            name="Prednisone",
            drug_class="steroid-systemic",
            started_on=date(2025, 11, 1),
            stopped_on=date(2026, 1, 12),
            stop_reason="course-completed",
        ),
        a_step(due_on=date(2026, 9, 30)),
        *more,
    )


@pytest.mark.parametrize("role", list(ViewerRole))
@pytest.mark.parametrize("page", [a_rich_page(), assemble(empty())], ids=["rich", "empty"])
def test_a_page_is_well_formed_and_every_id_stands_once(page: dict[str, Any], role: ViewerRole) -> None:
    document = Document(html_of(page, viewer_role=role))
    ids = Counter(a["id"] for _, a, _ in document.elements if a.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    targets = {value.split("#")[1] for _, a, _ in document.elements if "#" in (value := a.get("href") or "")}
    assert targets <= set(ids)


@settings(max_examples=25, deadline=None)
@given(st.permutations(HISTORY), st.integers(0, len(HISTORY)), st.sampled_from(ViewerRole))
def test_whatever_has_arrived_so_far_can_be_shown(delivered: list[Event], heard: int, role: ViewerRole) -> None:
    Document(html_of(assemble(folded(*delivered[:heard])), viewer_role=role))


def test_nothing_on_the_page_needs_more_than_the_policy_allows() -> None:
    html = html_of(a_rich_page())
    document = Document(html)
    assert document.needs_more_than_the_policy_allows() == []
    assert [(a.get("src"), "defer" in a) for a in document.named("script")] == [
        ("/static/dashboard/page.js", True),
        ("/static/dashboard/charts.js", True),
        ("/static/dashboard/over.js", True),
    ]
    assert re.findall(r"<script[^>]*>[^<]", html) == []
    assert re.findall(r"#[0-9a-fA-F]{6}\b", html) == []


def test_every_chart_has_a_name_a_description_and_a_table() -> None:
    page = a_rich_page()
    html = html_of(page)
    document = Document(html)
    pictures = document.named("svg", role="img")
    assert len(pictures) == 2 * (4 + len(page["trends"]["scales"]))
    for picture in pictures:
        title, description = (picture["aria-labelledby"] or "").split()
        assert re.search(rf'<title id="{title}">[^<]{{10,}}</title>', html)
        assert re.search(rf'<desc id="{description}">[^<]{{10,}}</desc>', html)
    assert len(document.named("details", **{"class": "as-table"})) == 5
    assert len([a for tag, a, above in document.elements if tag == "table" and "details" in above]) == 5
    assert {a["class"] for a in pictures} == {"only-wide", "only-narrow"}


def test_a_day_is_the_same_place_in_every_chart() -> None:
    html = html_of(a_rich_page())
    for size in ("only-wide", "only-narrow"):
        charts = re.findall(rf'<svg class="{size}".*?</svg>', html, re.S)
        today = {tuple(re.findall(r'class="l-today" x1="([\d.]+)"', chart)) for chart in charts}
        visits = {tuple(re.findall(r'class="l-visit" d="M([\d.]+) ', chart)) for chart in charts}
        assert len(charts) == 13
        assert (len(today), len(visits)) == (1, 1)
        assert all(len(days) == 1 for days in today | visits)


def test_charts_that_nothing_was_added_to_look_the_same_all_day() -> None:
    def charts(after: timedelta) -> str:
        return html_of(a_rich_page(), now=NOW + after).partition('data-panel="trends"')[2].partition("</section>")[0]

    assert charts(timedelta(seconds=7)) == charts(timedelta()) == charts(timedelta(hours=1))
    assert charts(timedelta(days=1)) != charts(timedelta())


def test_the_three_readings_stand_side_by_side_with_their_age() -> None:
    text = shown(an_enrollment(), a_visit(), a_survey_in_july(), a_survey(), an_assessment())
    assert "I say 2 days ago Not in remission" in text
    assert "My answers say PRO-3, 2 days ago Mild activity, 16 points" in text
    assert "My clinician says PGA, today 08:55 In remission" in text
    assert "Up 6 since 11 Jul (10, remission): worse. 5 or more is a real change." in text
    assert "These do not agree. I feel worse than my clinician rated. What changed since 11 Jul?" in text


def test_agreement_is_said_as_calmly_as_difference() -> None:
    text = shown(a_survey(), an_assessment(activity=Activity.MILD))
    assert "All three agree: not in remission." in text
    assert "These do not agree" not in text


def test_a_patient_of_whom_nothing_is_known_is_shown_in_words() -> None:
    text = Document(html_of(assemble(empty()))).text
    for said in (
        "Enrollment has not arrived",
        "No coming visit",
        "No survey yet",
        "No rating yet",
        "No score yet",
        "No medicine on the clinic's list That is not the same as taking none.",
        "No calprotectin or CRP yet",
        "No step agreed yet",
        "No event has arrived.",
    ):
        assert said in text


def test_a_score_that_is_missing_says_why_and_what_it_last_was() -> None:
    answers = {name: value for name, value in ANSWERS.items() if name != "abdominal_pain"}
    survey = a_survey(answers=answers, skipped={"abdominal_pain": SkipReason.PREFER_NOT_TO_SAY})
    text = shown(a_survey_in_july(), survey)
    assert "No score Belly pain 0–3: chose not to answer. Last full score: 10, remission, 11 Jul." in text
    assert "symptom score" in text


def test_skipped_and_not_asked_are_different_words() -> None:
    answers = {name: value for name, value in ANSWERS.items() if name not in ("opioid_use", "ct_scans")}
    text = shown(a_survey(answers=answers, skipped={"opioid_use": SkipReason.PREFER_NOT_TO_SAY}))
    assert "CT scans not asked" in text
    assert "Opioids skipped" in text
    assert "Opioids: chose not to answer." in text
    missing = "who the patient is, clinician's rating, opioid answer, Calprotectin, CRP"
    assert f"Missing {missing} and 1 more medicines list" in text


def test_words_that_were_erased_say_so_and_a_concern_without_words_does_not() -> None:
    text = shown(a_survey(), a_step(), unseal=lambda _sealed, _place: ERASED)
    assert text.count("These words were erased.") == 3
    assert "not readable now" not in text
    assert "Steroids, without words" in text
    assert "words of" not in text


def test_words_that_are_not_readable_now_say_so_and_are_not_called_erased() -> None:
    text = shown(a_survey(), a_step(), unseal=lambda _sealed, _place: NOT_READABLE_NOW)
    assert text.count("These words are not readable now. Try again in a moment.") == 3
    assert "erased" not in text
    assert "Symptoms. New topic." in text, "the rest of the page is there"


@pytest.mark.parametrize("role", ViewerRole)
@pytest.mark.parametrize("reason", ErasureReason)
def test_an_erased_page_says_when_and_why_and_nothing_else(role: ViewerRole, reason: ErasureReason) -> None:
    page = page_of(*(event.body for event in HISTORY), an_erasure(reason=reason))
    document = Document(html_of(page, viewer_role=role))
    assert ("My page was erased" if role is ViewerRole.PATIENT else "This page was erased") in document.text
    assert f"Erased on 2 Nov 2026. {labels.ERASED[reason].en}" in document.text
    for told in ("words of", "1991", "Crohn", "Adalimumab", "Visit", "symptom"):
        assert told not in document.text
    assert "data-beacon" not in html_of(page)


def test_what_a_patient_wrote_is_shown_as_written_and_never_run() -> None:
    said = Words(WordsState.READABLE, "<script>alert(1)</script> & 'so on'")
    html = html_of(page_of(a_survey()), unseal=lambda _sealed, _place: said)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#39;so on&#39;" in html


def test_a_name_from_outside_cannot_break_out_of_a_picture() -> None:
    html = html_of(page_of(a_medication(name='<b a="x">&')))
    assert "<b a=" not in html
    Document(html)


def test_old_data_is_called_old_and_its_age_is_that_of_the_moment_of_looking() -> None:
    page = page_of(a_survey(), an_assessment())
    assert "answered 2 days ago" in Document(html_of(page)).text
    later = Document(html_of(page, now=NOW + timedelta(days=91))).text
    assert "old: answered 93 days ago" in later
    assert "old: rated 91 days ago" in later
    assert "answered on 11 Oct 2026" in Document(html_of(page, now=NOW + timedelta(days=200))).text


def test_a_result_that_is_old_has_its_day_beside_it() -> None:
    assert ">11 Jul 2026<" in picture_of("lab-1988-5", a_lab(taken_at=JULY))
    assert ">7 Oct 2026<" not in picture_of("lab-1988-5", a_lab())


def test_a_visit_that_is_over_today_is_not_called_by_a_date() -> None:
    assert "the last one was today 10:20" in shown(a_visit(state=VisitState.COMPLETED))
    assert "last on 11 Jul 2026" in shown(a_visit(scheduled_at=JULY, state=VisitState.COMPLETED))


def test_answers_of_another_visit_or_of_long_ago_are_not_called_now() -> None:
    july = a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY)
    before: list[Body] = [an_enrollment(), july, a_visit(), a_survey_in_july()]
    other = shown(*before)
    assert "Past 6 months 11 Jul" in other
    assert "Said on 11 Jul, for another visit." in other
    assert "The patient's answers are of 11 Jul. Nothing here says how it is now." in other
    assert "Both agree" not in other
    today = shown(*before, a_survey())
    assert "Past 6 months now 11 Jul" in today
    assert "Said on" not in today
    old = shown(an_enrollment(), a_visit(), a_survey(), now=NOW + timedelta(days=60))
    assert "Past 6 months 11 Oct" in old
    assert "Said on 11 Oct." in old


@pytest.mark.parametrize("consent", list(ConsentState))
def test_a_patient_who_withdrew_is_told_what_that_means(consent: ConsentState) -> None:
    said = shown(an_enrollment(consent=consent), a_visit())
    own = shown(an_enrollment(consent=consent), a_visit(), viewer_role=ViewerRole.PATIENT)
    is_withdrawn = consent is ConsentState.WITHDRAWN
    assert ("Consent withdrawn: no longer counted in the network's figures." in said) is is_withdrawn
    assert ("You withdrew your consent" in own) is is_withdrawn


def test_a_coordinator_reads_the_front_desks_own_steps_and_is_not_told_that_nothing_is_missing() -> None:
    steps = [a_step(step_id=an_id(who), who=who, what=f"sealed:{who}") for who in ("front-desk", "clinician")]
    page = without_clinical(page_of(an_enrollment(), a_visit(), a_survey(), *steps))
    said = Document(html_of(page, viewer_role=ViewerRole.COORDINATOR)).text
    assert "words of sealed:front-desk" in said
    assert "words of sealed:clinician" not in said
    level = a_lab(lab_id=an_id("level"), loinc="86894-3", name="Adalimumab level", value=9, unit="ug/mL")
    labs = (a_lab(), a_lab(**CALPROTECTIN, lab_id=an_id("calprotectin"), value=95), level)
    full = page_of(an_enrollment(), a_visit(), a_survey(), an_assessment(), a_medication(), *labs)
    assert "Missing nothing" in Document(html_of(full)).text
    assert "Missing" not in Document(html_of(without_clinical(full), viewer_role=ViewerRole.COORDINATOR)).text


def test_a_coordinator_from_whom_the_clinical_is_hidden_has_nothing_to_show_to_both() -> None:
    full = page_of(an_enrollment(), a_visit(), a_survey())
    look = {"viewer_role": ViewerRole.COORDINATOR, "live": Live(PATIENT, an_id("view"), "1")}
    assert "Show it to both" in Document(html_of(full, **look)).text
    assert "Show it to both" not in Document(html_of(without_clinical(full), **look)).text


def test_times_are_those_of_the_clinic() -> None:
    page = page_of(a_visit())
    assert "Visit today 10:20" in Document(html_of(page)).text
    assert "Visit 14 Oct 2026 00:20" in Document(html_of(page, time_zone="Asia/Tokyo", now=NOW - timedelta(1))).text


def test_a_late_step_says_how_late_it_is() -> None:
    assert "due 30 Sep, 13 days late" in shown(a_step(due_on=date(2026, 9, 30)))
    assert "by Fri 16 Oct" in shown(a_step())


def test_a_change_of_method_is_said_and_no_line_is_drawn_over_it() -> None:
    html = html_of(a_rich_page())
    chart = re.search(r'<svg class="only-wide"[^>]*lab-38445-3-t.*?</svg>', html, re.S)
    assert chart is not None
    assert "new method: do not compare" in chart[0]
    assert 'class="l-clinic"' not in chart[0]
    assert "Calprotectin: new method" in Document(html).text


def test_no_line_is_drawn_over_a_missing_score() -> None:
    def at(day: int, **changes: Any) -> Body:
        when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        return a_survey(survey_id=an_id(day), visit_id=an_id("v", day), submitted_at=when, **changes)

    none = (Score(instrument="pro-3-cd|1.0", value=None, band=None, missing=("well_being",)),)
    broken = picture_of("index", at(1), at(30, scores=none), at(60))
    assert 'class="l-main"' not in broken
    assert "no score on 30 Jan 2026" in broken
    assert 'class="l-main"' in picture_of("index", at(1), at(60))


def test_a_censored_result_is_an_open_triangle_and_its_sign_stays() -> None:
    html = html_of(a_rich_page())
    assert html.count('class="p-open"') == 2
    assert "&lt;3 on 11 Jul 2026" in html


def test_a_corrected_result_shows_what_it_replaced() -> None:
    html = html_of(page_of(a_lab(value=31.2), a_lab(value=312)))
    assert '<s><span class="vh">was </span>31.2</s> 312' in html


def test_a_corrected_result_that_is_folded_away_shows_what_it_replaced_too() -> None:
    tests = [a_lab(lab_id=an_id(n), loinc=f"{n}-1", name=f"Test {n}", value=float(n)) for n in range(1, 6)]
    corrected = a_lab(lab_id=an_id(5), loinc="5-1", name="Test 5", value=55.0)
    checks = html_of(page_of(*tests, corrected)).partition('data-panel="checks"')[2]
    folded_away = checks.partition('<details class="more">')[2].partition("</details>")[0]
    assert "Test 5" in folded_away
    assert '<s><span class="vh">was </span>5</s> 55' in folded_away


def test_scores_older_than_the_chart_are_in_the_table() -> None:
    old = a_survey(submitted_at=datetime(2024, 5, 1, 15, tzinfo=UTC))
    text = shown(old)
    assert "no score in the past 12 months" in text
    assert "1 May 2024 mild 16" in text


def test_an_index_without_four_bands_shows_the_bands_that_it_has() -> None:
    score = (Score(instrument=PRO_2_UC.key, value=3, band="not-remission"),)
    text = shown(a_survey(scores=score))
    assert "My answers say PRO-2, 2 days ago Not in remission, 3 points Remission Not in remission" in text


def test_last_time_has_one_day_on_the_whole_page_also_where_the_survey_came_before_the_visit() -> None:
    of_july = a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY)
    before = a_survey_in_july(submitted_at=JULY - timedelta(days=2), concerns=a_survey().concerns)
    text = shown(an_enrollment(), of_july, a_visit(), before, a_survey())
    assert "Topic also raised on 11 Jul." in text
    assert "Up 6 since 11 Jul (10, remission)" in text
    assert "9 Jul" not in text.partition("Show as table")[0]


def test_the_patients_own_page_has_the_same_panels_and_fewer_numbers() -> None:
    page = a_rich_page()
    own, clinic = (Document(html_of(page, viewer_role=role)) for role in (ViewerRole.PATIENT, ViewerRole.CLINICIAN))
    panels = [[a["data-panel"] for _, a, _ in document.elements if "data-panel" in a] for document in (own, clinic)]
    assert panels[0] == panels[1]
    assert "My page" in own.text
    assert "PGA" not in own.text
    assert "16 points" not in own.text


def test_the_length_of_a_look_is_reported_only_for_a_look_that_was_recorded() -> None:
    page = page_of(a_survey())
    assert f'data-beacon="/v1/views/{an_id("view")}/beacon" data-seen="2000"' in html_of(page)
    assert "data-beacon" not in html_of(page, view=None)


def test_synthetic_data_says_so() -> None:
    page = page_of(a_survey())
    assert "Synthetic data: no real person" in Document(html_of(page, is_synthetic=True)).text
    assert "ynthetic" not in Document(html_of(page)).text


def test_no_word_blames_or_labels_the_patient() -> None:
    for page in (a_rich_page(), assemble(empty())):
        text = Document(html_of(page)).text.lower()
        for word in ("abnormal", "non-compliant", "failed", "poor", "n/a", "!"):
            assert word not in text


def test_every_class_of_the_page_that_colours_a_chart_is_in_the_stylesheet() -> None:
    shared = (STATIC.parents[3] / "shared" / "pages" / "static" / "samepage.css").read_text()
    pictures = re.findall(r'<svg class="only-.*?</svg>', html_of(a_rich_page()), re.S)
    used = {name for picture in pictures for names in re.findall(r'class="([^"]+)"', picture) for name in names.split()}
    assert [name for name in used if f".{name} " not in shared] == []


def test_sizes_and_colours_are_named_in_the_shared_stylesheet_only() -> None:
    own = (STATIC / "patient.css").read_text()
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", own) == []
    assert set(re.findall(r"font-size: ([^;]+);", own)) <= {f"var(--t-{n})" for n in (*"123456", "quote")} | {"89%"}


def test_blood_and_a_changed_output_have_a_row_where_the_patient_told_of_them_and_none_else() -> None:
    def rows(*given: dict[str, object]) -> list[str]:
        surveys = [a_survey_in_july(answers=ANSWERS | given[0]), a_survey(answers=ANSWERS | given[-1])]
        return [row["item"] for row in page_of(an_enrollment(), a_visit(), *surveys)["well_being"]]

    usual = rows({"rectal_bleeding": 0, "output_change": "usual"})
    assert usual == rows({}) == ["fatigue", "pain_nrs", "nights_woken", "phq_2"]
    told: dict[str, object] = {"rectal_bleeding": 3, "output_change": "much-more"}
    assert rows({}, told) == rows(told, {}) == ["rectal_bleeding", "output_change", *usual]
    page = page_of(an_enrollment(), a_visit(), a_survey(answers=ANSWERS | told))
    for role in (ViewerRole.CLINICIAN, ViewerRole.PATIENT):
        text = Document(html_of(page, viewer_role=role)).text
        assert "Blood, 3 days without stool 3 of 3 Bag or pouch much more" in text


def test_a_survey_by_a_form_of_the_site_shows_what_is_known_here_and_says_that_there_is_more() -> None:
    own = a_survey(
        form="https://clinic.example/diet|1.0",
        form_title="What you <eat>",
        answers={"foods[1]": "milk", "since": "2026-03", "fatigue": 4},
        skipped={},
        scores=(Score(instrument="phq-4|1.0", value=3, band="mild"),),
        concerns=(),
        matters_most=None,
    )
    page = page_of(an_enrollment(), a_visit(), a_survey_in_july(), own)
    assert page["well_being"][0]["now"] == {"state": "answered", "value": 4}
    for role in (ViewerRole.CLINICIAN, ViewerRole.PATIENT):
        html = html_of(page, viewer_role=role)
        assert "other answers to “What you &lt;eat&gt;”" in html
        assert "Asked, and left empty." not in html
        assert "Not answered in “What you &lt;eat&gt;”." in html
        assert "milk" not in html
