"""The database keeps the sites apart where the code above it does not: each test takes the first wall away."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from importlib import import_module
from inspect import iscoroutinefunction, signature
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Table

from deploy.doors import SERVICES
from services.clinical import store as clinical_store
from services.dashboard import store as dashboard_store
from services.intake import store as intake_store
from shared import outbox
from shared.db import Connection, Pool, SiteScope, open_pool, savepoint, transaction
from shared.events import DashboardViewed, Medication, ViewContext, ViewerRole, VisitState, VisitUpdated
from shared.sealing import Patient
from tests.builders import VISIT_AT
from tests.conftest import Databases, FreshDatabase
from tests.walls.catalogue import REGISTERS, privileges
from tests.walls.grants import GRANTS
from tests.walls.rows import HASH, ID, NAME, fill, insert, tables_of

HERE, THERE = "riverbend", "lakeside"
BOUND, BOTH = SiteScope.of(HERE), SiteScope.of(HERE, THERE)
# Analytics makes figures of all sites together: its wall is that it can change nothing (test_roles.py).
WITH_PATIENTS = [service for service in SERVICES if service != "analytics"]
Reading = Callable[..., Awaitable[object]]


def readable(service: str) -> list[Table]:
    may = {name: privileges(app) for name, (app, _) in GRANTS[service].items()}
    return [
        table
        for table in tables_of(service)
        if {"SELECT", "SELECT (site_id)"} & may[table.name] and table.name not in REGISTERS
    ]


def insertable(service: str) -> list[Table]:
    return [table for table in tables_of(service) if "INSERT" in privileges(GRANTS[service][table.name].app)]


@pytest.fixture(params=WITH_PATIENTS)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def filled(database: Databases, service: str) -> FreshDatabase:
    """A database with a row of each of two sites in every table, under the same ids."""
    filled = await database(service)
    await fill(filled, tables_of(service), HERE, THERE)
    return filled


@pytest.fixture
async def pool(filled: FreshDatabase) -> AsyncIterator[Pool]:
    """The application's pool there: one connection."""
    async with open_pool(filled.app, size=1) as pool:
        yield pool


async def test_a_statement_without_a_condition_sees_the_rows_of_the_bound_sites_only(pool: Pool, service: str) -> None:
    for scope in (BOUND, SiteScope.of(THERE), BOTH, SiteScope.of(), SiteScope.of("unknown")):
        async with transaction(pool, scope) as connection:
            for table in readable(service):
                rows = await connection.fetch(f"SELECT site_id FROM {table.name} ORDER BY site_id")
                assert [row["site_id"] for row in rows] == [site for site in scope.ids if site != "unknown"], table.name


async def test_a_row_of_another_site_cannot_be_changed(pool: Pool, service: str) -> None:
    tried = 0
    async with transaction(pool, BOUND) as connection:
        for table in readable(service):
            for column in table.columns:
                if f"UPDATE ({column.name})" in privileges(GRANTS[service][table.name].app):
                    change = f"UPDATE {table.name} SET {column.name} = DEFAULT WHERE site_id = $1"
                    assert await connection.execute(change, THERE) == "UPDATE 0"
                    tried += 1
    assert tried


async def test_a_row_of_another_site_cannot_be_inserted(pool: Pool, service: str) -> None:
    async with transaction(pool, BOUND) as connection:
        for table in insertable(service):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with savepoint(connection):
                    await insert(connection, table, THERE)


async def test_where_nothing_was_ever_bound_every_statement_fails(pool: Pool, service: str) -> None:
    async with transaction(pool) as connection:
        for table in readable(service):
            with pytest.raises(asyncpg.UndefinedObjectError, match=r"samepage\.sites"):
                async with savepoint(connection):
                    await connection.fetch(f"SELECT site_id FROM {table.name}")
        for table in insertable(service):
            with pytest.raises(asyncpg.UndefinedObjectError, match=r"samepage\.sites"):
                async with savepoint(connection):
                    await insert(connection, table, HERE)


async def test_what_an_earlier_transaction_bound_on_the_same_connection_is_of_no_use(pool: Pool, service: str) -> None:
    async with transaction(pool, BOTH) as connection:
        earlier = await connection.fetchval("SELECT pg_backend_pid()")
    async with transaction(pool) as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == earlier
        for table in readable(service):
            assert await connection.fetch(f"SELECT site_id FROM {table.name}") == []
        for table in insertable(service):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with savepoint(connection):
                    await insert(connection, table, HERE)


