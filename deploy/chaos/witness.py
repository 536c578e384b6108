"""A witness beside each read model: it notes every time that an event's effect is committed, the second time too.

The read models cannot tell: to apply a fact twice ends in the same row, and `delivery` keeps one row an event. The
witness sees each attempt to write that row, in the transaction that makes the effect, and counts.
"""

from collections import Counter

from shared.db import Connection

INSTALL = """
CREATE SCHEMA IF NOT EXISTS witness;
CREATE TABLE IF NOT EXISTS witness.effect (consumer text NOT NULL, event_id uuid NOT NULL);
CREATE OR REPLACE FUNCTION witness.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = witness, pg_temp AS $$
BEGIN
    INSERT INTO effect (consumer, event_id) VALUES (NEW.consumer, NEW.event_id);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER witness BEFORE INSERT ON public.delivery FOR EACH ROW EXECUTE FUNCTION witness.note()
"""
_EFFECTS = "SELECT event_id::text, count(*) AS times FROM witness.effect WHERE consumer = $1 GROUP BY event_id"


async def install(superuser: Connection) -> None:
    """Let the witness see everything from now on in this database."""
    await superuser.execute(INSTALL)


async def effects(superuser: Connection, consumer: str) -> Counter[str]:
    """How often each event had its effect at a consumer."""
    return Counter({row["event_id"]: row["times"] for row in await superuser.fetch(_EFFECTS, consumer)})
