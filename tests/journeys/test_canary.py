"""Marked words and identifiers go through every route of the running system; only the page itself may show them."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.contracts.interfaces import openapi_documents
from deploy.trace import trace
from shared.auth import Role
from shared.events import headers_of
from shared.kafka import KafkaBroker
from tests.conftest import ROOT
from tests.journeys.canary import Found, Mark, search
from tests.journeys.conftest import System
from tests.services.clinic import PERSON, SITE_BODY
from tests.survey import CROHNS, answers_to, survey_of
from tests.waiting import until

SITE = "site-canary"
REPORT = ROOT / "var" / "artifacts" / "canary.json"


class Visitor:
    """Everybody at the site, and what the doors answered; `keys` of requests are marked too."""

    def __init__(self, system: System, mark: Mark) -> None:
        self.system = system
        self.mark = mark
        self.answers: dict[str, bytes] = {}

    def client(self, service: str, role: Role, patient_id: str | None = None) -> httpx.Client:
        return self.system.client(service, role, [SITE], patient_id=UUID(patient_id) if patient_id else None)

    def send(self, service: str, method: str, path: str, body: Any = None, role: Role = Role.SYSTEM) -> httpx.Response:
        """Any request, with marks wherever a client may put what it likes; the answer is kept to be searched."""
        headers = {
            "idempotency-key": self.mark.identifier(uuid4().hex[:6]),
            "user-agent": self.mark.words("a user agent"),
            "referer": f"http://127.0.0.1/{self.mark.stem}",
            "traceparent": self.mark.stem,
            "x-forwarded-for": self.mark.stem,
        }
        with self.client(service, role) as client:
            answer = client.request(method, path, json=body, headers=headers)
        self.answers[f"{len(self.answers)} {method} {service} {answer.status_code}"] = answer.content
        return answer

    def write(self, service: str, method: str, path: str, body: Any, role: Role = Role.SYSTEM) -> dict[str, Any]:
        answer = self.send(service, method, path, body, role)
        assert answer.status_code in {200, 201}, answer.text
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture(scope="module")
def visitor(system: System) -> Visitor:
    visitor = Visitor(system, Mark())
    visitor.write("intake", "PUT", f"/v1/sites/{SITE}", SITE_BODY)
    return visitor


def a_lab(patient_id: str) -> dict[str, Any]:
    taken_at = datetime.now(UTC).isoformat()
    return {"patient_id": patient_id, "loinc": "1988-5", "value": 12, "unit": "mg/L", "taken_at": taken_at}


def a_whole_visit(visitor: Visitor) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Every write that takes words or an identifier, and every other write beside them."""
    mark, now = visitor.mark, datetime.now(UTC)
    patient = PERSON | {"identifier": mark.identifier("enrolled"), "consent": "consented"}
    enrolled = visitor.write("intake", "POST", "/v1/patients", patient)
    patient_id, about = enrolled["id"], {"patient_id": enrolled["id"]}
    visitor.send("intake", "POST", "/v1/patients", patient)  # 409: enrolled before
    visitor.write("intake", "POST", f"/v1/patients/{patient_id}/consent", {"state": "withdrawn", "reason": "privacy"})
    scheduled_at = (now + timedelta(minutes=10)).isoformat()
    visit = visitor.write(
        "intake", "POST", "/v1/visits", {**about, "clinician_id": "dr-1", "scheduled_at": scheduled_at}
    )
    topics = ("symptoms", "diet", "work-or-school")
    concerns = [{"topic": topic, "words": mark.words(f"concern {rank}")} for rank, topic in enumerate(topics, start=1)]
    survey = survey_of(patient_id, visit["id"], concerns=concerns, matters_most=mark.words("what matters most"))
    survey["answers"] |= {"anything_else": mark.words("anything else"), "abdominal_pain": 3}
    said = visitor.write("intake", "POST", "/v1/surveys", survey)
    address_and_note(visitor, patient_id)
    right = {name: survey[name] for name in ("answers", "skipped", "concerns", "matters_most")}
    amendment = {**right, "replaces": 1, "reason": "entry-mistake"}
    said = visitor.write("intake", "POST", f"/v1/surveys/{said['id']}/amendments", amendment)
    visitor.send(
        "intake", "POST", "/v1/surveys", [survey, {**survey, "visit_id": str(uuid4())}]
    )  # 409 and 404 in a batch
    waiting = f"?wait_for={enrolled['receipt']}"
    step = {**about, "what": mark.words("a plan"), "who": "nurse"}
    made = visitor.write("clinical", "POST", f"/v1/plans{waiting}", step)
    plan = visitor.write("clinical", "POST", "/v1/plans", {**step, "step_id": made["id"], "is_done": True})
    visitor.write("clinical", "POST", "/v1/labs", a_lab(patient_id))
    visitor.write("clinical", "POST", "/v1/medications", {**about, "name": "adalimumab", "started_on": "2026-01-05"})
    visitor.write("clinical", "POST", "/v1/assessments", {**about, "clinician_id": "dr-1", "activity": "mild"})
    completed = visitor.write("intake", "PATCH", f"/v1/visits/{visit['id']}", {"state": "completed"})
    feedback = {**about, "visit_id": visit["id"], **dict.fromkeys(("used_in_visit", "used_outside_visit"), "yes")}
    feedback |= {f"effort_to_{what}": 9 for what in ("understand", "listen", "include")}
    feedback |= {f"helped_{what}": True for what in ("discussion", "what_matters", "decisions")}
    feedback["used_over_one_month"] = True
    visitor.write("feedback", "POST", f"/v1/feedback?wait_for={completed['receipt']}", feedback)
    return patient_id, said, plan


