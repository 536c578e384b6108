"""The surveys that come with the product: what they ask, in which words, and how long they take."""

import copy
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
import pytest

from services.intake.domain.content import QUESTIONNAIRES, optional_parts, without
from services.intake.domain.content.reading import FAIRLY_EASY, GRADE_6
from services.intake.domain.questionnaires import compile_questionnaire, shown
from shared.events import ConcernTopic, Diagnosis, Language, YesNoUnsure
from shared.instruments import INSTRUMENTS, index_of
from tests.services.intake.burden import estimated_seconds
from tests.services.intake.readability import fernandez_huerta, flesch_kincaid_grade, reading_of, syllables_of

Json = dict[str, Any]
OURS = "https://samepage.example/fhir/StructureDefinition"
EN, ES = Language.ENGLISH, Language.SPANISH
CROHNS_1_0, CROHNS, COLITIS, UNCLASSIFIED = QUESTIONNAIRES.values()
PRINTED_AS_PUBLISHED = ("worry", "mood")

TOPICS = ",".join(ConcernTopic)
CONCERNS = {
    item: asks
    for rank in (1, 2, 3)
    for item, asks in {f"concern_{rank}_topic": TOPICS, f"concern_{rank}_words": "string to 500"}.items()
}
FIRST = {**CONCERNS, "matters_most": "text to 500", "has_stoma_or_pouch": "boolean"}
STOOLS = {"loose_stools_per_day": "decimal 0 to 60"}
PAIN_IN_BELLY = {"abdominal_pain": "decimal 0 to 3"}
BLEEDING = {"rectal_bleeding": "integer 0 to 3"}
COLITIS_ITEMS = {"stool_frequency": "integer 0 to 3"} | BLEEDING
BODY = {
    "empties_per_day": "integer 0 to 60",
    "output_change": "less,usual,more,much-more",
    "urgency": "integer 0 to 3",
    "nights_woken": "integer 0 to 7",
    "pain_nrs": "integer 0 to 10",
    "fatigue": "integer 0 to 10",
}
WELL = {"well_being": "decimal 0 to 4"}
LAST = {
    "ibd_control": "integer 0 to 10",
    "in_remission": ",".join(YesNoUnsure),
    "phq4_nervous": "integer 0 to 3",
    "phq4_worry": "integer 0 to 3",
    "phq2_interest": "integer 0 to 3",
    "phq2_mood": "integer 0 to 3",
    "ed_visits": "integer 0 to 99",
    "hospital_stays": "integer 0 to 99",
    "ct_scans": "integer 0 to 99",
    "ed_in_2_weeks": "boolean",
    "urgent_contacts": "integer 0 to 99",
    "takes_medicines": "boolean",
    "steroid_courses": "integer 0 to 99",
    "opioid_use": "boolean",
    "taking_as_agreed": "boolean",
    "side_effects": "boolean",
    "missed_doses": "integer 0 to 99",
    "barriers": "none,cost,forgetting,side-effects,time,supply,worry,other",
    "anything_else": "text to 1000",
}
PUBLISHED = {
    "pre-visit-crohns|1.0": FIRST | STOOLS | PAIN_IN_BELLY | BODY | WELL | LAST,
    "pre-visit-crohns|1.1": FIRST | STOOLS | PAIN_IN_BELLY | BLEEDING | BODY | WELL | LAST,
    "pre-visit-uc|1.0": FIRST | COLITIS_ITEMS | BODY | LAST,
    "pre-visit-ibdu|1.0": FIRST | COLITIS_ITEMS | PAIN_IN_BELLY | BODY | WELL | LAST,
}
SHA_256 = {
    "pre-visit-crohns|1.0": "781449787d8a7eef390b246a3438a20ad8f66402ae00504aa9cba9aed14dd307",
    "pre-visit-crohns|1.1": "a6a3480696f0aab9d5de3e7d990ba82dcdd5bd798c4594ee7d80460910a830bb",
    "pre-visit-uc|1.0": "90b6c6f92652a23448b044ccce5549a9fa5bdfa1fb72906e39ab090379ef5250",
    "pre-visit-ibdu|1.0": "a7ea8ac465d8f8b0c17cd38f49f9efba069785d979021a5985217f06422cc40e",
}
ABOUT_NOW = {*CONCERNS, "matters_most", "has_stoma_or_pouch", "in_remission", "takes_medicines", "barriers"}
ABOUT_NOW |= {"anything_else"}

