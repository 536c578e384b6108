"""One database and one role for each service, on any PostgreSQL server."""

import os
import subprocess
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from deploy.local.errors import StackError, telling_line
from deploy.local.postgres import program

_STATEMENTS = r"""
\set ON_ERROR_STOP on
\getenv name SAMEPAGE_DATABASE
\getenv password SAMEPAGE_DATABASE_PASSWORD
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'name', :'password') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'name') \gexec
"""


def ensure_database(admin_dsn: str, name: str, password: str) -> str:
    """The DSN of database `name`, owned by role `name` with this password; makes what is missing, keeps what is there.

    No other service's role may connect to it. Neither password appears in a process list.
    """
    server = urlsplit(admin_dsn)
    environment = os.environ | {
        "PGHOST": server.hostname or "",
        "PGPORT": str(server.port or 5432),
        "PGUSER": unquote(server.username or "postgres"),
        "PGPASSWORD": unquote(server.password or ""),
        "PGDATABASE": unquote(server.path.lstrip("/")),
        "SAMEPAGE_DATABASE": name,
        "SAMEPAGE_DATABASE_PASSWORD": password,
    }
    psql = [program("psql"), "--no-psqlrc", "--quiet", "--no-password"]
    done = subprocess.run(psql, input=_STATEMENTS, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"The database {name} could not be made: {telling_line(done.stderr)}")
    place = server.netloc.rpartition("@")[2]
    return urlunsplit((server.scheme, f"{quote(name, safe='')}:{quote(password, safe='')}@{place}", f"/{name}", "", ""))
