"""A patient's network consent for their coordinator, in words: how it stands, how it came to that, what may follow."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.intake.domain import (
    ConsentReason,
    ConsentStep,
    ConsentText,
    decisions_after,
    why_not_invited,
)
from shared.events import ConsentState, EntryMode
from shared.pages.words import clock, on

DECISION, INVITATION = "decision", "invitation"
_STANDINGS: Mapping[ConsentState, str] = {
    ConsentState.INVITED: "Invited, has not decided",
    ConsentState.CONSENTED: "Consented",
    ConsentState.DISSENTED: "Said no",
    ConsentState.WITHDRAWN: "Withdrew",
}
_AT_FIRST = (ConsentState.INVITED, ConsentState.CONSENTED, ConsentState.DISSENTED)
_DECISIONS: Mapping[ConsentState, str] = {
    ConsentState.CONSENTED: "Consents",
    ConsentState.DISSENTED: "Says no",
    ConsentState.WITHDRAWN: "Withdraws",
}
_STEPS: Mapping[ConsentState, str] = {**_STANDINGS, ConsentState.INVITED: "Invited"}
_MODES: Mapping[str, str] = {
    "": "Not recorded",
    EntryMode.SELF: "By the patient",
    EntryMode.PAPER: "On paper",
    EntryMode.PHONE: "By phone",
    EntryMode.PROXY: "By somebody for the patient",
}
_REASONS: Mapping[ConsentReason, str] = {
    ConsentReason.PRIVACY: "Privacy",
    ConsentReason.TOO_MUCH_EFFORT: "Too much effort",
    ConsentReason.NO_BENEFIT: "No benefit",
    ConsentReason.MOVED_AWAY: "Moved away",
    ConsentReason.OTHER_CLINIC: "Goes to another clinic",
    ConsentReason.PREFER_NOT_TO_SAY: "Prefers not to say",
    ConsentReason.OTHER: "Another reason",
}


class Consent(NamedTuple):
    """How it stands `today`, with every step, the first one first, and the texts of the site."""

    state: ConsentState
    steps: Sequence[ConsentStep]
    texts: Sequence[ConsentText]
    today: date
    zone: ZoneInfo

    @property
    def standing(self) -> str:
        return _STANDINGS[self.state]

    @property
    def is_undecided(self) -> bool:
        return self.state is ConsentState.INVITED

    @property
    def decisions(self) -> list[tuple[str, str]]:
        """What the patient can decide now."""
        return [(state, _DECISIONS[state]) for state in decisions_after(self.state)]

    @property
    def why_not_invited(self) -> str | None:
        """Why another invitation cannot be made today; None where it can."""
        invited_on = [step.decided_on for step in self.steps if step.state is ConsentState.INVITED]
        return why_not_invited(self.state, invited_on, self.today)

    def history(self) -> Iterator[tuple[str, str]]:
        """Of each step what the patient said, and who recorded it: `5 Jan 2026: Withdrew, by phone. Privacy.`"""
        for step in self.steps:
            said = [_STEPS[step.state], _in_sentence(step.mode), None if step.text is None else f"text {step.text}"]
            why = "" if step.reason is None else f" {_REASONS[step.reason]}."
            at = step.recorded_at.astimezone(self.zone)
            recorded = f"recorded by {step.recorded_by}, {on(at)}, {clock(at)}"
            yield f"{on(step.decided_on)}: {', '.join(filter(None, said))}.{why}", recorded


def _in_sentence(mode: EntryMode | None) -> str | None:
    """`by phone`."""
    return None if mode is None else _MODES[mode].lower()


def _as_choices(texts: Sequence[ConsentText]) -> list[tuple[str, str]]:
    """The texts of a site as a form offers them."""
    return [("", "None"), *((f"{text.version}|{text.language}", str(text)) for text in texts)]


CONSENT_WORDS: Mapping[str, Any] = {
    "as_choices": _as_choices,
    "consents": {state: _STANDINGS[state] for state in _AT_FIRST},
    "modes": _MODES,
    "reasons": [("", "No reason"), *_REASONS.items()],
}