# Somebody with mild disease who names two concerns, explains one of them, and was in the emergency room once.
TYPICAL: Json = {
    "concern_1_topic": "symptoms",
    "concern_1_words": "The cramps are back after lunch. Is the shot wearing off?",
    "concern_2_topic": "steroids",
    "matters_most": "To dance at my wedding in May without running to the bathroom.",
    "has_stoma_or_pouch": False,
    "ed_visits": 1,
    "takes_medicines": True,
    "taking_as_agreed": False,
}
LEFT_EMPTY = {"concern_2_words", "concern_3_topic", "concern_3_words", "anything_else"}

each_survey = pytest.mark.parametrize("survey", QUESTIONNAIRES.values(), ids=QUESTIONNAIRES)


def items_in(parent: Json) -> Iterator[Json]:
    for item in parent.get("item", ()):
        yield item
        yield from items_in(item)


def questions_in(parent: Json) -> list[Json]:
    return [item for item in items_in(parent) if item["type"] not in ("group", "display")]


def by_id(survey: Json) -> dict[str, Json]:
    return {item["linkId"]: item for item in items_in(survey)}


def values_of(element: Json, name: str) -> list[Any]:
    """What the extensions with this name hold: their value, or what they have inside."""
    found = [each for each in element.get("extension", ()) if each["url"].rpartition("/")[2] == name]
    return [next(value for key, value in each.items() if key != "url") for each in found]


def labels_of(item: Json) -> Iterator[tuple[float, Json]]:
    for coding in values_of(item, "labelled-value"):
        yield int(coding["code"]), coding


def said(element: Json, name: str, language: Language) -> str:
    if language is EN:
        return str(element[name])
    (translation,) = element[f"_{name}"]["extension"]
    lang, content = translation["extension"]
    assert lang == {"url": "lang", "valueCode": "es"}
    return str(content["valueString"])


def words_of(parent: Json, language: Language) -> Iterator[str]:
    """Every text of a section as a person reads it."""
    yield said(parent, "text", language)
    for item in items_in(parent):
        yield said(item, "text", language)
        yield from (said(label, "display", language) for _, label in labels_of(item))
        codings = (option["valueCoding"] for option in item.get("answerOption", ()) if "valueCoding" in option)
        yield from (said(coding, "display", language) for coding in codings)


def asks(item: Json) -> str:
    codes = [option["valueCoding"]["code"] for option in item.get("answerOption", ()) if "valueCoding" in option]
    if codes:
        return ",".join(codes)
    if "maxLength" in item:
        return f"{item['type']} to {item['maxLength']}"
    bounds = values_of(item, "minValue") + values_of(item, "maxValue")
    return " to ".join([f"{item['type']} {bounds[0]}", str(bounds[1])]) if bounds else str(item["type"])


def asked(survey: Json, answers: Json) -> frozenset[str]:
    return shown(compile_questionnaire(survey), answers)


@pytest.mark.parametrize("key", QUESTIONNAIRES)
def test_a_published_version_goes_on_asking_what_it_asked(key: str) -> None:
    assert [(item["linkId"], asks(item)) for item in questions_in(QUESTIONNAIRES[key])] == list(PUBLISHED[key].items())


@pytest.mark.parametrize("key", QUESTIONNAIRES)
def test_a_published_version_keeps_every_word_code_and_condition(key: str) -> None:
    assert sha256(orjson.dumps(QUESTIONNAIRES[key], option=orjson.OPT_SORT_KEYS)).hexdigest() == SHA_256[key]


