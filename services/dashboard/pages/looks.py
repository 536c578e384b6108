"""Who looked, in words."""

from collections.abc import Mapping
from typing import Any

from services.dashboard.pages.labels import plain

Json = Mapping[str, Any]

_ROLES: Mapping[str, str] = {
    "patient": "Patient",
    "clinician": "Clinician",
    "coordinator": "Coordinator",
    "operator": "Network operator",
    "system": "The clinic's computer",
}
_PURPOSES: Mapping[str, str] = {
    "care": "for care",
    "own-record": "own record",
    "network-figures": "for network figures",
    "break-glass": "emergency, another clinic",
    "disclosure": "handed out",
}
_SHOWN: Mapping[str, str] = {
    "read_page": "The page",
    "show_page": "The page",
    "offer_card": "A short card beside your chart",
    "read_linked_page": "The page, from another clinic",
    "show_linked_page": "The page, from another clinic",
    "list_links": "Which other clinics know you",
    "follow_page": "That the page stays up to date",
    "follow_shown_page": "That the page stays up to date",
    "read_looks": "This list",
    "show_looks": "This list",
    "read_receipt": "That a note arrived",
    "read_broken_glass": "The list of emergency openings",
    "show_broken_glass": "The list of emergency openings",
    "export_page": "A copy of the page, to keep",
    "audit-export": "A copy of this list",
}


def who_words(look: Json, own_subject: str | None) -> str:
    """`You` for the patient who reads this."""
    if look["role"] == "patient" and look["subject"] == own_subject:
        return "You"
    return _ROLES.get(look["role"], plain(look["role"]))


def purpose_words(look: Json) -> str:
    return _PURPOSES.get(look["purpose"], plain(look["purpose"]))


def shown_words(look: Json) -> str:
    return _SHOWN.get(look["route"], plain(look["route"]))
