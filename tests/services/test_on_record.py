"""Every route of every service leaves its row: the routes are those that there are, not those of a list."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from deploy.doors import SERVICES
from deploy.local.stack import Addresses
from services.clinical.worker import SUBSCRIPTION as TO_CLINICAL
from services.dashboard.worker import SUBSCRIPTION as TO_DASHBOARD
from services.feedback.worker import SUBSCRIPTION as TO_FEEDBACK
from services.intake.app import NAME as INTAKE
from shared.auth import Role
from shared.http.app import create_app
from shared.http.record import OnRecord
from tests.builders import PATIENT, SITE, VISIT, VISIT_AT, a_site, a_survey, a_visit, an_enrollment, an_event
from tests.conftest import OPEN_ROUTES, Apps, Tokens, client_of, new_key
from tests.services.clinical.writes import ASSESSMENT, LAB, MEDICINE, STEP
from tests.services.streams import arrive
from tests.services.trails import trail, unrecordable
from tests.survey import survey_of

OTHER_SITE = "lakeside"
PERSON = {"identifier": "MRN-1", "birth_year": 1984, "sex": "female", "diagnosis": "crohns-disease"}
ABOUT = {"patient_id": str(PATIENT)}
SITE_BODY = {"name": "Riverbend GI", "site_type": "academic", "time_zone": "America/Chicago"}
FEEDBACK = ABOUT | {
    "visit_id": str(VISIT),
    "effort_to_understand": 9,
    "effort_to_listen": 9,
    "effort_to_include": 8,
    "helped_discussion": True,
    "helped_what_matters": True,
    "helped_decisions": False,
    "used_in_visit": "yes",
    "used_outside_visit": "unsure",
    "used_over_one_month": True,
}
ALSO = UUID("0b7c6a54-6a39-4c1f-9d55-2f6a52c0a003")
AGREED = {"agreed": "on-paper"}
GLASS = ABOUT | {"site_id": SITE, "reason": "emergency", "words": "Brought in unconscious"}
VIEW = ABOUT | {
    "role": "clinician",
    "context": "in-visit",
    "is_shared_screen": True,
    "opened_at": "2026-03-01T10:00:00Z",
}


def routes_of(service: str) -> list[APIRoute]:
    """All routes of a service that need a token, with and without a place in its OpenAPI document."""
    routers: tuple[APIRouter, ...] = import_module(f"services.{service}.api").ROUTERS
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return [route for route in routes if route.path not in OPEN_ROUTES]


async def posted(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def use_intake(app: FastAPI, tokens: Tokens) -> None:
    async with client_of(app, tokens("system", [SITE])) as system:
        assert (await system.put(f"/v1/sites/{SITE}", json=SITE_BODY)).status_code == 200
        patient = (await posted(system, "/v1/patients", PERSON))["id"]
        await posted(system, f"/v1/patients/{patient}/consent", {"state": "consented"})
        visit = {"patient_id": patient, "clinician_id": "dr-1", "scheduled_at": "2026-10-13T10:20:00-05:00"}
        visit_id = (await posted(system, "/v1/visits", visit))["id"]
        assert (await system.patch(f"/v1/visits/{visit_id}", json={"state": "checked-in"})).status_code == 200
        survey = await posted(system, "/v1/surveys", survey_of(patient, visit_id))
        assert (await system.get(f"/v1/receipts/{survey['receipt']}")).status_code == 200
        tomorrow = {"expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
        link = (await posted(system, f"/v1/visits/{visit_id}/links", tomorrow))["id"]
        assert (await system.get(f"/v1/visits/{visit_id}/links")).status_code == 200
        assert (await system.put(f"/v1/sites/{SITE}/link-rule", json={"asks_birth_year": False})).status_code == 200
    by_link = tokens("patient", [SITE], patient_id=UUID(patient), subject=f"link:{link}")
    async with client_of(app, by_link) as patients_phone:
        assert (await patients_phone.get("/start")).status_code == 200
        asked = {"to": "dashboard", "state": "s" * 43}
        assert (await patients_phone.get("/hand-over", params=asked)).status_code == 303
    async with client_of(app, tokens("system", [SITE])) as system:
        assert (await system.delete(f"/v1/visits/{visit_id}/links/{link}")).status_code == 204
    async with client_of(app, tokens("coordinator", [SITE])) as coordinator:
        body = {"reason": "patient-request", "confirm_patient_id": patient}
        await posted(coordinator, f"/v1/patients/{patient}/erasure", body)


async def use_clinical(app: FastAPI, tokens: Tokens) -> None:
    await arrive(app, TO_CLINICAL, an_event(an_enrollment()))
    async with client_of(app, tokens("system", [SITE])) as system:
        for path, body in (("assessments", ASSESSMENT), ("labs", LAB), ("medications", MEDICINE), ("plans", STEP)):
            written = await posted(system, f"/v1/{path}", ABOUT | body)
        assert (await system.get(f"/v1/receipts/{written['receipt']}")).status_code == 200


async def use_dashboard(app: FastAPI, tokens: Tokens) -> None:
    await arrive(app, TO_DASHBOARD, an_event(a_site()), an_event(an_enrollment()), an_event(a_visit()))
    async with client_of(app, tokens("coordinator", [SITE])) as coordinator:
        for path in ("page", "looks"):
            assert (await coordinator.get(f"/v1/patients/{PATIENT}/{path}")).status_code == 200
        for path in ("", "/looks"):
            assert (await coordinator.get(f"/patients/{PATIENT}{path}")).status_code == 200
        view = (await coordinator.get(f"/v1/patients/{PATIENT}/page")).headers["samepage-view"]
        beacon = await coordinator.post(f"/v1/views/{view}/beacon", content=b'{"duration_ms": 5}')
        assert beacon.status_code == 204
    async with client_of(app, tokens("system", [SITE])) as system:
        receipt = (await posted(system, "/v1/views", VIEW))["receipt"]
        assert (await system.get(f"/v1/receipts/{receipt}")).status_code == 200
    await use_broken_glass(app, tokens)
    await use_links(app, tokens)


async def use_broken_glass(app: FastAPI, tokens: Tokens) -> None:
    async with (
        client_of(app, tokens("clinician", [OTHER_SITE])) as stranger,
        client_of(app, tokens("coordinator", [SITE])) as coordinator,
    ):
        assert (await stranger.get("/break-glass/new")).status_code == 200
        glass = (await posted(stranger, "/v1/break-glass", GLASS))["id"]
        assert (await coordinator.post(f"/v1/break-glass/{glass}/review")).status_code == 204
        assert (await stranger.delete(f"/v1/break-glass/{glass}")).status_code == 204
        assert (await stranger.post("/break-glass/new", data=GLASS)).status_code == 303
        glass = (await coordinator.get("/v1/break-glass")).json()["items"][0]["id"]
        assert (await coordinator.post(f"/break-glass/{glass}/review")).status_code == 303
        assert (await stranger.post(f"/break-glass/{glass}/end")).status_code == 200
        assert (await coordinator.get("/break-glass")).status_code == 200


async def use_links(app: FastAPI, tokens: Tokens) -> None:
    await arrive(app, TO_DASHBOARD, an_event(an_enrollment(patient_id=ALSO), site_id=OTHER_SITE))
    async with (
        client_of(app, tokens("coordinator", [OTHER_SITE])) as other,
        client_of(app, tokens("coordinator", [SITE])) as coordinator,
    ):
        code = (await posted(coordinator, f"/v1/patients/{PATIENT}/link-codes", AGREED))["code"]
        link = (await posted(other, f"/v1/patients/{ALSO}/links", AGREED | {"code": code}))["id"]
        assert (await other.get(f"/v1/patients/{ALSO}/links")).status_code == 200
        assert (await other.get(f"/v1/patients/{ALSO}/links/{link}/page")).status_code == 200
        assert (await other.get(f"/patients/{ALSO}/links/{link}")).status_code == 200
        assert (await other.delete(f"/v1/patients/{ALSO}/links/{link}")).status_code == 204


async def use_feedback(app: FastAPI, tokens: Tokens) -> None:
    ended = a_visit(state="completed", completed_at=VISIT_AT)
    await arrive(app, TO_FEEDBACK, an_event(an_enrollment()), an_event(ended), an_event(a_survey()))
    async with client_of(app, tokens("system", [SITE])) as system:
        assert (await system.get("/v1/invitations", params=ABOUT)).status_code == 200
        receipt = (await posted(system, "/v1/feedback", FEEDBACK))["receipt"]
        assert (await system.get(f"/v1/receipts/{receipt}")).status_code == 200


async def use_analytics(app: FastAPI, tokens: Tokens) -> None:
    async with client_of(app, tokens("operator", [])) as operator:
        for path in ("/v1/network/funnel", "/v1/network/participation", "/v1/network/feedback", "/v1/pipeline"):
            assert (await operator.get(path)).status_code == 200, path
        assert (await operator.get("/network")).status_code == 200


USES: dict[str, Callable[[FastAPI, Tokens], Awaitable[None]]] = {
    "intake": use_intake,
    "clinical": use_clinical,
    "dashboard": use_dashboard,
    "feedback": use_feedback,
    "analytics": use_analytics,
}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_that_is_used_leaves_a_row(service: str, app: Apps, token: Tokens) -> None:
    application = await app(service)
    await USES[service](application, token)
    rows = await trail(application)
    used = {(row["method"], row["route"]) for row in rows if row["kind"] in {"read", "write"}}
    there_are = {(method, route.name) for route in routes_of(service) for method in route.methods or ()}
    assert used == there_are, "a new route needs a line in the use of its service above"
    assert all(row["subject"] and row["request_id"] and re.fullmatch("[0-9a-f]{32}", row["trace_id"]) for row in rows)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_refusal_by_role_or_id_on_every_route_leaves_one_row(
    service: str, app: Apps, token: Tokens
) -> None:
    """Each route as each role, with ids that do not exist."""
    application = await app(service)
    refusals = 0
    for route in routes_of(service):
        for role in Role:
            ids = {name: str(uuid4()) for name in re.findall(r"{(\w+)}", route.path)} | {"site_id": "millpond"}
            query = {"patient_id": str(uuid4())}
            patient_id = uuid4() if role is Role.PATIENT else None
            async with client_of(application, token(role, [SITE], patient_id=patient_id)) as client:
                (method,) = sorted(route.methods or ())
                answer = await client.request(method, route.path.format(**ids), params=query, headers=new_key())
            if answer.status_code in {403, 404}:
                refusals += 1
                *_, row = await trail(application, kind="denied")
                assert (row["route"], row["role"], row["status"]) == (route.name, role, answer.status_code)
                assert (row["site_id"], row["method"]) == (SITE, method)
                assert row["patient_id"] == UUID(ids.get("patient_id", query["patient_id"]))
                named = {f"{name}={ids[name]}" for name in re.findall(r"{(\w+)}", route.path) if name != "patient_id"}
                assert set(row["asked"]) == named
    assert len(await trail(application, kind="denied")) == refusals > len(routes_of(service))


def forgetful() -> APIRouter:
    """Routes of somebody who did not think of the audit."""
    router = APIRouter()

    @router.get("/v1/forgotten")
    async def read_forgotten() -> dict[str, str]:
        return {"patient": "somebody"}

    return router


async def test_a_route_that_forgets_the_audit_cannot_answer(app: Apps, token: Tokens) -> None:
    whole = await app(INTAKE)
    application = create_app(INTAKE, whole.state.settings, [forgetful()])
    async with (
        application.router.lifespan_context(application),
        client_of(application, token("clinician", [SITE])) as client,
    ):
        answer = await client.get("/v1/forgotten")
        assert answer.status_code == 500
        assert "somebody" not in answer.text
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.post("/v1/forgotten")).status_code == 405
    assert await trail(whole) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_lets_a_route_off_but_where_a_sign_in_ends(app: Apps, service: str) -> None:
    application = await app(service)
    (on_record,) = (one for one in application.user_middleware if getattr(one.cls, "__name__", "") == OnRecord.__name__)
    assert on_record.kwargs == {"let_off": frozenset({"/signed-in"} if service != "clinical" else ())}


async def test_without_a_valid_token_nothing_is_on_record(app: Apps) -> None:
    application = await app("dashboard")
    async with client_of(application, "no token") as client:
        assert (await client.get(f"/v1/patients/{PATIENT}/page")).status_code == 401
    assert await trail(application) == []


PAGES = [f"/v1/patients/{PATIENT}/page", f"/patients/{PATIENT}", f"/v1/patients/{PATIENT}/looks"]


@pytest.mark.parametrize("path", PAGES)
async def test_what_cannot_be_put_on_record_is_not_shown(path: str, app: Apps, token: Tokens, stack: Addresses) -> None:
    application = await app("dashboard")
    await arrive(application, TO_DASHBOARD, an_event(a_site()), an_event(an_enrollment()), an_event(a_visit()))
    async with client_of(application, token("coordinator", [SITE])) as coordinator:
        async with unrecordable(application):
            answer = await coordinator.get(path)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:samepage:problem:not-on-record"
            assert await application.state.pool.fetchval("SELECT count(*) FROM view") == 0
        assert (await coordinator.get(path)).status_code == 200


async def test_what_cannot_be_put_on_record_is_not_written_and_not_even_refused(
    app: Apps, token: Tokens, stack: Addresses
) -> None:
    application = await app("clinical")
    await arrive(application, TO_CLINICAL, an_event(an_enrollment()))
    async with client_of(application, token("system", [SITE])) as system, unrecordable(application):
        for patient_id in (PATIENT, uuid4()):
            body = LAB | {"patient_id": str(patient_id)}
            answers = [await system.post("/v1/labs", json=body, headers=new_key())]
            answers.append(await system.post("/v1/labs", json=[body], headers=new_key()))
            assert {answer.status_code for answer in answers} == {503}
        assert (await system.get(f"/v1/receipts/{uuid4()}")).status_code == 503
    assert await application.state.pool.fetchval("SELECT count(*) FROM lab") == 0
    assert await trail(application) == []


async def test_a_batch_leaves_a_row_for_each_item_with_what_became_of_it(app: Apps, token: Tokens) -> None:
    application = await app("clinical")
    await arrive(application, TO_CLINICAL, an_event(an_enrollment()))
    stranger, lab = uuid4(), uuid4()
    good, bad = LAB | ABOUT, LAB | ABOUT | {"unit": "furlong"}
    items = [good, {**good, "patient_id": str(stranger)}, bad, {**good, "lab_id": str(lab)}, {"loinc": "?"}]
    key = new_key()
    async with client_of(application, token("system", [SITE])) as system:
        for _ in range(2):
            answer = await system.post("/v1/labs", json=items, headers=key)
            assert [item["status"] for item in answer.json()["items"]] == [201, 404, 422, 404, 422]
    rows = await trail(application)
    assert [(row["kind"], row["status"], row["patient_id"], row["asked"]) for row in rows] == [
        ("write", 201, PATIENT, []),
        ("denied", 404, stranger, []),
        ("refused", 422, PATIENT, []),
        ("denied", 404, PATIENT, [f"lab_id={lab}"]),
        *[("repeated", 200, patient, []) for patient in (PATIENT, stranger, PATIENT, PATIENT)],
    ]
    assert str(rows[0]["event_id"]) == answer.json()["items"][0]["receipt"]
    assert len({row["request_id"] for row in rows}) == 2


async def test_a_refusal_that_names_a_patient_is_on_record_about_that_patient(app: Apps, token: Tokens) -> None:
    application = await app("intake")
    async with client_of(application, token("system", [SITE])) as system:
        await system.put(f"/v1/sites/{SITE}", json=SITE_BODY)
        known = (await posted(system, "/v1/patients", PERSON))["id"]
        answer = await system.post("/v1/patients", json=PERSON, headers=new_key())
        assert answer.json()["patient_id"] == known
    (row,) = await trail(application, kind="refused")
    assert (row["patient_id"], row["status"], row["event_id"]) == (UUID(known), 409, None)


async def test_a_refusal_of_a_caller_for_several_sites_stands_with_the_site_that_was_named(
    app: Apps, token: Tokens
) -> None:
    application = await app("clinical")
    async with client_of(application, token("clinician", [SITE, OTHER_SITE])) as client:
        for headers in ({"samepage-site": OTHER_SITE}, {"samepage-site": "millpond"}, {}):
            await client.get(f"/v1/receipts/{PATIENT}", headers=headers)
    rows = await trail(application)
    receipt = f"receipt={PATIENT}"
    assert [(row["site_id"], row["asked"]) for row in rows] == [
        (OTHER_SITE, [receipt, f"samepage-site={OTHER_SITE}"]),
        ("-", [receipt, "samepage-site=millpond"]),
        ("-", [receipt]),
    ]


async def test_nothing_that_was_sent_but_well_formed_ids_is_kept(app: Apps, token: Tokens) -> None:
    application = await app("dashboard")
    words = "The cramps are back"
    async with client_of(application, token("system", [SITE])) as client:
        query = {words: words, "patient_id": words, "wait_for": words, f"{uuid4()}": str(uuid4())}
        await client.get(f"/v1/patients/{uuid4()}/page", params=query, headers={"samepage-site": words})
    (row,) = await trail(application)
    assert "cramps" not in repr(row)
    assert row["asked"] == []
