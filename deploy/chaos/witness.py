"""A witness beside each read model: it notes every time that an event's effect is committed, the second time too.

The read models cannot tell: to apply a fact twice ends in the same row, and `delivery` keeps one row an event. The
witness sees each attempt to write that row, in the transaction that makes the effect, and counts. What the effect is it
does not see: that is held against the ledger, at analytics by figures and on the page by each thing.

It also notes what is parked behind something dead, for that leaves no trace when it goes on.
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
CREATE OR REPLACE TRIGGER witness BEFORE INSERT ON public.delivery FOR EACH ROW EXECUTE FUNCTION witness.note();
CREATE TABLE IF NOT EXISTS witness.parked (consumer text NOT NULL, event_id text NOT NULL);
CREATE OR REPLACE FUNCTION witness.note_parked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = witness, pg_temp AS $$
BEGIN
    INSERT INTO parked (consumer, event_id) SELECT NEW.consumer, header->>1
    FROM jsonb_array_elements(NEW.headers) AS header WHERE header->>0 = 'ce_id';
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER witness BEFORE INSERT ON public.dead_letter FOR EACH ROW WHEN (NEW.state = 'parked')
EXECUTE FUNCTION witness.note_parked()
"""
_EFFECTS = "SELECT event_id::text, count(*) AS times FROM witness.effect WHERE consumer = $1 GROUP BY event_id"
_PARKED = "SELECT DISTINCT event_id FROM witness.parked WHERE consumer = $1"


async def install(superuser: Connection) -> None:
    """Let the witness see everything from now on in this database."""
    await superuser.execute(INSTALL)


async def effects(superuser: Connection, consumer: str) -> Counter[str]:
    """How often each event had its effect at a consumer."""
    return Counter({row["event_id"]: row["times"] for row in await superuser.fetch(_EFFECTS, consumer)})


async def parked(superuser: Connection, consumer: str) -> frozenset[str]:
    """The events that have waited behind something dead at a consumer."""
    return frozenset(row["event_id"] for row in await superuser.fetch(_PARKED, consumer))
