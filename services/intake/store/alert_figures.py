"""How many surveys alert, and how many alerts wait."""

from datetime import datetime, timedelta
from typing import NamedTuple

from shared.db import Connection, SiteScope

# So long a notice may take.
UNTOLD_AFTER = timedelta(minutes=15)


class RuleCount(NamedTuple):
    """Of one rule, or of all together where `rule_id` is None: surveys that raised an alert, and that only repeated
    one.
    """

    rule_id: str | None
    raised: int
    suppressed: int


class Waiting(NamedTuple):
    """Alerts that are not closed, of all sites: those without an owner, and of these those that have escalated, and
    those of which their site was to be told and no notice has gone.
    """

    open: int
    unowned: int
    escalated: int
    untold: int
    oldest_unowned_at: datetime | None


async def count_surveys(connection: Connection, scope: SiteScope, site_id: str, since: datetime) -> int:
    """How many surveys a site's patients have submitted since then."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM survey WHERE site_id = $1 AND site_id = ANY($2) AND submitted_at > $3 "
        "AND change <> 'entered-in-error'",
        site_id,
        scope.ids,
        since,
    )
    return count


async def alert_counts(connection: Connection, scope: SiteScope, site_id: str, since: datetime) -> list[RuleCount]:
    """How many of the surveys that `count_surveys` counts alerted, by rule and in all; none where none did."""
    rows = await connection.fetch(
        """
        SELECT rule_id, count(DISTINCT survey_id) FILTER (WHERE repeats IS NULL) AS raised,
               count(DISTINCT survey_id) FILTER (WHERE repeats IS NOT NULL) AS suppressed
        FROM alert JOIN survey USING (site_id, survey_id)
        WHERE site_id = $1 AND site_id = ANY($2) AND alert.submitted_at > $3 AND survey.change <> 'entered-in-error'
        GROUP BY GROUPING SETS ((rule_id), ()) HAVING count(*) > 0 ORDER BY rule_id
        """,
        site_id,
        scope.ids,
        since,
    )
    return [RuleCount(row["rule_id"], row["raised"], row["suppressed"]) for row in rows]


async def waiting_alerts_of_all_sites(connection: Connection, now: datetime) -> Waiting:
    """Alerts that wait, over all sites: figures for who runs the network, and nobody's."""
    (row,) = await connection.fetch(
        """
        SELECT count(*) AS open, count(*) FILTER (WHERE owner IS NULL) AS unowned,
               count(*) FILTER (WHERE owner IS NULL AND escalation > 0) AS escalated,
               count(*) FILTER (WHERE owner IS NULL AND cardinality(addresses) > 0
                                AND coalesce(alert.told_at, waits_since + quiet_minutes * interval '1 minute') <= $1
                                AND NOT EXISTS (
                                    SELECT FROM alert_notice AS notice WHERE notice.state = 'sent'
                                    AND (notice.site_id, notice.made_at) = (alert.site_id, alert.told_at)
                                )) AS untold,
               min(waits_since) FILTER (WHERE owner IS NULL) AS oldest
        FROM alert LEFT JOIN alert_notice_rule USING (site_id) WHERE state <> 'closed'
        """,
        now - UNTOLD_AFTER,
    )
    return Waiting(row["open"], row["unowned"], row["escalated"], row["untold"], row["oldest"])
