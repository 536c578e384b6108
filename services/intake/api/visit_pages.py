"""The coordinator's list: the visits of a week, links and reminders for one or all of them, and one visit by itself.

What is sent is decided once more when it is recorded, under the patient's lock: of two who press at once, one sends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.intake import store
from services.intake.api.alerts import alerts_of
from services.intake.api.deliveries import SendBody, send_by_hand
from services.intake.api.high_risk import flag, high_risk_of, read_flag, unflag
from services.intake.api.import_pages import by_the_clock
from services.intake.api.imports import Desk
from services.intake.api.links import LinkBody, make_link
from services.intake.api.own_forms import own_forms_of
from services.intake.api.staff import AtSite, Coordinator, bar_of, in_address, key_of, patient_page, site_shown_to
from services.intake.api.standing import visit_at
from services.intake.api.visit_shown import Outcome, visit_shown
from services.intake.api.worklist import Ground, ground_of, rows_of_week
from services.intake.domain import WEEKS_SHOWN, LinkProgress, NextStep, Week, has_lately_been_written_to
from services.intake.pages.worklist import BESIDE, Filter, Row, Worklist, show_worklist
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem, conflict
from shared.http.batch import Batch
from shared.http.commands import Command, execute, pool_of
from shared.http.forms import form_of
from shared.http.language import choice_of
from shared.http.record import trail_of
from shared.outbox import Recorded

router = APIRouter(include_in_schema=False)
_TO_ALL = (NextStep.SEND, NextStep.REMIND)


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of the form above the list, and what became of what was pressed there."""

    week: int
    shown: Filter
    sent: int | None
    left: int


async def _asked(
    week: Annotated[int, Query(ge=0, lt=WEEKS_SHOWN)] = 0,
    find: Annotated[str, Query(max_length=60)] = "",
    clinician: Annotated[str, Query(max_length=64)] = "",
    survey: LinkProgress | Literal[""] = "",
    sent: Annotated[int | None, Query(ge=0, le=store.MOST_VISITS)] = None,
    left: Annotated[int, Query(ge=0, le=store.MOST_VISITS)] = 0,
) -> Asked:
    return Asked(week, Filter(find.strip(), clinician, survey or None), sent, left)


class AboutVisit(SendBody):
    """A message about a visit, beside others."""

    visit_id: UUID
    patient_id: UUID


@router.get("/visits")
async def show_visits(
    request: Request, caller: Coordinator, asked: Annotated[Asked, Depends(_asked)], site: AtSite = None
) -> Response:
    """The visits of a week, beside alerts, patients at high risk and the last import."""
    site_id = site_shown_to(caller, site)
    ground, week, rows = await _week(request, site_id, asked.week)
    here = replace(caller, sites=frozenset({site_id}))
    alerts = await alerts_of(request, here, None, shown=BESIDE, language=choice_of(request).spoken().language)
    high_risk = await high_risk_of(request, here, shown=BESIDE)
    newest = [by_the_clock(one, ground.zone) for one in await Desk(request, caller, site_id).newest(1)]
    html = show_worklist(
        Worklist(rows, week, ground.now, asked.shown, uuid4().hex, asked.sent, asked.left),
        alerts=alerts.model_dump(),
        high_risk=high_risk.model_dump(),
        newest=next(iter(newest), None),
        patient_page=patient_page(request),
        bar=bar_of(request, caller, "visits", site_id, ground.site.name),
    )
    return HTMLResponse(html)


@router.post("/visits/messages")
async def send_to_all(request: Request, caller: Coordinator, site: AtSite = None) -> Response:
    """Send a link to all of a week who have none, or remind all who have one."""
    site_id = caller.writing_site(site)
    said = await form_of(request)
    step = next((one for one in _TO_ALL if one == said.get("step")), None)
    number = _number(said.get("week"))
    if step is None or number is None:
        raise Problem(422, "invalid", "Say which week, and whether to send or to remind.")
    _, _, rows = await _week(request, site_id, number)
    chosen = [AboutVisit(visit_id=one.visit_id, patient_id=one.patient_id) for one in _with_step(rows, step)]
    counted = {"accepted": 0, "rejected": 0}
    if chosen:
        answer = await _send(request, caller, site_id, Batch(chosen, is_single=False))
        counted = orjson.loads(answer.body)
    return _back(caller, site_id, number, counted)


