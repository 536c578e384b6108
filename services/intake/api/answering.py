"""A survey in a browser, one part a page, saved on every step: by the patient, or by staff from paper or the phone.

What could not be read is shown again as it was typed. The last step sends what a program would send, through the same
door.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, NamedTuple
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter, ValidationError

from services.intake import store
from services.intake.api.desk import OF_PATIENT, Desk, Saved, choose_language, desk_of, save_part
from services.intake.api.surveys import DraftBody, Submission, SurveyBody
from services.intake.domain.drafts import Part, given_so_far, part_of, unfinished
from services.intake.domain.fields import LESS
from services.intake.domain.questionnaires import Disabled, check
from services.intake.domain.severity import is_severe
from services.intake.pages.survey import (
    Around,
    How,
    Shown,
    issue_words,
    show_call,
    show_part,
    show_review,
    show_thanks,
)
from shared.auth import Role
from shared.db import transaction
from shared.errors import KeyRingAway, Problem
from shared.events import EntryMode, Language
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import caller_of, execute_together, pool_of
from shared.http.fields import Day
from shared.http.forms import FormSize, form_of
from shared.http.language import keep_choice
from shared.http.sign_in import closed_to_patient

router = APIRouter(include_in_schema=False)
PartNumber = Annotated[int, Path(ge=1, le=99)]
_OF_STAFF = "/visits/{visit_id}/survey"
# A part asks as much as its site's form has in a group, and says of each question when it was answered.
_OF_PART = FormSize(128 * 1024, 1_500)
_ONE_MORE, _ONE_LESS = "more:", "less:"
Page = Callable[..., Awaitable[Response]]


async def _about(visit_id: UUID) -> None:
    """Staff say which visit they answer for; a patient's link does."""


def _page(method: str, path: str) -> Callable[[Page], Page]:
    """The same page for the patient and, under its visit, for staff."""

    def register(page: Page) -> Page:
        patient, staff = Depends(allow(Role.PATIENT)), Depends(allow(Role.COORDINATOR))
        router.add_api_route(OF_PATIENT + path, page, methods=[method], dependencies=[patient])
        router.add_api_route(_OF_STAFF + path, page, methods=[method], dependencies=[staff, Depends(_about)])
        return page

    return register


@_page("GET", "")
async def continue_survey(request: Request) -> Response:
    """To the part where the survey was left; to the thanks when it is sent."""
    desk = await desk_of(request, caller_of(request))
    if desk is None:
        return closed_to_patient(request)
    part = desk.url(f"parts/{min(desk.draft.part, len(desk.parts))}")
    return RedirectResponse(desk.leads_away or part, status_code=303)


@_page("GET", "/parts/{number}")
async def show_survey_part(
    request: Request,
    number: PartNumber,
    after: Annotated[str, Query(pattern="^(|saved)$")] = "",
    more: Annotated[str, Query(max_length=1_000)] = "",
) -> Response:
    """One part, with what was answered. `more`: the item that repeats for which there is one more place."""
    desk = await desk_of(request, caller_of(request))
    if desk is None:
        return closed_to_patient(request)
    if desk.leads_away is not None or number > len(desk.parts):
        return RedirectResponse(desk.leads_away or desk.url("review"), status_code=303)
    return _shown(request, desk, desk.parts[number - 1], Shown(more=more, is_saved=after == "saved"))


@_page("POST", "/parts/{number}")
async def save_survey_part(request: Request, number: PartNumber) -> Response:
    """Save a part and go where the button says. To `go=save`, which the script sends, the answer is a status alone."""
    fields, caller = await form_of(request, _OF_PART), caller_of(request)
    go = fields.pop("go", "next")
    if go.startswith(_ONE_LESS):
        fields[LESS] = go.removeprefix(_ONE_LESS)
    language = _SPOKEN.get(go)
    try:
        saved = await save_part(request, caller, number, fields, language)
    except KeyRingAway:
        desk = None if go == "save" else await desk_of(request, caller)
        if desk is None:
            raise
        part = part_of(desk.parts, fields, number)
        return _shown(request, desk, part, Shown(typed=fields, is_unsaved=True), status=503)
    if saved is None:
        return closed_to_patient(request)
    if isinstance(saved, Desk):
        return Response(status_code=409) if go == "save" else _led(request, str(saved.leads_away))
    if go == "save":
        return Response(status_code=422 if saved.taken.wrong else 204)
    return _chosen_here(request, saved.desk, _after(request, saved, fields, go), language)


