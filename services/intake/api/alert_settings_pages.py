"""A site's alerts as its people set them on a page: who is told, each rule, and rules of the site's own.

What may be set is said by `alert_rules` and `alert_notices`: a form is read into their bodies and goes their way.
"""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.intake.api.alert_notices import NoticeRuleBody, change_notices, notices_of
from services.intake.api.alert_rules import UNSEEN, NamedRule, RuleBody, alert_rate, change_rule, rules_of
from services.intake.api.alerts import ClinicPeople
from services.intake.api.own_forms import own_forms_of
from services.intake.api.staff import AtSite, bar_of, in_address, site_and_zone, site_shown_to
from services.intake.api.standing import about_site
from services.intake.domain import RATE_OVER, SUBJECTS, Comparison, Subject, subjects_of
from services.intake.pages.alert_settings import NEW, NOTICES, Told, form_of_rule, present_new_rule, present_settings
from services.intake.pages.filled import Filled
from shared.audit import Kind
from shared.auth import Caller
from shared.db import Connection
from shared.errors import Problem, unknown
from shared.http.forms import several, trimmed_form_of, whole_number, yes_or_no
from shared.http.sign_in import sessions_of

router = APIRouter(include_in_schema=False)
_HERE = "/alert-settings"
_NO_NAME = re.compile(r"[^a-z0-9]+")
_SHORTEST_NAME, _LONGEST_NAME = 2, 40
_FIRST = {"severity": "soon", "escalates_after": "1440", "quiet_days": "7", "comparison": "at-least"}
About = Annotated[str, Query(max_length=100)]


@router.get(_HERE)
async def show_alert_settings(request: Request, caller: ClinicPeople, site: AtSite = None) -> Response:
    """All that is set at a site."""
    return await _shown(request, caller, site_shown_to(caller, site))


@router.post(f"{_HERE}/notices")
async def set_alert_notices_by_form(request: Request, caller: ClinicPeople, site: AtSite = None) -> Response:
    """Say who is told."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    try:
        body = NoticeRuleBody.model_validate(
            {
                "addresses": several(given.get("addresses", "")),
                "language": given.get("language"),
                "quiet_minutes": whole_number(given.get("quiet_minutes", "")),
            }
        )
    except ValidationError as refused:
        return await _shown(request, caller, site_id, Filled(NOTICES, given, _wrong(refused)))
    try:
        await change_notices(request, caller, site_id, body, seen=given.get("version") or None)
    except Problem as problem:
        return await _shown(request, caller, site_id, Filled(NOTICES, given, _why(problem)))
    return _back(caller, site_id, NOTICES)


@router.post(f"{_HERE}/rules/{{rule_id}}")
async def put_alert_rule_by_form(
    request: Request, rule_id: NamedRule, caller: ClinicPeople, site: AtSite = None
) -> Response:
    """Change a rule."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    wrong = await _put(request, caller, site_id, rule_id, _body(given), seen=given.get("version") or None)
    if wrong:
        return await _shown(request, caller, site_id, Filled(form_of_rule(rule_id), given, wrong))
    return _back(caller, site_id, form_of_rule(rule_id))


@router.get(f"{_HERE}/new")
async def ask_alert_rule(request: Request, about: About, caller: ClinicPeople, site: AtSite = None) -> Response:
    """The form of a new rule about a question or a score."""
    return await _asked(request, caller, site_shown_to(caller, site), about, Filled(NEW, _FIRST))


