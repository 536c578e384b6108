"""Sites of the network."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.intake import store
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope
from shared.errors import unknown
from shared.events import SiteId, SiteType, SiteUpdated
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, execute
from shared.outbox import Draft, Recorded

router = APIRouter(tags=["sites"])


def _known_time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("an IANA time zone such as America/Chicago") from None


class SiteBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=120)
    site_type: SiteType
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_known_time_zone)]
    shows_clinical_to_coordinators: bool = Field(
        default=False, description="Show coordinators patients' words and clinical readings on the page too"
    )


@router.put("/v1/sites/{site_id}", response_model=Accepted)
async def put_site(
    request: Request,
    site_id: Annotated[SiteId, Path()],
    body: SiteBody,
    caller: Annotated[Caller, Depends(allow(Role.OPERATOR, Role.SYSTEM))],
) -> Response:
    """Add a site or change its description. A site's own system may change that site, an operator any."""
    if caller.role is Role.SYSTEM and site_id not in caller.sites:
        raise unknown("site")
    command = Command[SiteBody](locks=lambda site, _: [site], record=_record, status=200)
    return await execute(request, command, Batch([body], is_single=True), site_id=site_id, key=None)


async def _record(connection: Connection, site_id: str, body: SiteBody) -> Recorded:
    is_changed = await store.record_site(connection, site_id, SiteUpdated(**body.model_dump()))
    return Recorded(site_id, await told_of_site(connection, site_id) if is_changed else [])


async def told_of_site(connection: Connection, site_id: str) -> list[Draft]:
    """What is published of a site after a change: all of it, as it stands."""
    site = await store.site(connection, SiteScope.of(site_id), site_id)
    return [] if site is None else [Draft(site_id, site_id, site)]
