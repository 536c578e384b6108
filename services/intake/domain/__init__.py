"""The rules of intake: what a survey asks, what its answers score, how consent and visits go on.

Pure: no clock, no chance, no I/O.
"""

from services.intake.domain.clients import ClientId, wrong_with
from services.intake.domain.consent import ConsentDecision, ConsentReason, decide
from services.intake.domain.deliveries import (
    BY_HAND,
    FIRST,
    MOST_DAYS_BEFORE,
    MOST_REMINDERS,
    OFF,
    THE_WORKER,
    Channel,
    Contact,
    Delivery,
    DeliveryRule,
    DeliveryState,
    Outlook,
    QuietHours,
    StopReason,
    awake,
    channel_for,
    plan,
    stop_reason,
    wrong_with_rule,
)
from services.intake.domain.forms import FORMS, check, form_for, is_asked
from services.intake.domain.link_progress import LinkProgress, link_progress
from services.intake.domain.links import Link, LinkState, Opening, Openings, expiry, openings, secret_hash, secret_of
from services.intake.domain.questions import Answers, Choice, Form, Item, Number, Section, Skipped, YesNo
from services.intake.domain.scoring import score
from services.intake.domain.tries import Outcome, come_to, in_hand, put_back
from services.intake.domain.visits import VisitStatus, advance, check_times, is_eligible
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

__all__ = [
    "BY_HAND",
    "FIRST",
    "FORMS",
    "INSTRUMENTS",
    "MOST_DAYS_BEFORE",
    "MOST_REMINDERS",
    "OFF",
    "THE_WORKER",
    "Answers",
    "Change",
    "Channel",
    "Choice",
    "ClientId",
    "ConsentDecision",
    "ConsentReason",
    "Contact",
    "Delivery",
    "DeliveryRule",
    "DeliveryState",
    "Form",
    "Instrument",
    "Item",
    "Link",
    "LinkProgress",
    "LinkState",
    "Number",
    "Opening",
    "Openings",
    "Outcome",
    "Outlook",
    "QuietHours",
    "Section",
    "Skipped",
    "StopReason",
    "VisitStatus",
    "YesNo",
    "advance",
    "awake",
    "band_of",
    "change",
    "channel_for",
    "check",
    "check_times",
    "come_to",
    "decide",
    "expiry",
    "form_for",
    "in_hand",
    "index_of",
    "is_asked",
    "is_eligible",
    "link_progress",
    "openings",
    "plan",
    "put_back",
    "score",
    "secret_hash",
    "secret_of",
    "stop_reason",
    "wrong_with",
    "wrong_with_rule",
]
