"""What sites have changed of the rules of alerts: a row a change, and none is ever changed itself."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from services.intake.domain import Comparison, Definition, Rule, RuleSettings, Severity, Source
from shared.db import Connection, SiteScope, as_columns


class RuleChange(NamedTuple):
    """A version of a rule that a site made."""

    rule: Rule
    changed_by: str
    changed_at: datetime


async def rule_changes(connection: Connection, scope: SiteScope, site_id: str) -> list[RuleChange]:
    """Every change of a site's rules, the latest first."""
    rows = await connection.fetch(
        "SELECT * FROM alert_rule WHERE site_id = $1 AND site_id = ANY($2) ORDER BY number DESC", site_id, scope.ids
    )
    return [RuleChange(_rule(row), row["changed_by"], row["changed_at"]) for row in rows]


async def rules_up_to(
    connection: Connection, scope: SiteScope, changes: Sequence[tuple[str, int]]
) -> dict[str, dict[str, Rule]]:
    """For each of these sites its rules as they were after the change of this number, by id."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (site_id, rule_id) site_id, rule_id, rule
        FROM alert_rule JOIN unnest($1::text[], $2::integer[]) AS wanted (site_id, up_to) USING (site_id)
        WHERE number <= up_to AND site_id = ANY($3) ORDER BY site_id, rule_id, number DESC
        """,
        *as_columns(changes, width=2),
        scope.ids,
    )
    found: dict[str, dict[str, Rule]] = {}
    for row in rows:
        found.setdefault(row["site_id"], {})[row["rule_id"]] = _rule(row)
    return found


async def pinned_rules(connection: Connection, scope: SiteScope) -> dict[tuple[str, str], Rule]:
    """Every version of a rule that these sites have made, by site and `id|version`."""
    rows = await connection.fetch("SELECT site_id, rule FROM alert_rule WHERE site_id = ANY($1)", scope.ids)
    rules = [(row["site_id"], _rule(row)) for row in rows]
    return {(site_id, rule.key): rule for site_id, rule in rules}


async def record_rule_change(connection: Connection, site_id: str, number: int, change: RuleChange) -> None:
    """Add a change; the caller holds the site's rules."""
    await connection.execute(
        """
        INSERT INTO alert_rule (site_id, number, rule_id, rule, changed_by, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        site_id,
        number,
        change.rule.id,
        orjson.dumps(asdict(change.rule)).decode(),
        change.changed_by,
        change.changed_at,
    )


def _rule(row: asyncpg.Record) -> Rule:
    kept: dict[str, Any] = orjson.loads(row["rule"])
    definition, settings, bounds = kept["definition"], kept["settings"], kept["bounds"]
    definition |= {"source": Source(definition["source"]), "comparison": Comparison(definition["comparison"])}
    definition["codes"] = tuple(definition.get("codes", ()))  # rules that were kept before there were any have none
    settings |= {"severity": Severity(settings["severity"]), "escalates_after": tuple(settings["escalates_after"])}
    return Rule(
        id=kept["id"],
        version=kept["version"],
        definition=Definition(**definition),
        settings=RuleSettings(**settings),
        bounds=None if bounds is None else (bounds[0], bounds[1]),
    )
