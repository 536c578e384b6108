"""The rules of intake: what a survey asks, what its answers score, how consent and visits go on.

Pure: no clock, no chance, no I/O.
"""

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
from services.intake.domain.links import Link, LinkState, Opening, Openings, expiry, openings, secret_hash, secret_of
from services.intake.domain.scoring import score
from services.intake.domain.visits import VisitStatus, advance, check_times, is_eligible
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

__all__ = [
    "FORMS",
    "INSTRUMENTS",
    "MATTERS_MOST",
    "TYPED",
    "Change",
    "ClientId",
    "ConsentDecision",
    "ConsentReason",
    "Form",
    "Instrument",
    "Link",
    "LinkState",
    "Opening",
    "Openings",
    "Said",
    "VisitStatus",
    "advance",
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
    "score",
    "secret_hash",
    "secret_of",
    "wrong_with",
]
