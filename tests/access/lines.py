"""The matrix: one line a route, with what a valid request of it says beside ids.

A new route needs one entry here. Its ids are found in the OpenAPI document and filled in by name from the network of
the tests (`tests.access.network`), where a new kind of id needs an entry too. Everything here is synthetic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.auth import Role
from tests.questionnaires import asking, questionnaire
from tests.services.clinic import PERSON, SITE_BODY
from tests.survey import CROHNS, FEEDBACK, answers_to

Json = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """`ids`: where ids stand that the document does not show, such as those of a form. `named`: ids that stand under
    another name in the network, or that repeat another id of the request.

    `fresh`: fields whose value must be new each time. `takes`: fields filled from the network that prove something by
    themselves, and so are not tried. `references`: ids taken as they come, since the service does not know what they
    stand for; one of another site must do no more than what nobody knows. `everywhere`: roles for which every site is
    their own. `counted_in`: where tries are counted, at the sites of who tries. `uses_up`: a valid request
    succeeds once about one person.
    """

    json: Json | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()
    everywhere: frozenset[Role] = frozenset()
    counted_in: frozenset[str] = frozenset()
    uses_up: bool = False


A_VISIT, A_SITE, A_TRY = frozenset({"visit_id"}), frozenset({"site_id"}), frozenset({"glass_try"})
# Of a patient of a third site, which is asked for by right.
AFAR = {"patient_id": "patient_afar", "site_id": "site_afar"}
VISIT: Json = {"clinician_id": "dr-1", "scheduled_at": f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"}
SURVEY: Json = {"answers": answers_to(CROHNS), "matters_most": "To sleep through"}
ASSESSMENT: Json = {"clinician_id": "dr-1", "activity": "mild"}
LAB: Json = {"loinc": "1988-5", "value": 0.6, "unit": "mg/dL", "taken_at": "2026-10-07T09:00:00-05:00"}
MEDICINE: Json = {"name": "Adalimumab", "started_on": "2025-11-03"}
STEP: Json = {"what": "Ask the insurer about the co-pay", "who": "nurse"}
FORM: Json = questionnaire(asking("mood", "string"))
AGREED: Json = {"agreed": "on-paper"}
WHY: Json = {"reason": "emergency", "words": "Brought in unconscious"}
VIEW: Json = {
    "role": "clinician",
    "context": "in-visit",
    "is_shared_screen": True,
    "opened_at": "2026-03-01T10:00:00Z",
}

# Routes that several services have alike.
SHARED: Mapping[str, Line] = {
    "GET /health/live": Line(),
    "GET /health/ready": Line(),
    "GET /metrics": Line(),
    "GET /sign-in/own": Line(),
    "GET /sign-out/own": Line(),
    "GET /signed-out": Line(),
    "GET /v1/receipts/{receipt}": Line(),
    "POST /sign-out": Line(form={}),
}

LINES: Mapping[str, Mapping[str, Line]] = {
    "intake": {
        "PUT /v1/sites/{site_id}": Line(SITE_BODY, everywhere=frozenset({Role.OPERATOR})),
        "PUT /v1/sites/{site_id}/link-rule": Line({"asks_birth_year": False}),
        "POST /v1/patients": Line(PERSON, fresh=frozenset({"identifier"})),
        "POST /v1/patients/{patient_id}/consent": Line({"state": "consented"}, uses_up=True),
        "POST /v1/patients/{patient_id}/erasure": Line(
            {"reason": "patient-request"}, named={"confirm_patient_id": "patient_id"}, uses_up=True
        ),
        "POST /v1/visits": Line(VISIT),
        "PATCH /v1/visits/{visit_id}": Line({"state": "checked-in"}, uses_up=True),
        "POST /v1/visits/{visit_id}/links": Line({}),
        "GET /v1/visits/{visit_id}/links": Line(),
        "DELETE /v1/visits/{visit_id}/links/{link_id}": Line(uses_up=True),
        "POST /v1/surveys": Line(SURVEY, uses_up=True),
        "POST /v1/forms": Line(FORM, fresh=frozenset({"version"})),
        "GET /v1/forms": Line(),
        "GET /v1/forms/{form_id}": Line(),
        "GET /v1/forms/{form_id}/difference/{older_id}": Line(),
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
    },
    "dashboard": {
        "GET /v1/patients/{patient_id}/page": Line(),
        "GET /patients/{patient_id}": Line(),
        "GET /v1/patients/{patient_id}/looks": Line(),
        "GET /patients/{patient_id}/looks": Line(),
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
    "POST /oauth/token": "tests/services/intake/test_intake_tokens.py",
    "GET /sign-in": "tests/sign_in/test_sign_in.py",
    "GET /sign-in/callback": "tests/sign_in/test_sign_in.py",
    "GET /signed-in": "tests/sign_in/test_sign_in.py",
    "POST /sign-in/back-channel": "tests/sign_in/test_sessions.py",
    "GET /sign-in/own/callback": "tests/sign_in/test_patient.py",
}
