"""The page in both languages: each phrase has its Spanish, each code its words, and no page is half translated."""

import ast
import html as markup
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from string import Formatter
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from fastapi.routing import APIRoute

from services.clinical.domain import StopReason
from services.dashboard import pages
from services.dashboard.api import ROUTERS
from services.dashboard.domain import GlassReason, assemble, empty, open_words, without_clinical
from services.dashboard.domain.answers import DAY_TO_DAY, URGENT_CARE, WELL_BEING, WHEN_UNUSUAL
from services.dashboard.domain.document.since import TakenBack
from services.dashboard.domain.history import BOUNDS, INDEX_KEYS
from services.dashboard.domain.labs import MARKERS
from services.dashboard.domain.scales import BLEEDING, SCALES
from services.dashboard.pages import glass, labels, looks, present_looks, say_unknown
from services.dashboard.pages.cards import card_words
from services.dashboard.pages.charts.frame import Span
from services.dashboard.pages.export.summary import summary_of
from services.dashboard.pages.live import Live
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.readings import RULE_SAID, differ_words
from services.intake.domain.forms import KNOWN_ITEMS
from shared import pages as shared_pages
from shared.audit import Purpose
from shared.auth import Role
from shared.events import (
    Activity,
    ConcernTopic,
    Diagnosis,
    ErasureReason,
    Language,
    PlanStep,
    Sex,
    SkipReason,
    ViewerRole,
    VisitState,
    YesNoUnsure,
)
from shared.instruments import INSTRUMENTS
from shared.pages.speaking import Choice, Spoken
from shared.speech import Said
from tests.builders import ANSWERS, VISIT_AT, a_step, a_survey, a_visit, an_assessment, an_enrollment, an_erasure, an_id
from tests.markup import Document
from tests.services.dashboard.histories import HISTORY, JULY, a_month, a_survey_in_july, month, page_of
from tests.services.dashboard.test_page_html import NOW, a_rich_page, html_of, opened

# Pages, and what is read, of one patient; the other routes that name one are writes, which show nothing.
SHOW_A_PATIENT = [
    route.name
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    and "{patient_id}" in route.path
    and ("GET" in (route.methods or ()) or not route.include_in_schema)
]
SPANISH = Choice(Language.SPANISH, query=[]).spoken()
SAME_IN_BOTH = {"No", "no"}
TEMPLATES = [path for package in (pages, shared_pages) for path in package.STATIC.parent.rglob("*.html")]
NAMES = re.compile(r"\{[^}]*\}")
A_LOOK = {"at": NOW.isoformat(), "role": "clinician", "subject": "dr-rowe", "purpose": "care", "route": "show_page"}


def phrases() -> Iterator[Said]:
    """Every phrase that is written down in the code of the pages."""
    for package in (pages, shared_pages):
        for path in sorted(package.STATIC.parent.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Said":
                    words = [each.value for each in node.args if isinstance(each, ast.Constant)]
                    if len(words) == 2:
                        yield Said(str(words[0]), str(words[1]))


PHRASES = [*phrases(), RULE_SAID]
ENGLISH_ONLY = {"break_glass", "broken_glass"}


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def english_in(html: str) -> list[str]:
    """What a page says of our English phrases, wherever it stands: in words, in names, in descriptions."""
    said = " ".join([Document(html).text, *re.findall(r'(?:aria-label|title)="([^"]*)"', html)])
    whole = [NAMES.split(phrase.en) for phrase in PHRASES if phrase.en not in SAME_IN_BOTH and phrase.en != phrase.es]
    parts = {part.strip(" .,:;()?") for parts in whole for part in parts}
    spanish = " ".join(phrase.es for phrase in PHRASES)
    told = [part for part in parts if len(part) > 2 and not re.search(rf"\b{re.escape(part)}\b", spanish)]
    return sorted(part for part in told if re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-])", said))


def paper_of(page: dict[str, Any], role: ViewerRole, language: Language) -> dict[str, Any]:
    reader = Reader(NOW.astimezone(ZoneInfo("America/Chicago")), role, language)
    return summary_of(open_words(page, opened), reader, is_synthetic=True)


def strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in strings_in(part)]


