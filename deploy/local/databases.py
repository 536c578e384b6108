"""One database and one role for each service, on any PostgreSQL server; further roles where a database is shared."""

import os
import subprocess
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from deploy.local.errors import StackError, telling_line
from deploy.local.postgres import program

_ROLE = r"""
\set ON_ERROR_STOP on
\getenv database SAMEPAGE_DATABASE
\getenv name SAMEPAGE_ROLE
\getenv password SAMEPAGE_ROLE_PASSWORD
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'name', :'password') \gexec
"""
_DATABASE = r"""
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'name') \gexec
"""
_CONNECT = r"""
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', :'database', :'name') \gexec
"""


def ensure_database(admin_dsn: str, name: str, password: str) -> str:
    """The DSN of database `name`, owned by role `name` with this password; makes what is missing, keeps what is there.

    No other service's role may connect to it. Neither password appears in a process list.
    """
    return _ensured(admin_dsn, name, name, password, _ROLE + _DATABASE)


def ensure_role(admin_dsn: str, database: str, role: str, password: str) -> str:
    """The DSN of another role of `database`, which may connect and owns nothing; what more it may, migrations grant."""
    return _ensured(admin_dsn, database, role, password, _ROLE + _CONNECT)


def _ensured(admin_dsn: str, database: str, role: str, password: str, statements: str) -> str:
    server = urlsplit(admin_dsn)
    environment = os.environ | {
        "PGHOST": server.hostname or "",
        "PGPORT": str(server.port or 5432),
        "PGUSER": unquote(server.username or "postgres"),
        "PGPASSWORD": unquote(server.password or ""),
        "PGDATABASE": unquote(server.path.lstrip("/")),
        "SAMEPAGE_DATABASE": database,
        "SAMEPAGE_ROLE": role,
        "SAMEPAGE_ROLE_PASSWORD": password,
    }
    psql = [program("psql"), "--no-psqlrc", "--quiet", "--no-password"]
    done = subprocess.run(psql, input=statements, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"The database {database} could not be made: {telling_line(done.stderr)}")
    place = server.netloc.rpartition("@")[2]
    user = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit((server.scheme, f"{user}@{place}", f"/{database}", "", ""))
