"""A copy of a page: whole or none, on record before it is handed out, and only of what one may read by oneself."""

import re
from collections.abc import AsyncIterator
from io import BytesIO

import httpx
import pytest
from fastapi import FastAPI
from pypdf import PdfReader

from services.dashboard.handlers import apply
from shared.db import open_pool, transaction
from shared.events import Body, ErasureReason, Event, Language
from shared.http.language import COOKIE
from shared.keyring import KeyRing
from shared.sealing import Patient, in_event
from shared.settings import Rate
from tests.builders import (
    PATIENT,
    SITE,
    SUBMITTED_AT,
    a_lab,
    a_medication,
    a_site,
    a_step,
    a_survey,
    a_visit,
    an_assessment,
    an_enrollment,
    an_erasure,
    an_event,
    an_id,
)
from tests.conftest import Apps, KeyRings, Tokens, client_of
from tests.markup import Document
from tests.services.rings import away
from tests.services.trails import trail, unrecordable

PATH = f"/v1/patients/{PATIENT}/export"
SURVEY_EVENT, STEP_EVENT = an_id("event", "survey"), an_id("event", "step")
CRAMPS, LEVEL = "The cramps are back, ¿por qué?", "Blood test: adalimumab level"
FORMS = ("json", "fhir", "pdf")


CLINICAL = {
    "json": ("Adalimumab", "symptoms", "mild", "comparator"),
    "fhir": ("Adalimumab", "concern-topic", "PRO-3", "Physician global assessment"),
    "pdf": ("Adalimumab", "Symptoms", "Mild activity", "<3 mg/L"),
}
ORGANISING = {"json": '"clinical":"hidden"', "fhir": "the clinic shows coordinators", "pdf": "Your clinic shows"}


async def a_history(ring: KeyRing) -> list[Event]:
    key = await ring.sealer(Patient(SITE, PATIENT))
    cramps = key.seal(CRAMPS, in_event(SURVEY_EVENT, "concerns.1.words"))
    survey = a_survey(matters_most=None)
    concern = survey.concerns[0].model_copy(update={"words": cramps})
    bodies: list[Body] = [a_site(), an_enrollment(), a_visit(), an_assessment(), a_medication()]
    return [
        *map(an_event, bodies),
        an_event(survey.model_copy(update={"concerns": (concern,)}), event_id=SURVEY_EVENT),
        an_event(a_step(what=key.seal(LEVEL, in_event(STEP_EVENT, "change.what"))), event_id=STEP_EVENT),
        an_event(a_lab(value=3, comparator="<"), sequence=2),
    ]


async def tell(application: FastAPI, *events: Event) -> None:
    async with open_pool(application.state.database.worker, size=1) as pool, transaction(pool, None) as connection:
        await apply(connection, list(events))


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] != "application/pdf":
        return answer.text
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(answer.content)).pages)


def without_times(answer: httpx.Response) -> str:
    """A copy but for when it was made."""
    made = answer.json()
    return answer.text.replace(made.get("made_at") or made["timestamp"], "")


@pytest.fixture
async def dashboard(app: Apps, ring: KeyRing) -> FastAPI:
    application = await app("dashboard")
    await tell(application, *await a_history(ring))
    return application


