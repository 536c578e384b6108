"""Who looked: shown to whom it concerns, and to nobody else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from deploy.audit.export import rows_about
from services.dashboard.pages import present_looks
from services.dashboard.worker import SUBSCRIPTION
from tests.builders import PATIENT, SITE, a_site, a_visit, an_enrollment, an_event
from tests.conftest import Apps, Tokens, client_of
from tests.markup import Document
from tests.services.streams import arrive
from tests.services.trails import trail

PATH = f"/v1/patients/{PATIENT}/looks"


@pytest.fixture
async def dashboard(app: Apps) -> FastAPI:
    """The application, with one patient's page."""
    application = await app("dashboard")
    await arrive(application, SUBSCRIPTION, an_event(a_site()), an_event(an_enrollment()), an_event(a_visit()))
    return application


@pytest.fixture
async def clinician(dashboard: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(dashboard, token("clinician", [SITE])) as client:
        yield client


async def looks(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    return [(item["role"], item["purpose"], item["route"]) for item in answer.json()["items"]]


async def test_a_patient_sees_who_looked_the_newest_first_and_that_looking_there_is_a_look(
    patient: httpx.AsyncClient, clinician: httpx.AsyncClient
) -> None:
    await clinician.get(f"/v1/patients/{PATIENT}/page")
    await patient.get(f"/patients/{PATIENT}")
    expected = [("patient", "own-record", "show_page"), ("clinician", "care", "read_page")]
    assert await looks(patient) == expected
    assert await looks(patient) == [("patient", "own-record", "read_looks"), *expected]


async def test_a_page_that_the_reader_has_already_is_a_look_with_its_own_outcome(
    dashboard: FastAPI, clinician: httpx.AsyncClient
) -> None:
    path = f"/v1/patients/{PATIENT}/page"
    etag = (await clinician.get(path)).headers["etag"]
    assert (await clinician.get(path, headers={"if-none-match": etag})).status_code == 304
    assert [row["status"] for row in await trail(dashboard)] == [200, 304]


async def test_a_patient_sees_that_a_copy_was_handed_out(dashboard: FastAPI, patient: httpx.AsyncClient) -> None:
    await rows_about({"dashboard": dashboard.state.database.worker}, PATIENT, SITE, by="records-office")
    assert await looks(patient) == [("operator", "disclosure", "audit-export")]
    document = Document((await patient.get(f"/patients/{PATIENT}/looks")).text)
    assert "records-office A copy of this list handed out" in document.text


def test_what_one_person_was_shown_on_a_day_without_anybody_between_stands_in_one_row() -> None:
    def a_look(at: str, route: str, subject: str = "dr-1") -> dict[str, str]:
        at = f"2026-11-{at}:00Z"
        return {"at": at, "role": "clinician", "subject": subject, "purpose": "care", "route": route}

    newest_first = [
        a_look("27T17:40", "show_page"),
        a_look("27T17:12", "follow_shown_page"),
        a_look("27T17:12", "show_page"),
        a_look("27T16:00", "show_page", "dr-2"),
        a_look("27T15:59", "show_page"),
        a_look("27T05:59", "show_page"),
    ]
    found = {"patient_id": PATIENT, "items": newest_first, "next": None}
    html = present_looks(found, now=datetime(2026, 11, 28, tzinfo=UTC), time_zone="America/Chicago", own_subject=None)
    rows = Document(html).text
    for row in (
        "27 Nov 2026 11:12–11:40 Clinician dr-1 The page (2 times) for care That the page stays up to date for care",
        "27 Nov 2026 10:00 Clinician dr-2 The page for care",
        "27 Nov 2026 09:59 Clinician dr-1 The page for care",
        "26 Nov 2026 23:59 Clinician dr-1 The page for care",
    ):
        assert row in rows
    assert rows.count("Clinician") == 4


async def test_what_was_refused_is_no_look(dashboard: FastAPI, patient: httpx.AsyncClient, token: Tokens) -> None:
    async with client_of(dashboard, token("clinician", ["lakeside"])) as stranger:
        assert (await stranger.get(f"/v1/patients/{PATIENT}/page")).status_code == 404
    assert len(await trail(dashboard, patient_id=PATIENT)) == 1
    assert await looks(patient) == []


@pytest.mark.parametrize("path", [PATH, f"/patients/{PATIENT}/looks"])
async def test_the_patient_and_the_coordinator_of_the_site_see_it_and_nobody_else(
    dashboard: FastAPI, token: Tokens, path: str
) -> None:
    callers = {
        token("patient", [SITE], patient_id=PATIENT): 200,
        token("coordinator", [SITE]): 200,
        token("patient", [SITE], patient_id=uuid4()): 404,
        token("coordinator", ["lakeside"]): 404,
        token("clinician", [SITE]): 403,
        token("operator", []): 403,
        token("system", [SITE]): 403,
    }
    for bearer, status in callers.items():
        async with client_of(dashboard, bearer) as client:
            assert (await client.get(path)).status_code == status


async def test_a_long_list_comes_in_parts_that_miss_and_repeat_nothing(
    dashboard: FastAPI, patient: httpx.AsyncClient, clinician: httpx.AsyncClient
) -> None:
    for _ in range(201):
        await clinician.get(f"/v1/patients/{PATIENT}/page")
    seen: list[str] = []
    params: dict[str, str] = {}
    while True:
        answer = (await patient.get(PATH, params=params)).json()
        seen += [item["at"] for item in answer["items"] if item["role"] == "clinician"]
        if answer["next"] is None:
            break
        params = {"before": answer["next"]}
    assert [datetime.fromisoformat(at) for at in seen] == [
        row["recorded_at"] for row in reversed(await trail(dashboard, route="read_page"))
    ]


async def test_the_newest_are_shown_though_the_clock_of_the_database_is_ahead(
    dashboard: FastAPI, patient: httpx.AsyncClient, clinician: httpx.AsyncClient
) -> None:
    await clinician.get(f"/v1/patients/{PATIENT}/page")
    await dashboard.state.database.run(
        """
        INSERT INTO audit (site_id, recorded_at, subject, role, kind, purpose, patient_id, method, route, status,
                           request_id, trace_id, asked)
        SELECT site_id, recorded_at + interval '1 minute', subject, role, kind, purpose, patient_id, method, route,
               status, request_id, trace_id, asked
        FROM audit
        """
    )
    assert await looks(patient) == [("clinician", "care", "read_page")] * 2


async def test_the_page_for_people_says_you_and_names_others_as_the_site_does(
    patient: httpx.AsyncClient, clinician: httpx.AsyncClient
) -> None:
    await clinician.get(f"/v1/patients/{PATIENT}/page", params={"shared": "true"})
    page = Document((await patient.get(f"/patients/{PATIENT}")).text)
    (link,) = page.named("a", href=f"/patients/{PATIENT}/looks")
    document = Document((await patient.get(str(link["href"]))).text)
    assert "You The page own record" in document.text
    assert "Clinician clinician-of-the-demo The page for care" in document.text
    assert document.named("script") == []
    assert all("style" not in attributes for _, attributes, _ in document.elements)


async def test_on_a_page_of_somebody_else_there_is_no_link_to_it(clinician: httpx.AsyncClient) -> None:
    page = Document((await clinician.get(f"/patients/{PATIENT}")).text)
    assert "Opening is recorded" in page.text
    assert page.named("a", href=f"/patients/{PATIENT}/looks") == []
