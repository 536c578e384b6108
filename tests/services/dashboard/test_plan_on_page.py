"""The plan written on the page, with clinical beside the dashboard: what is saved, by whom, and what is not."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.ports import keep_or_choose
from services.clinical.worker import SUBSCRIPTION as TO_CLINICAL
from services.dashboard.app import create_app
from services.dashboard.worker import SUBSCRIPTION
from shared.auth import Caller, Role, TrustedIssuer
from shared.events import Body, CorrectionReason, EnteredInError, Event
from shared.on_behalf import token_for
from shared.signing import ALGORITHM, SigningKeys, make_key_file
from tests.builders import PATIENT, SITE, VISIT, VISIT_AT, a_site, a_visit, an_enrollment, an_erasure, an_event
from tests.conftest import URLS, Apps, Tokens, client_of, new_key, new_key_in, served
from tests.markup import Document
from tests.services.clinical.writes import mark, updates
from tests.services.streams import arrive, published
from tests.services.trails import trail
from tests.sign_in.conftest import Clock

PAGE, SHOWN = f"/v1/patients/{PATIENT}/page", f"/patients/{PATIENT}"
ELSEWHERE = "lakeside"
NEW = {"form": "add", "what": "Ask the insurer about the co-pay", "who": "nurse", "due_on": "2026-10-16"}
Fields = dict[str, str]
Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Both(NamedTuple):
    """The two applications; what clinical publishes arrives at the dashboard when it is told to."""

    clinical: FastAPI
    dashboard: FastAPI

    async def catch_up(self, known: int = 0) -> list[Event]:
        events = await published(self.clinical)
        await arrive(self.dashboard, SUBSCRIPTION, *events[known:])
        return events


@pytest.fixture(scope="session")
def page_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard's own."""
    return new_key_in(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def own_settings(own_settings: dict[str, dict[str, object]], page_key: Path) -> dict[str, dict[str, object]]:
    """Clinical believes the dashboard; that it is named with every role makes no difference."""
    on_behalf = TrustedIssuer(
        issuer=URLS["dashboard"],
        algorithms=(ALGORITHM,),
        key_set=str(page_key.with_name("jwks.json")),
        roles=frozenset(Role),
    )
    signing = own_settings["dashboard"] | {"signing_key_files": (page_key,)}
    return own_settings | {"clinical": {"on_behalf": on_behalf}, "dashboard": signing}


@pytest.fixture
def clock() -> Clock:
    """In the visit."""
    return Clock(VISIT_AT)


@pytest.fixture
async def both(app: Apps, clock: Clock) -> AsyncIterator[Both]:
    clinical, whole = await app("clinical"), await app("dashboard")
    bodies: list[Body] = [a_site(), an_enrollment(), a_visit()]
    await arrive(whole, SUBSCRIPTION, *(an_event(body) for body in bodies))
    await arrive(clinical, TO_CLINICAL, an_event(an_enrollment()))
    (port,) = keep_or_choose((), 1)
    async with served(clinical, port) as address:
        settings = whole.state.settings.model_copy(update={"clinical_url": address})
        dashboard = create_app(settings, clock=clock)
        dashboard.state.database = whole.state.database
        async with dashboard.router.lifespan_context(dashboard):
            yield Both(clinical, dashboard)


@pytest.fixture
def as_(both: Both, token: Tokens) -> Clients:
    """`as_("clinician", "dr-rowe")`: a client of somebody of the patient's site."""

    def client(role: str, subject: str = "", site: str = SITE) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return client_of(both.dashboard, token(role, [site], subject=subject))

    return client


@pytest.fixture
async def clinician(as_: Clients) -> AsyncIterator[httpx.AsyncClient]:
    async with as_("clinician", "dr-rowe") as client:
        yield client


def read(answer: httpx.Response, status: int = 200) -> Document:
    assert answer.status_code == status, answer.text
    document = Document(answer.text)
    assert document.needs_more_than_the_policy_allows() == []
    return document


async def write(client: httpx.AsyncClient, fields: Fields, **query: str) -> httpx.Response:
    """Send the form of a step as a browser does: which one it is stands in the address."""
    said = {name: value for name, value in fields.items() if name != "step_id"}
    which = {name: value for name, value in fields.items() if name == "step_id"}
    return await client.post(SHOWN, params=query | which, data={"key": uuid4().hex} | said)


async def saved(client: httpx.AsyncClient, fields: Fields) -> UUID:
    """Write what is taken; its receipt."""
    answer = await write(client, fields)
    assert answer.status_code == 303, answer.text
    return UUID(re.search(r"wait_for=([0-9a-f-]{36})#h-plan$", answer.headers["location"])[1])  # type: ignore[index]


async def plan(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = (await client.get(PAGE)).json()["plan"]
    return steps


async def agreed(both: Both, client: httpx.AsyncClient) -> Fields:
    """A step on the page, as a form of it says which one it is and what stood there."""
    await saved(client, NEW)
    await both.catch_up()
    (step,) = await plan(client)
    return {"step_id": step["step_id"]} | {f"was_{name}": NEW[name] for name in ("what", "who", "due_on")}


async def test_a_step_is_recorded_by_clinical_for_the_person_who_wrote_it_and_comes_back_on_the_page(
    both: Both, clinician: httpx.AsyncClient
) -> None:
    receipt = await saved(clinician, NEW)
    (event,) = await both.catch_up()
    assert event.event_id == receipt
    answer = await clinician.get(SHOWN, params={"wait_for": str(receipt)})
    page = read(answer)
    assert answer.headers["samepage-waited"] == "arrived"
    assert "Saved." in page.text
    assert "Ask the insurer about the co-pay" in page.text
    assert "by Fri 16 Oct" in page.text
    (step,) = await plan(clinician)
    assert step["visit_id"] == str(VISIT), "it was agreed in the visit"
    (there,) = await trail(both.clinical, kind="write", route="record_plan_steps")
    (here,) = await trail(both.dashboard, kind="write", route="write_plan")
    for row in (there, here):
        assert (row["subject"], row["role"], row["site_id"]) == ("dr-rowe", "clinician", SITE)
        assert (row["patient_id"], row["event_id"]) == (PATIENT, receipt)
    assert there["trace_id"] == here["trace_id"]


async def test_a_page_says_when_what_was_written_is_not_there_yet(both: Both, clinician: httpx.AsyncClient) -> None:
    receipt = await saved(clinician, NEW)
    page = read(await clinician.get(SHOWN, params={"wait_for": str(receipt)}))
    assert "What you just saved is not on this page yet." in page.text
    assert both


async def test_a_step_is_ticked_unticked_re_assigned_and_carried_over(
    both: Both, clinician: httpx.AsyncClient, as_: Clients
) -> None:
    step = await agreed(both, clinician)
    (before,) = await plan(clinician)
    which = {"step_id": step["step_id"]}
    async with as_("coordinator", "j-ortiz") as coordinator:
        known = 1
        for writer, fields, expected in (
            (coordinator, {"form": "tick", "is_done": "true"} | which, {"is_done": True, "done_on": "2026-10-13"}),
            (coordinator, {"form": "tick", "is_done": "false"} | which, {"is_done": False, "done_on": None}),
            (coordinator, step | {"form": "carry", "due_on": "2026-12-01"}, {"due_on": "2026-12-01"}),
            (clinician, step | {"form": "change", "who": "front-desk", "what": NEW["what"]}, {"who": "front-desk"}),
            (coordinator, step | {"form": "change", "what": "Call the insurer"}, {"what": "Call the insurer"}),
            (coordinator, step | {"form": "carry", "due_on": ""}, {"due_on": None, "who": "front-desk"}),
        ):
            await saved(writer, fields)
            known = len(await both.catch_up(known))
            (now,) = await plan(clinician)
            assert now | expected == now
    assert (now["visit_id"], now["agreed_at"]) == (str(VISIT), before["agreed_at"])
    assert ", visit of 13 Oct" in read(await clinician.get(SHOWN)).text
    subjects = [row["subject"] for row in await trail(both.clinical, kind="write")]
    assert subjects == ["dr-rowe", *["j-ortiz"] * 3, "dr-rowe", *["j-ortiz"] * 2]


async def test_who_is_not_told_what_a_step_is_neither_rewrites_it_nor_takes_it_to_themselves(
    both: Both, clinician: httpx.AsyncClient, as_: Clients
) -> None:
    step = await agreed(both, clinician)
    async with as_("coordinator", "j-ortiz") as coordinator:
        shown = read(await coordinator.get(SHOWN))
        assert NEW["what"] not in shown.text
        offered = [str(one["value"]) for one in shown.named("option")]
        assert (offered.count("nurse"), offered.count("front-desk")) == (2, 1), "to a new step and not to this one"
        for change in ({"who": "front-desk"}, {"what": "Something else"}):
            refused = await write(coordinator, step | {"form": "change"} | change)
            assert "what this step is stays with the patient and the clinician" in read(refused, 409).text
        await saved(coordinator, step | {"form": "change", "who": "clinician"})
    await both.catch_up(1)
    (now,) = await plan(clinician)
    assert (now["who"], now["what"]) == ("clinician", NEW["what"])


async def test_nobody_undoes_what_another_wrote_meanwhile(
    both: Both, clinician: httpx.AsyncClient, as_: Clients
) -> None:
    step = await agreed(both, clinician)
    async with as_("coordinator", "j-ortiz") as coordinator:
        await saved(coordinator, step | {"form": "change", "what": NEW["what"], "who": "patient"})
    await saved(clinician, step | {"form": "change", "what": "Call the insurer", "who": "nurse"})
    await both.catch_up(1)
    (now,) = await plan(clinician)
    assert (now["what"], now["who"]) == ("Call the insurer", "patient")


async def test_words_that_were_changed_a_moment_ago_are_not_put_back_by_a_tick(
    both: Both, clinician: httpx.AsyncClient
) -> None:
    step = await agreed(both, clinician)
    which = {"step_id": step["step_id"]}
    await saved(clinician, step | {"form": "change", "what": "Call the insurer", "who": "nurse"})
    tick = which | {"form": "tick", "is_done": "true"}
    refused = read(await write(clinician, tick), 409)
    assert "this step has just changed" in refused.text, "the page is behind, and knows the old words"
    await both.catch_up(1)
    await saved(clinician, tick)
    await both.catch_up(2)
    (now,) = await plan(clinician)
    assert (now["what"], now["is_done"]) == ("Call the insurer", True)


async def test_a_step_that_was_taken_back_takes_no_change_and_leaves_the_page(
    both: Both, clinician: httpx.AsyncClient, token: Tokens
) -> None:
    tick = {"step_id": (await agreed(both, clinician))["step_id"], "form": "tick", "is_done": "true"}
    async with client_of(both.clinical, token("system", [SITE])) as system:
        assert (await mark(system, "plans", tick["step_id"])).status_code == 201
    assert "this step was just taken back" in read(await write(clinician, tick), 409).text
    await both.catch_up(1)
    assert await plan(clinician) == []
    page = read(await clinician.get(SHOWN))
    assert "1 agreed step taken back on" in page.text
    assert NEW["what"] not in page.text
    assert (await write(clinician, tick)).status_code == 404


async def test_a_step_is_taken_back_on_the_page_for_a_reason_by_who_is_told_what_it_is(
    both: Both, clinician: httpx.AsyncClient, as_: Clients
) -> None:
    step = {"step_id": (await agreed(both, clinician))["step_id"]}
    back = step | {"form": "take-back", "reason": "wrong-patient"}
    async with as_("coordinator", "j-ortiz") as coordinator:
        assert read(await coordinator.get(SHOWN)).named("select", name="reason") == []
        refused = await write(coordinator, back)
        assert "what this step is stays with the patient and the clinician" in read(refused, 409).text
    assert read(await clinician.get(SHOWN)).named("select", name="reason")
    for reason in ("", "no-such-reason"):
        assert "Not saved." in read(await write(clinician, back | {"reason": reason}), 422).text
    await saved(clinician, back)
    await both.catch_up(1)
    (_, told) = await updates(both.clinical)
    assert told.change.entered_in_error == EnteredInError(reason=CorrectionReason.WRONG_PATIENT)
    page = read(await clinician.get(SHOWN))
    assert "1 agreed step taken back on" in page.text
    assert NEW["what"] not in page.text
    (row,) = [one for one in await trail(both.clinical, kind="write") if one["route"] == "mark_plan_step"]
    assert (row["subject"], row["role"], row["patient_id"]) == ("dr-rowe", "clinician", PATIENT)


async def test_a_form_that_is_sent_twice_is_saved_once(both: Both, clinician: httpx.AsyncClient) -> None:
    twice = NEW | {"key": uuid4().hex}
    assert await saved(clinician, twice) == await saved(clinician, twice)
    assert len(await published(both.clinical)) == 1
    page = read(await write(clinician, twice | {"what": "Something else"}), 409)
    assert "this form was saved before." in page.text
    assert "Something else" in page.text
    assert page.named("input", name="key", value=twice["key"]) == []


async def test_what_changes_nothing_is_no_event(both: Both, clinician: httpx.AsyncClient) -> None:
    step = await agreed(both, clinician)
    answer = await write(clinician, step | {"form": "change", "what": f" {NEW['what']}\r\n", "who": "nurse"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{SHOWN}#h-plan")
    assert len(await published(both.clinical)) == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("what", "  ", "Write 1 to 500 characters."),
        ("what", "x" * 501, "Write 1 to 500 characters."),
        ("who", "the-cat", "Choose one."),
        ("due_on", "soon", "Choose today or a later day."),
        ("due_on", "2026-10-12", "Choose today or a later day."),
        ("due_on", "9999-01-01", "Choose today or a later day."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_the_words_stay(
    both: Both, clinician: httpx.AsyncClient, field: str, value: str, said: str
) -> None:
    given = NEW | {field: value, "key": uuid4().hex}
    page = read(await write(clinician, given), 422)
    assert "Not saved. Look at what is marked." in page.text
    (marked,) = [attributes for _, attributes, _ in page.elements if attributes.get("aria-invalid")]
    assert (marked["name"], marked["aria-describedby"]) == (field, f"plan-add-new-{field}-wrong")
    assert said in page.text
    assert given["what"].strip() in page.text
    assert page.named("input", name="key", value=given["key"])
    assert await published(both.clinical) == []


async def test_what_is_wrong_with_a_change_is_said_in_the_form_of_that_step_however_many_there_are(
    both: Both, clinician: httpx.AsyncClient
) -> None:
    for number in range(7):
        await saved(clinician, NEW | {"what": f"Step {number}"})
    await both.catch_up()
    for step in await plan(clinician):
        answer = await write(clinician, {"form": "carry", "step_id": step["step_id"], "due_on": "2020-01-01"})
        page = read(answer, 422)
        (marked,) = [attributes for _, attributes, _ in page.elements if attributes.get("aria-invalid")]
        assert (marked["id"], marked["value"]) == (f"plan-carry-{step['step_id']}-due_on", "2020-01-01")


async def test_words_stay_where_clinical_is_away_and_are_saved_once_when_it_is_back(
    both: Both, clinician: httpx.AsyncClient, token: Tokens, clock: Clock
) -> None:
    (port,) = keep_or_choose((), 1)
    settings = both.dashboard.state.settings.model_copy(update={"clinical_url": f"http://127.0.0.1:{port}"})
    alone = create_app(settings, clock=clock)
    given = NEW | {"key": uuid4().hex}
    async with alone.router.lifespan_context(alone), client_of(alone, token("clinician", [SITE])) as client:
        page = read(await write(client, given), 503)
        assert "the part that keeps the plan does not answer" in page.text
        assert given["what"] in page.text
        assert page.named("input", name="key", value=given["key"])
        async with served(both.clinical, port):
            await saved(client, given)
    assert len(await published(both.clinical)) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [(201, b'{"receipt": 1}'), (201, b"[]"), (422, b'{"type": 1}'), (422, b"no JSON"), (418, b"{}"), (500, b"")],
)
async def test_whatever_else_answers_in_the_place_of_clinical_the_words_stay(
    both: Both, token: Tokens, clock: Clock, status: int, said: bytes
) -> None:
    async def answer(_request: Request) -> Response:
        return Response(said, status)

    (port,) = keep_or_choose((), 1)
    async with served(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])]), port) as address:
        settings = both.dashboard.state.settings.model_copy(update={"clinical_url": address})
        dashboard = create_app(settings, clock=clock)
        async with (
            dashboard.router.lifespan_context(dashboard),
            client_of(dashboard, token("clinician", [SITE])) as client,
        ):
            assert NEW["what"] in read(await write(client, NEW), 503).text