def address_and_note(visitor: Visitor, patient_id: str) -> None:
    """Where messages go, a note on the alert that the survey raised, and a patient out of a file."""
    mark = visitor.mark
    address = {"email": f"{mark.stem}@example.org", "phone": "+13125550123", "wants_messages": True}
    visitor.write("intake", "PUT", f"/v1/patients/{patient_id}/contact", address)
    with visitor.client("intake", Role.COORDINATOR) as coordinator:
        alerts = coordinator.get("/v1/alerts").json()["items"]
        alert = next(one for one in alerts if one["patient_id"] == patient_id)
        closed = {"version": alert["version"], "outcome": "called", "note": mark.words("a note")}
        headers = {"idempotency-key": uuid4().hex}
        coordinator.post(f"/v1/alerts/{alert['id']}/close", json=closed, headers=headers).raise_for_status()
    file = f"patient,birth_year,sex,diagnosis\r\n{mark.identifier('imported')},1984,female,crohns-disease\r\n"
    with visitor.client("intake", Role.SYSTEM) as system:
        headers = {"content-type": "text/csv"}
        sent = system.post("/v1/imports?kind=patients&dry_run=false", content=file.encode(), headers=headers)
        sent.raise_for_status()


def refusals(visitor: Visitor, patient_id: str) -> None:
    """Requests that are wrong, with marks where they are wrong: none may be repeated or kept."""
    mark, about = visitor.mark, {"patient_id": patient_id, "visit_id": str(uuid4())}
    words, number = mark.words("a wrong place"), mark.identifier("wrong")
    answers = answers_to(CROHNS)
    for service, method, path, body in (
        ("intake", "PUT", f"/v1/sites/{SITE}", {"name": "x", "site_type": words, "time_zone": words}),
        ("intake", "POST", "/v1/patients", {"identifier": number, "birth_year": words, "sex": words, number: words}),
        ("intake", "POST", "/v1/patients", [{"identifier": number, "sex": number}, {"identifier": number * 20}]),
        ("intake", "POST", "/v1/surveys", {**about, "answers": {**answers, number: words, "fatigue": words}}),
        ("intake", "POST", "/v1/surveys", {**about, "answers": answers, "skipped": {number: words}, "form": words}),
        ("intake", "POST", "/v1/surveys", [{**about, "answers": {words: words}, "concerns": [{"topic": words}]}] * 2),
        ("intake", "POST", "/v1/surveys", {**about, "answers": answers, "matters_most": words + "\0" + words}),
        ("intake", "POST", f"/v1/patients/{patient_id}/consent", {"state": "withdrawn", "reason": words}),
        ("intake", "POST", f"/v1/patients/{patient_id}/erasure", {"reason": words, "confirm_patient_id": number}),
        ("intake", "POST", "/v1/visits", {**about, "clinician_id": "dr-1", "scheduled_at": words}),
        ("clinical", "POST", "/v1/plans", {**about, "what": words, "who": words}),
        ("clinical", "POST", "/v1/plans", {"patient_id": str(uuid4()), "what": words, "who": "nurse"}),
        ("clinical", "POST", "/v1/plans", [{**about, "what": words, "who": "nurse", "step_id": str(uuid4())}]),
        ("clinical", "POST", "/v1/labs", {**about, "loinc": number[:10], "value": words, "unit": words[:20]}),
        ("clinical", "POST", "/v1/medications", {**about, "name": f"{words}!", "dose": words, "started_on": words}),
        ("clinical", "POST", "/v1/assessments", {**about, "clinician_id": "dr-1", "activity": words}),
        ("feedback", "POST", "/v1/feedback", {**about, "comment": words, "used_in_visit": words}),
        ("dashboard", "POST", "/v1/views", {**about, "role": words, "context": words, "panels": [words]}),
        ("dashboard", "GET", f"/v1/patients/{number}/page?wait_for={number}", None),
        ("dashboard", "GET", f"/v1/patients/{patient_id}/page?q={number}", None),
        ("analytics", "GET", f"/v1/network/{number}", None),
        ("feedback", "GET", f"/v1/invitations?patient_id={number}", None),
    ):
        status = visitor.send(service, method, path, body).status_code
        assert 400 <= status < 500 or (status == 200 and isinstance(body, list)), f"{method} {path}: {status}"
    with visitor.client("intake", Role.SYSTEM) as client:
        answer = client.post("/v1/surveys", content=f'{{"answers": "{words}'.encode())
        visitor.answers["broken JSON"] = answer.content


