"""Consent to network use: which decision may follow which.

    invited -> consented | dissented      consented -> withdrawn
    dissented -> consented                withdrawn -> consented

Care goes on in every state. Nobody returns to "invited": a person is invited once and then decides.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.errors import conflict
from shared.events import ConsentState


class ConsentReason(StrEnum):
    """Why somebody said no or stopped. Codes only: a reason in free text could name a person."""

    PRIVACY = "privacy"
    TOO_MUCH_EFFORT = "too-much-effort"
    NO_BENEFIT = "no-benefit"
    MOVED_AWAY = "moved-away"
    OTHER_CLINIC = "other-clinic"
    PREFER_NOT_TO_SAY = "prefer-not-to-say"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ConsentDecision:
    """What holds from `decided_on`."""

    state: ConsentState
    decided_on: date
    reason: ConsentReason | None = None


_NEXT = {
    ConsentState.INVITED: (ConsentState.CONSENTED, ConsentState.DISSENTED),
    ConsentState.CONSENTED: (ConsentState.WITHDRAWN,),
    ConsentState.DISSENTED: (ConsentState.CONSENTED,),
    ConsentState.WITHDRAWN: (ConsentState.CONSENTED,),
}


def decide(
    current: ConsentState,
    new: ConsentState,
    reason: ConsentReason | None,
    decided_on: date,
    last_decided_on: date,
) -> ConsentDecision:
    """The decision to record. Two decisions on one day are allowed: the later one holds.

    Raises:
        Problem: 409 `consent-unchanged`, `consent-not-allowed`, `consent-reason-required`,
            `consent-reason-not-allowed` or `consent-out-of-order`.
    """
    if new is current:
        raise conflict("consent-unchanged", f"The patient's consent is already recorded as {current}.")
    if new not in _NEXT[current]:
        allowed = " or ".join(_NEXT[current])
        raise conflict("consent-not-allowed", f"Consent that is {current} can become {allowed}, not {new}.")
    _check_reason(new, reason)
    if decided_on < last_decided_on:
        raise conflict(
            "consent-out-of-order",
            f"This decision is dated {_day(decided_on)}, before the last one, of {_day(last_decided_on)}. "
            "Give the day on which the patient decided.",
        )
    return ConsentDecision(new, decided_on, reason)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _check_reason(new: ConsentState, reason: ConsentReason | None) -> None:
    if new is ConsentState.WITHDRAWN and reason is None:
        codes = ", ".join(ConsentReason)
        raise conflict("consent-reason-required", f"To withdraw consent, give a reason: one of {codes}.")
    if new is ConsentState.CONSENTED and reason is not None:
        raise conflict("consent-reason-not-allowed", "Consent needs no reason. Leave the reason out.")
