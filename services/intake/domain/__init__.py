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
from services.intake.domain.fhir_visits import VISIT_KINDS, Resource, numbers_in, read_visit
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
from services.intake.domain.identifiers import Identifiers
from services.intake.domain.links import Link, LinkState, Opening, Openings, expiry, openings, secret_hash, secret_of
from services.intake.domain.news import CancelReason, VisitNews, begin, follow
from services.intake.domain.scoring import score
from services.intake.domain.visits import Eligibility, VisitStatus, advance, check_times, eligibility, is_eligible
from shared.instruments import INSTRUMENTS, Change, Instrument, band_of, change, index_of

__all__ = [
    "FORMS",
    "INSTRUMENTS",
    "MATTERS_MOST",
    "TYPED",
    "VISIT_KINDS",
    "CancelReason",
    "Change",
    "ClientId",
    "ConsentDecision",
    "ConsentReason",
    "ConsentStep",
    "ConsentText",
    "Eligibility",
    "Form",
    "Identifiers",
    "Instrument",
    "Link",
    "LinkState",
    "Opening",
    "Openings",
    "Resource",
    "Said",
    "VisitNews",
    "VisitStatus",
    "advance",
    "band_of",
    "begin",
    "change",
    "check_invitation",
    "check_text",
    "check_times",
    "concern_items",
    "decide",
    "eligibility",
    "expiry",
    "follow",
    "form_for",
    "form_without",
    "index_of",
    "is_eligible",
    "next_invitation",
    "numbers_in",
    "openings",
    "read",
    "read_visit",
    "score",
    "secret_hash",
    "secret_of",
    "wrong_with",
]