def break_the_glass(visitor: Visitor, patient_id: str) -> None:
    """A clinician of another site says why; the patient's site reads it, and nobody else is told."""
    why = {"site_id": SITE, "patient_id": patient_id, "reason": "emergency", "words": visitor.mark.words("why")}
    with visitor.system.client("dashboard", Role.CLINICIAN, ["site-elsewhere"]) as stranger:
        for body in (why, why | {"reason": visitor.mark.words("no code")}, why | {"patient_id": str(uuid4())}):
            answer = stranger.post("/v1/break-glass", json=body)
            visitor.answers[f"glass {answer.status_code}"] = answer.content
    assert {"glass 201", "glass 422", "glass 404"} <= visitor.answers.keys()
    with visitor.client("dashboard", Role.COORDINATOR) as coordinator:
        assert visitor.mark.stem in coordinator.get("/v1/break-glass").text


async def set_a_plan_aside(visitor: Visitor, patient_id: str) -> None:
    """Have a sealed plan set aside by its consumers: it waits for the fact before it, not recorded yet."""
    connection = await asyncpg.connect(visitor.system.network.databases["clinical"].worker)
    try:
        rows = await connection.fetch("SELECT * FROM outbox WHERE key = $1 ORDER BY sequence", patient_id)
    finally:
        await connection.close()
    headers = headers_of(
        event_id=uuid4(),
        topic=rows[0]["topic"],
        site_id=SITE,
        key=patient_id,
        sequence=len(rows) + 2,
        time=datetime.now(UTC),
        traceparent=None,
    )
    producer = AIOKafkaProducer(bootstrap_servers=visitor.system.network.addresses.bootstrap_servers)
    await producer.start()
    try:
        value = rows[0]["value"]
        await producer.send_and_wait(rows[0]["topic"], key=patient_id.encode(), value=value, headers=headers)
    finally:
        await producer.stop()


async def set_aside(visitor: Visitor, patient_id: str) -> list[str]:
    """What the consumers of clinical data have set aside of this patient."""
    states = []
    for service in ("dashboard", "analytics"):
        connection = await asyncpg.connect(visitor.system.network.databases[service].worker)
        try:
            rows = await connection.fetch("SELECT state FROM dead_letter WHERE key = $1", patient_id)
            states += [row["state"] for row in rows]
        finally:
            await connection.close()
    return states


@pytest.fixture
def planted(system: System) -> Iterator[list[str]]:
    """Files that are removed again."""
    files: list[str] = []
    yield files
    for file in files:
        (system.home / "var" / file).unlink()


