"""What is wrong with the walls of a database, read from PostgreSQL's own catalogue; nothing when they stand."""

import re
from collections.abc import Mapping

from shared.db import Connection
from tests.walls.grants import May

APP, WORKER = "samepage_app", "samepage_worker"
WITHOUT_SITE = {"alembic_version", "relay_cursor", "consumer_offset", "notary_cursor", "session", "ended_subject"}
BOUND_SITES = (
    "(site_id = ANY (( SELECT string_to_array(current_setting('samepage.sites'::text), ','::text) AS string_to_array)"
    "::text[]))"
)  # A policy: its role, for which command, which rows it lets be seen, and which be written.
Policy = tuple[str, str, str | None, str | None]
POLICIES: dict[str, Policy] = {"app": (APP, "ALL", BOUND_SITES, BOUND_SITES), "worker": (WORKER, "ALL", "true", "true")}
# Whatever an application makes of the other tables, it reaches these under the sites that it has bound.
ALWAYS_BOUND = {"audit", "audit_chain"}
# Rows come and go here without an erasure.
PASSING = {"dead_letter", "session", "spent_token", "import_file", "import_part", "import_refusal", "import_tried"}
# Who could call us is looked up before it is known whose system it is: read under any site, and changed by no door.
REGISTERS = {"ehr"}
FIGURES: dict[str, Policy] = POLICIES | {"app": (APP, "SELECT", "true", None)}

_OURS = "nspname !~ '^pg_' AND nspname <> 'information_schema'"
_RELATIONS = f"""
    SELECT pg_class.oid, pg_class.oid::regclass::text AS name, relname::text, relkind::text AS kind,
           relispartition AS is_partition, relrowsecurity AND relforcerowsecurity AS is_forced,
           coalesce('security_invoker=true' = ANY (reloptions), false) AS is_invoker,
           relowner <> (SELECT datdba FROM pg_database WHERE datname = current_database()) AS is_strange,
           EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'site_id') AS has_site,
           EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary) AS has_key
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE {_OURS} AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY name
"""
_POLICIES = "SELECT format('%I.%I', schemaname, tablename)::regclass::text AS name, * FROM pg_policies"
_UNIQUE = f"""
    SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = indrelid AND attname = 'site_id'
    WHERE {_OURS} AND (indisunique OR indisexclusion) AND indkey[0] <> attnum ORDER BY name
"""
# Whoever registers an EHR is an operator of the whole network: that it is taken tells them of no patient.
_OF_THE_NETWORK = {"uq_ehr_issuer", "uq_ehr_fhir_server"}
_REFERENCES = f"""
    SELECT conname AS name FROM pg_constraint JOIN pg_namespace ON pg_namespace.oid = connamespace
    JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attname = 'site_id'
    LEFT JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attname = 'site_id'
    WHERE {_OURS} AND contype = 'f'
    AND NOT EXISTS (SELECT FROM unnest(conkey, confkey) AS pair (a, b) WHERE a = own.attnum AND b = other.attnum)
    ORDER BY name
"""
_GRANTS = f"""
    WITH thing AS (
        SELECT pg_class.oid::regclass::text AS name, relacl AS acl, relowner AS owner, NULL AS attname
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'public'
        UNION ALL
        SELECT attrelid::regclass::text, attacl, relowner, attname FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = 'public'
        UNION ALL
        SELECT proname, coalesce(proacl, acldefault('f', proowner)), proowner, NULL
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE {_OURS}
        UNION ALL
        SELECT 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner)), nspowner, NULL
        FROM pg_namespace WHERE {_OURS}
    )
    SELECT DISTINCT name, coalesce(rolname, 'everyone'), privilege_type || coalesce(' (' || attname || ')', '')
    FROM thing, aclexplode(acl) LEFT JOIN pg_roles ON pg_roles.oid = grantee WHERE grantee <> owner
"""
_FUNCTIONS = f"""
    SELECT proname, prosecdef, proconfig FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE {_OURS} ORDER BY proname
"""
_ROLES = """
    SELECT role.rolname AS name, role.rolname = ANY ($1) AS is_group, role.rolcanlogin AS can_login,
           role.rolsuper OR role.rolbypassrls OR role.rolcreaterole OR role.rolcreatedb OR role.rolreplication
           AS is_mighty,
           role.oid = datdba AS is_owner,
           EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = role.oid
                   AND deptype = 'o') AS is_owning,
           (SELECT count(*) FROM pg_auth_members WHERE member = role.oid) AS groups
    FROM pg_roles AS role JOIN pg_database ON datname = current_database()
    WHERE role.rolname = ANY ($1) OR role.oid = datdba
    OR EXISTS (SELECT FROM pg_auth_members WHERE member = role.oid AND roleid::regrole::text = ANY ($1))
    ORDER BY name
"""


async def findings(connection: Connection, may: Mapping[str, May], *, is_for_figures: bool = False) -> list[str]:
    """One sentence for each thing that is not as it must be. The connection is a superuser's."""
    return [
        *await _of_relations(connection),
        *await _of_policies(connection, FIGURES if is_for_figures else POLICIES, may),
        *await _of_keys(connection),
        *await _of_functions(connection),
        *await _of_grants(connection, may),
        *await _of_roles(connection),
    ]