def a_page_with_a_skipped_score() -> dict[str, Any]:
    answers = {name: value for name, value in ANSWERS.items() if name != "abdominal_pain"}
    survey = a_survey(answers=answers, skipped={"abdominal_pain": SkipReason.PREFER_NOT_TO_SAY})
    return page_of(an_enrollment(), a_visit(visit_id=an_id("next")), a_survey_in_july(), survey, an_assessment())


def a_page_of_which_not_all_is_kept() -> dict[str, Any]:
    page = page_of(*(body for number in range(15) for body in a_month(number)))
    return page | {"history": {name: section | {"has_more": True} for name, section in page["history"].items()}}


STATES: Mapping[str, dict[str, Any]] = {
    "rich": a_rich_page(),
    "empty": assemble(empty()),
    "skipped": a_page_with_a_skipped_score(),
    "agreeing": page_of(a_survey(), an_assessment(activity=Activity.MILD), a_step(is_done=True, done_on=JULY.date())),
    "no visit": page_of(a_visit(state=VisitState.COMPLETED, completed_at=VISIT_AT), a_survey_in_july()),
    "history": page_of(*(event.body for event in HISTORY)),
    "long": a_page_of_which_not_all_is_kept(),
    "erased": page_of(an_enrollment(), an_erasure()),
    "hidden": without_clinical(a_rich_page()),
}


def test_every_phrase_has_both_languages_and_fills_in_the_same() -> None:
    assert len(PHRASES) > 250
    for phrase in PHRASES:
        assert phrase.es.strip(), phrase
        assert fields(phrase.en) == fields(phrase.es), phrase
        assert phrase.en != phrase.es or len(phrase.en) <= 5, phrase


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (labels.DIAGNOSES, Diagnosis),
        (labels.DIAGNOSES_GLOSSED, Diagnosis),
        (labels.SEXES, Sex),
        (labels.ERASED, ErasureReason),
        (labels.TOPICS, ConcernTopic),
        (labels.SKIPPED, SkipReason),
        (labels.ACTIVITIES, Activity),
        (labels.BANDS, [*Activity, *(band.code for key in INDEX_KEYS for band in INSTRUMENTS[key].bands)]),
        (labels.INDEXES, INDEX_KEYS),
        (labels.REMISSION, YesNoUnsure),
        (labels.MARKERS, [marker.name for marker in MARKERS]),
        (labels.SAMPLES, [marker.sample for marker in MARKERS]),
        (labels.LIMITS, [marker.limit_words for marker in MARKERS]),
        (labels.CHANGES, ["better", "same", "worse"]),
        (labels.SIDES, ["over", "under", "within"]),
        (labels.STATES, ["skipped", "not-asked"]),
        (labels.SYMPTOMS, [band.words for scale in (BLEEDING, *SCALES) for band in scale.bands]),
        (labels.STOPPED, StopReason),
        (labels.RECORDED, BOUNDS.most),
        (labels.TAKEN_BACK, TakenBack.model_fields.keys() - {"kind", "at"}),
        (labels.ITEMS, [*URGENT_CARE, *DAY_TO_DAY, *WHEN_UNUSUAL, *(scale.item for scale in SCALES)]),
        (labels.RECALLED, [scale.recall for scale in SCALES]),
        (labels.ITEMS, [term.item for key in INDEX_KEYS for term in INSTRUMENTS[key].terms]),
        (
            labels.ANSWERS_TO,
            [
                "in_remission",
                "ibd_control",
                *URGENT_CARE,
                *DAY_TO_DAY,
                *WHEN_UNUSUAL,
                *(scale.item for scale in WELL_BEING),
            ],
        ),
        (labels.WHO, get_args(PlanStep.model_fields["who"].annotation)),
        (labels.COUNTED, set(URGENT_CARE) - {"opioid_use"}),
        (labels.BARRIERS, KNOWN_ITEMS["barriers"].codes_offered),
        (labels.OUTPUTS, KNOWN_ITEMS["output_change"].codes_offered),
        (looks.ROLES, Role),
        (looks.PURPOSES, Purpose),
        (looks.SHOWN, SHOW_A_PATIENT),
        (glass.REASONS, GlassReason),
    ],
)
def test_every_code_that_can_come_has_its_words(words: Mapping[str, Said], codes: Any) -> None:
    assert [code for code in codes if code not in words] == []