async def test_the_key_of_another_sites_row_is_free_to_use(database: Databases, service: str) -> None:
    """A key that is taken there would tell, by its violation, that the row exists."""
    filled = await database(service)
    await fill(filled, tables_of(service), THERE)
    own = insertable(service)
    await fill(filled, [table for table in tables_of(service) if table not in own], HERE)
    async with open_pool(filled.app, size=1) as pool, transaction(pool, BOUND) as connection:
        for table in own:
            await insert(connection, table, HERE)


def reading_functions() -> list[tuple[str, Reading]]:
    """Every store function that takes a scope of sites, and the one of the outbox."""
    stores = {service: vars(import_module(f"services.{service}.store")) for service in WITH_PATIENTS}
    return [
        (service, function)
        for service, names in stores.items()
        for function in (*filter(iscoroutinefunction, names.values()), outbox.progress_of)
        if SiteScope in {parameter.annotation for parameter in parameters_of(function)}
        and function.__name__.removesuffix("s") not in REGISTERS
    ]


def parameters_of(function: Reading) -> list[Any]:
    return list(signature(function).parameters.values())


def a_look_named(view_id: UUID) -> dashboard_store.Same:
    """A look that says that it is part of that one."""
    view = DashboardViewed(
        view_id=UUID(int=8),
        patient_id=ID,
        role=ViewerRole.CLINICIAN,
        context=ViewContext.OUTSIDE,
        is_shared_screen=True,
        opened_at=VISIT_AT,
    )
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    return dashboard_store.Same(THERE, NAME, view, opened_since=long_ago, on_screen=view_id)


async def asked_for_all(function: Reading, connection: Connection) -> object:
    """What a function finds of the row THERE when it is given too wide a scope."""
    known: dict[object, object] = {
        SiteScope: BOTH,
        UUID: ID,
        bytes: HASH,
        str: NAME,
        int: 1,
        datetime: datetime(2000, 1, 1, tzinfo=UTC),
        datetime | None: datetime(2100, 1, 1, tzinfo=UTC),
        Sequence[Patient]: [Patient(THERE, ID)],
        Collection[UUID]: [ID],
        Collection[str]: [str(ID)],
        Collection[tuple[Patient, str]]: [(Patient(THERE, ID), "older")],
        Sequence[dashboard_store.Same]: [a_look_named(ID)],
        Sequence[intake_store.Wanted]: [intake_store.Wanted(THERE, ID, ID)],
        Sequence[bytes]: [HASH],
        intake_store.Page: intake_store.Page(after=0, most=10),
        Sequence[tuple[str, int]]: [(THERE, 1)],
        intake_store.Place | None: None,
        type[clinical_store.F]: Medication,
        Connection: connection,
    }
    arguments = {p.name: THERE if p.name == "site_id" else known[p.annotation] for p in parameters_of(function)}
    return await function(**arguments)


@pytest.mark.parametrize(
    ("owner", "function"), reading_functions(), ids=lambda value: getattr(value, "__name__", str(value))
)
async def test_a_function_with_too_wide_a_scope_finds_what_is_bound(
    database: Databases, owner: str, function: Reading
) -> None:
    filled = await database(owner)
    await fill(filled, tables_of(owner), THERE)
    async with open_pool(filled.app, size=1) as pool:
        async with transaction(pool, BOUND) as connection:
            assert not await asked_for_all(function, connection)
        async with transaction(pool, SiteScope.of(THERE)) as connection:
            assert await asked_for_all(function, connection)


async def test_a_reference_to_another_sites_patient_fails_as_one_to_an_unknown_patient_does(
    database: Databases,
) -> None:
    intake = await database("intake")
    site, *others = tables_of("intake")
    await fill(intake, [site, *others], THERE)
    await fill(intake, [site], HERE)
    said = []
    async with open_pool(intake.app, size=1) as pool, transaction(pool, BOUND) as connection:
        for patient_id in (ID, UUID(int=7)):
            visit = VisitUpdated(
                visit_id=ID, patient_id=patient_id, clinician_id=NAME, scheduled_at=VISIT_AT, state=VisitState.SCHEDULED
            )
            with pytest.raises(asyncpg.ForeignKeyViolationError) as caught:
                async with savepoint(connection):
                    await intake_store.record_visit(connection, HERE, visit)
            said.append(str(caught.value))
    assert said[0] == said[1]
