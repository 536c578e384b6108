"""Whom a site's people tell by mail that an alert waits. The mail says that and no more; nobody is told by default."""

from collections.abc import Iterable, Set
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.alerts import ClinicPeople
from services.intake.api.contacts import Email
from services.intake.api.standing import about_site
from services.intake.domain import LEAST_QUIET_MINUTES, MOST_ADDRESSES, MOST_QUIET_MINUTES, NoticeRule
from shared.audit import Kind
from shared.auth import Caller
from shared.db import Connection, SiteScope
from shared.errors import conflict
from shared.events import Language, SiteId
from shared.http.sign_in import sessions_of

router = APIRouter(tags=["alerts"])
_NOBODY = NoticeRule()


def _known(addresses: Iterable[str]) -> Set[str]:
    """Addresses as mail tells them apart."""
    return {address.lower() for address in addresses}


def _each_once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if len(_known(addresses)) < len(addresses):
        raise ValueError("each address once")
    return addresses


class NoticeRuleBody(BaseModel):
    """`addresses` of the clinic's own people, and not of patients; none: nobody is told.

    For `quiet_minutes` after a notice no other one goes out. What is raised or escalates meanwhile is told of together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    addresses: Annotated[tuple[Email, ...], Field(max_length=MOST_ADDRESSES), AfterValidator(_each_once)] = ()
    language: Literal[Language.ENGLISH, Language.SPANISH] = Language.ENGLISH
    quiet_minutes: int = Field(
        default=_NOBODY.quiet_minutes, ge=LEAST_QUIET_MINUTES, le=MOST_QUIET_MINUTES, strict=True
    )

    @property
    def edition(self) -> str:
        """All that it says as one line, to tell whether it still stands so."""
        return " ".join([*self.addresses, self.language, str(self.quiet_minutes)])


@router.put("/v1/sites/{site_id}/alert-notices")
async def set_alert_notices(
    request: Request, site_id: Annotated[SiteId, Path()], body: NoticeRuleBody, caller: ClinicPeople
) -> NoticeRuleBody:
    """Say who is told by mail that an alert waits.

    What is open and was not told of is told of now. With an address that is new, that is also what was told of to
    addresses of which none could be reached.
    """
    await change_notices(request, caller, site_id, body)
    return body


async def change_notices(
    request: Request, caller: Caller, site_id: str, body: NoticeRuleBody, *, seen: str | None = None
) -> None:
    """Say who is told, on record; `seen` is the `edition` that the reader has seen.

    Raises:
        Problem: 404, or 409 `stale` where something else holds by now.
    """
    rule, locks = NoticeRule(body.addresses, body.language, body.quiet_minutes), [(site_id, "alert-notices")]
    async with about_site(request, caller, site_id, Kind.WRITE, locks=locks) as connection:
        stands = await notices_of(connection, site_id)
        if seen is not None and stands.edition not in (seen, body.edition):
            raise conflict("stale", "Somebody has changed who is told since. Look at it again.")
        await store.record_notice_rule(connection, site_id, rule, sessions_of(request).clock())
        if _known(body.addresses) - _known(stands.addresses):
            await store.record_untold(connection, site_id)


@router.get("/v1/sites/{site_id}/alert-notices")
async def read_alert_notices(
    request: Request, site_id: Annotated[SiteId, Path()], caller: ClinicPeople
) -> NoticeRuleBody:
    """Who is told by mail that an alert waits; nobody, where the site has not said."""
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        return await notices_of(connection, site_id)


async def notices_of(connection: Connection, site_id: str) -> NoticeRuleBody:
    """Whom a site tells; nobody, where it has not said."""
    rule = await store.notice_rule(connection, SiteScope.of(site_id), site_id) or _NOBODY
    return NoticeRuleBody.model_validate(
        {"addresses": rule.addresses, "language": rule.language, "quiet_minutes": rule.quiet_minutes}
    )