async def test_words_and_identifiers_stand_on_the_page_and_nowhere_else(visitor: Visitor) -> None:
    patient_id, said, plan = a_whole_visit(visitor)
    refusals(visitor, patient_id)
    page, mark = f"/v1/patients/{patient_id}/page", visitor.mark
    with visitor.client("dashboard", Role.CLINICIAN) as clinician:
        for receipt in (said["receipt"], plan["receipt"]):
            clinician.get(page, params={"wait_for": receipt})
        read, seen = clinician.get(page), clinician.get(f"/patients/{patient_id}")
        assert read.text.count(mark.stem) == 5, "three concerns, what matters most, and a plan"
        assert seen.text.count(mark.stem) == 6, "and a button that says which step it ticks"
        for shown in (read, seen):
            assert mark.identifier("enrolled") not in shown.text
        for form in ("json", "fhir", "pdf"):
            clinician.get(f"/v1/patients/{patient_id}/export", params={"format": form}).raise_for_status()
    with visitor.client("intake", Role.CLINICIAN) as clinician, visitor.client("intake", Role.COORDINATOR) as other:
        survey = f"/v1/surveys/{said['id']}"
        assert clinician.get(survey).text.count(mark.stem) == 10, "five texts in each of two versions"
        assert mark.stem not in other.get(survey).text, "the site does not show words to coordinators"
    visitor.send("dashboard", "POST", f"/v1/views/{uuid4()}/beacon", {"duration_ms": 1, "panels": [mark.words("x")]})
    for receipt in (said["receipt"], plan["receipt"]):
        hops = await trace(visitor.system.network.databases, UUID(receipt))
        visitor.answers[f"trace {receipt}"] = repr(hops).encode()

    break_the_glass(visitor, patient_id)
    await set_a_plan_aside(visitor, patient_id)

    async def is_set_aside() -> bool:
        return await set_aside(visitor, patient_id) == ["waiting"] * 2

    async def is_applied() -> bool:
        return await set_aside(visitor, patient_id) == []

    await until(is_set_aside)
    try:
        found = await search(visitor.system.network, visitor.system.home, mark, visitor.answers)
    finally:
        visitor.write("clinical", "POST", "/v1/labs", a_lab(patient_id))
        await until(is_applied)
    assert found.places == set()
    assert found.searched["record"] > 20
    assert found.searched["database"] >= 8
    assert found.searched["metrics"] == 10
    assert found.searched["answer"] > 30
    assert found.searched["log"] >= 12
    report(found, visitor)


