"""One visit from the survey to the network figures, through the HTTP doors that everybody uses, wherever they are."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx

from shared.auth import Role
from tests.conftest import new_key
from tests.services.clinic import PERSON, SITE_BODY
from tests.survey import survey_of
from tests.waiting import until

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
FEEDBACK = {
    "effort_to_understand": 9,
    "effort_to_listen": 9,
    "effort_to_include": 8,
    "helped_discussion": True,
    "helped_what_matters": True,
    "helped_decisions": None,
    "used_in_visit": "yes",
    "used_outside_visit": "no",
    "used_over_one_month": True,
}


class Doors(Protocol):
    """A running system."""

    def client(self, service: str, role: Role, sites: list[str]) -> httpx.Client:
        """An HTTP client of a service's door, in a role."""


@dataclass
class Clinic:
    """A site and its clients."""

    site: str
    intake: httpx.Client
    clinical: httpx.Client
    feedback: httpx.Client
    clinician: httpx.Client
    operator: httpx.Client
    receipts: dict[str, str] = field(default_factory=dict)

    def enrol(self, identifier: str) -> tuple[str, str]:
        """A consented patient with a visit now; their ids."""
        patient = PERSON | {"identifier": identifier, "clinician_id": "dr-1", "consent": "consented"}
        enrolled = posted(self.intake, "/v1/patients", patient)
        patient_id = enrolled["id"]
        self.receipts[patient_id] = enrolled["receipt"]
        scheduled_at = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
        visit = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": scheduled_at}
        return patient_id, posted(self.intake, "/v1/visits", visit)["id"]


@contextmanager
def open_clinic(doors: Doors, site: str) -> Iterator[Clinic]:
    """A new site of a running system."""
    with ExitStack() as opened:

        def client(service: str, role: Role, sites: list[str]) -> httpx.Client:
            return opened.enter_context(doors.client(service, role, sites))

        clinic = Clinic(
            site=site,
            intake=client("intake", Role.SYSTEM, [site]),
            clinical=client("clinical", Role.SYSTEM, [site]),
            feedback=client("feedback", Role.SYSTEM, [site]),
            clinician=client("dashboard", Role.CLINICIAN, [site]),
            operator=client("analytics", Role.OPERATOR, []),
        )
        answer = clinic.intake.put(f"/v1/sites/{site}", json=SITE_BODY)
        assert answer.status_code == 200, answer.text
        yield clinic


def posted(client: httpx.Client, path: str, body: Any, **params: str) -> dict[str, Any]:
    answer = client.post(path, json=body, headers=new_key(), params=params)
    assert answer.status_code in {200, 201}, answer.text
    document: dict[str, Any] = answer.json()
    return document


@dataclass(frozen=True)
class Visit:
    """A visit that took place; `receipt` is its survey's, which was sent in the trace `TRACE_ID`."""

    patient_id: str
    receipt: str


async def hold_a_visit(clinic: Clinic, identifier: str) -> Visit:
    """Survey, clinical data, the page in the visit, check-out, feedback, and the site among the network's figures."""
    patient_id, visit_id = clinic.enrol(identifier)
    words = {"concerns": [{"topic": "symptoms", "words": "The cramps are back"}], "matters_most": "Work a full shift"}
    traced = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
    answer = clinic.intake.post(
        "/v1/surveys", json=survey_of(patient_id, visit_id, **words), headers=new_key() | traced
    )
    assert answer.status_code == 201, answer.text
    receipt = answer.json()["receipt"]

    about = {"patient_id": patient_id}
    now = datetime.now(UTC)
    assessment = {**about, "clinician_id": "dr-1", "activity": "mild", "visit_id": visit_id}
    posted(clinic.clinical, "/v1/assessments", assessment, wait_for=clinic.receipts[patient_id])
    lab = {**about, "loinc": "1988-5", "value": 1.2, "unit": "mg/dL", "taken_at": (now - timedelta(days=6)).isoformat()}
    posted(clinic.clinical, "/v1/labs", lab)
    posted(clinic.clinical, "/v1/medications", {**about, "name": "adalimumab", "started_on": "2026-01-05"})
    step = {**about, "what": "Blood test", "who": "patient", "visit_id": visit_id}
    plan = posted(clinic.clinical, "/v1/plans", step)
    checked_in = clinic.intake.patch(f"/v1/visits/{visit_id}", json={"state": "checked-in"}).raise_for_status().json()

    page_path = f"/v1/patients/{patient_id}/page"
    for written in (receipt, checked_in["receipt"]):
        clinic.clinician.get(page_path, params={"wait_for": written}).raise_for_status()
    answer = clinic.clinician.get(page_path, params={"wait_for": plan["receipt"], "shared": "true"})
    assert answer.headers["samepage-waited"] == "arrived"
    assert "The cramps are back" in answer.text
    assert "Blood test" in answer.text
    assert answer.json()["as_of"] is not None
    unchanged = clinic.clinician.get(page_path, headers={"if-none-match": answer.headers["etag"]})
    assert unchanged.status_code == 304

    completed = clinic.intake.patch(f"/v1/visits/{visit_id}", json={"state": "completed"}).json()
    posted(clinic.feedback, "/v1/feedback", {**FEEDBACK, **about, "visit_id": visit_id}, wait_for=completed["receipt"])

    async def is_counted() -> bool:
        pipeline = clinic.operator.get("/v1/pipeline")
        assert pipeline.status_code == 200, pipeline.text
        return any(site["site_id"] == clinic.site for site in pipeline.json()["sites"])

    await until(is_counted)
    assert clinic.operator.get("/v1/network/funnel").status_code == 200
    return Visit(patient_id, receipt)
