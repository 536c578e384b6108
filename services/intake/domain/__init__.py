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
from services.intake.domain.fhir_visits import VISIT_KINDS, Resource, numbers_in, read_visit
from services.intake.domain.forms import FORMS, check, form_for, is_asked
from services.intake.domain.identifiers import Identifiers
from services.intake.domain.links import Link, LinkState, Opening, Openings, expiry, openings, secret_hash, secret_of
from services.intake.domain.news import CancelReason, VisitNews, begin, follow
from services.intake.domain.questions import Answers, Choice, Form, Item, Number, Section, Skipped, YesNo
from services.intake.domain.scoring import score
from services.intake.domain.visits import Eligibility, VisitStatus, advance, check_times, eligibility, is_eligible
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

__all__ = [
    "FORMS",
    "INSTRUMENTS",
    "VISIT_KINDS",
    "Answers",
    "CancelReason",
    "Change",
    "Choice",
    "ClientId",
    "ConsentDecision",
    "ConsentReason",
    "ConsentStep",
    "ConsentText",
    "Eligibility",
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
    "Resource",
    "Section",
    "Skipped",
    "VisitNews",
    "VisitStatus",
    "YesNo",
    "advance",
    "band_of",
    "begin",
    "change",
    "check",
    "check_invitation",
    "check_text",
    "check_times",
    "decide",
    "eligibility",
    "expiry",
    "follow",
    "form_for",
    "index_of",
    "is_asked",
    "is_eligible",
    "next_invitation",
    "numbers_in",
    "openings",
    "read_visit",
    "score",
    "secret_hash",
    "secret_of",
    "wrong_with",
]
