"""The rules of intake: what a survey asks, what its answers score, how consent and visits go on.

Pure: no clock, no chance, no I/O.
"""

from services.intake.domain.alert_rules import (
    EVERY_NETWORK_RULE,
    NETWORK_RULES,
    Comparison,
    Definition,
    Rule,
    RuleSettings,
    Severity,
    Source,
    rule_changed,
    rules_in_force,
)
from services.intake.domain.alert_words import AnswerWords, answer_in_words
from services.intake.domain.alerts import (
    Alert,
    AlertState,
    Met,
    NewAlert,
    Outcome,
    StepKind,
    alert_closed,
    alert_escalated,
    alert_handed_over,
    alert_reopened,
    alert_taken,
    repeats_marked,
    rules_met,
)
from services.intake.domain.clients import ClientId, wrong_with
from services.intake.domain.consent import ConsentDecision, ConsentReason, decide
from services.intake.domain.forms import (
    FORMS,
    MATTERS_MOST,
    TYPED,
    Form,
    Said,
    concern_items,
    form_for,
    form_without,
    read,
)
from services.intake.domain.high_risk import RiskReason
from services.intake.domain.links import Link, LinkState, Opening, Openings, expiry, openings, secret_hash, secret_of
from services.intake.domain.scoring import score
from services.intake.domain.visits import VisitStatus, advance, check_times, is_eligible
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

__all__ = [
    "EVERY_NETWORK_RULE",
    "FORMS",
    "INSTRUMENTS",
    "MATTERS_MOST",
    "NETWORK_RULES",
    "TYPED",
    "Alert",
    "AlertState",
    "AnswerWords",
    "Change",
    "ClientId",
    "Comparison",
    "ConsentDecision",
    "ConsentReason",
    "Definition",
    "Form",
    "Instrument",
    "Link",
    "LinkState",
    "Met",
    "NewAlert",
    "Opening",
    "Openings",
    "Outcome",
    "RiskReason",
    "Rule",
    "RuleSettings",
    "Said",
    "Severity",
    "Source",
    "StepKind",
    "VisitStatus",
    "advance",
    "alert_closed",
    "alert_escalated",
    "alert_handed_over",
    "alert_reopened",
    "alert_taken",
    "answer_in_words",
    "band_of",
    "change",
    "check_times",
    "concern_items",
    "decide",
    "expiry",
    "form_for",
    "form_without",
    "index_of",
    "is_eligible",
    "openings",
    "read",
    "repeats_marked",
    "rule_changed",
    "rules_in_force",
    "rules_met",
    "score",
    "secret_hash",
    "secret_of",
    "wrong_with",
]
