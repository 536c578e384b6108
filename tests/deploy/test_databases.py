"""A service's database and its three roles, on a real server: who may enter, who owns, and an older form made new."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from deploy.databases import Database, database_on, ensure_database
from deploy.local.errors import StackError
from deploy.local.stack import Addresses

PASSWORD = "it's @ /:%"


async def execute(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


@pytest.fixture
async def names(stack: Addresses) -> AsyncIterator[list[str]]:
    """Two names that are new on this server; what was made under them goes again."""
    names = [f"{name}_{uuid4().hex[:8]}" for name in ("intake", "feedback")]
    yield names
    for name in names:
        await execute(stack.postgres_admin_dsn, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        for role in (name, f"{name}_owner", f"{name}_app", f"{name}_worker"):
            await execute(stack.postgres_admin_dsn, f"DROP ROLE IF EXISTS {role}")


def database(stack: Addresses, name: str) -> Database:
    passwords = {f"{name}_{role}": f"{PASSWORD}{role}" for role in ("owner", "app", "worker")}
    return database_on(stack.postgres_admin_dsn, name, passwords)


async def made(stack: Addresses, name: str) -> Database:
    wanted = database(stack, name)
    await ensure_database(stack.postgres_admin_dsn, wanted)
    return wanted


def elsewhere(dsn: str, name: str) -> str:
    return f"{dsn.rpartition('/')[0]}/{name}"


async def test_each_role_enters_its_own_database_and_no_other(stack: Addresses, names: list[str]) -> None:
    intake, feedback = [await made(stack, name) for name in names]
    for dsn in (intake.owner, intake.app, intake.worker, feedback.app):
        assert await execute(dsn, "SELECT 1")
    for dsn in (intake.owner, intake.app, intake.worker):
        for other in (names[1], "postgres", "template1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await execute(elsewhere(dsn, other), "SELECT 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await execute(intake.app.replace("app@", "other@"), "SELECT 1")


async def test_only_the_owner_can_make_anything(stack: Addresses, names: list[str]) -> None:
    intake = await made(stack, names[0])
    await execute(intake.owner, "CREATE TABLE survey ()")
    for dsn in (intake.app, intake.worker):
        for statement in ("CREATE TABLE own ()", "CREATE SCHEMA own", "CREATE TEMP TABLE own ()", "DROP TABLE survey"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await execute(dsn, statement)


async def test_making_it_again_keeps_what_is_there_and_takes_away_what_a_role_should_not_have(
    stack: Addresses, names: list[str]
) -> None:
    intake = await made(stack, names[0])
    await execute(intake.owner, "CREATE TABLE survey AS SELECT 7 AS answer")
    await execute(stack.postgres_admin_dsn, f"ALTER ROLE {names[0]}_app SUPERUSER BYPASSRLS")
    await made(stack, names[0])
    assert [row["answer"] for row in await execute(intake.owner, "SELECT answer FROM survey")] == [7]
    (powers,) = await execute(intake.app, "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    assert tuple(powers) == (False, False)


async def test_a_database_whose_one_role_did_everything_gets_three(stack: Addresses, names: list[str]) -> None:
    name, admin = names[0], stack.postgres_admin_dsn
    await execute(admin, f"CREATE ROLE {name} LOGIN PASSWORD 'before'")
    await execute(admin, f"CREATE DATABASE {name} OWNER {name}")
    before = elsewhere(f"postgresql://{name}:before@{admin.rpartition('@')[2]}", name)
    await execute(before, "CREATE TABLE survey AS SELECT 7 AS answer")

    intake = await made(stack, name)
    assert [row["answer"] for row in await execute(intake.owner, "SELECT answer FROM survey")] == [7]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(intake.app, "SELECT answer FROM survey")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await execute(before, "SELECT 1")


async def test_a_server_that_refuses_is_said_in_one_sentence_without_a_password(
    stack: Addresses, names: list[str]
) -> None:
    intake = await made(stack, names[0])
    with pytest.raises(StackError, match="could not be made") as caught:
        await ensure_database(elsewhere(intake.app, names[0]), database(stack, names[1]))
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(intake)
