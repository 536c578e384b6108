"""What cannot be put on record is neither shown nor done, and what is put there.

That every route leaves its rows, and every denial one, is tried in `tests/access`.
"""

from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter

from deploy.doors import SERVICES
from services.clinical.worker import SUBSCRIPTION as TO_CLINICAL
from services.dashboard.worker import SUBSCRIPTION as TO_DASHBOARD
from services.intake.app import NAME as INTAKE
from shared.http.app import create_app
from shared.http.record import OnRecord
from tests.builders import PATIENT, SITE, a_site, a_visit, an_enrollment, an_event
from tests.conftest import Apps, Tokens, client_of, new_key
from tests.services.clinic import PERSON, clinic_of
from tests.services.clinical.writes import LAB
from tests.services.streams import arrive
from tests.services.trails import trail, unrecordable

OTHER_SITE = "lakeside"
ABOUT = {"patient_id": str(PATIENT)}


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
async def test_what_cannot_be_put_on_record_is_not_shown(path: str, app: Apps, token: Tokens) -> None:
    application = await app("dashboard")
    await arrive(application, TO_DASHBOARD, an_event(a_site()), an_event(an_enrollment()), an_event(a_visit()))
    async with client_of(application, token("coordinator", [SITE])) as coordinator:
        async with unrecordable(application):
            answer = await coordinator.get(path)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:samepage:problem:not-on-record"
            assert await application.state.pool.fetchval("SELECT count(*) FROM view") == 0
        assert (await coordinator.get(path)).status_code == 200


async def test_what_cannot_be_put_on_record_is_not_written_and_not_even_refused(app: Apps, token: Tokens) -> None:
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
    async with clinic_of(application, token, SITE) as clinic:
        known = await clinic.enrol()
        answer = await clinic.system.post("/v1/patients", json=PERSON, headers=new_key())
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
