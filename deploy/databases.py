"""One database and one role for each service, on any PostgreSQL server that lets us in as its superuser."""

from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from deploy.local.errors import StackError

# The server quotes the names and the password, and leaves out what is done already.
_STATEMENTS = """
SELECT 1 AS step, format('CREATE ROLE %I', $1::text) AS statement
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
UNION ALL SELECT 2, format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2::text)
UNION ALL SELECT 3, format('CREATE DATABASE %I OWNER %I', $3::text, $1)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = $3)
UNION ALL SELECT 4, format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $3)
ORDER BY step
"""


def dsn_of(admin_dsn: str, name: str, password: str) -> str:
    """The DSN of database `name`, as its owner of the same name, on the superuser's server."""
    server = urlsplit(admin_dsn)
    place = server.netloc.rpartition("@")[2]
    return urlunsplit((server.scheme, f"{quote(name, safe='')}:{quote(password, safe='')}@{place}", f"/{name}", "", ""))


async def ensure_database(admin_dsn: str, dsn: str) -> None:
    """Make the role and the database that this DSN names where they are missing; what is there keeps its content.

    No other service's role may connect to the database.

    Raises:
        StackError: the server does not answer, or refuses.
    """
    wanted = urlsplit(dsn)
    role, password, database = (unquote(part or "") for part in (wanted.username, wanted.password, wanted.path[1:]))
    try:
        connection = await asyncpg.connect(admin_dsn)
        try:
            for row in await connection.fetch(_STATEMENTS, role, password, database):
                await connection.execute(row["statement"])
        finally:
            await connection.close()
    except (asyncpg.PostgresError, OSError) as error:
        raise StackError(f"The database {database} could not be made: {error}") from error
