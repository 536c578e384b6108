"""The synthetic network: the study's proportions, people whose data hang together, and nobody real."""

import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import pairwise
from uuid import UUID

import pytest
from pydantic import BaseModel

from deploy.demo.cohort import make_network
from deploy.demo.network import STUDY, Body, Network, Patient, Visit, scaled
from services.clinical.api.assessments import AssessmentBody
from services.clinical.api.labs import LabBody
from services.clinical.api.medications import MedicationBody
from services.clinical.api.plans import PlanStepBody
from services.clinical.domain import canonical, interval_errors, medicine_of
from services.dashboard.api.views import ViewBody
from services.feedback.api.feedback import FeedbackBody
from services.intake.api.consent import ConsentBody
from services.intake.api.patients import PatientBody
from services.intake.api.sites import SiteBody
from services.intake.api.surveys import SurveyBody
from services.intake.api.versions import GivenBody
from services.intake.api.visits import VisitBody, VisitChange
from services.intake.domain import FORMS, ConsentReason, Said, VisitStatus, advance, decide, index_of, read, score
from shared.errors import FieldError
from shared.events import Activity, ConsentState, Diagnosis, SiteType, SkipReason, VisitState

TODAY = date(2026, 10, 13)
MIDNIGHT = datetime.combine(TODAY, time(), UTC)
SOMEBODY = {"patient_id": UUID(int=1)}
SOME_VISIT = {**SOMEBODY, "visit_id": UUID(int=2)}


@pytest.fixture(scope="module")
def default() -> Network:
    return make_network(today=TODAY)


@pytest.fixture(scope="module")
def study() -> Network:
    return make_network(today=TODAY, scale="study")


@pytest.fixture(scope="module", params=["default", "study"])
def network(request: pytest.FixtureRequest) -> Network:
    found: Network = request.getfixturevalue(request.param)
    return found


def consenting(network: Network) -> list[Patient]:
    return [patient for patient in network.patients if patient.consent is ConsentState.CONSENTED]


def surveys(patients: list[Patient]) -> Iterator[tuple[Patient, Visit, Body]]:
    for patient in patients:
        for visit in patient.visits:
            if visit.survey is not None:
                yield patient, visit, visit.survey


def feedback(network: Network) -> list[tuple[str, Body]]:
    """Each answer with the type of its site."""
    return [
        (str(site.description["site_type"]), visit.feedback)
        for site in network.sites
        for patient in site.patients
        for visit in patient.visits
        if visit.feedback is not None
    ]


def shares(patients: list[Patient], field: str) -> dict[str, float]:
    found = Counter(str(patient.enrolment[field]) for patient in patients)
    return {value: count / len(patients) for value, count in found.items()}


def index_band(patient: Patient, survey: Body) -> str | None:
    index = index_of(Diagnosis(patient.enrolment["diagnosis"])).key
    return next(found.band for found in score(FORMS[survey["form"]], survey["answers"]) if found.instrument == index)