@pytest.mark.parametrize("key", QUESTIONNAIRES)
def test_a_survey_is_found_by_the_name_and_version_of_its_url(key: str) -> None:
    survey = QUESTIONNAIRES[key]
    name, version = key.split("|")
    assert (survey["url"], survey["version"]) == (f"https://samepage.example/fhir/Questionnaire/{name}", version)
    assert survey["status"] == "active"
    assert json.loads(json.dumps(survey)) == survey


def test_each_diagnosis_has_its_survey_with_its_own_index_first() -> None:
    indices = {}
    for survey in QUESTIONNAIRES.values():
        (focus,) = survey["useContext"]
        ours, icd = focus["valueCodeableConcept"]["coding"]
        indices[ours["code"]] = values_of(survey, "instrument")[0]
        assert icd["system"] == "http://hl7.org/fhir/sid/icd-10-cm"
    assert indices == {diagnosis: index_of(diagnosis).key for diagnosis in Diagnosis}


@each_survey
def test_every_link_id_stands_once_and_in_plain_characters(survey: Json) -> None:
    ids = [item["linkId"] for item in items_in(survey)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9_]+", link_id) for link_id in ids)


@each_survey
def test_a_screen_holds_one_to_three_questions_or_three_ranks(survey: Json) -> None:
    for section in survey["item"]:
        assert section["type"] == "group"
        assert 1 <= sum(item["type"] != "display" for item in section["item"]) <= 3


@each_survey
def test_every_question_must_be_answered_or_skipped_but_for_words_and_further_concerns(survey: Json) -> None:
    assert values_of(survey, "explicit-skip") == [True]
    assert {item["linkId"] for item in items_in(survey) if values_of(item, "explicit-skip") == [False]} == {
        *("concern_1_words", "concern_2_topic", "concern_2_words", "concern_3_topic", "concern_3_words"),
        "anything_else",
    }


@each_survey
def test_conditions_name_a_question_of_an_earlier_screen(survey: Json) -> None:
    earlier: set[str] = set()
    for section in survey["item"]:
        for item in [section, *items_in(section)]:
            assert {condition["question"] for condition in item.get("enableWhen", ())} <= earlier
        earlier |= {item["linkId"] for item in questions_in(section)}


@pytest.mark.parametrize(
    ("survey", "stools"),
    [(CROHNS, "loose_stools_per_day"), (COLITIS, "stool_frequency"), (UNCLASSIFIED, "stool_frequency")],
    ids=list(Diagnosis),
)
def test_people_with_a_stoma_or_pouch_are_asked_about_it_and_not_about_stools(survey: Json, stools: str) -> None:
    bag = {"empties_per_day", "output_change"}
    with_bag, without_bag = (asked(survey, {"has_stoma_or_pouch": has_bag}) for has_bag in (True, False))
    assert with_bag & {stools, "urgency", *bag} == bag
    assert without_bag & {stools, "urgency", *bag} == {stools, "urgency"}
    assert asked(survey, {}) == without_bag


def test_blood_is_asked_about_in_every_disease_in_the_same_words_and_counts_in_no_score_of_crohns() -> None:
    asked_before, *others = (by_id(survey).get("rectal_bleeding") for survey in QUESTIONNAIRES.values())
    assert asked_before is None
    assert others[0] is not None
    assert all(item == others[0] for item in others)
    assert values_of(CROHNS, "instrument") == values_of(CROHNS_1_0, "instrument")
    assert not [key for key in values_of(CROHNS, "instrument") if "rectal_bleeding" in INSTRUMENTS[key].items]


def test_missed_doses_are_asked_of_who_takes_medicines_and_not_as_agreed() -> None:
    def is_asked(**answers: bool) -> bool:
        return "missed_doses" in asked(CROHNS, answers)

    assert is_asked(takes_medicines=True, taking_as_agreed=False)
    assert is_asked()
    assert not is_asked(takes_medicines=True, taking_as_agreed=True)
    assert not is_asked(takes_medicines=False)


def test_only_who_went_to_an_emergency_room_is_asked_whether_it_was_lately() -> None:
    assert "ed_in_2_weeks" in asked(CROHNS, {"ed_visits": 1})
    for answers in ({"ed_visits": 0}, {}):
        assert "ed_in_2_weeks" not in asked(CROHNS, answers)


