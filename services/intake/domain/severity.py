"""Answers that a clinic would want to hear of today: the patient is told to call before the next question.

They are those that the network's urgent rules of alerts name. What a site makes of those rules is for its own staff,
and changes nothing for patients.
"""

from typing import Any

from services.intake.domain.alert_rules import NETWORK_RULES, Severity, Source
from services.intake.domain.alerts import rules_met
from services.intake.domain.questionnaires import Item

_URGENT = [
    rule
    for rule in NETWORK_RULES.values()
    if rule.definition.source is Source.ITEM and rule.settings.severity is Severity.URGENT
]


def is_severe(item: Item, answer: Any) -> bool:
    """Whether this answer to this question is severe."""
    return bool(rules_met(_URGENT, {item.link_id: answer}, []))