def dated(value: object, name: str = "") -> Iterator[tuple[str, datetime]]:
    """Every date and time inside, with its name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from dated(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from dated(inner, name)
    elif isinstance(value, str) and name.endswith("_at"):
        yield name, datetime.fromisoformat(value)
    elif isinstance(value, str) and name.endswith("_on"):
        yield name, datetime.combine(date.fromisoformat(value), time(), UTC)


def test_the_same_seed_and_day_make_the_same_network() -> None:
    scale = scaled(600)
    once, again = (make_network(today=TODAY, scale=scale, seed=7) for _ in range(2))
    assert once == again
    assert once.sites == again.sites
    assert make_network(today=TODAY, scale=scale, seed=8).sites != once.sites


def test_the_numbers_of_the_scale_are_exact_among_those_who_consented(network: Network) -> None:
    patients = consenting(network)
    answers = [body for _, body in feedback(network)]
    assert len(patients) == network.scale.enrolled
    assert sum(1 for _ in surveys(patients)) == network.scale.surveys
    assert len(answers) == network.scale.feedback
    assert sum(body["used_over_one_month"] is True for body in answers) == network.scale.over_one_month


def test_the_study_scale_is_the_study(study: Network) -> None:
    assert study.scale == STUDY
    assert (STUDY.enrolled, STUDY.surveys, STUDY.feedback, STUDY.over_one_month) == (4057, 2842, 800, 410)


def test_the_default_network_has_a_thousand_patients(default: Network) -> None:
    assert len(consenting(default)) >= 1000


def test_24_of_40_sites_are_active_16_academic_and_8_private(network: Network) -> None:
    active = Counter(site.description["site_type"] for site in network.sites if site.is_active)
    assert len(network.sites) == 40
    assert active == {SiteType.ACADEMIC: 16, SiteType.PRIVATE: 8}
    for site in network.sites:
        if not site.is_active:
            assert all(patient.consent is ConsentState.INVITED and not patient.visits for patient in site.patients)


def test_names_and_identifiers_say_that_they_are_synthetic(network: Network) -> None:
    assert all("synthetic" in site.description["name"].lower() for site in network.sites)
    assert all(patient.identifier.startswith("SYNTHETIC-") for patient in network.patients)
    assert len({patient.identifier for patient in network.patients}) == sum(1 for _ in network.patients)


def test_67_clinicians_have_more_than_five_consenting_patients(network: Network) -> None:
    by_clinician = Counter(patient.enrolment["clinician_id"] for patient in consenting(network))
    assert sum(count > 5 for count in by_clinician.values()) == 67
    assert len(by_clinician) > 67


def test_people_are_in_the_proportions_of_the_study(network: Network) -> None:
    patients = consenting(network)
    ages = [TODAY.year - int(patient.enrolment["birth_year"]) for patient in patients]
    diagnoses = shares(patients, "diagnosis")
    assert shares(patients, "sex")["female"] == pytest.approx(0.65, abs=0.02)
    assert shares(patients, "education")["college-degree"] == pytest.approx(0.70, abs=0.02)
    assert diagnoses["crohns-disease"] == pytest.approx(0.63, abs=0.02)
    assert diagnoses["ulcerative-colitis"] == pytest.approx(0.34, abs=0.02)
    assert 0.08 < shares(patients, "language")["es"] < 0.16
    assert statistics.mean(ages) == pytest.approx(47, abs=1)
    assert statistics.stdev(ages) == pytest.approx(15, abs=1)
    assert 18 <= min(ages) <= max(ages) <= 89


def test_most_consented_and_every_state_of_consent_occurs(network: Network) -> None:
    states = Counter(patient.consent for patient in network.patients)
    assert set(states) == set(ConsentState)
    assert states[ConsentState.CONSENTED] / states.total() > 0.9


def test_patients_without_consent_answer_too(network: Network) -> None:
    others = [patient for patient in network.patients if patient.consent is not ConsentState.CONSENTED]
    assert sum(1 for _ in surveys(others)) > 0
    assert not any(visit.feedback for patient in others for visit in patient.visits)


def test_each_survey_fits_its_form(network: Network) -> None:
    for _, _, survey in surveys(list(network.patients)):
        given = GivenBody.model_validate({name: survey[name] for name in survey if name in GivenBody.model_fields})
        assert isinstance(read(FORMS[survey["form"]], given.by_item, given.skipped), Said)


def test_surveys_are_answered_before_the_visit_most_within_the_two_weeks_in_which_they_count(network: Network) -> None:
    days = [
        (datetime.fromisoformat(visit.schedule["scheduled_at"]) - datetime.fromisoformat(survey["submitted_at"])).days
        for _, visit, survey in surveys(list(network.patients))
    ]
    assert min(days) >= 0
    assert 0 < sum(day >= 14 for day in days) / len(days) < 0.08


def test_some_questions_are_skipped_and_each_skip_has_its_reason(network: Network) -> None:
    reasons = Counter(
        reason for _, _, survey in surveys(list(network.patients)) for reason in survey["skipped"].values()
    )
    assert set(reasons) == set(SkipReason)


def test_each_body_is_one_that_its_endpoint_takes(network: Network) -> None:
    def takes(model: type[BaseModel], *bodies: Body | None, ids: dict[str, UUID] | None = None) -> None:
        for body in bodies:
            if body is not None:
                model.model_validate({**(ids or {}), **body})

    takes(SiteBody, *(site.description for site in network.sites))
    for patient in network.patients:
        takes(PatientBody, patient.enrolment)
        takes(ConsentBody, *patient.consents)
        takes(LabBody, *patient.labs, ids=SOMEBODY)
        takes(MedicationBody, *patient.medications, ids=SOMEBODY)
    for visit in network.visits:
        takes(VisitBody, visit.schedule, ids=SOMEBODY)
        takes(VisitChange, *visit.changes)
        takes(SurveyBody, visit.survey, ids=SOME_VISIT)
        takes(AssessmentBody, *visit.assessments, ids=SOME_VISIT)
        takes(PlanStepBody, *visit.plan_steps, ids=SOME_VISIT)
        takes(ViewBody, *visit.views, ids=SOME_VISIT)
        takes(FeedbackBody, visit.feedback, ids=SOME_VISIT)


def test_consent_and_visits_go_on_as_their_rules_allow(network: Network) -> None:
    for patient in network.patients:
        state, decided_on = (
            ConsentState(patient.enrolment["consent"]),
            date.fromisoformat(patient.enrolment["enrolled_on"]),
        )
        for consent in patient.consents:
            reason = ConsentReason(consent["reason"]) if "reason" in consent else None
            decision = decide(
                state, ConsentState(consent["state"]), reason, date.fromisoformat(consent["decided_on"]), decided_on
            )
            state, decided_on = decision.state, decision.decided_on
    for visit in network.visits:
        at = datetime.fromisoformat(visit.schedule["scheduled_at"])
        status = VisitStatus(VisitState.SCHEDULED, at)
        for change in visit.changes:
            times = {
                name: datetime.fromisoformat(change[name]) if name in change else at if name.startswith(state) else None
                for name, state in (
                    ("checked_in_at", change["state"].replace("-", "_")),
                    ("completed_at", change["state"]),
                )
            }
            status = advance(status, VisitStatus(VisitState(change["state"]), at, **times))


def test_clinical_data_can_be_read(network: Network) -> None:
    for patient in network.patients:
        for lab in patient.labs:
            canonical(lab["loinc"], lab["value"], lab["unit"])
        for body in patient.medications:
            medication = MedicationBody.model_validate({**SOMEBODY, **body})
            assert not isinstance(medicine_of(medication.name, None, medication.route), FieldError)
            assert not interval_errors(medication.started_on, medication.stopped_on, medication.stop_reason)


def test_nothing_lies_in_the_future_but_visits_that_are_scheduled_and_due_dates(network: Network) -> None:
    for patient in network.patients:
        of_visits = [
            (visit.changes, visit.survey, visit.assessments, visit.plan_steps, visit.views, visit.feedback)
            for visit in patient.visits
        ]
        for name, at in dated([patient.enrolment, patient.consents, patient.labs, patient.medications, of_visits]):
            assert at < MIDNIGHT or name == "due_on", (patient.identifier, name, at)
        for visit in patient.visits:
            if visit.state is VisitState.COMPLETED and "completed_at" in visit.changes[-1]:
                assert datetime.fromisoformat(visit.schedule["scheduled_at"]) < MIDNIGHT


def test_each_active_site_has_visits_today_in_every_state_and_some_ahead(network: Network) -> None:
    for site in network.sites:
        at = [
            (datetime.fromisoformat(visit.schedule["scheduled_at"]).date(), visit.state)
            for patient in site.patients
            for visit in patient.visits
        ]
        today = {state for day, state in at if day == TODAY}
        assert today == (set(VisitState) if site.is_active else set())
        assert any(day > TODAY for day, _ in at) == site.is_active


def test_a_patient_is_seen_once_a_day_at_most_and_in_the_order_of_time(network: Network) -> None:
    for patient in network.patients:
        days = [datetime.fromisoformat(visit.schedule["scheduled_at"]).date() for visit in patient.visits]
        assert all(earlier < later for earlier, later in pairwise(days))


def test_patients_call_a_quiet_disease_something_else_as_often_as_in_the_study(study: Network) -> None:
    said: dict[str, Counter[str]] = {"crohns-disease": Counter(), "ulcerative-colitis": Counter()}
    for patient, _, survey in surveys(consenting(study)):
        if index_band(patient, survey) == Activity.REMISSION and patient.enrolment["diagnosis"] in said:
            said[patient.enrolment["diagnosis"]][survey["answers"]["in_remission"]] += 1
    differs = {diagnosis: 1 - answers["yes"] / answers.total() for diagnosis, answers in said.items()}
    assert differs["crohns-disease"] == pytest.approx(0.37, abs=0.04)
    assert differs["ulcerative-colitis"] == pytest.approx(0.23, abs=0.04)


def test_urgent_care_is_about_as_frequent_as_in_the_network(study: Network) -> None:
    answers = [survey["answers"] for _, _, survey in surveys(consenting(study))]
    expected = {"ed_visits": 0.15, "hospital_stays": 0.12, "steroid_courses": 0.17, "opioid_use": 0.11}
    for item, share in expected.items():
        given = [bool(answer[item]) for answer in answers if item in answer]
        assert sum(given) / len(given) == pytest.approx(share, abs=0.04), item


def test_laboratory_and_clinician_follow_the_disease_that_the_patient_feels(study: Network) -> None:
    calprotectin: dict[bool, list[float]] = {True: [], False: []}
    rated: dict[bool, list[int]] = {True: [], False: []}
    for patient, visit, survey in surveys(consenting(study)):
        is_quiet = index_band(patient, survey) == Activity.REMISSION
        rated[is_quiet] += [list(Activity).index(body["activity"]) for body in visit.assessments]
        submitted_at = datetime.fromisoformat(survey["submitted_at"])
        calprotectin[is_quiet] += [
            lab["value"]
            for lab in patient.labs
            if lab["loinc"] == "38445-3" and abs((datetime.fromisoformat(lab["taken_at"]) - submitted_at).days) <= 10
        ]
    assert statistics.median(calprotectin[False]) > 3 * statistics.median(calprotectin[True])
    assert statistics.mean(rated[False]) > statistics.mean(rated[True]) + 0.8


def test_results_are_censored_and_at_some_sites_the_method_changes(network: Network) -> None:
    labs = [lab for patient in network.patients for lab in patient.labs]
    censored = {(lab["loinc"], lab["comparator"], lab["value"]) for lab in labs if "comparator" in lab}
    assert {("38445-3", "<", 16), ("1988-5", "<", 3)} <= censored
    changed = [
        site.site_id
        for site in network.sites
        if len({lab["method"] for patient in site.patients for lab in patient.labs if "method" in lab}) == 2
    ]
    assert 1 <= len(changed) <= 6


def test_prednisone_is_tapered_and_biologics_stop_for_a_reason(network: Network) -> None:
    stops = Counter(
        body["stop_reason"]
        for patient in network.patients
        for body in patient.medications
        if "stop_reason" in body and body["name"] != "prednisone"
    )
    assert {"loss-of-response", "no-response", "side-effects"} <= set(stops)
    whole = [
        [body["dose"] for body in patient.medications if body["name"] == "prednisone"] for patient in network.patients
    ]
    assert ["40 mg daily", "30 mg daily", "20 mg daily", "10 mg daily", "5 mg daily"] in whole


def test_steps_of_the_plan_are_done_open_or_late(network: Network) -> None:
    steps = [step for visit in network.visits for step in visit.plan_steps]
    states = Counter(
        "done" if "done_on" in step else "late" if step.get("due_on", "9") < TODAY.isoformat() else "open"
        for step in steps
    )
    assert all(states[state] > 20 for state in ("done", "late", "open"))


def test_feedback_keeps_the_constructed_table(study: Network) -> None:
    table = Counter(
        (site_type, body["used_in_visit"], all(body[item] == 9 for item in body if item.startswith("effort")))
        for site_type, body in feedback(study)
        if body["used_over_one_month"] is True
    )
    assert table == {
        ("academic", "yes", True): 156,
        ("academic", "yes", False): 9,
        ("academic", "no", True): 52,
        ("academic", "no", False): 12,
        ("private", "yes", True): 81,
        ("private", "yes", False): 17,
        ("private", "no", True): 59,
        ("private", "no", False): 24,
    }


def test_nobody_with_a_month_of_use_gives_feedback_twice(study: Network) -> None:
    for patient in study.patients:
        answers = [visit.feedback for visit in patient.visits if visit.feedback is not None]
        assert len(answers) <= 1 or not any(answer["used_over_one_month"] for answer in answers)


def test_the_page_helped_as_many_as_in_the_study(study: Network) -> None:
    answers = [body for _, body in feedback(study)]
    for item, share in (("helped_discussion", 0.83), ("helped_what_matters", 0.74), ("helped_decisions", 0.71)):
        assert sum(body[item] for body in answers) / len(answers) == pytest.approx(share, abs=0.01)


def test_the_record_of_views_agrees_with_what_patients_say(network: Network) -> None:
    for visit in network.visits:
        if visit.feedback is not None:
            was_shared = any(view["is_shared_screen"] and view["context"] == "in-visit" for view in visit.views)
            assert visit.feedback["used_in_visit"] in ({"yes", "unsure"} if was_shared else {"no", "unsure"})


def test_concerns_are_in_the_patients_language_and_not_all_the_same(network: Network) -> None:
    said = {
        language: [
            concern["words"]
            for _, _, survey in surveys(list(network.patients))
            if survey["language"] == language
            for concern in survey["concerns"]
            if "words" in concern
        ]
        for language in ("en", "es")
    }
    assert len(set(said["en"])) > 60
    assert len(set(said["es"])) > 20
    assert not set(said["en"]) & set(said["es"])
    assert not any("{" in words for words in (*said["en"], *said["es"]))


def test_the_showcase_is_checked_in_today_after_a_year_and_people_disagree(network: Network) -> None:
    site = next(site for site in network.sites if site.site_id == network.showcase.site_id)
    patient = next(patient for patient in site.patients if patient.identifier == network.showcase.identifier)
    *before, visit = patient.visits
    assert visit is patient.visits[network.showcase.visit]
    assert visit.state is VisitState.CHECKED_IN
    assert len(before) >= 5
    first = datetime.fromisoformat(before[0].schedule["scheduled_at"])
    assert (MIDNIGHT - first).days >= 360
    assert visit.survey is not None
    assert visit.survey["answers"]["in_remission"] == "no"
    assert index_band(patient, visit.survey) == Activity.MILD
    assert visit.assessments[-1]["activity"] == Activity.REMISSION
    assert {lab["method"] for lab in patient.labs if "method" in lab} == {"ELISA", "chemiluminescence"}
    assert [survey for _, _, survey in surveys([patient])] == [one.survey for one in patient.visits]


def test_a_network_too_small_for_its_clinicians_is_refused() -> None:
    with pytest.raises(ValueError, match="500 patients"):
        make_network(today=TODAY, scale=scaled(300))


@pytest.mark.parametrize("day", [date(2026, 2, 28), date(2027, 1, 2), date(2027, 3, 14), date(2028, 2, 29)])
def test_any_day_will_do(day: date) -> None:
    network = make_network(today=day)
    assert sum(1 for _ in surveys(consenting(network))) == network.scale.surveys