@each_survey
def test_a_survey_asks_all_that_its_instruments_need_within_their_range(survey: Json) -> None:
    items = by_id(survey)
    for key in values_of(survey, "instrument"):
        terms = INSTRUMENTS[key].terms
        lowest = sum(values_of(items[term.item], "minValue")[0] * term.weight for term in terms)
        highest = sum(values_of(items[term.item], "maxValue")[0] * term.weight for term in terms)
        assert (lowest, highest) == (INSTRUMENTS[key].low, INSTRUMENTS[key].high)


@each_survey
def test_the_options_of_a_scale_are_its_whole_range_and_its_ends_have_words(survey: Json) -> None:
    for item in questions_in(survey):
        labels = dict(labels_of(item))
        if labels:
            (low,), (high,) = values_of(item, "minValue"), values_of(item, "maxValue")
            assert {low, high} <= labels.keys() <= set(range(low, high + 1))
            options = [option["valueInteger"] for option in item.get("answerOption", ())]
            assert options == (list(range(low, high + 1)) if item["type"] == "integer" else [])


@each_survey
def test_a_question_about_the_past_says_which_past(survey: Json) -> None:
    recall = {EN: re.compile(r"(?i)(past|last) \d (days|weeks|months)"), ES: re.compile(r"últim[oa]s \d (d|s|m)")}
    for section in survey["item"]:
        around = [item for item in section["item"] if item["type"] == "display"]
        for item in questions_in(section):
            for language, pattern in recall.items():
                words = " ".join(said(each, "text", language) for each in [*around, item, *item.get("item", ())])
                assert bool(pattern.search(words)) != (item["linkId"] in ABOUT_NOW), (item["linkId"], language)


@each_survey
def test_words_are_short_and_plain(survey: Json) -> None:
    for section in survey["item"]:
        if section["linkId"] in PRINTED_AS_PUBLISHED:
            continue
        for language in (EN, ES):
            for words in words_of(section, language):
                assert not re.search(r"!|abnormal|compliant|failed|poor|N/A|anormal|fall", words)
                for sentence in re.split(r"[.?]", words):
                    assert len(sentence.split()) <= 12, sentence


def test_syllables_are_counted_as_they_are_spoken() -> None:
    english = {
        "pain": 1,
        "disease": 2,
        "belly": 2,
        "medicine": 3,
        "emergency": 4,
        "stopped": 1,
        "needed": 2,
        "people": 2,
    }
    spanish = {"dolor": 2, "barriga": 3, "enfermedad": 4, "días": 2, "agua": 2, "medicina": 4, "último": 3}
    assert {word: syllables_of(word, EN) for word in english} == english
    assert {word: syllables_of(word, ES) for word in spanish} == spanish


def test_the_formulas_of_reading_give_their_published_values() -> None:
    assert flesch_kincaid_grade(1, 10, 15) == pytest.approx(6.01)
    assert fernandez_huerta(1, 10, 20) == pytest.approx(76.64)


@pytest.mark.parametrize("language", [EN, ES])
@each_survey
def test_our_own_words_are_read_in_sixth_grade_in_every_section(survey: Json, language: Language) -> None:
    own = [section for section in survey["item"] if section["linkId"] not in PRINTED_AS_PUBLISHED]
    assert len(own) == len(survey["item"]) - len(PRINTED_AS_PUBLISHED)
    for section in own:
        ease = reading_of(words_of(section, language), language)
        assert (ease <= GRADE_6) if language is EN else (ease >= FAIRLY_EASY), (section["linkId"], ease)


@pytest.mark.parametrize("language", [EN, ES])
@each_survey
def test_questions_and_hints_without_their_short_answers_are_read_in_sixth_grade(
    survey: Json, language: Language
) -> None:
    """Short answers make any text look easy, so the sentences must pass without them."""
    sections = [section for section in survey["item"] if section["linkId"] not in PRINTED_AS_PUBLISHED]
    sentences = (said(item, "text", language) for section in sections for item in items_in(section))
    ease = reading_of(sentences, language)
    assert (ease <= GRADE_6) if language is EN else (ease >= FAIRLY_EASY), ease