@router.post(f"{_HERE}/new")
async def make_alert_rule_by_form(request: Request, caller: ClinicPeople, site: AtSite = None) -> Response:
    """Make it. It is named by its words, so that pressed twice it is made once."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    about, rule_id = given.get("about", ""), _named(given.get("words_en", ""))
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        subject = await _subject(request, connection, site_id, about)
    wrong: Set[str] = _missing(subject, rule_id, given)
    if not wrong:
        wrong = await _put(request, caller, site_id, rule_id, _body_of_new(subject, given), seen=UNSEEN)
    if wrong:
        return await _asked(request, caller, site_id, about, Filled(NEW, given, wrong))
    return _back(caller, site_id, form_of_rule(rule_id))


def _body(given: Mapping[str, str]) -> dict[str, Any]:
    """How a rule is to be, as a form says it."""
    return {
        "is_on": yes_or_no(given.get("is_on", "")),
        "threshold": given.get("threshold"),
        "severity": given.get("severity"),
        "escalates_after": [whole_number(one) for one in several(given.get("escalates_after", ""))],
        "quiet_days": whole_number(given.get("quiet_days", "")),
    }


def _body_of_new(subject: Subject, given: Mapping[str, str]) -> dict[str, Any]:
    """A new rule, as a form says it: about a number from a threshold on, or about one answer, which counts 1."""
    said: dict[str, Any] = {name: given.get(name) for name in ("words_en", "words_es", "citation")}
    said |= {"source": subject.source, "name": subject.name, "comparison": Comparison.AT_LEAST, "codes": []}
    answer, threshold = given.get("answer", ""), "1"
    if subject.scale is not None:
        said["comparison"], threshold = given.get("comparison"), given.get("threshold", "")
    elif subject.options:
        said["codes"] = [answer]
    elif answer == "no":
        said["comparison"], threshold = Comparison.AT_MOST, "0"
    return {**_body(given), "is_on": True, "threshold": threshold, "definition": said}


def _missing(subject: Subject, rule_id: str, given: Mapping[str, str]) -> set[str]:
    """What the bodies of the API take, and nobody means: no name, an answer or a number that is never given."""
    wrong = set() if len(rule_id) >= _SHORTEST_NAME else {"words_en"}
    if subject.scale is None:
        offered = [option.code for option in subject.options] or ["yes", "no"]
        return wrong if given.get("answer") in offered else wrong | {"answer"}
    try:
        is_given = subject.scale.holds(float(given.get("threshold", "")))
    except ValueError:
        is_given = False
    return wrong if is_given else wrong | {"threshold"}


async def _subject(request: Request, connection: Connection, site_id: str, key: str) -> Subject:
    """Raises:
    Problem: 404.
    """
    if key in SUBJECTS:
        return SUBJECTS[key]
    asked = await _asked_by_own(request, connection, site_id)
    found = next((subject for _, subjects in asked for subject in subjects if subject.key == key), None)
    if found is None:
        raise unknown("question")
    return found


async def _asked_by_own(
    request: Request, connection: Connection, site_id: str
) -> Sequence[tuple[str, Sequence[Subject]]]:
    """What a site's own forms ask, by their titles; of several with one linkId the newest form's."""
    known: set[str] = set()
    asked = []
    for form in await own_forms_of(request).in_use(connection, site_id):
        new = [subject for subject in subjects_of(form) if subject.key not in known]
        known |= {subject.key for subject in new}
        if new:
            asked.append((form.own_title or form.key, new))
    return asked


def _named(words: str) -> str:
    """`woken-most-nights`."""
    return _NO_NAME.sub("-", words.lower()).strip("-")[:_LONGEST_NAME].strip("-")


async def _put(
    request: Request, caller: Caller, site_id: str, rule_id: str, said: Mapping[str, Any], *, seen: str | None
) -> Set[str]:
    """Change or make a rule; the fields that do not do, where nothing was done."""
    try:
        await change_rule(request, caller, site_id, rule_id, RuleBody.model_validate(said), seen=seen)
    except ValidationError as refused:
        return _wrong(refused)
    except Problem as problem:
        if seen == UNSEEN and problem.status == 409:
            return {"words_en"}  # another rule has this name
        return _why(problem)
    return frozenset()


def _why(problem: Problem) -> Set[str]:
    """The fields that do not do; `version` where somebody was faster.

    Raises:
        Problem: what no field can mend.
    """
    if problem.kind == "stale":
        return {"version"}
    if problem.status != 422:
        raise problem
    return {error.field for error in problem.errors}


def _wrong(refused: ValidationError) -> set[str]:
    """The fields that a body did not take, without where they stand in it."""
    places = [[part for part in error["loc"] if isinstance(part, str)] for error in refused.errors()]
    return {place[-1] for place in places if place}


async def _shown(request: Request, caller: Caller, site_id: str, refused: Filled | None = None) -> Response:
    since = sessions_of(request).clock() - RATE_OVER
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        site, zone = await site_and_zone(connection, site_id)
        rules, notices = await rules_of(connection, site_id), await notices_of(connection, site_id)
        rate = await alert_rate(connection, site_id, since)
        asked = await _asked_by_own(request, connection, site_id)
    told = Told(
        [rule.model_dump() for rule in rules.items],
        {**notices.model_dump(), "edition": notices.edition},
        rate.model_dump(),
        asked,
    )
    html = present_settings(
        told,
        time_zone=zone,
        refused=refused,
        bar=bar_of(request, caller, "alerts", site_id, site.name, path=_HERE),
    )
    return HTMLResponse(html, 200 if refused is None else refused.status)


async def _asked(request: Request, caller: Caller, site_id: str, about: str, form: Filled) -> Response:
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        site, _ = await site_and_zone(connection, site_id)
        subject = await _subject(request, connection, site_id, about)
    bar = bar_of(request, caller, "alerts", site_id, site.name, path=_HERE)
    return HTMLResponse(present_new_rule(subject, form, bar), form.status)


def _back(caller: Caller, site_id: str, to: str) -> Response:
    return RedirectResponse(f"{_HERE}{in_address(caller, site_id)}#{to}", status_code=303)