async def test_a_dashboard_that_clinical_does_not_believe_keeps_the_words(
    both: Both, token: Tokens, clock: Clock, tmp_path: Path
) -> None:
    make_key_file(tmp_path / "other.pem")
    settings = both.dashboard.state.settings.model_copy(update={"signing_key_files": (tmp_path / "other.pem",)})
    other = create_app(settings, clock=clock)
    async with other.router.lifespan_context(other), client_of(other, token("clinician", [SITE])) as client:
        assert NEW["what"] in read(await write(client, NEW), 503).text


async def test_what_the_charts_show_is_kept_whether_or_not_a_step_is_saved(
    both: Both, clinician: httpx.AsyncClient
) -> None:
    five_years = f"{SHOWN}?span=5-years"
    page = read(await clinician.get(five_years))
    assert page.named("form", action=f"{five_years}#h-plan")
    answer = await write(clinician, NEW, span="5-years")
    assert answer.headers["location"].startswith(f"{five_years}&wait_for=")
    failed = read(await write(clinician, NEW | {"what": ""}, span="5-years"), 422)
    assert failed.named("a", href=f"{five_years}#h-tr", **{"aria-current": "true"})


async def test_on_a_shared_screen_it_is_written_too_and_stays_shared(both: Both, clinician: httpx.AsyncClient) -> None:
    page = read(await clinician.get(f"{SHOWN}?shared=true"))
    assert page.named("form", action=f"{SHOWN}?shared=true#h-plan")
    answer = await write(clinician, NEW, shared="true")
    assert answer.headers["location"].startswith(f"{SHOWN}?shared=true&wait_for=")
    assert "Back to my view" in read(await write(clinician, NEW | {"what": ""}, shared="true"), 422).text
    assert both