async def _of_relations(connection: Connection) -> list[str]:
    return [
        f"{row['name']} {what}"
        for row in await connection.fetch(_RELATIONS)
        for is_wrong, what in (
            (row["is_strange"], "belongs to another role than the database"),
            (row["kind"] == "v" and not row["is_invoker"], "shows what its owner sees"),
            (row["kind"] in "mf" and row["has_site"], "has a site and cannot have row-level security"),
            (row["kind"] in "rp" and row["has_site"] and not row["is_forced"], "has a site and is not closed to all"),
            (row["kind"] in "rp" and row["has_site"] and not row["has_key"], "has a site and no key"),
            (row["kind"] in "rp" and not row["has_site"] and row["relname"] not in WITHOUT_SITE, "has no site"),
        )
        if is_wrong
    ]


async def _of_policies(connection: Connection, expected: Mapping[str, Policy], may: Mapping[str, May]) -> list[str]:
    found: dict[str, dict[str, Policy]] = {
        row["name"]: {}
        for row in await connection.fetch(_RELATIONS)
        if row["kind"] in "rp" and row["has_site"] and not row["is_partition"]
    }
    for row in await connection.fetch(_POLICIES):
        command = row["cmd"] if row["permissive"] == "PERMISSIVE" else f"RESTRICTIVE {row['cmd']}"
        qual = None if row["qual"] is None else " ".join(row["qual"].split())
        policy = (",".join(sorted(row["roles"])), command, qual, row["with_check"])
        found.setdefault(row["name"], {})[row["policyname"]] = policy
    wanted = {table: POLICIES if table in ALWAYS_BOUND else expected for table in found}
    wanted |= {table: FIGURES for table in found if table in REGISTERS}
    for table in found.keys() & deletable(may):
        wanted[table] = {**wanted[table], "erased": only_erased(table, is_for_figures=expected is FIGURES)}
    return [
        f"{table}: the policy {name} is {'another one' if name in policies else 'missing'}"
        for table, policies in sorted(found.items())
        for name in sorted(policies.keys() | wanted[table].keys())
        if policies.get(name) != wanted[table].get(name)
    ]


async def _of_keys(connection: Connection) -> list[str]:
    unique = await connection.fetch(_UNIQUE)
    references = await connection.fetch(_REFERENCES)
    names = [row["name"] for row in unique if row["name"] not in _OF_THE_NETWORK]
    return [f"{name} is unique over all sites" for name in names] + [
        f"{row['name']} refers to a row of whatever site" for row in references
    ]


async def _of_functions(connection: Connection) -> list[str]:
    return [
        f"{row['proname']} {what}"
        for row in await connection.fetch(_FUNCTIONS)
        for is_wrong, what in (
            (row["prosecdef"], "runs with its owner's rights"),
            (row["proconfig"] != ["search_path=public, pg_temp"], "finds its tables where its caller says"),
        )
        if is_wrong
    ]


async def _of_grants(connection: Connection, may: Mapping[str, May]) -> list[str]:
    wanted = {
        (name, role, privilege)
        for name, (app, worker) in may.items()
        for role, words in ((APP, app), (WORKER, worker))
        for privilege in privileges(words)
    }
    given = {tuple(row) for row in await connection.fetch(_GRANTS)}
    return [
        *(f"{name}: {role} lacks {privilege}" for name, role, privilege in sorted(wanted - given)),
        *(f"{name}: {role} may {privilege}" for name, role, privilege in sorted(given - wanted)),
    ]


async def _of_roles(connection: Connection) -> list[str]:
    return [
        f"{row['name']} {what}"
        for row in await connection.fetch(_ROLES, [APP, WORKER])
        for is_wrong, what in (
            (row["is_mighty"], "has a power that no role of ours needs"),
            (row["is_owning"] and not row["is_owner"], "owns something"),
            (row["is_group"] and row["can_login"], "can log in"),
            (row["groups"] != (0 if row["is_owner"] or row["is_group"] else 1), "is in a group too many"),
        )
        if is_wrong
    ]


def deletable(may: Mapping[str, May]) -> set[str]:
    """Tables from which somebody may delete, and so only what is of the erased."""
    return {
        name for name, (app, worker) in may.items() if name not in PASSING and "DELETE" in privileges(f"{app} {worker}")
    }


def only_erased(table: str, *, is_for_figures: bool) -> Policy:
    """What keeps everybody else's rows in a table."""
    who = "person" if is_for_figures else "patient_id"
    is_erased = f"((erasure.site_id = {table}.site_id) AND (erasure.{who} = {table}.{who}))"
    return (f"{APP},{WORKER}", "RESTRICTIVE DELETE", f"(EXISTS ( SELECT FROM erasure WHERE {is_erased}))", None)


def privileges(words: str) -> set[str]:
    """`SELECT (a, b), INSERT` as each privilege by itself: SELECT (a), SELECT (b), INSERT."""
    found = set()
    for privilege, columns in re.findall(r"([A-Z]+)(?: \(([^)]*)\))?", words):
        found |= {f"{privilege} ({column})" for column in columns.split(", ")} if columns else {privilege}
    return found
