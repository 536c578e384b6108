"""What is missing for a visit is said whole and in one place, in both languages, to whoever reads."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.dashboard.domain import freshness, open_words, without_clinical
from services.dashboard.pages.cards import card_words
from services.dashboard.pages.export.summary import summary_of
from services.dashboard.pages.gaps import missing_words, nothing_missing
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.sentences import freshness_cells
from shared.events import Body, Language, SkipReason, ViewerRole, VisitState
from tests.builders import (
    ANSWERS,
    VISIT,
    VISIT_AT,
    a_lab,
    a_medication,
    a_survey,
    a_visit,
    an_assessment,
    an_enrollment,
    an_id,
)
from tests.markup import Document
from tests.services.dashboard.histories import JULY, LAST_VISIT, a_survey_in_july, page_of
from tests.services.dashboard.test_page_html import CALPROTECTIN, NOW, html_of, opened, shown

LEVEL = a_lab(lab_id=an_id("level"), loinc="86894-3", name="Adalimumab level", value=9, reference_high=None)
BOTH_MARKERS = (a_lab(), a_lab(**CALPROTECTIN, lab_id=an_id("calprotectin"), value=95))
WHOLE: tuple[Body, ...] = (
    an_enrollment(),
    a_visit(),
    a_survey(),
    an_assessment(),
    a_medication(),
    LEVEL,
    *BOTH_MARKERS,
)
JULYS_VISIT = a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY)


def without(*items: str, reason: SkipReason = SkipReason.PREFER_NOT_TO_SAY) -> Body:
    """A survey with these questions skipped."""
    answers = {name: value for name, value in ANSWERS.items() if name not in items}
    return a_survey(answers=answers, skipped=dict.fromkeys(items, reason))


def a_reader(language: Language = Language.ENGLISH, **later: int) -> Reader:
    now = NOW.astimezone(ZoneInfo("America/Chicago")) + timedelta(**later)
    return Reader(now, ViewerRole.CLINICIAN, language)


def missing(page: dict[str, Any], reader: Reader | None = None) -> list[str]:
    return missing_words(page, reader or a_reader())


def test_a_page_with_everything_for_the_visit_misses_nothing() -> None:
    assert missing(page_of(*WHOLE)) == []
    assert "Missing nothing that we ask for" in shown(*WHOLE)


def test_whole_sources_that_never_spoke_are_named_with_the_rest() -> None:
    assert missing(page_of(an_enrollment(), a_visit())) == [
        "survey",
        "clinician's rating",
        "Calprotectin",
        "CRP",
        "medicines list",
    ]
    assert missing(page_of(an_enrollment(), a_visit()), a_reader(Language.SPANISH)) == [
        "cuestionario",
        "valoración del médico",
        "Calprotectina",
        "PCR",
        "lista de medicinas",
    ]


def test_a_survey_and_a_rating_of_another_visit_are_none_for_this_one() -> None:
    before = an_assessment(visit_id=LAST_VISIT, assessed_at=JULY)
    page = page_of(an_enrollment(), JULYS_VISIT, a_visit(), a_survey_in_july(), before, a_medication(), *BOTH_MARKERS)
    assert missing(page) == ["survey for this visit", "clinician's rating for this visit"]
    assert {"what": "assessment-for-visit", "visit_id": str(VISIT)} in page["missing"]


def test_a_score_says_which_answers_it_lacks() -> None:
    page = page_of(*WHOLE, without("abdominal_pain", "well_being"))
    assert missing(page) == ["symptom score (lacks belly pain 0–3 and well-being 0–4)"]
    spanish = "puntuación de síntomas (le falta: dolor de barriga 0–3 y bienestar 0–4)"
    assert missing(page, a_reader(Language.SPANISH)) == [spanish]
    kept = page | {"missing": [{"what": "score", "instrument": "pro-3-cd|1.0"}]}
    assert missing(kept) == ["symptom score"], "a page that was made before the answers were named"


def test_a_survey_that_makes_no_score_misses_it() -> None:
    assert missing(page_of(*WHOLE, a_survey(scores=()))) == ["symptom score"]


def test_a_skipped_question_of_the_mood_is_missing_as_any_other() -> None:
    assert missing(page_of(*WHOLE, without("phq2_mood", "opioid_use"))) == ["mood answer", "opioid answer"]


def test_patients_are_not_asked_again_for_what_they_chose_not_to_say() -> None:
    def to_patient(page: dict[str, Any], language: Language = Language.ENGLISH) -> list[str]:
        return missing(page, Reader(a_reader().now, ViewerRole.PATIENT, language))

    chosen = page_of(*WHOLE, without("opioid_use"))
    assert to_patient(chosen) == ["only what you chose not to answer"]
    assert to_patient(chosen, Language.SPANISH) == ["solo lo que prefirió no contestar"]
    assert to_patient(page_of(*WHOLE[:-2], without("opioid_use"))) == to_patient(page_of(*WHOLE[:-2]))
    assert to_patient(page_of(*WHOLE, without("opioid_use", reason=SkipReason.DO_NOT_KNOW))) == ["opioid answer"]


def test_a_marker_that_is_old_is_missing_though_the_laboratory_spoke_since() -> None:
    old = a_lab(**CALPROTECTIN, lab_id=an_id("calprotectin"), value=95, taken_at=VISIT_AT - timedelta(days=92))
    page = page_of(*WHOLE[:-2], a_lab(), old)
    assert missing(page) == ["Calprotectin after 13 Jul"]
    assert missing(page, a_reader(Language.SPANISH)) == ["Calprotectina posterior al 13 jul"]
    assert missing(page, a_reader(days=-3)) == []


def test_nothing_is_not_said_as_if_all_were_well_beside_what_is_old() -> None:
    page, later = page_of(*WHOLE), a_reader(days=20)
    cells = freshness_cells(freshness(page, later.now), page, later)
    assert [cell.shape for cell in cells] == ["old", None, None, None]
    assert nothing_missing(cells, later) == "nothing else"


@pytest.mark.parametrize("role", ViewerRole)
def test_what_does_not_fit_is_counted_and_folded_and_each_reader_is_told(role: ViewerRole) -> None:
    page = page_of(a_visit())
    said = Document(html_of(page, viewer_role=role)).text
    missed = "who the patient is, survey, clinician's rating, Calprotectin, CRP"
    assert f"Missing {missed} and 1 more medicines list" in said
    summary = summary_of(open_words(page, opened), Reader(a_reader().now, role), is_synthetic=True)
    (run,) = summary["sections"][0]["blocks"]
    assert ["Missing", f": {missed}, medicines list"] in run["lines"]


def test_a_coordinator_is_not_told_of_answers_or_scores() -> None:
    for survey in (without("abdominal_pain", "opioid_use"), a_survey(scores=())):
        assert missing(without_clinical(page_of(*WHOLE, survey))) == []


def test_a_card_names_each_gap_once() -> None:
    page = page_of(an_enrollment(), a_visit(), a_survey())
    words = card_words(page, now=NOW, time_zone="America/Chicago")
    assert words.detail.endswith("**Missing or late**: clinician's rating, Calprotectin, CRP, medicines list")
    assert words.summary.endswith("4 things missing or late")