def report(found: Found, visitor: Visitor) -> None:
    """Kept for people: how much was searched."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    sent = {"answers": len(visitor.answers), "forms_of_the_mark": len(visitor.mark.forms)}
    REPORT.write_text(json.dumps({"searched": found.searched, "bytes": found.size, **sent}, indent=2) + "\n")


async def test_the_search_finds_a_mark_wherever_one_stands(system: System, planted: list[str]) -> None:
    mark = Mark()
    connection = await asyncpg.connect(system.network.databases["feedback"].owner)
    bootstrap = system.network.addresses.bootstrap_servers
    await KafkaBroker(bootstrap, client_id="planted").create_topics(["planted-key", "planted-value", "planted-header"])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await connection.execute(
            "CREATE TABLE planted AS SELECT $1::text AS plain, convert_to($1, 'UTF8') AS bytes", f"xx{mark.stem}"
        )
        for topic, place in (("planted-key", "key"), ("planted-value", "value"), ("planted-header", "header")):
            content = f"x {mark.stem}".encode()
            await producer.send_and_wait(
                topic,
                key=content if place == "key" else b"key",
                value=content if place == "value" else b"value",
                headers=[("header", content)] if place == "header" else [],
            )
        (system.home / "var" / "log" / "planted.log").write_text(json.dumps({"query": mark.stem}))
        planted.append("log/planted.log")
        found = await search(system.network, system.home, mark, {"a body": mark.stem.encode()})
    finally:
        await producer.stop()
        await connection.execute("DROP TABLE IF EXISTS planted")
        await connection.close()
    by_kind = {place for place in found.places if not place.startswith("file: ")}
    assert by_kind == {
        "record: planted-key",
        "record: planted-value",
        "record: planted-header",
        "database: feedback",
        "log: var/log/planted.log",
        "answer: a body",
    }
    assert any("postgres" in place for place in found.places - by_kind), "the heap or the write-ahead log"
    assert any("kafka" in place for place in found.places - by_kind), "a segment"


@pytest.mark.parametrize("lead", range(3))
def test_a_mark_is_found_in_base64_at_any_place_and_in_hexadecimal(lead: int) -> None:
    mark = Mark()
    content = b"x" * lead + mark.words("here").encode()
    for encoded in (base64.b64encode(content), base64.urlsafe_b64encode(content), content.hex().encode(), content):
        assert any(form in encoded for form in mark.forms)
        assert not any(form in encoded for form in Mark().forms)


MARKED = {"identifier", "concerns.words", "matters_most", "what", "words", "email", "note", "patient"}
# In clear by contract, for the clinic's own codes and for what is public; none is a patient's, and each has a shape.
CODES = {
    "": "a resource of FHIR or a file of the form's own, of which `patient` and `answers.*` are marked",
    "answers.*": "codes and numbers of the form, checked by it; its words are marked",
    **dict.fromkeys(
        (
            "birth_year",
            "checked_in_at",
            "clinician",
            "completed_at",
            "consent",
            "consent_mode",
            "diagnosis",
            "education",
        ),
        "a column of a file, of one shape",
    ),
    **dict.fromkeys(
        ("enrolled_on", "language", "mode", "sex", "starts_at", "state", "submitted_at", "consent_text"),
        "a column of a file, of one shape",
    ),
    **dict.fromkeys(
        ("definition.citation", "definition.codes", "definition.name", "definition.recall", "definition.words_en"),
        "of a site's rule, about nobody",
    ),
    "definition.words_es": "of a site's rule, about nobody",
    **dict.fromkeys(("consent_text.version", "text.version", "version", "sha256"), "of a site's texts and forms"),
    **dict.fromkeys(("quiet.begins", "quiet.ends", "send_at"), "a time of day"),
    "addresses": "of a clinic's own people",
    **dict.fromkeys(("list_manager", "to"), "a pseudonym that the site gives"),
    "phone": "E.164 has no room for a mark; it is kept in one text with the address, which is marked",
    "sender_name": "of a site",
    **dict.fromkeys(("care_line", "left_out"), "of a site"),
    **dict.fromkeys(("context.patientId", "context.userId"), "our id, or the one that an EHR has; kept nowhere"),
    **dict.fromkeys(("feedback.card", "hookInstance", "fhirServer"), "of an EHR, about no patient"),
    "fhirAuthorization.access_token": "of an EHR, used once and kept nowhere",
    "status": "of a resource of FHIR",
    "visit": "the site's own name of a visit: hashed like its numbers of patients",
    "client_assertion": "signed by a system, proven and not kept",
    "client_assertion_type": "of OAuth",
    "clinician_id": "a pseudonym that the site gives",
    "code": "made by us, of 128 random bits, and kept as a hash",
    "dose": "an amount and a frequency",
    "form": "one of ours, or the name of one of the site's",
    "forms.*": "the name of a form of the site's own",
    "grant_type": "of OAuth",
    "loinc": "one of ours",
    "method": "of a laboratory",
    "name": "of a site, or of a medicine",
    "panels": "of our page",
    "scope": "of OAuth",
    "site_id": "of a site",
    "time_zone": "of the IANA list",
    "unit": "UCUM",
}


def texts_of(document: Any, schema: Any, at: str = "") -> Iterator[str]:
    """Where a request may hold any text: strings without a list of values and without a format."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for part in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(part, []):
            yield from texts_of(document, each, at)
    if schema.get("type") == "string" and not {"enum", "format", "const"} & schema.keys():
        yield at
    members = {**schema.get("properties", {}), "*": schema.get("additionalProperties")}
    for name, each in members.items():
        if isinstance(each, dict):
            yield from texts_of(document, each, f"{at}.{name}".removeprefix("."))
    if "items" in schema:
        yield from texts_of(document, schema["items"], at)


def test_every_text_that_a_route_takes_is_marked_or_known_to_be_a_code() -> None:
    found = {
        text
        for document in openapi_documents().values()
        for operations in document["paths"].values()
        for operation in operations.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for text in texts_of(document, content["schema"])
    }
    assert found == MARKED | CODES.keys()
