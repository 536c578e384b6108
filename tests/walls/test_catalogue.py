"""The walls of every service's migrated database stand, and a wall that is missing is found."""

import asyncpg
import pytest

from deploy.doors import SERVICES
from tests.conftest import Databases, FreshDatabase
from tests.walls.catalogue import APP, PASSING, deletable, findings, privileges
from tests.walls.grants import GRANTS


async def found(database: FreshDatabase, service: str, *, after: str = "") -> list[str]:
    """What is wrong after some statements, which are undone."""
    connection = await asyncpg.connect(database.admin)
    try:
        await connection.execute(f"BEGIN; {after}")
        return await findings(connection, GRANTS[service], is_for_figures=service == "analytics")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_every_wall_stands(database: Databases, service: str) -> None:
    assert await found(await database(service), service) == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_application_may_delete_erased_patients_at_most_and_nobody_may_move_a_row_to_another_site(
    service: str,
) -> None:
    for name, may in GRANTS[service].items():
        app, worker = privileges(may.app), privileges(may.worker)
        allowed = {"DELETE"} if name in deletable(GRANTS[service]) | PASSING else set()
        assert {one.split()[0] for one in app} <= {"SELECT", "INSERT", "UPDATE", "USAGE", "EXECUTE"} | allowed, name
        assert not {"UPDATE", "UPDATE (site_id)"} & (app | worker), name


BROKEN = {
    "a table that nobody closed": (
        "CREATE TABLE note (site_id text, note_id uuid, PRIMARY KEY (site_id, note_id))",
        [
            "note has a site and is not closed to all",
            "note: the policy app is missing",
            "note: the policy worker is missing",
        ],
    ),
    "a table without a site": ("CREATE TABLE note (note_id uuid PRIMARY KEY)", ["note has no site"]),
    "its owner let through": (
        "ALTER TABLE survey NO FORCE ROW LEVEL SECURITY",
        ["survey has a site and is not closed to all"],
    ),
    "a wall switched off": (
        "ALTER TABLE survey DISABLE ROW LEVEL SECURITY",
        ["survey has a site and is not closed to all"],
    ),
    "a partition switched off": (
        "ALTER TABLE outbox_default DISABLE ROW LEVEL SECURITY",
        ["outbox_default has a site and is not closed to all"],
    ),
    "a policy taken away": ("DROP POLICY worker ON survey", ["survey: the policy worker is missing"]),
    "a policy widened": ("ALTER POLICY app ON survey USING (true)", ["survey: the policy app is another one"]),
    "a policy added": ("CREATE POLICY more ON survey USING (true)", ["survey: the policy more is another one"]),
    "a grant taken away": (f"REVOKE INSERT ON survey FROM {APP}", [f"survey: {APP} lacks INSERT"]),
    "a grant to delete": (f"GRANT DELETE ON site TO {APP}", [f"site: {APP} may DELETE"]),
    "whoever deletes let at everybody": ("DROP POLICY erased ON survey", ["survey: the policy erased is missing"]),
    "a column more": (f"GRANT SELECT (response) ON survey TO {APP}", [f"survey: {APP} may SELECT (response)"]),
    "a grant to move a row to another site": (
        f"GRANT UPDATE (site_id) ON visit TO {APP}",
        [f"visit: {APP} may UPDATE (site_id)"],
    ),
    "a grant to everyone": ("GRANT SELECT ON survey TO PUBLIC", ["survey: everyone may SELECT"]),
    "a grant on a partition": (f"GRANT SELECT ON outbox_default TO {APP}", [f"outbox_default: {APP} may SELECT"]),
    "a grant to make tables": (f"GRANT CREATE ON SCHEMA public TO {APP}", [f"schema public: {APP} may CREATE"]),
    "a unique key over all sites": (
        "CREATE UNIQUE INDEX uq_survey ON survey (visit_id, site_id)",
        ["uq_survey is unique over all sites"],
    ),
    "a table without a key": (
        "ALTER TABLE survey_version DROP CONSTRAINT pk_survey_version",
        ["survey_version has a site and no key"],
    ),
    "a reference to any site's row": (
        "CREATE UNIQUE INDEX uq_visit ON visit (visit_id); "
        "ALTER TABLE survey ADD CONSTRAINT fk_survey FOREIGN KEY (visit_id) REFERENCES visit (visit_id)",
        ["uq_visit is unique over all sites", "fk_survey refers to a row of whatever site"],
    ),
    "a view past the walls": ("CREATE VIEW seen AS SELECT * FROM survey", ["seen shows what its owner sees"]),
    "a copy past the walls": (
        "CREATE MATERIALIZED VIEW seen AS SELECT * FROM survey",
        ["seen has a site and cannot have row-level security"],
    ),
    "a function with its owner's rights": (
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM survey'",
        [
            "peek runs with its owner's rights",
            "peek finds its tables where its caller says",
            "peek: everyone may EXECUTE",
        ],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_broken_is_found(database: Databases, name: str) -> None:
    statements, expected = BROKEN[name]
    intake = await database("intake")
    owner = await intake.value("SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()")
    assert await found(intake, "intake", after=f"SET LOCAL ROLE {owner}; {statements}; RESET ROLE") == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("ALTER ROLE {app} BYPASSRLS", "{app} has a power that no role of ours needs"),
        ("ALTER ROLE {app} SUPERUSER", "{app} has a power that no role of ours needs"),
        ("ALTER ROLE {owner} BYPASSRLS", "{owner} has a power that no role of ours needs"),
        ("GRANT samepage_worker TO {app}", "{app} is in a group too many"),
        ("GRANT samepage_app TO {owner}", "{owner} is in a group too many"),
        (
            "GRANT CREATE ON SCHEMA public TO {app}; SET ROLE {app}; CREATE TABLE own (); RESET ROLE",
            "{app} owns something",
        ),
        ("ALTER ROLE samepage_app LOGIN", "samepage_app can log in"),
    ],
)
async def test_a_role_with_more_than_its_part_is_found(database: Databases, statement: str, expected: str) -> None:
    intake = await database("intake")
    owner = await intake.value("SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()")
    names = {"owner": owner, "app": owner.replace("_owner", "_app")}
    assert expected.format(**names) in await found(intake, "intake", after=statement.format(**names))
