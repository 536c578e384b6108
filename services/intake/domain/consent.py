"""Consent to network use: which decision may follow which.

    invited -> consented | dissented      consented -> withdrawn
    dissented -> consented                withdrawn -> consented

Care goes on in every state. Nobody returns to "invited": who has not decided yet may be invited again, a few times and
not too soon; who has decided is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.errors import Problem, conflict
from shared.events import ConsentState, EntryMode

MOST_INVITATIONS = 4
BETWEEN_INVITATIONS = timedelta(days=14)


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


class ConsentText(NamedTuple):
    """Which of a site's consent texts, and in which language."""

    version: str
    language: str

    def __str__(self) -> str:
        return f"{self.version} ({self.language})"


@dataclass(frozen=True, slots=True)
class ConsentStep:
    """One invitation or decision, as it is kept. `mode` and `text` are None where nobody has said."""

    state: ConsentState
    decided_on: date
    reason: ConsentReason | None
    mode: EntryMode | None
    text: ConsentText | None
    recorded_at: datetime
    recorded_by: str


_NEXT = {
    ConsentState.INVITED: (ConsentState.CONSENTED, ConsentState.DISSENTED),
    ConsentState.CONSENTED: (ConsentState.WITHDRAWN,),
    ConsentState.DISSENTED: (ConsentState.CONSENTED,),
    ConsentState.WITHDRAWN: (ConsentState.CONSENTED,),
}


def decisions_after(current: ConsentState) -> Sequence[ConsentState]:
    """What a patient can decide, as their consent stands."""
    return _NEXT[current]


def why_not_invited(current: ConsentState, invited_on: Sequence[date], today: date) -> str | None:
    """Why a patient is not to be invited again today, in words; None where they may be."""
    try:
        check_invitation(current, invited_on, today)
    except Problem as problem:
        return problem.detail
    return None


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


def next_invitation(current: ConsentState, invited_on: Sequence[date]) -> date | None:
    """The first day on which a patient may be invited again; None for who has decided or was invited often enough."""
    if current is not ConsentState.INVITED or len(invited_on) >= MOST_INVITATIONS:
        return None
    return max(invited_on) + BETWEEN_INVITATIONS


def check_invitation(current: ConsentState, invited_on: Sequence[date], today: date) -> None:
    """Whether a patient may be invited again today.

    Raises:
        Problem: 409 `already-decided`, `invited-too-often` or `invited-too-soon`.
    """
    if current is not ConsentState.INVITED:
        raise conflict("already-decided", f"The patient has decided: {current}. Only who has not is invited again.")
    first = next_invitation(current, invited_on)
    if first is None:
        raise conflict("invited-too-often", f"The patient was invited {len(invited_on)} times. Leave it at that.")
    if today < first:
        raise conflict(
            "invited-too-soon",
            f"The last invitation was on {_day(max(invited_on))}. Invite again from {_day(first)} on.",
        )


def check_text(named: ConsentText | None, in_force: Sequence[ConsentText], new: ConsentState) -> None:
    """Whether a decision names a text that the site has `in_force` on its day; to consent, one that there is.

    Raises:
        Problem: 409 `consent-text-unknown` or `consent-text-required`.
    """
    there_are = ", ".join(map(str, in_force))
    if named is not None and named not in in_force:
        known = f"In force on that day: {there_are}." if in_force else "No text was in force on that day."
        raise conflict("consent-text-unknown", f"The site has no such consent text. {known}")
    if named is None and in_force and new is ConsentState.CONSENTED:
        raise conflict("consent-text-required", f"Say which text the patient consented to: {there_are}.")


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _check_reason(new: ConsentState, reason: ConsentReason | None) -> None:
    if new is ConsentState.WITHDRAWN and reason is None:
        codes = ", ".join(ConsentReason)
        raise conflict("consent-reason-required", f"To withdraw consent, give a reason: one of {codes}.")
    if new is ConsentState.CONSENTED and reason is not None:
        raise conflict("consent-reason-not-allowed", "Consent needs no reason. Leave the reason out.")
