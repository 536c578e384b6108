"""The matrix: one line a route, with what a valid request of it says beside ids.

A new route needs one entry here. Its ids are found in the OpenAPI document and filled in by name from the network of
the tests (`tests.access.network`), where a new kind of id needs an entry too. Everything here is synthetic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.intake.domain.questionnaires import Given, to_response
from shared.auth import Role
from tests.questionnaires import asking, questionnaire
from tests.services.clinic import PERSON, SITE_BODY
from tests.survey import CROHNS, FEEDBACK, answers_to

Json = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """`ids`: where ids stand that the document does not show, such as those of a form; `text` is anywhere in the JSON.
    `named`: ids that stand under another name in the network, or that repeat another id of the request.
    `numbers`: those in the path. `content`: a body of another kind, behind its content type.

    `fresh`: fields whose value must be new each time. `takes`: fields filled from the network that prove something by
    themselves, and so are not tried. `references`: ids taken as they come, since the service does not know what they
    stand for; one of another site must do no more than what nobody knows. `everywhere`: roles for which every site is
    their own. `counted_in`: where tries are counted, at the sites of who tries. `uses_up`: a valid request
    succeeds once about one person.
    """

    json: Json | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    content: tuple[str, str] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()
    everywhere: frozenset[Role] = frozenset()
    counted_in: frozenset[str] = frozenset()
    uses_up: bool = False


def _pages_of_survey(base: str) -> dict[str, Line]:
    """The pages on which a survey is answered, the patient's or the staff's."""
    third = {"number": "3"}
    return {
        f"GET {base}": Line(),
        f"GET {base}/parts/{{number}}": Line(numbers=third),
        f"POST {base}/parts/{{number}}": Line(form={"has_stoma_or_pouch": "false"}, numbers=third),
        f"GET {base}/review": Line(),
        f"POST {base}/send": Line(form={}),
        f"GET {base}/call/{{number}}": Line(numbers=third),
        f"GET {base}/thanks": Line(),
        f"POST {base}/language": Line(form={"go": "lang-es", "there": "review"}),
    }


A_VISIT, A_SITE, A_TRY = frozenset({"visit_id"}), frozenset({"site_id"}), frozenset({"glass_try"})
# Of a patient of a third site, which is asked for by right.
AFAR = {"patient_id": "patient_afar", "site_id": "site_afar"}
VISIT: Json = {"clinician_id": "dr-1", "scheduled_at": f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"}
APPOINTMENT: Json = {
    "resourceType": "Appointment",
    "id": "synthetic-{patient_id}",
    "meta": {"lastUpdated": "2026-10-01T09:00:00Z"},
    "status": "booked",
    "start": "2026-10-13T10:20:00-05:00",
    "participant": [
        {"actor": {"reference": "Patient/{patient_id}"}},
        {"actor": {"reference": "Practitioner/dr-1"}},
    ],
}
PATIENTS_FILE = "patient,birth_year,sex,diagnosis\r\n"
PATIENTS_FORM = (
    '--b\r\nContent-Disposition: form-data; name="kind"\r\n\r\npatients\r\n'
    f'--b\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\n{PATIENTS_FILE}\r\n--b--\r\n'
)
UNSAID = ("concern_1_topic", "matters_most")
SURVEY: Json = {
    "answers": answers_to(CROHNS),
    "skipped": {"concern_1_topic": "prefer-not-to-say"},
    "matters_most": "To sleep through",
}
RESPONSE: Json = {
    **to_response(CROHNS.definition, Given.of_plain(answers_to(CROHNS), dict.fromkeys(UNSAID, "prefer-not-to-say"))),
    "status": "completed",
    "subject": {"reference": "Patient/{patient_id}"},
    "encounter": {"reference": "Encounter/{visit_id}"},
}
AMENDMENT: Json = {**SURVEY, "replaces": 1, "reason": "entry-mistake"}
ERROR: Json = {"replaces": 1, "reason": "test-entry"}
WRONG: Json = {"reason": "wrong-patient"}
CONSENT_TEXT: Json = {"version": "2", "language": "en", "sha256": "0a" * 32, "valid_from": "2150-01-01"}
ASSESSMENT: Json = {"clinician_id": "dr-1", "activity": "mild"}
LAB: Json = {"loinc": "1988-5", "value": 0.6, "unit": "mg/dL", "taken_at": "2026-10-07T09:00:00-05:00"}
MEDICINE: Json = {"name": "Adalimumab", "started_on": "2025-11-03"}
CONTACT: Json = {"email": "somebody@example.org", "wants_messages": True}
STEP: Json = {"what": "Ask the insurer about the co-pay", "who": "nurse"}
CHANGE = {"form": "tick", "key": "synthetic-key", "is_done": "true"}
FORM: Json = questionnaire(asking("mood", "string"))
AGREED: Json = {"agreed": "on-paper"}
WHY: Json = {"reason": "emergency", "words": "Brought in unconscious"}
# Synthetic answers that raise two alerts, and no words, which a coordinator could not replace.
SEVERE: Json = {
    "answers": answers_to(CROHNS) | {"pain_nrs": 10, "ed_visits": 1, "ed_in_2_weeks": True},
    "skipped": dict.fromkeys(UNSAID, "prefer-not-to-say"),
}
SEEN: Json = {"version": 1}
RULE: Json = {"is_on": True, "threshold": 9, "severity": "urgent", "escalates_after": [60], "quiet_days": 7}
RULE_FORM = {"is_on": "yes", "threshold": "9", "severity": "urgent", "escalates_after": "60", "quiet_days": "7"}
NEW_RULE_FORM = RULE_FORM | {
    "about": "item.nights_woken",
    "comparison": "at-least",
    "threshold": "7",
    "words_en": "Never slept through",
    "words_es": "Nunca durmió sin despertarse",
    "citation": "Synthetic",
}
DELIVERY_FORM = {"is_on": "yes", "days_before": "7", "send_at": "10:00", "reminders": "3, 1", "channels": "email"}
VISIT_FORM = {"clinician_id": "dr-1", "scheduled_at": "2026-10-13T10:20"}
NEW_PATIENT_FORM = VISIT_FORM | {
    "birth_year": "1984",
    "sex": "female",
    "diagnosis": "crohns-disease",
    "wants_messages": "yes",
    "email": "synthetic@example.org",
}
NOTICES_FORM = {"addresses": "alerts@clinic.example", "language": "en", "quiet_minutes": "15"}
OWN_RULE: Json = RULE | {
    "definition": {
        "source": "item",
        "name": "nights_woken",
        "comparison": "at-least",
        "words_en": "Woken every night",
        "words_es": "Se despierta cada noche",
        "citation": "Synthetic",
    }
}
VIEW: Json = {
    "role": "clinician",
    "context": "in-visit",
    "is_shared_screen": True,
    "opened_at": "2026-03-01T10:00:00Z",
}

# Of the alert of a patient that is closed already.
CLOSED = {"alert_id": "alert_closed"}

# Routes that several services have alike.
SHARED: Mapping[str, Line] = {
    "GET /health/live": Line(),
    "GET /health/ready": Line(),
    "GET /metrics": Line(),
    "GET /sign-in/own": Line(),
    "GET /sign-out/own": Line(),
    "GET /signed-out": Line(),
    "GET /v1/receipts/{receipt}": Line(),
    "GET /v1/arrivals/{receipt}": Line(named={"receipt": "wait_for"}),
    "POST /sign-out": Line(form={}),
}

LINES: Mapping[str, Mapping[str, Line]] = {
    "intake": {
        "PUT /v1/sites/{site_id}": Line(SITE_BODY, everywhere=frozenset({Role.OPERATOR})),
        "PUT /v1/sites/{site_id}/link-rule": Line({"asks_birth_year": False}),
        "POST /v1/patients": Line(PERSON, fresh=frozenset({"identifier"})),
        "POST /v1/patients/{patient_id}/consent": Line({"state": "consented"}, uses_up=True),
        "GET /v1/patients/{patient_id}/consent": Line(),
        "POST /v1/patients/{patient_id}/invitations": Line({"mode": "phone"}, uses_up=True),
        "POST /v1/consent-texts": Line(CONSENT_TEXT),
        "GET /v1/consent-texts": Line(),
        "POST /v1/patients/{patient_id}/erasure": Line(
            {"reason": "patient-request"}, named={"confirm_patient_id": "patient_id"}, uses_up=True
        ),
        "POST /v1/visits": Line(VISIT),
        "PATCH /v1/visits/{visit_id}": Line({"state": "checked-in"}, uses_up=True),
        "GET /v1/visits/{visit_id}": Line(),
        "POST /v1/fhir/visits": Line(APPOINTMENT, ids={"patient_id": "text"}, uses_up=True),
        "POST /v1/imports": Line(query={"kind": "patients"}, content=("text/csv", PATIENTS_FILE)),
        "GET /v1/imports": Line(),
        "GET /v1/imports/{import_id}": Line(),
        "POST /v1/imports/{import_id}/run": Line(),
        "DELETE /v1/imports/{import_id}": Line(uses_up=True),
        "GET /v1/imports/{import_id}/refused-rows": Line(),
        "GET /v1/import-template": Line(query={"kind": "visits"}),
        "GET /imports": Line(),
        "POST /imports": Line(content=("multipart/form-data; boundary=b", PATIENTS_FORM)),
        "GET /imports/{import_id}": Line(),
        "POST /imports/{import_id}/run": Line(),
        "POST /imports/{import_id}/forget": Line(form={}, uses_up=True),
        "POST /v1/visits/{visit_id}/links": Line({}),
        "GET /v1/visits/{visit_id}/links": Line(),
        "GET /v1/alerts": Line(),
        "GET /v1/alerts/{alert_id}": Line(),
        "POST /v1/alerts/{alert_id}/take": Line(SEEN, uses_up=True),
        "POST /v1/alerts/{alert_id}/hand-over": Line(SEEN | {"to": "dr-2"}, uses_up=True),
        "POST /v1/alerts/{alert_id}/close": Line(SEEN | {"outcome": "called"}, uses_up=True),
        "POST /v1/alerts/{alert_id}/reopen": Line({"version": 2}, named=CLOSED, uses_up=True),
        "GET /alerts": Line(),
        "GET /alerts/{alert_id}": Line(),
        "POST /alerts/{alert_id}/take": Line(form={"version": "1"}, uses_up=True),
        "POST /alerts/{alert_id}/hand-over": Line(form={"version": "1", "to": "dr-2"}, uses_up=True),
        "POST /alerts/{alert_id}/close": Line(form={"version": "1", "outcome": "called"}, uses_up=True),
        "POST /alerts/{alert_id}/reopen": Line(form={"version": "2"}, named=CLOSED, uses_up=True),
        "GET /alert-settings": Line(),
        "POST /alert-settings/notices": Line(form=NOTICES_FORM),
        "POST /alert-settings/rules/{rule_id}": Line(form=RULE_FORM),
        "GET /alert-settings/new": Line(query={"about": "item.nights_woken"}),
        "POST /alert-settings/new": Line(form=NEW_RULE_FORM),
        "GET /v1/sites/{site_id}/alert-rules": Line(),
        "PUT /v1/sites/{site_id}/alert-rules/{rule_id}": Line(RULE),
        "GET /v1/sites/{site_id}/alert-rate": Line(),
        "PUT /v1/sites/{site_id}/alert-notices": Line({"addresses": ["alerts@clinic.example"]}),
        "GET /v1/sites/{site_id}/alert-notices": Line(),
        "POST /high-risk/{patient_id}": Line(form={"reason": "steroids"}),
        "POST /high-risk/{patient_id}/end": Line(form={}),
        "PUT /v1/patients/{patient_id}/high-risk": Line({"reason": "steroids"}),
        "DELETE /v1/patients/{patient_id}/high-risk": Line(),
        "GET /v1/high-risk": Line(),
        "PUT /v1/sites/{site_id}/huddle": Line({"list_manager": "j-ortiz"}),
        "DELETE /v1/visits/{visit_id}/links/{link_id}": Line(uses_up=True),
        "POST /v1/surveys": Line(SURVEY, uses_up=True),
        "POST /v1/fhir/surveys": Line(RESPONSE, ids={"patient_id": "text", "visit_id": "text"}, uses_up=True),
        "GET /v1/surveys/{survey_id}": Line(),
        "GET /v1/surveys/{survey_id}/observations": Line(),
        "POST /v1/surveys/{survey_id}/amendments": Line(AMENDMENT, uses_up=True),
        "POST /v1/surveys/{survey_id}/entered-in-error": Line(ERROR, uses_up=True),
        **_pages_of_survey("/survey"),
        **_pages_of_survey("/visits/{visit_id}/survey"),
        "PUT /v1/patients/{patient_id}/contact": Line(CONTACT),
        "GET /v1/patients/{patient_id}/contact": Line(),
        "DELETE /v1/patients/{patient_id}/contact": Line(uses_up=True),
        "PUT /v1/sites/{site_id}/delivery-rule": Line({"is_on": True}),
        "GET /v1/sites/{site_id}/delivery-rule": Line(),
        "GET /v1/visits/{visit_id}/deliveries": Line(),
        "POST /v1/visits/{visit_id}/deliveries": Line({}),
        "PUT /v1/sites/{site_id}/survey-rule": Line({"care_line": "+1 312 555 0123"}),
        "GET /v1/sites/{site_id}/survey-rule": Line(),
        "GET /link-settings": Line(),
        "POST /link-settings/sends": Line(form=DELIVERY_FORM),
        "POST /link-settings/asks": Line(form={"asks_birth_year": "no"}),
        "GET /patients/new": Line(),
        "POST /patients/new": Line(form=NEW_PATIENT_FORM, fresh=frozenset({"identifier"})),
        "GET /patients/{patient_id}": Line(),
        "POST /patients/{patient_id}/visits": Line(form=VISIT_FORM),
        "POST /patients/{patient_id}/consent": Line(form={"state": "consented"}, uses_up=True),
        "POST /patients/{patient_id}/invitations": Line(form={"mode": "phone"}, uses_up=True),
        "GET /visits": Line(),
        "POST /visits/messages": Line(form={"week": "1", "step": "send"}),
        "GET /visits/{visit_id}": Line(),
        "GET /visits/{visit_id}/contact": Line(),
        "POST /visits/{visit_id}/contact": Line(form={"wants_messages": "yes", "email": "synthetic@example.org"}),
        "POST /visits/{visit_id}/time": Line(form=VISIT_FORM, uses_up=True),
        "POST /visits/{visit_id}/cancel": Line(form={"reason": "clinic"}, uses_up=True),
        "POST /visits/{visit_id}/messages": Line(form={"week": "1"}, uses_up=True),
        "POST /visits/{visit_id}/high-risk": Line(form={"reason": "steroids"}),
        "POST /visits/{visit_id}/high-risk/end": Line(form={}),
        "POST /visits/{visit_id}/links": Line(form={"key": "synthetic-key"}),
        "POST /v1/forms": Line(FORM, fresh=frozenset({"version"})),
        "GET /v1/forms": Line(),
        "GET /v1/forms/{form_id}": Line(),
        "GET /v1/forms/{form_id}/difference/{older_id}": Line(),
        "POST /v1/forms/{form_id}/populate": Line({}),
        "PATCH /v1/forms/{form_id}": Line({"state": "retired"}),
        "GET /l/{site_id}/{secret}": Line(),
        "POST /l/{site_id}/{secret}": Line(form={}),
        "GET /start": Line(),
        "GET /hand-over": Line(query={"to": "dashboard", "state": "s" * 43}),
        "GET /.well-known/jwks.json": Line(),
        "GET /.well-known/smart-configuration": Line(),
    },
    "clinical": {
        "POST /v1/assessments": Line(ASSESSMENT, references=A_VISIT),
        "POST /v1/labs": Line(LAB),
        "POST /v1/medications": Line(MEDICINE),
        "POST /v1/plans": Line(STEP, references=A_VISIT),
        "POST /v1/assessments/{assessment_id}/entered-in-error": Line(WRONG, uses_up=True),
        "POST /v1/labs/{lab_id}/entered-in-error": Line(WRONG, uses_up=True),
        "POST /v1/medications/{medication_id}/entered-in-error": Line(WRONG, uses_up=True),
        "POST /v1/plans/{step_id}/entered-in-error": Line(WRONG, uses_up=True),
        "PATCH /v1/plans/{step_id}": Line(
            {"what": "Ask the insurer", "is_done": True}, references=frozenset({"words_of"})
        ),
    },
    "dashboard": {
        "GET /v1/patients/{patient_id}/page": Line(),
        "GET /patients/{patient_id}": Line(),
        "POST /patients/{patient_id}": Line(form=CHANGE),
        "GET /.well-known/jwks.json": Line(),
        "GET /v1/patients/{patient_id}/live": Line(),
        "GET /patients/{patient_id}/live": Line(),
        "GET /v1/patients/{patient_id}/looks": Line(),
        "GET /patients/{patient_id}/looks": Line(),
        "GET /v1/patients/{patient_id}/export": Line(),
        "POST /v1/views": Line(VIEW, references=A_VISIT),
        "POST /v1/views/{view_id}/beacon": Line({"duration_ms": 5}),
        "POST /v1/break-glass": Line(WHY, takes=A_SITE, named=AFAR, counted_in=A_TRY, uses_up=True),
        "GET /v1/break-glass": Line(),
        "POST /v1/break-glass/{glass_id}/review": Line(),
        "DELETE /v1/break-glass/{glass_id}": Line(uses_up=True),
        "GET /break-glass/new": Line(),
        "POST /break-glass/new": Line(
            form=WHY, ids={"patient_id": "form"}, takes=A_SITE, named=AFAR, counted_in=A_TRY, uses_up=True
        ),
        "GET /break-glass": Line(),
        "POST /break-glass/{glass_id}/review": Line(form={}),
        "POST /break-glass/{glass_id}/end": Line(form={}, uses_up=True),
        "POST /v1/patients/{patient_id}/link-codes": Line(AGREED),
        "POST /v1/patients/{patient_id}/links": Line(AGREED, takes=frozenset({"code"}), uses_up=True),
        "GET /v1/patients/{patient_id}/links": Line(),
        "DELETE /v1/patients/{patient_id}/links/{link_id}": Line(uses_up=True),
        "GET /v1/patients/{patient_id}/links/{link_id}/page": Line(),
        "GET /patients/{patient_id}/links/{link_id}": Line(),
    },
    "feedback": {
        "POST /v1/feedback": Line(FEEDBACK, uses_up=True),
        "GET /v1/invitations": Line(),
    },
    "analytics": {
        "GET /v1/network/funnel": Line(),
        "GET /v1/network/participation": Line(),
        "GET /v1/network/feedback": Line(),
        "GET /v1/pipeline": Line(),
        "GET /network": Line(),
    },
}

# Routes on which somebody proves who they are: they take no id, and each is walked through by tests of its own.
PROOFS = {
    **dict.fromkeys(
        [
            f"{method} /cds-services{rest}"
            for rest, method in (
                ("", "GET"),
                ("", "OPTIONS"),
                ("/samepage-patient-view", "POST"),
                ("/samepage-patient-view", "OPTIONS"),
                ("/samepage-patient-view/feedback", "POST"),
                ("/samepage-patient-view/feedback", "OPTIONS"),
            )
        ],
        "tests/services/dashboard/test_cards.py",
    ),
    "GET /launch": "tests/services/dashboard/test_launching.py",
    "GET /launch/callback": "tests/services/dashboard/test_launching.py",
    "POST /oauth/token": "tests/services/intake/test_intake_tokens.py",
    "GET /sign-in": "tests/sign_in/test_sign_in.py",
    "GET /sign-in/callback": "tests/sign_in/test_sign_in.py",
    "GET /signed-in": "tests/sign_in/test_sign_in.py",
    "POST /sign-in/back-channel": "tests/sign_in/test_sessions.py",
    "GET /sign-in/own/callback": "tests/sign_in/test_patient.py",
}