def test_the_reading_level_is_stated_for_each_language() -> None:
    stated = [
        [next(v for k, v in part.items() if k != "url") for part in level]
        for level in values_of(CROHNS, "reading-level")
    ]
    assert stated == [
        ["en", "Flesch-Kincaid grade", "at most 6"],
        ["es", "Fernández Huerta", "at least 70 (sixth grade)"],
    ]


def test_the_mood_items_stand_as_published_in_their_order_with_their_attribution() -> None:
    sections = [section for section in COLITIS["item"] if section["linkId"] in PRINTED_AS_PUBLISHED]
    items = [item for section in sections for item in questions_in(section)]
    assert [said(item, "text", EN) for item in items] == [
        "Feeling nervous, anxious or on edge",
        "Not being able to stop or control worrying",
        "Little interest or pleasure in doing things",
        "Feeling down, depressed, or hopeless",
    ]
    assert [item["code"] for item in items] == [
        [{"system": "http://loinc.org", "code": code}] for code in ("69725-0", "68509-9", "44250-9", "44255-8")
    ]
    assert [said(item, "text", ES) for item in items[2:]] == [
        "Poco interés o placer en hacer cosas",
        "Se ha sentido decaído(a), deprimido(a) o sin esperanzas",
    ]
    for section in sections:
        intro, *_, notice = section["item"]
        assert "Over the last 2 weeks" in said(intro, "text", EN)
        assert "Spitzer" in said(notice, "text", EN)
        assert "No se requiere permiso" in said(notice, "text", ES)


@each_survey
def test_a_typical_survey_is_estimated_to_take_less_than_five_minutes(survey: Json) -> None:
    on_screen = asked(survey, TYPICAL)
    answered = [item for item in questions_in(survey) if item["linkId"] in on_screen - LEFT_EMPTY]
    assert TYPICAL.keys() <= {item["linkId"] for item in answered}
    screens = sum(section["linkId"] in on_screen for section in survey["item"])
    assert 180 < estimated_seconds(answered, screens=screens) < 300


@each_survey
def test_a_site_leaves_out_a_part_and_what_is_scored_by_it(survey: Json) -> None:
    before = copy.deepcopy(survey)
    shorter = without(survey, {"mood", "closing"})
    assert by_id(survey).keys() - by_id(shorter).keys() == {
        *("mood", "mood_intro", "phq2_interest", "phq2_mood", "mood_notice"),
        *("closing", "anything_else"),
    }
    gone = set(values_of(survey, "instrument")) - set(values_of(shorter, "instrument"))
    assert gone == {key for key in values_of(survey, "instrument") if key.startswith(("phq-2", "phq-4"))}
    assert {name: shorter[name] for name in ("url", "version")} == {name: survey[name] for name in ("url", "version")}
    assert survey == before


@each_survey
def test_each_optional_part_can_be_left_out_without_a_dangling_condition(survey: Json) -> None:
    assert optional_parts(survey) == ("pain_and_fatigue", "worry", "mood", "closing")
    shortest = without(survey, set(optional_parts(survey)))
    left = {item["linkId"] for item in items_in(shortest)}
    for item in items_in(shortest):
        assert {condition["question"] for condition in item.get("enableWhen", ())} <= left
    assert optional_parts(shortest) == ()
    assert values_of(shortest, "instrument")[0] == values_of(survey, "instrument")[0]


@pytest.mark.parametrize("part", ["bowels", "mood ", "phq2_mood"])
def test_a_part_that_is_not_optional_stays(part: str) -> None:
    with pytest.raises(ValueError, match="has no optional part"):
        without(CROHNS, {part})


def test_the_published_surveys_cannot_be_exchanged() -> None:
    with pytest.raises(TypeError):
        QUESTIONNAIRES["pre-visit-uc|1.0"] = CROHNS  # type: ignore[index]
