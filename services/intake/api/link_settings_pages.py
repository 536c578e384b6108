"""When a site's patients get their links and reminders, and what a link asks, as a coordinator sets it on a page.

What may be set is said by `deliveries` and `links`: a form is read into their bodies and goes their way.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.intake import store
from services.intake.api.deliveries import DeliveryRuleBody, described_rule, set_delivery_rule
from services.intake.api.links import LinkRule, put_link_rule
from services.intake.api.staff import AtSite, Coordinator, bar_of, in_address, site_and_zone, site_shown_to
from services.intake.api.standing import about_site
from services.intake.domain import OFF
from services.intake.pages.filled import Filled
from services.intake.pages.link_settings import ASKS, SENDS, show_link_settings
from shared.audit import Kind
from shared.auth import Caller
from shared.db import SiteScope
from shared.errors import Problem
from shared.http.forms import several, trimmed_form_of, whole_number, yes_or_no

router = APIRouter(include_in_schema=False)
_HERE = "/link-settings"


@router.get(_HERE)
async def show_settings_of_links(request: Request, caller: Coordinator, site: AtSite = None) -> Response:
    """All that is set at a site."""
    return await _shown(request, caller, site_shown_to(caller, site))


@router.post(f"{_HERE}/{SENDS}")
async def set_delivery_rule_by_form(request: Request, caller: Coordinator, site: AtSite = None) -> Response:
    """Say when links and reminders go out."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    try:
        await set_delivery_rule(request, site_id, DeliveryRuleBody.model_validate(_rule(given)), caller)
    except ValidationError as refused:
        wrong = {"_".join(part for part in error["loc"] if isinstance(part, str)) for error in refused.errors()}
        return await _shown(request, caller, site_id, Filled(SENDS, given, wrong))
    except Problem as problem:
        if problem.status != 422:
            raise
        wrong = {error.field.replace(".", "_") for error in problem.errors}
        return await _shown(request, caller, site_id, Filled(SENDS, given, wrong))
    return _back(caller, site_id, SENDS)


@router.post(f"{_HERE}/{ASKS}")
async def set_link_rule_by_form(request: Request, caller: Coordinator, site: AtSite = None) -> Response:
    """Say what a link asks of who opens it."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    asks = yes_or_no(given.get("asks_birth_year", ""))
    if asks is None:
        return await _shown(request, caller, site_id, Filled(ASKS, given, {"asks_birth_year"}))
    await put_link_rule(request, site_id, LinkRule(asks_birth_year=asks), caller)
    return _back(caller, site_id, ASKS)


def _rule(given: Mapping[str, str]) -> dict[str, Any]:
    """How a site sends, as a form says it."""
    quiet = {"begins": given.get("quiet_begins", ""), "ends": given.get("quiet_ends", "")}
    return {
        "is_on": yes_or_no(given.get("is_on", "")),
        "days_before": whole_number(given.get("days_before", "")),
        "send_at": given.get("send_at"),
        "reminders": [whole_number(one) for one in several(given.get("reminders", ""))],
        "quiet": quiet if any(quiet.values()) else None,
        "channels": several(given.get("channels", "")),
        "sender_name": given.get("sender_name") or None,
    }


async def _shown(request: Request, caller: Caller, site_id: str, refused: Filled | None = None) -> Response:
    scope = SiteScope.of(site_id)
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        site, zone = await site_and_zone(connection, site_id)
        rule = await store.delivery_rule(connection, scope, site_id)
        asks = await store.asks_birth_year(connection, scope, site_id)
    html = show_link_settings(
        described_rule(rule or OFF).model_dump(),
        asks_birth_year=asks,
        zone=zone,
        refused=refused,
        bar=bar_of(request, caller, "visits", site_id, site.name, path=_HERE),
    )
    return HTMLResponse(html, 200 if refused is None else refused.status)


def _back(caller: Caller, site_id: str, to: str) -> Response:
    return RedirectResponse(f"{_HERE}{in_address(caller, site_id)}#{to}", status_code=303)