@pytest.mark.parametrize("span", Span)
@pytest.mark.parametrize("role", ViewerRole)
@pytest.mark.parametrize("page", STATES.values(), ids=STATES)
def test_a_page_in_spanish_says_nothing_of_ours_in_english(page: dict[str, Any], role: ViewerRole, span: Span) -> None:
    is_shared = role is ViewerRole.CLINICIAN
    html = html_of(page, viewer_role=role, spoken=SPANISH, is_synthetic=True, is_shared=is_shared, span=span)
    assert '<html lang="es">' in html
    assert english_in(html) == []


@pytest.mark.parametrize("role", ViewerRole)
@pytest.mark.parametrize("page", [page for page in STATES.values() if not page["erased"]])
def test_a_summary_on_paper_in_spanish_says_nothing_of_ours_in_english(page: dict[str, Any], role: ViewerRole) -> None:
    summary = paper_of(page, role, Language.SPANISH)
    assert summary["language"] == "es"
    assert english_in(markup.escape(" | ".join(strings_in(summary)))) == []


@pytest.mark.parametrize("page", [page for page in STATES.values() if not page["erased"]])
def test_a_summary_on_paper_in_english_says_nothing_of_ours_in_spanish(page: dict[str, Any]) -> None:
    assert re.findall(r"[áéíóúñ¿¡]", " ".join(strings_in(paper_of(page, ViewerRole.PATIENT, Language.ENGLISH)))) == []


@pytest.mark.parametrize("page", [page for page in STATES.values() if not page["erased"]])
def test_a_card_in_spanish_says_nothing_of_ours_in_english(page: dict[str, Any]) -> None:
    words = card_words(page, now=NOW, time_zone="America/Chicago", language=Language.SPANISH)
    assert english_in(markup.escape(f"{words.summary} | {words.detail}")) == []


def test_a_page_in_spanish_offers_its_copies_in_spanish() -> None:
    html = html_of(a_rich_page(), spoken=SPANISH, live=Live(an_id("patient"), an_id("view"), "1"))
    assert english_in(html) == []
    assert "Descargar PDF para leer y para imprimir" in Document(html).text


def test_these_tests_know_english_when_they_see_it() -> None:
    assert len(english_in(html_of(a_rich_page()))) > 80
    summary = paper_of(a_rich_page(), ViewerRole.CLINICIAN, Language.ENGLISH)
    assert len(english_in(markup.escape(" | ".join(strings_in(summary))))) > 80


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if path.stem not in ENGLISH_ONLY], ids=lambda path: path.stem
)
def test_no_word_stands_in_a_template_itself(path: Path) -> None:
    """`Samepage` is what the system is called."""
    template = path.read_text()
    template = re.sub(r"\{% block (body_class|body_data|main_class|brand_href) .*?endblock %\}", "", template)
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template, flags=re.S)
    words = re.sub(r"<[^>]*>", "", text)
    assert re.findall(r"[A-Za-z]{2,}", words) in ([], ["Samepage"])
    assert re.findall(r'(?:aria-label|title|alt|placeholder)="[^"]*[A-Za-z]{2}[^"]*"', text) == []
    assert re.findall(r'"[A-Z][a-z]+[^"]*"', template) == []


@pytest.mark.parametrize("page", STATES.values(), ids=STATES)
def test_a_page_in_english_says_nothing_of_ours_in_spanish(page: dict[str, Any]) -> None:
    text = Document(html_of(page)).text
    assert '<html lang="en">' in html_of(page)
    assert re.findall(r"[áéíóúñ¿¡]", text) == []


@pytest.mark.parametrize("days", [100, 400])
def test_an_old_page_in_spanish_says_its_age_in_spanish(days: int) -> None:
    html = html_of(a_rich_page(), now=NOW + timedelta(days=days), spoken=SPANISH)
    assert english_in(html) == []
    assert "antiguo: contestado" in Document(html).text


def test_days_and_counts_are_said_as_people_say_them() -> None:
    text = Document(html_of(a_rich_page(), spoken=SPANISH)).text
    assert "contestado hace 2 días" in text
    assert "valorado hoy 08:55" in text
    assert "1 ida a emergencias en 6 meses, antes 0" in text
    assert "16 puntos" in text
    assert "Subió 6 desde el 11 jul (10, remisión): peor. 5 o más es un cambio real." in text
    assert "30 sep: 13 días tarde" in text


