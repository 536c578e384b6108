"""Breaking the glass in a browser: the way there, the form, the line on the page, the list."""

import httpx
import pytest
from fastapi import FastAPI

from tests.builders import PATIENT
from tests.conftest import Tokens, client_of
from tests.markup import Document
from tests.services.dashboard.conftest import BODY, HERE, SHOWN, THERE, WORDS, Clients, break_glass
from tests.sign_in.conftest import Clock

NEW = "/break-glass/new"


def read(answer: httpx.Response, status: int = 200) -> Document:
    """A page of ours, which a browser shows whole under our policy."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    document = Document(answer.text)
    assert document.needs_more_than_the_policy_allows() == []
    assert document.named("form", method="post", action="/sign-out")
    return document


async def test_a_page_that_does_not_open_leads_a_clinician_to_the_form_and_nobody_else(
    clinician: httpx.AsyncClient, as_: Clients
) -> None:
    page = read(await clinician.get(SHOWN), 404)
    assert "Your clinic has no such patient" in page.text
    (link,) = page.named("a", href=f"{NEW}?patient_id={PATIENT}")
    form = read(await clinician.get(str(link["href"])))
    assert form.named("input", name="patient_id", value=str(PATIENT))
    assert "One page, for reading, for 1 hour." in form.text
    async with as_("coordinator", HERE) as coordinator:
        assert read(await coordinator.get(SHOWN), 404).named("a", href=f"{NEW}?patient_id={PATIENT}") == []


async def test_the_form_opens_the_page_and_the_page_says_so_to_everybody_until_it_closes(
    clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient, dashboard: FastAPI, token: Tokens
) -> None:
    answer = await clinician.post(NEW, data=BODY)
    assert (answer.status_code, answer.headers["location"]) == (303, SHOWN)
    page = read(await clinician.get(SHOWN))
    assert "Opened in an emergency, for reading only." in page.text
    assert "This is a patient of riverbend. Your reason: emergency care. It closes at 11:20." in page.text
    (end,) = [form for form in page.named("form") if str(form["action"]).endswith("/end")]
    told = "Opened in an emergency by dr-silva at another clinic (lakeside). Reason: emergency care. Until 11:20."
    async with client_of(dashboard, token("patient", [THERE], patient_id=PATIENT)) as patient:
        for reader in (coordinator, patient):
            seen = read(await reader.get(SHOWN))
            assert told in seen.text
            assert [form["action"] for form in seen.named("form", method="post")] == ["/sign-out"]
        assert "Clinician dr-silva The page emergency, another clinic" in read(await patient.get(f"{SHOWN}/looks")).text
        assert "The page is closed" in read(await clinician.post(str(end["action"]))).text
        assert "emergency" not in read(await patient.get(SHOWN)).text
    assert "Opened in an emergency by" not in read(await coordinator.get(SHOWN)).text
    read(await clinician.get(SHOWN), 404)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("site_id", "Lakeside GI", "The clinic's short name"),
        ("patient_id", "MRN-1", "The patient's id as that clinic gives it"),
        ("reason", "curious", "Choose one."),
        ("words", "urgent", "10 to 500 characters."),
    ],
)
async def test_the_form_comes_back_with_what_was_written_and_what_is_wrong(
    clinician: httpx.AsyncClient, field: str, value: str, said: str
) -> None:
    page = read(await clinician.post(NEW, data=BODY | {field: value}), 422)
    assert said in page.text
    (marked,) = [attributes for _, attributes, _ in page.elements if attributes.get("aria-invalid")]
    assert marked["aria-describedby"] == f"{field}-hint"
    kept = BODY | {field: value}
    assert page.named("input", name="site_id", value=kept["site_id"])
    assert page.named("input", name="patient_id", value=kept["patient_id"])
    assert kept["words"] in page.text
    assert "checked" in page.named("input", value="emergency")[0] or field == "reason"


async def test_who_reads_spanish_is_asked_and_answered_in_spanish(clinician: httpx.AsyncClient) -> None:
    form = read(await clinician.get(f"{NEW}?lang=es"))
    assert "Abrir un paciente de otra clínica" in form.text
    assert "Una página, solo para leer, durante 1 hora." in form.text
    assert "Atención de emergencia" in form.text
    assert "Traslado de la atención" in form.text
    in_spanish = f"{NEW}?lang=es"
    wrong = read(await clinician.post(in_spanish, data=BODY | {"words": "x"}), 422)
    assert "Todavía no se abrió Falta algo más abajo." in wrong.text
    assert "De 10 a 500 caracteres." in wrong.text
    other = await clinician.post(in_spanish, data=BODY | {"site_id": "millpond"})
    assert "No hay ninguna clínica con ese paciente Compruebe" in read(other, 404).text
    own = await clinician.post(in_spanish, data=BODY | {"site_id": HERE})
    assert "No se abrió Un paciente de su propia clínica" in read(own, 409).text


async def test_the_form_says_no_more_of_a_wrong_patient_than_of_a_wrong_clinic(clinician: httpx.AsyncClient) -> None:
    wrong = [{"patient_id": "0b7c6a54-6a39-4c1f-9d55-2f6a52c0a009"}, {"site_id": "millpond"}]
    texts = {read(await clinician.post(NEW, data=BODY | change), 404).text for change in wrong}
    assert len(texts) == 1
    assert "No clinic and patient like that" in texts.pop()


async def test_too_many_tries_say_when_to_come_again(clinician: httpx.AsyncClient) -> None:
    for _ in range(10):
        await clinician.post(NEW, data=BODY | {"site_id": "millpond"})
    answer = await clinician.post(NEW, data=BODY)
    assert "Call the other clinic, or try again later." in read(answer, 429).text
    assert answer.headers["retry-after"] == "3600"


async def test_what_a_stranger_wrote_is_words_on_the_list_and_no_markup(
    clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient
) -> None:
    await break_glass(clinician, words='<script>alert("x")</script> <b>bold</b>')
    page = read(await coordinator.get("/break-glass"))
    assert '“<script>alert("x")</script> <b>bold</b>”' in page.text


async def test_the_list_shows_each_day_and_a_coordinator_says_what_was_looked_into(
    clinician: httpx.AsyncClient, coordinator: httpx.AsyncClient, clock: Clock
) -> None:
    assert "Nobody opened a page in an emergency" in read(await coordinator.get("/break-glass")).text
    await break_glass(clinician)
    await clinician.get(SHOWN)
    page = read(await coordinator.get("/break-glass"))
    assert "1 opening to look into." in page.text
    assert f"13 Oct 2026 10:20 dr-silva of lakeside Emergency care “{WORDS}”" in page.text
    actions = [str(form["action"]) for form in page.named("form")]
    (review,) = [action for action in actions if action.endswith("/review")]
    (end,) = [action for action in actions if action.endswith("/end")]
    for action in (end, review):
        answer = await coordinator.post(action)
        assert (answer.status_code, answer.headers["location"]) == (303, "/break-glass")
    clock.go_on(days=1)
    page = read(await coordinator.get("/break-glass"))
    assert "0 openings to look into." in page.text
    assert "closed 10:20 by j-ortiz by j-ortiz 13 Oct 2026" in page.text
    assert [form["action"] for form in page.named("form")] == ["/sign-out"]
