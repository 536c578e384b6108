"""Alerts are raised with the survey, in its transaction: an alert that is due is never lost, and none comes of a survey
that was not kept. One more statement for a whole group, and none where no answer meets a rule.
"""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from services.intake import store
from services.intake.domain import RATE_OVER, NewAlert, Rule, repeats_marked, rules_in_force, rules_met
from shared.db import Connection, SiteScope
from shared.http.sessions import Clock

_OF_NETWORK = rules_in_force({})


class Alerting:
    """Raises alerts for one application.

    What a site's rules were after a change of theirs never changes, so it is remembered: the newest change of each site
    is read with the survey's patient and visit, and so a rule holds from the first survey after it was changed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[int, tuple[Rule, ...]]] = {}

    async def raise_for(
        self,
        connection: Connection,
        surveys: Sequence[store.SurveyRow],
        standings: Mapping[store.Wanted, store.Standing],
    ) -> None:
        """Raise what these surveys alert to, none for one of long ago. They are recorded, and their patients held."""
        rules = await self._rules(connection, standings)
        now = self._clock()
        raised = [
            NewAlert(
                site_id=survey.site_id,
                alert_id=uuid4(),
                patient_id=survey.patient_id,
                survey_id=survey.survey_id,
                visit_id=survey.visit_id,
                form=survey.form,
                met=met,
                submitted_at=survey.submitted_at,
                raised_at=now,
            )
            for survey in surveys
            if now - survey.submitted_at <= RATE_OVER
            for met in rules_met(rules[survey.site_id], survey.response["answers"], survey.scores)
        ]
        if raised:
            await store.record_alerts(connection, repeats_marked(raised))

    async def _rules(
        self, connection: Connection, standings: Mapping[store.Wanted, store.Standing]
    ) -> dict[str, tuple[Rule, ...]]:
        """The rules in force at each of these sites."""
        changes = {wanted.site_id: standing.rule_change for wanted, standing in standings.items()}
        rules, unknown = dict.fromkeys(changes, _OF_NETWORK), list[tuple[str, int]]()
        for site_id, change in changes.items():
            if change is None:
                continue
            known, rules[site_id] = self._known.get(site_id, (0, _OF_NETWORK))
            if known != change:
                unknown.append((site_id, change))
        if unknown:
            scope = SiteScope.of(*(site_id for site_id, _ in unknown))
            of_sites = await store.rules_up_to(connection, scope, unknown)
            for site_id, change in unknown:
                rules[site_id] = rules_in_force(of_sites[site_id])
                self._known[site_id] = (change, rules[site_id])
        return rules
