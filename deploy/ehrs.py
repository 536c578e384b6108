"""`samepage ehr`: EHRs of the sites that may show cards, open pages and frame them, beside the dashboard's database.

Who lets one in, or takes that back, is on record with the site.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import asyncpg
import typer
from rich.console import Console

from deploy.asker import By, asker
from deploy.doors import Door
from deploy.local.errors import StackError
from deploy.places import told
from services.dashboard import store
from services.dashboard.domain import Ehr
from shared.audit import Entry, Kind, Purpose, act_of_program, record
from shared.auth import Role
from shared.db import Connection, SiteScope, open_pool, transaction

app = typer.Typer(no_args_is_help=True, help="EHRs of the sites that show cards and open pages.")
console = Console()
SiteName = Annotated[str, typer.Option(help="The site whose EHR it is")]
EhrName = Annotated[str, typer.Option(help="What to call it, such as `ehr`")]


@app.command("add")
def ehr_add(  # noqa: PLR0913 - all that is known of an EHR, each by name
    *,
    site: SiteName,
    name: EhrName,
    fhir_server: Annotated[str, typer.Option(help="Its FHIR server, the `iss` of its launches")],
    client_id: Annotated[str, typer.Option(help="What we are called there")],
    key_set: Annotated[str, typer.Option(help="Address of the keys (JWK Set) that sign its calls")],
    issuer: Annotated[str | None, typer.Option(help="`iss` of its calls; its FHIR server when not given")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="Of its pages, as https://host; several allowed")] = None,
    by: By = None,
) -> None:
    """Let an EHR of a site show cards and open pages; again replaces what is known of it."""
    server = fhir_server.rstrip("/")
    ehr = Ehr(site, name, issuer or server, key_set, server, client_id, tuple(origin or ()))
    asyncio.run(add_ehr(_database(), ehr, by=asker(by)))
    console.print(f"Added. It is {ehr.ehr_id}.", highlight=False)


@app.command("list")
def ehr_list(site: SiteName) -> None:
    """The EHRs of a site."""
    for ehr in asyncio.run(ehrs_of(_database(), site)):
        state = "in use" if ehr.revoked_at is None else f"revoked {ehr.revoked_at:%Y-%m-%d %H:%M} UTC"
        framed = f", framed by {' '.join(ehr.origins)}" if ehr.origins else ""
        console.print(f"{ehr.ehr_id}: {state}, {ehr.fhir_server}{framed}", highlight=False, soft_wrap=True)


@app.command("revoke")
def ehr_revoke(site: SiteName, name: EhrName, by: By = None) -> None:
    """Take no more calls from it; pages that it has opened close at once."""
    asyncio.run(revoke_ehr(_database(), site, name, by=asker(by)))
    console.print("Revoked.")


async def add_ehr(dsn: str, ehr: Ehr, *, by: str) -> None:
    """Register an EHR; what is known of one of the same name is replaced.

    Raises:
        StackError: something of it cannot be, the site is not known, or another one has its issuer or FHIR server.
    """
    if (wrong := ehr.wrong()) is not None:
        raise StackError(wrong)
    async with _dashboard(dsn) as connection:
        if await store.site_name(connection, SiteScope.of(ehr.site_id), ehr.site_id) is None:
            raise StackError(f"The site {ehr.site_id} is not known.")
        try:
            await store.record_ehr(connection, ehr, datetime.now(UTC))
        except asyncpg.UniqueViolationError:
            raise StackError("Another registered EHR has this issuer or this FHIR server.") from None
        await _keep(connection, ehr.site_id, ehr.ehr_id, by, "ehr-add")


async def revoke_ehr(dsn: str, site_id: str, name: str, *, by: str) -> None:
    """Believe it no more; sessions that it opened end.

    Raises:
        StackError: the site has no such EHR.
    """
    async with _dashboard(dsn) as connection:
        ehr = await store.record_ehr_revoked(connection, site_id, name, datetime.now(UTC))
        if ehr is None:
            raise StackError(f"There is no EHR {site_id}.{name}.")
        await store.record_sessions_ended(connection, ehr)
        await _keep(connection, site_id, ehr.ehr_id, by, "ehr-revoke")


async def ehrs_of(dsn: str, site_id: str) -> list[Ehr]:
    """The EHRs of a site, revoked ones too."""
    async with _dashboard(dsn) as connection:
        return await store.ehrs(connection, SiteScope.of(site_id))


async def _keep(connection: Connection, site_id: str, ehr_id: str, by: str, route: str) -> None:
    act = act_of_program(by, Role.OPERATOR, Purpose.CARE, method="CLI", route=route)
    await record(connection, act, [Entry(site_id, Kind.WRITE, 200, asked=[f"ehr={ehr_id}"])])


@asynccontextmanager
async def _dashboard(dsn: str) -> AsyncIterator[Connection]:
    """As the worker: the HTTP door's own role cannot change whom it believes."""
    async with open_pool(dsn, size=1) as pool, transaction(pool) as connection:
        yield connection


def _database() -> str:
    return told(Door("dashboard", "worker"))["SAMEPAGE_DASHBOARD_DATABASE_URL"]