def _after(request: Request, saved: Saved, fields: dict[str, str], go: str) -> Response:
    """Where a button leads once a part was saved: to it again, while something on it is wrong or passed over."""
    desk, part, taken = saved
    language = desk.draft.language
    unanswered = part.unanswered(desk.answered) if go == "next" else {}
    tried = {issue.link_id for issue in taken.wrong.values()}
    issues = {name: issue for name, issue in unanswered.items() if name not in tried} | dict(taken.wrong)
    faults = {name: issue_words(issue, language) for name, issue in issues.items()}
    if faults and go != "back":
        more = go.removeprefix(_ONE_MORE) if go.startswith(_ONE_MORE) else ""
        shown = Shown(faults, taken.typed, more, is_saved=not taken.wrong)
        return _shown(request, desk, part, shown, status=422)
    return _led(request, _next(desk, part, fields, go))


def _led(request: Request, url: str) -> Response:
    """To another page; the script is told which, and goes there once it has heard it."""
    if request.headers.get("accept") == "application/json":
        return Response(status_code=204, headers={"location": url})
    return RedirectResponse(url, status_code=303)


@_page("POST", "/language")
async def speak_another_language(request: Request) -> Response:
    """Go on in another language, on the screen where that was asked for."""
    fields = await form_of(request)
    language = _SPOKEN.get(fields.get("go", ""))
    desk = await choose_language(request, caller_of(request), fields, language)
    if desk is None:
        return closed_to_patient(request)
    there = fields.get("there", "")
    response = RedirectResponse(desk.url(there if _SCREENS.fullmatch(there) else "review"), status_code=303)
    return _chosen_here(request, desk, response, language)


@_page("GET", "/review")
async def review_survey(request: Request, *, changed: bool = False) -> Response:
    """All that was answered, before it is sent. `changed`: since it was looked at the last time."""
    desk = await desk_of(request, caller_of(request))
    if desk is None:
        return closed_to_patient(request)
    if desk.leads_away is not None:
        return RedirectResponse(desk.leads_away, status_code=303)
    return await _reviewed(request, desk, is_changed=changed)


@_page("POST", "/send")
async def send_survey(request: Request) -> Response:
    """Submit what was answered; sending again changes nothing."""
    fields = await form_of(request)
    desk = await desk_of(request, caller_of(request), fields)
    if desk is None:
        return closed_to_patient(request)
    if desk.leads_away is not None:
        return _led(request, desk.leads_away)
    if desk.answered.unread:
        return await _reviewed(request, desk, status=503)
    submission: Submission = request.app.state.submission
    zone = await _zone(request, desk)
    given = _given(fields, zone)
    if given is None:
        return await _reviewed(request, desk, fields, status=422)
    body = _body(desk, given)
    command = submission.with_words if body.may_have_words else submission.without_words
    try:
        batch = Batch[SurveyBody]([body], is_single=True)
        await execute_together(request, command, batch, site_id=desk.place.site_id, key=None)
    except Problem as problem:
        if problem.status == 422 or problem.kind == "draft-changed":
            again = "review" if problem.status == 422 else "review?changed=true"
            return _led(request, desk.url(again))
        if problem.kind != "already-answered":
            raise
    return _led(request, desk.url("thanks"))


@_page("GET", "/call/{number}")
async def say_whom_to_call(request: Request, number: PartNumber) -> Response:
    """Whom to call, before the questions go on with this part."""
    desk = await desk_of(request, caller_of(request))
    if desk is None:
        return closed_to_patient(request)
    then = f"parts/{number}" if number <= len(desk.parts) else "review"
    return HTMLResponse(show_call(_around(request, desk), number=number, then=desk.url(then)))


@_page("GET", "/thanks")
async def say_thanks(request: Request) -> Response:
    """What happens next."""
    desk = await desk_of(request, caller_of(request))
    if desk is None:
        return closed_to_patient(request)
    if not desk.is_done:
        return RedirectResponse(desk.place.base, status_code=303)
    html = show_thanks(
        _around(request, desk),
        visit_at=desk.place.visit.scheduled_at.astimezone(await _zone(request, desk)),
        own_page=_page_of_patient(request, desk),
    )
    return HTMLResponse(html)


_SPOKEN = {f"lang-{language}": language for language in (Language.ENGLISH, Language.SPANISH)}
_SCREENS = re.compile("review|thanks|call/[1-9][0-9]?")
_DAY: TypeAdapter[date] = TypeAdapter(Day)


def _chosen_here(request: Request, desk: Desk, response: Response, language: Language | None) -> Response:
    """What a patient chose holds in this browser too. Staff have a language of their own there."""
    if language is not None and not desk.place.is_for_staff:
        keep_choice(request.scope, response, language)
    return response