async def test_a_patient_reads_the_plan_and_writes_nothing(both: Both, token: Tokens) -> None:
    async with client_of(both.dashboard, token("patient", [SITE], patient_id=PATIENT)) as patient:
        assert [form["action"] for form in read(await patient.get(SHOWN)).named("form")] == ["?", "/sign-out"]
        assert (await write(patient, NEW)).status_code == 403


async def test_nobody_writes_through_broken_glass(both: Both, as_: Clients) -> None:
    async with as_("clinician", "dr-silva", ELSEWHERE) as stranger:
        why = {"site_id": SITE, "patient_id": str(PATIENT), "reason": "emergency", "words": "Brought in, synthetic"}
        assert (await stranger.post("/v1/break-glass", json=why)).status_code == 201
        page = read(await stranger.get(SHOWN))
        assert "Next steps we agreed" in page.text
        assert page.named("form", action=f"{SHOWN}#h-plan") == []
        assert (await write(stranger, NEW)).status_code == 404
    assert await published(both.clinical) == []


async def test_of_an_erased_patient_nothing_is_written(both: Both, clinician: httpx.AsyncClient) -> None:
    await arrive(both.dashboard, SUBSCRIPTION, an_event(an_erasure()))
    assert (await write(clinician, NEW)).status_code == 410
    assert await published(both.clinical) == []


