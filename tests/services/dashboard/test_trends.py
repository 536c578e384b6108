"""Each score and scale of the survey over time: kept as the row grows, broken where it is not known, in words."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from services.dashboard.domain import assemble, without_clinical
from services.dashboard.domain.history import BOUNDS
from services.dashboard.domain.scales import SCALES
from services.dashboard.pages.charts.frame import Span
from shared.events import Body, Language, SkipReason, ViewerRole
from shared.instruments import FATIGUE_NRS, GAD_2, IBD_10, PAIN_NRS, PHQ_2, PHQ_4, PRO_2_CD, PRO_3_CD, score_of
from shared.pages.speaking import Spoken
from tests.builders import ANSWERS, VISIT_AT, a_lab, a_survey, an_enrollment, an_event, an_id
from tests.markup import Document
from tests.services.dashboard.histories import JULY, a_survey_in_july, folded, month, page_of
from tests.services.dashboard.test_page_html import CALPROTECTIN, HEMOGLOBIN, html_of, picture_of, shown

WORRIED = {**ANSWERS, "phq4_nervous": 1, "phq4_worry": 2}
SCORED = (PRO_3_CD, PRO_2_CD, IBD_10, PHQ_2, GAD_2, PHQ_4, PAIN_NRS, FATIGUE_NRS)
SPANISH = Spoken(Language.SPANISH)


def a_full_survey(number: int, version: int = 1, **answers: Any) -> Body:
    """As intake tells of a shipped survey: with a score of each of its instruments."""
    given = {**WORRIED, **answers}
    return a_survey(
        survey_id=an_id("s", number),
        visit_id=an_id("v", number),
        submitted_at=VISIT_AT - timedelta(days=30 * number),
        answers={item: value for item, value in given.items() if value is not None},
        skipped={item: SkipReason.PREFER_NOT_TO_SAY for item, value in given.items() if value is None},
        scores=tuple(score_of(one, {k: v for k, v in given.items() if v is not None}) for one in SCORED),
        version=version,
    )


def values_in(page: dict[str, Any]) -> dict[str, list[float | None]]:
    return {scale["item"]: scale["values"] for scale in page["trends"]["scales"]}


def test_every_score_and_scale_has_a_value_at_the_time_of_each_survey() -> None:
    page = page_of(a_full_survey(1, fatigue=3, ibd_control=8), a_full_survey(0, phq4_worry=3))
    values = values_in(page)
    assert list(values) == [scale.item for scale in SCALES]
    assert len(page["trends"]["at"]) == 2
    assert values["ibd_control"] == [8, 5]
    assert values["fatigue"] == [3, 6]
    assert (values["phq_2"], values["gad_2"]) == ([2, 2], [3, 4])
    assert values["ed_visits"] == [1, 1]


def test_what_nobody_ever_answered_has_no_trend() -> None:
    assert "gad_2" not in values_in(page_of(a_survey()))
    assert page_of(an_enrollment())["trends"] == {"at": [], "scales": []}


def test_surveys_that_are_points_keep_every_trend_with_the_same_values() -> None:
    page = page_of(*(a_full_survey(n, pain_nrs=n % 10) for n in range(BOUNDS.whole_surveys + 8)))
    assert page["history"]["surveys"]["only_scores"] == 8
    values = values_in(page)
    assert values["pain_nrs"] == [n % 10 for n in reversed(range(20))]
    assert all(None not in one for one in values.values())


def test_of_what_a_correction_replaced_a_point_keeps_the_index_alone() -> None:
    surveys = [a_full_survey(n, version) for n in range(BOUNDS.whole_surveys + 1) for version in (1, 2)]
    facts = folded(*(an_event(body, sequence=number, time=month(60)) for number, body in enumerate(surveys, start=1)))
    point = facts["items"]["surveys"][str(an_id("s", BOUNDS.whole_surveys))]
    (earlier,) = point["earlier"].values()
    assert len(point["scores"]) == len(SCORED)
    assert [score["instrument"] for score in earlier["scores"]] == [PRO_3_CD.key]
    assert set(earlier["answers"]) == set(PRO_3_CD.items)


def test_a_point_of_the_history_stays_small() -> None:
    facts = folded(*(an_event(a_full_survey(n), sequence=100 - n) for n in range(BOUNDS.whole_surveys + 1)))
    point = facts["items"]["surveys"][str(an_id("s", BOUNDS.whole_surveys))]
    assert point["is_point"]
    assert len(json.dumps(point)) < 1_300


def test_no_line_is_drawn_over_an_answer_that_was_not_given() -> None:
    whole = [a_full_survey(n) for n in (2, 1, 0)]
    skipped = [whole[0], a_full_survey(1, pain_nrs=None), whole[2]]
    assert values_in(page_of(*skipped))["pain_nrs"] == [3, None, 3]
    assert 'class="l-main"' in picture_of("pain_nrs", *whole)
    broken = picture_of("pain_nrs", *skipped)
    assert 'class="l-main"' not in broken
    assert "no answer on 13 Sep 2026" in broken


@pytest.mark.parametrize(("item", "instrument"), [("phq_2", PHQ_2), ("pain_nrs", PAIN_NRS)])
def test_no_line_is_drawn_over_a_score_by_another_version(item: str, instrument: Any) -> None:
    other = {"instrument": f"{instrument.id}|9.9", "value": 4, "band": "other"}
    changed = a_survey(survey_id=an_id("s", 1), submitted_at=VISIT_AT - timedelta(days=30), scores=[other])
    surveys = [a_full_survey(2), changed, a_full_survey(0)]
    assert values_in(page_of(*surveys))[item][1] is None
    assert 'class="l-main"' not in picture_of(item, *surveys)


def test_a_clinics_own_form_has_the_trends_of_the_questions_that_are_known() -> None:
    own = a_survey(form="https://clinic.example/diet|1.0", answers={"fatigue": 4, "foods": 3}, scores=(), skipped={})
    assert values_in(page_of(a_survey_in_july(), own))["fatigue"] == [6, 4]
    assert "foods" not in values_in(page_of(own))


def test_each_is_drawn_with_its_words_its_direction_and_the_time_that_it_is_about() -> None:
    bodies = (a_full_survey(1, fatigue=3, ibd_control=8), a_full_survey(0))
    tired, control = picture_of("fatigue", *bodies), picture_of("ibd_control", *bodies)
    assert "Tiredness, past 12 months; higher is worse" in tired
    for said in ("severe 7+", "moderate 4+", "mild 1+", "none 0", "6, moderate"):
        assert said in tired
    assert "3, mild, on 13 Sep 2026 and 6, moderate, on 13 Oct 2026." in tired
    assert "higher is better" in control
    assert ">controlled 7+<" in control
    assert re.findall(r'class="(b\d)"', control) == ["b2", "b1"], "the worse the darker"
    text = shown(*bodies)
    assert "10 more charts" in text
    assert "Low mood, PHQ-2 past 2 weeks, higher is worse" in text
    assert "Steroid courses past 6 months, higher is worse" in text


def test_they_are_folded_away_with_one_table_of_all() -> None:
    document = Document(html_of(page_of(a_full_survey(1, fatigue=3), a_full_survey(0))))
    (folded_away,) = document.named("details", **{"class": "more-trends no-print"})
    assert "open" not in folded_away
    assert "13 Sep 2026 5, not controlled 3, mild 3, mild 2, some 2, under 3" in document.text


def test_the_patient_reads_them_in_plain_words() -> None:
    page = page_of(a_full_survey(1), a_full_survey(0))
    own = Document(html_of(page, viewer_role=ViewerRole.PATIENT)).text
    assert "Worry past 2 weeks, higher is worse" in own
    assert not re.findall(r"PHQ|GAD|NRS", own)
    spanish = Document(html_of(page, viewer_role=ViewerRole.PATIENT, spoken=SPANISH)).text
    assert "Preocupación últimas 2 semanas, más alto es peor" in spanish


def test_only_what_was_answered_in_the_time_that_is_chosen_is_drawn() -> None:
    worried_once = [a_full_survey(20), a_survey_in_july(), a_survey()]
    year, five = (html_of(page_of(*worried_once), span=span) for span in Span)
    assert "gad_2-t" not in year
    assert "gad_2-t" in five
    assert 'class="more-trends' not in html_of(page_of(a_full_survey(20)))


def test_of_very_many_the_telling_ones_are_described_and_the_table_has_all() -> None:
    html = html_of(page_of(*(a_full_survey(n, fatigue=n % 9) for n in range(30))), span=Span.FIVE_YEARS)
    said = "Of 30, the first, the lowest, the highest and the last: 2, mild, on 26 May 2024,"
    assert said in html
    assert html.count(", mild</td>") > 9


def test_a_coordinator_reads_none_and_a_page_from_before_there_were_any_is_shown() -> None:
    page = page_of(a_full_survey(0))
    assert without_clinical(page)["trends"] == {"at": [], "scales": []}
    del page["trends"]
    assert "more-trends" not in html_of(page)


def test_other_checks_show_what_the_result_was_before_and_a_table_of_all() -> None:
    now, before = (a_lab(**HEMOGLOBIN, lab_id=an_id("now"), value=11.6), {"lab_id": an_id("before"), "taken_at": JULY})
    text = shown(now, a_lab(**HEMOGLOBIN, **before, value=12.4))
    assert "Latest of each result before Hemoglobin low , under 12 on 7 Oct 11.6 g/dL 12.4 11 Jul" in text
    assert "11 Jul 2026 Hemoglobin 12.4 g/dL within (12 or more) standard" in text
    assert "12.4 11 Jul, other method" in shown(now, a_lab(**HEMOGLOBIN, **before, value=12.4, method="point of care"))
    assert "Latest of each result Hemoglobin" in shown(now), "nothing stands for what is not there"
    assert "cannot be judged: 250 or less" in shown(a_lab(**CALPROTECTIN, value=100, comparator=">"))


def test_of_one_that_has_no_earlier_result_beside_others_nothing_is_made_up() -> None:
    ferritin = a_lab(loinc="2276-4", name="Ferritin", unit="ng/mL", lab_id=an_id("ferritin"), value=30)
    series = [a_lab(**HEMOGLOBIN, lab_id=an_id(n), taken_at=VISIT_AT - timedelta(days=n), value=12) for n in (1, 9)]
    assert "30 ng/mL –" in shown(ferritin, *series)
    assert len(assemble(folded(an_event(ferritin)))["labs"]) == 1
