"""What patients said is told to a coordinator by no route of intake, unless their site shows it to coordinators."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from services.intake.domain.questionnaires import extensions
from shared.auth import Role
from tests.access.asking import Request, ask
from tests.access.lines import LINES, SEEN, SHARED, SURVEY, VISIT, Json
from tests.access.network import BESIDE, HERE, Door, Ids, Person, patient_of, staff_of, staff_of_two
from tests.access.routes import Route, routes_of
from tests.access.tries import Tries
from tests.conftest import new_key
from tests.questionnaires import URL, asking, extension, questionnaire
from tests.services.clinic import SITE_BODY
from tests.waiting import until

SAID = f"marked {uuid4().hex}"
AGAIN = questionnaire(
    asking("note", "text", extension(extensions.FROM_LAST, valueBoolean=True)), url=f"{URL}/again", title="Again"
)
TELLING = {
    "GET /v1/surveys/{survey_id}",
    "GET /v1/surveys/{survey_id}/observations",
    "POST /v1/forms/{form_id}/populate",
    "GET /visits/{visit_id}/survey/parts/{number}",
    "GET /visits/{visit_id}/survey/review",
    "GET /v1/alerts/{alert_id}",
    "GET /alerts/{alert_id}",
    "GET /v1/imports/{import_id}",
    "GET /imports/{import_id}",
    "GET /v1/imports/{import_id}/refused-rows",
}
# The alert is shown again, with why it does not stand so.
SHOWING = {f"POST /alerts/{{alert_id}}/{step}" for step in ("take", "hand-over", "close")}


@pytest.fixture
def service() -> str:
    return "intake"


async def posted(client: httpx.AsyncClient, path: str, body: Mapping[str, object]) -> str:
    answer = await client.post(path, json=body, headers=new_key())
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def who_said_it(door: Door) -> Person:
    """A patient who said it in surveys and a draft, as did a clinician in a note and a system in a refused row."""
    person = await door.person(HERE)
    about = {"patient_id": person.ids["patient_id"]}
    async with door.client(staff_of(HERE, Role.SYSTEM)) as system:
        visits = [await posted(system, "/v1/visits", VISIT | about) for _ in range(2)]
        words: Json = {"matters_most": SAID, "concerns": [{"topic": "diet", "words": SAID}], "skipped": {}}
        survey = await posted(system, "/v1/surveys", {**SURVEY, **words, **about, "visit_id": visits[0]})
        form = await posted(system, "/v1/forms", AGAIN | {"version": uuid4().hex[:8]})
        answers = {"form": form, "answers": {"note": SAID}}
        await posted(system, "/v1/surveys", {**about, **answers, "visit_id": visits[1]})
    async with door.client(patient_of(person)) as patient:
        fields = {"go": "save", "concern_1_topic": "diet", "concern_1_words": SAID, "matters_most": SAID}
        assert (await patient.post("/survey/parts/1", data=fields)).status_code == 204
    async with door.client(staff_of(HERE, Role.CLINICIAN)) as clinician:
        closed = SEEN | {"outcome": "called", "note": SAID}
        await posted(clinician, f"/v1/alerts/{person.ids['alert_id']}/close", closed)
    made = {"survey_id": survey, "form_id": form, "import_id": await a_refused_row(door, person.ids)}
    return replace(person, ids=person.ids | made)


async def a_refused_row(door: Door, ids: Ids) -> str:
    """A file with an answer that stands where a time belongs."""
    file = f"patient,visit,submitted_at,answers.matters_most\r\n{ids['identifier']},{ids['visit_id']},{SAID},{SAID}\r\n"
    async with door.client(staff_of(HERE, Role.SYSTEM)) as system:
        as_csv = {"content-type": "text/csv"}
        sent = await system.post("/v1/imports?kind=answers", content=file, headers=as_csv)
        path = f"/v1/imports/{sent.json()['id']}"

        async def is_tried() -> bool:
            return bool((await system.get(path)).json()["refused"])

        await until(is_tried)
    return str(sent.json()["id"])


def requests(tries: Tries, routes: list[Route]) -> Iterator[Request]:
    """Whatever a coordinator can ask, first what changes nothing, and every part of the survey's pages."""
    for route in sorted(routes, key=lambda one: (one.method != "GET", one.method == "DELETE", "erasure" in one.path)):
        for asker in (staff_of(HERE, Role.COORDINATOR), staff_of_two(HERE, Role.COORDINATOR)):
            one = tries.without_right(route, asker)
            numbers = range(1, 13) if "{number}" in route.path else [0]
            yield from (replace(one, line=replace(one.line, numbers={"number": str(part)})) for part in numbers)


@pytest.mark.parametrize("is_allowed", [False, True])
async def test_no_route_tells_a_coordinator_what_was_said_unless_the_site_allows_it(
    door: Door, is_allowed: bool
) -> None:
    for site in (HERE, BESIDE):
        async with door.client(staff_of(site, Role.SYSTEM)) as system:
            body = SITE_BODY | {"shows_clinical_to_coordinators": is_allowed and site == HERE}
            (await system.put(f"/v1/sites/{site}", json=body)).raise_for_status()
    person = await who_said_it(door)
    tries = Tries(door, {**SHARED, **LINES["intake"]}, person, person, person)
    routes = [route for route in routes_of(door.application) if Role.COORDINATOR in route.roles]
    answers = [await ask(door, request) for request in requests(tries, routes)]
    told = {str(answer.request.route) for answer in answers if answer.holds(SAID)}
    assert told == (TELLING | SHOWING if is_allowed else set())
    read = {str(answer.request.route) for answer in answers if answer.status == 200}
    assert read >= TELLING - ({"GET /v1/imports/{import_id}/refused-rows"} if not is_allowed else set())
