"""Which answers alert: each rule of the network at its edge, a site's changes within their bounds, and no surprises."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import (
    EVERY_NETWORK_RULE,
    FORMS,
    INSTRUMENTS,
    NETWORK_RULES,
    Comparison,
    Definition,
    Met,
    NewAlert,
    Rule,
    RuleSettings,
    Severity,
    Source,
    answer_in_words,
    form_for,
    repeats_marked,
    rule_changed,
    rules_in_force,
    rules_met,
    score,
)
from services.intake.domain.severity import is_severe
from shared.errors import Problem
from shared.events import Diagnosis, Language, Score
from tests.survey import answers_to

NETWORK = rules_in_force({})
Answers = dict[str, float | str | bool]
EDGES: list[tuple[str, Answers, Answers]] = [
    ("severe-bleeding", {"rectal_bleeding": 2}, {"rectal_bleeding": 3}),
    ("severe-pain", {"pain_nrs": 7}, {"pain_nrs": 8}),
    ("severe-belly-pain", {"abdominal_pain": 2.99}, {"abdominal_pain": 3}),
    ("high-output", {"output_change": "more"}, {"output_change": "much-more"}),
    ("low-mood", {"phq2_interest": 1, "phq2_mood": 1}, {"phq2_interest": 2, "phq2_mood": 1}),
    ("emergency-visit", {"ed_visits": 1, "ed_in_2_weeks": False}, {"ed_visits": 1, "ed_in_2_weeks": True}),
]
ANSWERS = st.one_of(
    st.booleans(), st.sampled_from(["", "9", "more", "much-more"]), st.integers(-5, 100), st.floats(-5, 100)
)


def met_by(answers: Answers, rules: tuple[Rule, ...] = NETWORK) -> list[str]:
    """The rules that a survey meets, scored by the first form that asks what was answered."""
    form = next(form for form in FORMS.values() if answers.keys() <= form.definition.by_id.keys())
    whole = answers_to(form) | answers
    return [one.rule.id for one in rules_met(rules, whole, score(form, whole))]


def a_rule(comparison: Comparison, threshold: float) -> Rule:
    definition = Definition(Source.ITEM, "nights_woken", comparison, "Woken", "Despierta", "Synthetic")
    return Rule("own", "site.1", definition, RuleSettings(threshold, Severity.SOON, (60,), 7))


def test_a_survey_of_somebody_who_is_well_alerts_nobody() -> None:
    for form in FORMS.values():
        assert rules_met(NETWORK, answers_to(form), score(form, answers_to(form))) == []


@pytest.mark.parametrize(("rule", "below", "at"), EDGES, ids=[rule for rule, _, _ in EDGES])
def test_a_rule_of_the_network_is_met_at_its_threshold_and_not_below(rule: str, below: Answers, at: Answers) -> None:
    assert met_by(below) == []
    assert met_by(at) == [rule]


@pytest.mark.parametrize("diagnosis", Diagnosis)
def test_severe_bleeding_and_a_high_output_alert_in_every_disease(diagnosis: Diagnosis) -> None:
    form = form_for(diagnosis)
    well = answers_to(form) | {"has_stoma_or_pouch": True, "output_change": "usual"}
    severe = well | {"rectal_bleeding": 3, "output_change": "much-more"}
    assert rules_met(NETWORK, well, []) == []
    assert [one.rule.id for one in rules_met(NETWORK, severe, [])] == ["severe-bleeding", "high-output"]
    asked = (form.definition.by_id[item] for item in ("rectal_bleeding", "output_change"))
    assert all(is_severe(item, severe[item.link_id]) and not is_severe(item, well[item.link_id]) for item in asked)


def test_an_answer_in_codes_counts_its_place_among_those_that_a_rule_names_and_else_nothing() -> None:
    rule = NETWORK_RULES["high-output"]
    milder = replace(rule, settings=replace(rule.settings, threshold=1))
    met = {code: rules_met([milder], {"output_change": code}, []) for code in ("usual", "more", "much-more")}
    assert {code: [(one.answer, one.weight) for one in found] for code, found in met.items()} == {
        "usual": [],
        "more": [(1, 1)],
        "much-more": [(2, 2)],
    }
    assert rules_met([milder], {"output_change": 2}, []) == [], "a number is no code"


def test_every_rule_of_the_network_has_its_edge_here_and_looks_at_what_the_forms_ask() -> None:
    assert [rule for rule, _, _ in EDGES] == list(NETWORK_RULES)
    items = {item.link_id: item for form in FORMS.values() for item in form.definition.walk()}
    for rule in EVERY_NETWORK_RULE.values():
        definition, bounds = rule.definition, rule.bounds
        assert definition.citation
        assert bounds is not None
        assert bounds[0] <= rule.settings.threshold <= bounds[1]
        assert rule_changed(rule, rule.settings, 1).settings == rule.settings, "its own settings are in its bounds"
        if definition.source is Source.ITEM:
            item = items[definition.name]
            assert str(definition.recall) in f"{item.text('en')} {item.help('en')}"
            assert [code for code in item.codes_offered if code in definition.codes] == list(definition.codes)
        else:
            assert definition.name in {instrument.id for instrument in INSTRUMENTS.values()}


def test_what_was_skipped_or_not_scored_meets_no_rule() -> None:
    unscored = [Score(instrument="phq-2|1.0", value=None, band=None, missing=("phq2_mood",))]
    assert rules_met(NETWORK, {"phq2_interest": 3}, unscored) == []


def test_a_newer_version_of_an_instrument_is_looked_at_too() -> None:
    scored = [Score(instrument="phq-2|2.0", value=6, band="positive")]
    assert [one.rule.id for one in rules_met(NETWORK, {}, scored)] == ["low-mood"]


@given(st.dictionaries(st.sampled_from([edge for _, _, at in EDGES for edge in at]), ANSWERS))
def test_whatever_is_answered_only_what_counts_as_much_as_a_threshold_alerts(answers: Answers) -> None:
    for found in rules_met(NETWORK, answers, []):
        answer, codes = answers[found.rule.definition.name], found.rule.definition.codes
        counted = codes.index(answer) + 1 if isinstance(answer, str) else answer
        assert bool(codes) == isinstance(answer, str)
        assert counted >= found.rule.settings.threshold


@given(st.integers(0, 7), st.integers(0, 7), st.sampled_from(Comparison), st.integers(0, 7))
def test_of_two_answers_the_one_that_is_further_over_the_threshold_weighs_more(
    one: int, other: int, comparison: Comparison, threshold: int
) -> None:
    rule = a_rule(comparison, threshold)
    weights = [found.weight for answer in (one, other) for found in rules_met([rule], {"nights_woken": answer}, [])]
    if len(weights) == 2:
        is_worse = one > other if comparison is Comparison.AT_LEAST else one < other
        assert (weights[0] > weights[1]) == is_worse


def test_a_rule_that_is_switched_off_is_not_met_and_one_of_the_sites_own_is() -> None:
    off = replace(NETWORK_RULES["severe-pain"], settings=replace(NETWORK_RULES["severe-pain"].settings, is_on=False))
    own = a_rule(Comparison.AT_LEAST, 3)
    rules = rules_in_force({off.id: off, own.id: own})
    assert met_by({"pain_nrs": 10, "nights_woken": 3, "phq2_mood": 3}, rules) == ["low-mood", "own"]


@pytest.mark.parametrize(
    ("setting", "value", "field"),
    [
        ("threshold", 6.9, "threshold"),
        ("threshold", 10.1, "threshold"),
        ("threshold", float("nan"), "threshold"),
        ("escalates_after", (4,), "escalates_after"),
        ("escalates_after", (60, 60), "escalates_after"),
        ("escalates_after", (60, 10081), "escalates_after"),
        ("quiet_days", -1, "quiet_days"),
        ("quiet_days", 31, "quiet_days"),
    ],
)
def test_a_setting_out_of_its_bounds_is_refused_and_named(setting: str, value: object, field: str) -> None:
    rule = NETWORK_RULES["severe-pain"]
    changes: dict[str, object] = {setting: value}
    with pytest.raises(Problem) as refused:
        rule_changed(rule, replace(rule.settings, **changes), 1)  # type: ignore[arg-type]
    assert [error.field for error in refused.value.errors] == [field]


def test_a_change_makes_another_version_and_leaves_the_one_before_as_it_was() -> None:
    rule = NETWORK_RULES["severe-pain"]
    changed = rule_changed(rule, replace(rule.settings, threshold=9), 4)
    assert (changed.key, changed.settings.threshold, changed.definition) == ("severe-pain|site.4", 9, rule.definition)
    assert (rule.key, rule.settings.threshold) == ("severe-pain|1.0", 8)


@given(st.lists(st.tuples(st.sampled_from(["severe-pain", "severe-bleeding"]), st.integers(0, 10)), max_size=8))
def test_of_alerts_of_one_moment_about_one_patient_the_worst_stays_and_the_others_repeat_it(
    found: list[tuple[str, int]],
) -> None:
    patient, now = uuid4(), datetime(2026, 10, 13, tzinfo=UTC)
    alerts = [
        NewAlert("site", uuid4(), patient, uuid4(), uuid4(), "form", Met(NETWORK_RULES[rule], weight, weight), now, now)
        for rule, weight in found
    ]
    marked = repeats_marked(alerts)
    assert {one.alert_id for one in marked} == {one.alert_id for one in alerts}
    for rule in {rule for rule, _ in found}:
        of_rule = [one for one in marked if one.met.rule.id == rule]
        (first,) = (one for one in of_rule if one.repeats is None)
        assert first.met.weight == max(one.met.weight for one in of_rule)
        assert all(one.repeats == first.alert_id for one in of_rule if one is not first)


def test_a_survey_that_comes_in_more_than_three_days_after_it_was_given_is_late() -> None:
    now = datetime(2026, 10, 13, tzinfo=UTC)
    met = Met(NETWORK_RULES["severe-pain"], 9, 9)

    def is_late(**before: int) -> bool:
        given = now - timedelta(**before)
        return NewAlert("site", uuid4(), uuid4(), uuid4(), uuid4(), "form", met, given, now).is_late

    assert [is_late(days=3), is_late(days=3, seconds=1), is_late(days=-1)] == [False, True, False]


@pytest.mark.parametrize(
    ("rule", "form", "answer", "question", "chosen"),
    [
        ("severe-bleeding", "pre-visit-uc|1.0", 3, "Did you see blood", "3 of 3: Blood came without stool"),
        ("severe-pain", "pre-visit-crohns|1.0", 8, "How strong was your pain", "8 of 10"),
        ("severe-belly-pain", "pre-visit-crohns|1.0", 2.5, "How was your belly pain", "2.5 of 3"),
        ("emergency-visit", "pre-visit-crohns|1.0", 1, "Did you go to an emergency room", "Yes"),
        ("low-mood", "pre-visit-crohns|1.0", 4, "PHQ-2", "4 of 6"),
        ("severe-bleeding", "pre-visit-crohns|1.1", 3, "Did you see blood", "3 of 3: Blood came without stool"),
        ("high-output", "pre-visit-uc|1.0", 2, "How much came out?", "Much more, or like water"),
        ("severe-pain", "a form that is gone|9", 8, "pain_nrs", "8"),
        ("high-output", "a form that is gone|9", 2, "output_change", "much-more"),
    ],
)
def test_an_answer_is_shown_in_the_words_that_it_was_chosen_by(
    rule: str, form: str, answer: float, question: str, chosen: str
) -> None:
    words = answer_in_words(FORMS.get(form), NETWORK_RULES[rule].definition, answer)
    assert words.question.startswith(question)
    assert words.chosen == chosen


def test_an_answer_is_shown_in_the_readers_language() -> None:
    def said(rule: str, answer: float, form: str = "pre-visit-crohns|1.0") -> tuple[str, str]:
        return answer_in_words(FORMS[form], NETWORK_RULES[rule].definition, answer, Language.SPANISH)

    question, chosen = said("emergency-visit", 1)
    assert question.startswith("¿")
    assert chosen == "Sí"
    assert said("severe-belly-pain", 2.5)[1] == "2.5 de 3"
    assert said("low-mood", 4)[1] == "4 de 6"
    assert said("high-output", 1)[1] == "Más, o más líquido"