async def _zone(request: Request, desk: Desk) -> ZoneInfo:
    async with transaction(pool_of(request), desk.place.scope) as connection:
        return ZoneInfo(await store.time_zone(connection, desk.place.scope, desk.place.site_id) or "UTC")


class _Given(NamedTuple):
    """How the answers were given, and when, where that was not now."""

    mode: EntryMode
    at: datetime | None


def _given(fields: Mapping[str, str], zone: ZoneInfo) -> _Given | None:
    """What the form before sending says; None for a day that is none, or lies ahead.

    Of an earlier day the hour is not known: its first is named, so that nothing looks newer than it is.
    """
    mode = fields.get("mode", "")
    try:
        day = _DAY.validate_python(fields["day"]) if fields.get("day") else None
    except ValidationError:
        return None
    today = datetime.now(zone).date()
    if day is not None and day > today:
        return None
    at = None if day is None or day == today else datetime.combine(day, time(), zone).astimezone(UTC)
    return _Given(EntryMode(mode) if mode in list(EntryMode) else EntryMode.SELF, at)


def _next(desk: Desk, part: Part, fields: dict[str, str], go: str) -> str:
    """Where a button leads. A severe answer that was just given comes first."""
    if go == "back":
        return desk.url(f"parts/{part.number - 1}") if part.number > 1 else desk.place.home
    if go != "next":
        return desk.url(f"parts/{part.number}?after=saved{_place_of(go)}")
    # What was answered may have opened or closed parts behind this one; it keeps its place.
    following = next((p.number for p in desk.parts if p.section.link_id == part.section.link_id), part.number) + 1
    asked = [item for item in part.questions if item.link_id in fields]
    if any(is_severe(item, desk.answered.answers.get(item.link_id)) for item in asked):
        return desk.url(f"call/{following}")
    return desk.url(f"parts/{following}?after=saved" if following <= len(desk.parts) else "review")


def _place_of(go: str) -> str:
    """Where on a part something has one place more, which has the focus, or less."""
    if go.startswith(_ONE_MORE):
        return f"&more={quote(go.removeprefix(_ONE_MORE), safe='')}"
    return f"#q-{quote(go.removeprefix(_ONE_LESS).partition('[')[0], safe='')}" if go.startswith(_ONE_LESS) else ""


def _body(desk: Desk, how: _Given) -> DraftBody:
    """What is submitted: answers to what is shown. When paper was begun is not known."""
    given = given_so_far(desk.form.definition, desk.answered)
    shown = check(desk.form.definition, given, disabled=Disabled.STRIP)
    return DraftBody(
        saved_at=desk.draft.saved_at,
        patient_id=desk.place.visit.patient_id,
        visit_id=desk.place.visit.visit_id,
        form=desk.form.key,
        language=desk.draft.language,
        mode=how.mode,
        started_at=desk.draft.started_at.isoformat() if how.at is None else None,
        submitted_at=None if how.at is None else how.at.isoformat(),
        answers=dict(shown.answers),
        skipped=dict(shown.skipped),
    )


async def _reviewed(
    request: Request,
    desk: Desk,
    fields: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    is_changed: bool = False,
) -> Response:
    """All that was answered. `fields` of which the day does not do stand there as they were sent."""
    todo = unfinished(desk.form.definition, desk.answered)
    today = datetime.now(await _zone(request, desk)).date()
    typed = fields or {}
    how = How(
        typed.get("mode", ""),
        typed.get("day", today.isoformat()),
        today,
        is_wrong=fields is not None,
        is_changed=is_changed,
    )
    return HTMLResponse(show_review(_around(request, desk), desk.parts, todo, desk.visible, how), status)


def _shown(request: Request, desk: Desk, part: Part, shown: Shown, *, status: int = 200) -> Response:
    html = show_part(_around(request, desk), part, len(desk.parts), desk.visible, shown)
    return HTMLResponse(html, status)


def _around(request: Request, desk: Desk) -> Around:
    return Around(
        language=desk.draft.language,
        languages=desk.form.languages,
        base=desk.place.base,
        home=desk.place.home,
        visit_id=desk.place.visit.visit_id,
        entered_by=caller_of(request).subject if desk.place.is_for_staff else None,
        entered_at=desk.draft.entered_at,
        made_at=datetime.now(UTC),
        care_line=desk.rule.care_line,
        is_synthetic=request.app.state.platform.is_synthetic,
    )


def _page_of_patient(request: Request, desk: Desk) -> str:
    dashboard = request.app.state.platform.public_urls["dashboard"]
    if not desk.place.is_for_staff:
        return f"{dashboard}/sign-in/own"
    return f"{dashboard}/patients/{desk.place.visit.patient_id}"