@pytest.fixture
async def clinician(dashboard: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(dashboard, token("clinician", [SITE])) as client:
        yield client


async def test_each_form_is_a_file_with_a_day_and_no_name_that_nobody_keeps(patient: httpx.AsyncClient) -> None:
    for form, kind, ending in (
        ("json", "application/json", "json"),
        ("fhir", "application/fhir+json", "fhir.json"),
        ("pdf", "application/pdf", "pdf"),
    ):
        answer = await patient.get(PATH, params={"format": form})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "no-store"
        disposition, _, name = answer.headers["content-disposition"].partition("; ")
        assert disposition == "attachment"
        assert re.fullmatch(rf'filename="samepage-20\d\d-\d\d-\d\d\.{ending}"', name)


async def test_all_that_the_page_says_is_in_the_copy_with_its_words(patient: httpx.AsyncClient) -> None:
    page = (await patient.get(f"/v1/patients/{PATIENT}/page")).json()
    copy = (await patient.get(PATH)).json()
    assert copy["page"] == page
    assert copy["page"]["concerns"][0]["words"] == CRAMPS
    assert copy["up_to"] == page["as_of"]
    assert copy["made_at"] > copy["up_to"]


async def test_on_paper_words_are_real_text_in_a_tagged_file_with_title_language_and_bookmarks(
    patient: httpx.AsyncClient,
) -> None:
    paper = PdfReader(BytesIO((await patient.get(PATH, params={"format": "pdf"})).content))
    text = " ".join(page.extract_text() for page in paper.pages)
    assert paper.metadata is not None
    assert paper.metadata.title == "Same page: visit summary"
    assert str(paper.root_object["/Lang"]) == "en"
    assert "/StructTreeRoot" in paper.root_object
    assert "Next steps we agreed" in str(paper.outline)
    assert "Mood, 2 weeks" in text
    for words in (CRAMPS, LEVEL, "<3 mg/L", "My answers say: Mild activity", "from events up to 13 Oct 2026"):
        assert words in text
    assert len(paper.pages) <= 2


async def test_paper_speaks_as_the_page_does_and_programs_get_what_they_always_get(
    dashboard: FastAPI, patient: httpx.AsyncClient, clinician: httpx.AsyncClient
) -> None:
    async def paper(client: httpx.AsyncClient, lang: str | None = None, cookie: str = "") -> tuple[str, str]:
        asked = {"format": "pdf"} | ({"lang": lang} if lang else {})
        answer = await client.get(PATH, params=asked, headers={"cookie": f"{COOKIE}={cookie}"})
        file = PdfReader(BytesIO(answer.content))
        return str(file.root_object["/Lang"]), " ".join(file.pages[0].extract_text().split())

    english = await paper(patient)
    assert english[0] == "en"
    await tell(dashboard, an_event(an_enrollment(language=Language.SPANISH), sequence=2))
    assert (await paper(clinician))[0] == (await paper(patient, lang="en"))[0] == "en"
    for spanish in (await paper(patient), await paper(clinician, lang="es"), await paper(clinician, cookie="es")):
        assert spanish[0] == "es"
        for words in ("La misma página: resumen de la visita", "Mis respuestas: Actividad leve", CRAMPS):
            assert words in spanish[1]
    for form in ("json", "fhir"):
        in_english = await clinician.get(PATH, params={"format": form, "lang": "en"})
        in_spanish = await clinician.get(PATH, params={"format": form, "lang": "es"})
        assert without_times(in_english) == without_times(in_spanish)
    assert (await clinician.get(PATH, params={"lang": "fr"})).status_code == 422


async def test_a_sign_that_cannot_be_printed_is_not_left_out_unsaid(
    dashboard: FastAPI, patient: httpx.AsyncClient, ring: KeyRing
) -> None:
    key, event_id = await ring.sealer(Patient(SITE, PATIENT)), an_id("event", "odd")
    odd = a_step(step_id=an_id("odd"), what=key.seal("Ask \U0010abcd", in_event(event_id, "change.what")))
    await tell(dashboard, an_event(odd, sequence=3, event_id=event_id))
    paper = PdfReader(BytesIO((await patient.get(PATH, params={"format": "pdf"})).content))
    assert "Some letters or signs cannot be printed in this file" in paper.pages[0].extract_text()


@pytest.mark.parametrize("form", FORMS)
async def test_that_a_copy_left_is_on_record_and_the_patient_sees_it(
    dashboard: FastAPI, patient: httpx.AsyncClient, clinician: httpx.AsyncClient, form: str
) -> None:
    for client in (clinician, patient):
        assert (await client.get(PATH, params={"format": form})).status_code == 200
    rows = [(row["role"], row["kind"], row["purpose"], row["status"]) for row in await trail(dashboard)]
    assert rows == [("clinician", "export", "disclosure", 200), ("patient", "export", "own-record", 200)]
    looks = Document((await patient.get(f"/patients/{PATIENT}/looks")).text).text
    assert "You A copy of the page, to keep own record" in looks
    assert "A copy of the page, to keep handed out" in looks


async def test_what_cannot_be_put_on_record_is_not_handed_out(dashboard: FastAPI, patient: httpx.AsyncClient) -> None:
    async with unrecordable(dashboard):
        answer = await patient.get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:samepage:problem:not-on-record")
    assert CRAMPS not in answer.text


@pytest.mark.parametrize("form", FORMS)
async def test_while_words_cannot_be_read_there_is_no_half_copy_and_nothing_on_record(
    dashboard: FastAPI, patient: httpx.AsyncClient, keyring_of: KeyRings, form: str
) -> None:
    async with away(keyring_of):
        answer = await patient.get(PATH, params={"format": form})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert await trail(dashboard) == []


async def test_of_an_erased_patient_there_is_none(
    dashboard: FastAPI, patient: httpx.AsyncClient, clinician: httpx.AsyncClient, ring: KeyRing
) -> None:
    await ring.erase(Patient(SITE, PATIENT), ErasureReason.PATIENT_REQUEST, SUBMITTED_AT)
    assert (await patient.get(PATH)).status_code == 410, "the words are gone, though the event has not come"
    await tell(dashboard, an_event(an_erasure()))
    for client in (patient, clinician):
        answer = await client.get(PATH)
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:samepage:problem:erased")
    assert await trail(dashboard, kind="export") == []


async def test_nobody_gets_a_copy_whose_page_is_not_theirs_to_read(dashboard: FastAPI, token: Tokens) -> None:
    callers = {
        token("coordinator", [SITE]): 200,
        token("patient", [SITE], patient_id=an_id("another")): 404,
        token("clinician", ["lakeside"]): 404,
        token("operator", []): 403,
        token("system", [SITE]): 403,
    }
    for bearer, status in callers.items():
        async with client_of(dashboard, bearer) as client:
            assert (await client.get(PATH)).status_code == status


@pytest.mark.parametrize("form", FORMS)
async def test_a_coordinator_gets_nothing_clinical_by_a_copy_unless_the_site_allows_it(
    dashboard: FastAPI, token: Tokens, form: str
) -> None:
    async with client_of(dashboard, token("coordinator", [SITE])) as coordinator:
        brief = text_of(await coordinator.get(PATH, params={"format": form}))
        for clinical in (CRAMPS, LEVEL, *CLINICAL[form]):
            assert clinical not in brief
        assert ORGANISING[form] in brief, "what organises care is there"
        await tell(dashboard, an_event(a_site(shows_clinical_to_coordinators=True), sequence=2))
        whole = text_of(await coordinator.get(PATH, params={"format": form}))
        for clinical in (CRAMPS, LEVEL, *CLINICAL[form]):
            assert clinical in whole
        assert (await coordinator.get(f"/patients/{PATIENT}")).text.count(f"{PATH}?format=") == len(FORMS)


async def test_a_form_that_there_is_not_is_refused(patient: httpx.AsyncClient) -> None:
    answer = await patient.get(PATH, params={"format": "docx"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "query.format")


async def test_one_person_takes_only_so_many_copies_at_once(dashboard: FastAPI, clinician: httpx.AsyncClient) -> None:
    rate: Rate = dashboard.state.settings.copies
    statuses = [(await clinician.get(PATH)).status_code for _ in range(rate.burst + 1)]
    assert statuses == [200] * rate.burst + [429]


async def test_the_page_offers_the_copies_without_a_script(patient: httpx.AsyncClient) -> None:
    page = Document((await patient.get(f"/patients/{PATIENT}")).text)
    (link,) = page.named("a", href=f"{PATH}?format=pdf")
    answer = await patient.get(str(link["href"]), headers={"accept": "text/html"})
    assert answer.headers["content-type"] == "application/pdf"
    ahead = await patient.get(str(link["href"]), headers={"sec-purpose": "prefetch"})
    assert ahead.status_code == 409, "nobody has asked for it yet"
    shared = Document((await patient.get(f"/patients/{PATIENT}", params={"shared": "true"})).text)
    assert shared.named("a", href=f"{PATH}?format=pdf") == []