def test_what_the_charts_show_and_what_is_not_kept_is_said_in_spanish() -> None:
    html = html_of(STATES["long"], now=month(14), spoken=SPANISH, span=Span.FIVE_YEARS)
    text = Document(html).text
    for said in (
        "Los últimos 5 años",
        "Puntuación PRO-3 (enfermedad de Crohn), últimos 5 años; más alto es peor",
        "Medicinas, últimos 5 años",
        "De los cuestionarios hasta el 1 ene 2022 solo se guardan las puntuaciones y lo que se dibuja.",
        "Solo se guarda lo más nuevo: 1,200 resultados de laboratorio.",
        "Última visita 31 ene 2022",
    ):
        assert said in text
    assert 'aria-label="Día en las gráficas"' in html
    assert 'aria-label="medicinas de los últimos 5 años, como tabla"' in html


def test_what_people_wrote_stays_as_they_wrote_it() -> None:
    text = Document(html_of(a_rich_page(), spoken=SPANISH)).text
    for written in (
        "words of sealed:cramps",
        "words of sealed:step",
        "Adalimumab",
        "40 mg every 2 weeks",
        "Hemoglobin",
    ):
        assert written in text


@pytest.mark.parametrize("own", YesNoUnsure)
@pytest.mark.parametrize("activity", Activity)
def test_a_difference_is_said_as_the_json_says_it(own: YesNoUnsure, activity: Activity) -> None:
    page = page_of(a_survey(answers={**ANSWERS, "in_remission": own}), an_assessment(activity=activity))
    if page["readings"]["agreement"]["pairs"]:
        said = differ_words(page["readings"], Reader(NOW, ViewerRole.CLINICIAN))
        assert said == page["readings"]["agreement"]["words"]


@pytest.mark.parametrize("own_subject", [None, "link-of-the-patient"])
@pytest.mark.parametrize("items", [[], [A_LOOK, A_LOOK | {"role": "patient", "subject": "link-of-the-patient"}]])
def test_who_looked_is_said_in_spanish(items: list[dict[str, Any]], own_subject: str | None) -> None:
    found = {"patient_id": an_id("patient"), "items": items, "next": NOW.isoformat() if items else None}
    html = present_looks(found, now=NOW, time_zone="America/Chicago", own_subject=own_subject, spoken=SPANISH)
    assert english_in(html) == []
    assert ("Usted" in html) == bool(items and own_subject)


@pytest.mark.parametrize("role", ViewerRole)
def test_a_page_that_is_not_there_is_said_in_spanish(role: ViewerRole) -> None:
    html = say_unknown(an_id("patient"), role, is_synthetic=False, spoken=SPANISH)
    assert '<html lang="es">' in html
    assert english_in(html) == []


def test_a_reader_whose_language_is_not_known_is_told_in_both() -> None:
    document = Document(say_unknown(an_id("patient"), ViewerRole.PATIENT, is_synthetic=False, spoken=None))
    assert "There is no such page" in document.text
    assert "Esta página no existe. Revise la dirección." in document.text
    assert [a["lang"] for a in document.named("p", lang="es")] == ["es"]


def test_the_other_language_is_one_button_away_and_keeps_what_the_address_asks_for() -> None:
    spoken = Choice(query=[("shared", "true"), ("span", "5-years"), ("lang", "en")]).spoken()
    document = Document(html_of(a_rich_page(), spoken=spoken))
    (button,) = document.named("button", name="lang")
    assert (button["value"], button["lang"]) == ("es", "es")
    kept = [(a["name"], a["value"]) for a in document.named("input", type="hidden")]
    assert kept == [("shared", "true"), ("span", "5-years")]
    assert Document(html_of(a_rich_page(), spoken=Spoken())).named("button", name="lang") == []


def test_a_coordinator_sees_what_is_needed_to_organise_and_nothing_clinical() -> None:
    page = without_clinical(a_rich_page())
    text = Document(html_of(page, viewer_role=ViewerRole.COORDINATOR)).text
    assert "It is for the two of them. Your clinic shows coordinators what is needed to organise care." in text
    for needed in ("Visit today 10:20 with dr-rowe", "answered 2 days ago", "Clinician due 30 Sep, 13 days late"):
        assert needed in text
    for clinical in ("words of", "remission", "16", "Adalimumab", "Calprotectin", "CRP", "Opioids", "Steroids"):
        assert clinical not in text
    counted = {name: section["kept"] for name, section in page["history"].items() if section["kept"]}
    assert counted.keys() == {"visits", "surveys", "steps"}
