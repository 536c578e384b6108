"""The rules of intake: what a survey asks, what its answers score, how consent and visits go on.

Pure: no clock, no chance, no I/O.
"""

from services.intake.domain.clients import ClientId, wrong_with
from services.intake.domain.consent import (
    ConsentDecision,
    ConsentReason,
    ConsentStep,
    ConsentText,
    check_invitation,
    check_text,
    decide,
    next_invitation,
)
from services.intake.domain.entry import EntryMode
from services.intake.domain.forms import FORMS, check, form_for, is_asked
from services.intake.domain.identifiers import Identifiers
from services.intake.domain.links import Link, LinkState, Opening, Openings, expiry, openings, secret_hash, secret_of
from services.intake.domain.questions import Answers, Choice, Form, Item, Number, Section, Skipped, YesNo
from services.intake.domain.scoring import score
from services.intake.domain.visits import VisitStatus, advance, check_times, is_eligible
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

__all__ = [
    "FORMS",
    "INSTRUMENTS",
    "Answers",
    "Change",
    "Choice",
    "ClientId",
    "ConsentDecision",
    "ConsentReason",
    "ConsentStep",
    "ConsentText",
    "EntryMode",
    "Form",
    "Identifiers",
    "Instrument",
    "Item",
    "Link",
    "LinkState",
    "Number",
    "Opening",
    "Openings",
    "Section",
    "Skipped",
    "VisitStatus",
    "YesNo",
    "advance",
    "band_of",
    "change",
    "check",
    "check_invitation",
    "check_text",
    "check_times",
    "decide",
    "expiry",
    "form_for",
    "index_of",
    "is_asked",
    "is_eligible",
    "next_invitation",
    "openings",
    "score",
    "secret_hash",
    "secret_of",
    "wrong_with",
]