async def test_a_step_of_nobody_here_is_unknown(both: Both, clinician: httpx.AsyncClient) -> None:
    answer = await write(clinician, {"form": "tick", "step_id": str(uuid4()), "is_done": "true"})
    assert answer.status_code == 404
    assert both


async def test_what_the_page_signs_proves_nothing_anywhere_else(both: Both, page_key: Path) -> None:
    keys, platform = SigningKeys([page_key]), both.dashboard.state.platform
    caller = Caller("dr-rowe", Role.CLINICIAN, frozenset({SITE, ELSEWHERE}))
    step = {"patient_id": str(PATIENT), "what": "Call", "who": "nurse"}
    signed = token_for(keys, platform, caller, SITE)
    async with client_of(both.clinical, signed) as client:
        assert (await client.post("/v1/plans", json=step, headers=new_key())).status_code == 201
        elsewhere = new_key() | {"samepage-site": ELSEWHERE}
        assert (await client.post("/v1/plans", json=step, headers=elsewhere)).status_code == 404
        assert (await client.post("/v1/labs", json=step, headers=new_key())).status_code == 401
        assert (await client.get(f"/v1/receipts/{uuid4()}")).status_code == 401
    async with client_of(both.dashboard, signed) as client:
        assert (await client.get(PAGE)).status_code == 401
    for role in (Role.SYSTEM, Role.OPERATOR):
        other = token_for(keys, platform, Caller("dr-rowe", role, frozenset({SITE})), SITE)
        async with client_of(both.clinical, other) as client:
            assert (await client.post("/v1/plans", json=step, headers=new_key())).status_code == 401