@router.get("/visits/{visit_id}")
async def show_one_visit(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """One visit: how its survey stands, what can be done, and the messages about it."""
    return await visit_shown(request, caller, site_shown_to(caller, site), visit_id)


@router.post("/visits/{visit_id}/messages")
async def send_to_one(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Send the link of a visit, or remind of it, and go back to where that was pressed."""
    site_id = caller.writing_site(site)
    number = _number((await form_of(request)).get("week"))
    visit = await visit_at(request, site_id, visit_id)
    body = AboutVisit(visit_id=visit_id, patient_id=visit.patient_id)
    try:
        await _send(request, caller, site_id, Batch([body], is_single=True))
    except Problem as problem:
        return await visit_shown(request, caller, site_id, visit_id, Outcome(problem))
    if number is None:
        return RedirectResponse(f"/visits/{visit_id}{in_address(caller, site_id)}", status_code=303)
    return _back(caller, site_id, number, {"accepted": 1, "rejected": 0})


@router.post("/visits/{visit_id}/links")
async def make_link_by_form(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Make a link and show it, this once. Pressed twice it is the same one."""
    site_id = caller.writing_site(site)
    key = f"{key_of(await form_of(request))}-{visit_id}"
    try:
        made = await make_link(request, visit_id, LinkBody(), caller, key, site_id)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await visit_shown(request, caller, site_id, visit_id, Outcome(problem))
    return await visit_shown(request, caller, site_id, visit_id, Outcome(link=orjson.loads(made.body)["link"]))


@router.post("/visits/{visit_id}/high-risk")
async def flag_by_form(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Put the patient of a visit on the high-risk list, or change why they are there."""
    site_id = caller.writing_site(site)
    visit = await visit_at(request, site_id, visit_id)
    try:
        body = read_flag(await form_of(request))
    except Problem as problem:
        if problem.status != 422:
            raise
        return await visit_shown(request, caller, site_id, visit_id, Outcome(problem))
    await flag(request, caller, site_id, visit.patient_id, body)
    return RedirectResponse(f"/visits/{visit_id}{in_address(caller, site_id)}", status_code=303)


@router.post("/visits/{visit_id}/high-risk/end")
async def unflag_by_form(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Take the patient of a visit off the high-risk list."""
    site_id = caller.writing_site(site)
    visit = await visit_at(request, site_id, visit_id)
    await unflag(request, caller, site_id, visit.patient_id)
    return RedirectResponse(f"/visits/{visit_id}{in_address(caller, site_id)}", status_code=303)


async def _week(request: Request, site_id: str, number: int) -> tuple[Ground, Week, list[Row]]:
    """A week's rows, on record as read: a row of the audit for the site, and one for each patient."""
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        ground = await ground_of(connection, own_forms_of(request), site_id, datetime.now(UTC))
        week, rows = await rows_of_week(connection, site_id, ground, number)
        patients = sorted({row.visit.patient_id for row in rows})
        read = [Entry(site_id, Kind.READ, 200, patient_id) for patient_id in (None, *patients)]
        await trail_of(request).keep(connection, read)
    return ground, week, rows


async def _send(request: Request, caller: Caller, site_id: str, batch: Batch[AboutVisit]) -> Response:
    async def record(connection: Connection, site_id: str, body: AboutVisit) -> Recorded:
        outlook = await store.outlook(connection, SiteScope.of(site_id), body.visit_id)
        if outlook is not None and has_lately_been_written_to(outlook, datetime.now(UTC)):
            raise conflict("written-to-lately", "A message went in the last 20 hours, or is about to go.")
        return await send_by_hand(caller, body.visit_id, body.patient_id, connection, site_id, body)

    command = Command[AboutVisit](locks=lambda _site, body: [str(body.patient_id)], record=record)
    return await execute(request, command, batch, site_id=site_id, key=None)


def _with_step(rows: Sequence[Row], step: NextStep) -> list[store.VisitWithLink]:
    return [row.visit for row in rows if row.step is step]


def _number(week: str | None) -> int | None:
    return next((number for number in range(WEEKS_SHOWN) if str(number) == week), None)


def _back(caller: Caller, site_id: str, week: int, counted: Mapping[str, int]) -> Response:
    """To the list, which says how many messages are on their way."""
    named = {"site": site_id} if len(caller.sites) > 1 else {}
    said = {"week": week, "sent": counted["accepted"], "left": counted["rejected"], **named}
    return RedirectResponse(f"/visits?{urlencode(said)}", status_code=303)
