"""An empty table like another one, in another schema: columns, keys and indexes under the same names, and its walls.

`CREATE TABLE (LIKE ...)` gives indexes other names and leaves out policies, grants and storage parameters.
"""

from shared.db import Connection

_STATEMENTS = """
WITH names AS (SELECT $1 AS live_name, $2 AS twin_name),
live AS (SELECT * FROM pg_class WHERE oid = $1::regclass),
granted AS (
    SELECT privilege_type, grantee, NULL AS attname FROM live, aclexplode(relacl)
    UNION ALL
    SELECT privilege_type, grantee, attname FROM live JOIN pg_attribute ON attrelid = live.oid, aclexplode(attacl)
)
SELECT format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', twin_name, live_name) FROM names
UNION ALL
SELECT format('ALTER TABLE %s SET (%s)', twin_name, array_to_string(reloptions, ', ')) FROM names, live
WHERE reloptions IS NOT NULL
UNION ALL
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', twin_name, conname, pg_get_constraintdef(pg_constraint.oid))
FROM names, live JOIN pg_constraint ON conrelid = live.oid WHERE contype IN ('p', 'u')
UNION ALL
SELECT replace(pg_get_indexdef(indexrelid), ' ON ' || live_name || ' ', ' ON ' || twin_name || ' ')
FROM names, live JOIN pg_index ON indrelid = live.oid
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
UNION ALL
SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', twin_name) FROM names, live WHERE relrowsecurity
UNION ALL
SELECT format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', twin_name) FROM names, live WHERE relforcerowsecurity
UNION ALL
SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', policyname, twin_name, permissive, cmd,
              array_to_string(roles, ', ')) || coalesce(' USING (' || qual || ')', '')
       || coalesce(' WITH CHECK (' || with_check || ')', '')
FROM names, pg_policies WHERE (schemaname || '.' || tablename) = live_name
UNION ALL
SELECT format('GRANT %s ON %s TO %s', privilege_type || coalesce(' (' || quote_ident(attname) || ')', ''), twin_name,
              grantee::regrole)
FROM names, granted WHERE grantee <> current_user::regrole
"""


async def make_twin(connection: Connection, table: str, schema: str) -> None:
    """Make `schema.table` from `public.table`; the caller owns both."""
    for row in await connection.fetch(_STATEMENTS, f"public.{table}", f"{schema}.{table}"):
        await connection.execute(row[0])
