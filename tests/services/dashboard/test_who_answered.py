"""Who gave the answers, and that they were corrected, stands beside them wherever they are shown."""

from datetime import timedelta
from typing import Any

import pytest

from services.dashboard.domain import open_words
from services.dashboard.pages.cards import card_words
from services.dashboard.pages.export.summary import summary_of
from services.dashboard.pages.reader import Reader
from shared.events import Body, Language, ViewerRole
from shared.pages.speaking import Spoken
from tests.builders import ANSWERS, VISIT_AT, a_survey, a_visit, an_enrollment
from tests.services.dashboard.histories import page_of
from tests.services.dashboard.test_page_html import NOW, opened, shown
from tests.services.dashboard.test_what_is_missing import a_reader

SPANISH = Spoken(Language.SPANISH)
BEFORE: dict[str, Any] = {**ANSWERS, "abdominal_pain": 0}
AMENDED = {"version": 2, "change": "amended", "reason": "entry-mistake"}


def told(*bodies: Body) -> tuple[Body, ...]:
    return an_enrollment(), a_visit(), *bodies


def on_paper(*bodies: Body) -> str:
    """All words of the summary that is handed out."""
    return str(summary_of(open_words(page_of(*bodies), opened), a_reader(), is_synthetic=True))


@pytest.mark.parametrize(
    ("mode", "english", "spanish"),
    [
        ("proxy", "by somebody else", "por otra persona"),
        ("phone", "by phone", "por teléfono"),
        ("paper", "on paper", "en papel"),
    ],
)
def test_answers_that_the_patient_did_not_give_alone_say_how_they_came(mode: str, english: str, spanish: str) -> None:
    survey = told(a_survey(mode=mode))
    assert f"Survey answered 2 days ago, {english}" in shown(*survey)
    assert f"I say 2 days ago, {english} Not in remission" in shown(*survey)
    assert f"Cuestionario contestado hace 2 días, {spanish}" in shown(*survey, spoken=SPANISH)
    card = card_words(page_of(*survey), now=NOW, time_zone="America/Chicago").detail
    assert f"Patient says not in remission (2 days ago, {english})." in card


def test_the_wishes_that_somebody_else_wrote_down_are_not_shown_as_the_patients_own_words() -> None:
    by_another = told(a_survey(mode="proxy"))
    assert "Answered by somebody else for the patient." in shown(*by_another)
    assert "Answered by somebody else for you." in shown(*by_another, viewer_role=ViewerRole.PATIENT)
    assert "Answered by somebody else for the patient." in on_paper(*by_another)
    for mode in ("self", "paper", "phone"):
        assert "Answered by somebody else" not in shown(*told(a_survey(mode=mode)))


def test_a_survey_that_was_corrected_says_so_with_the_score_that_it_had_before() -> None:
    corrected = told(a_survey(answers=BEFORE), a_survey(**AMENDED))
    page = shown(*corrected, now=VISIT_AT + timedelta(days=1))
    assert "corrected today" not in page
    assert "corrected 13 Oct" in page
    assert "Before the correction: 11." in page
    assert "Before the correction: 11." in on_paper(*corrected)
    assert "corrected" not in shown(*told(a_survey()))
    same = told(a_survey(), a_survey(**AMENDED))
    assert "Before the correction" not in shown(*same), "another answer was corrected"


def test_a_card_of_answers_that_are_not_of_now_says_their_day_and_warns_of_nothing() -> None:
    page = page_of(*told(a_survey(answers=ANSWERS | {"loose_stools_per_day": 9, "abdominal_pain": 3})))
    words = card_words(page, now=NOW, time_zone="America/Chicago")
    assert words.is_warning
    later = card_words(page, now=NOW + timedelta(days=30), time_zone="America/Chicago")
    assert not later.is_warning
    assert ", on 11 Oct. " in later.summary
    assert "survey old: answered 32 days ago" in later.detail.splitlines()[-1]


def test_the_reader_says_how_many_days_ago_by_the_calendar_of_the_site() -> None:
    reader: Reader = a_reader()
    assert reader.days_since("2026-10-12T04:30:00+00:00") == 2, "it was still the 11th in Chicago"
    assert reader.days_since("2026-10-13") == 0
