"""What the pages of a clinic's staff have in common: the site that they are about, and the bar above them."""

from collections.abc import Mapping
from typing import Annotated
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request
from pydantic import ValidationError

from services.intake import store
from services.intake.pages.bar import Bar
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem, unknown
from shared.http.access import allow
from shared.http.commands import NamedSite, pool_of

_IN_WORDS: Mapping[str, str] = {
    "key-reused": "This form was sent before, and is another one now. Look at it, and press again if it is right.",
    "consent-reason-required": "Who withdraws gives a reason. Choose one of them.",
}


async def _named(
    site: NamedSite = None,
    in_address: Annotated[
        str | None, Query(alias="site", max_length=40, description="As Samepage-Site, for a browser")
    ] = None,
) -> str | None:
    return site or in_address


Coordinator = Annotated[Caller, Depends(allow(Role.COORDINATOR))]

# The site that a request names, where the caller is of several: in a header, or in the address as a browser can.
AtSite = Annotated[str | None, Depends(_named)]


def site_shown_to(caller: Caller, named: str | None) -> str:
    """The site that a page is about: the named one, else the caller's first.

    Raises:
        Problem: 404 for a site that is not the caller's.
    """
    return caller.writing_site(named or min(caller.sites))


def in_address(caller: Caller, site_id: str) -> str:
    """`?site=riverbend`, where an address has to say which of the caller's sites it is about."""
    return f"?site={site_id}" if len(caller.sites) > 1 else ""


def key_of(given: Mapping[str, str]) -> str:
    """The idempotency key of a form, so that what is pressed twice is done once; a new one where it has none."""
    return given.get("key", "")[:64] or uuid4().hex


def in_words(problem: Problem) -> str:
    """Why something was not done, for who pressed a button."""
    return _IN_WORDS.get(problem.kind, problem.detail)


def wrong_in(refused: ValidationError) -> set[str]:
    """The fields that a body did not take."""
    return {str(error["loc"][0]) for error in refused.errors()}


def fields_of(problem: Problem, field_of: Mapping[str, str]) -> set[str]:
    """The fields of a form that a refusal is about: those that it names, and the one of its kind."""
    named = {error.field for error in problem.errors}
    return named | {field_of[problem.kind]} if problem.kind in field_of else named


async def site_and_zone(connection: Connection, site_id: str) -> tuple[store.SiteShown, ZoneInfo]:
    """A site as its pages show it, and its clocks.

    Raises:
        Problem: 404
    """
    site = await store.site_shown(connection, SiteScope.of(site_id), site_id)
    if site is None:
        raise unknown("site")
    return site, ZoneInfo(site.time_zone)


async def zone_at(request: Request, site_id: str) -> ZoneInfo:
    """The clocks by which a form of this site is read.

    Raises:
        Problem: 404
    """
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        _, zone = await site_and_zone(connection, site_id)
    return zone


def bar_of(
    request: Request,
    caller: Caller,
    page: str,
    site_id: str | None = None,
    name: str | None = None,
    *,
    path: str | None = None,
) -> Bar:
    """The bar above a page, about one site or about all of the caller's; `path`: where it is, if not at `/page`."""
    return Bar(
        page=page,
        role=caller.role,
        subject=caller.subject,
        sites=sorted(caller.sites),
        is_synthetic=request.app.state.platform.is_synthetic,
        site=site_id,
        site_name=name,
        path=path,
    )


def patient_page(request: Request) -> str:
    """Where the page of a patient stands, but for the patient's id."""
    return f"{request.app.state.platform.public_urls['dashboard']}/patients"
