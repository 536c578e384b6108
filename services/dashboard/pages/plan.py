"""The forms by which the plan is written on the page, and every word of theirs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

WORDS: Mapping[str, str] = {
    "add": "Add a step",
    "tick": "Tick as done",
    "untick": "Untick, still to do",
    "change": "Change",
    "what": "What",
    "who": "Who",
    "due_on": "By when",
    "save_add": "Add to the plan",
    "save_change": "Save",
    "save_carry": "Carry over",
    "arrived": "Saved.",
    "gave-up": "What you just saved is not on this page yet. Reload it in a moment.",
}
WRONG: Mapping[str, str] = {
    "what": "Write 1 to 500 characters.",
    "who": "Choose one.",
    "due_on": "Choose today or a later day.",
}
"""What each field wants, where it was not given."""

FAILED: Mapping[str, str] = {
    "invalid": "Not saved. Look at what is marked.",
    "key-reused": "Not saved: this form was saved before, with other words. Look at the plan before you save again.",
    "away": "Not saved, as far as we know: the part that keeps the plan does not answer. What you wrote is still here. "
    "Try again in a moment: it is saved once.",
    "other": "Not saved: the plan does not take this now. Reload the page and try again.",
}


@dataclass(frozen=True, slots=True)
class PlanForms:
    """What stands in the forms of a reader who may write.

    What was `given` of a step and not saved stays where it was written; `wrong` are fields of it, and `failure` says
    why (a key of `FAILED`). `waited` is what came of a write before.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    step_id: UUID | None = None
    wrong: Collection[str] = ()
    failure: str | None = None
    waited: str | None = None

    def has(self, form: str, step_id: str = "") -> bool:
        """Whether what was given stands in this form."""
        return (self.given.get("form"), str(self.step_id or "")) == (form, step_id)

    def value(self, form: str, step_id: str, name: str, recorded: str) -> str:
        """What stands in a field: what was given, else what is recorded."""
        return self.given.get(name, "") if self.has(form, step_id) else recorded

    def is_wrong(self, form: str, step_id: str, name: str) -> bool:
        return name in self.wrong and self.has(form, step_id)

    def key(self, form: str, step_id: str = "") -> str:
        """By which a form that is sent twice is saved once."""
        kept = self.given.get("key") if self.has(form, step_id) and self.failure != "key-reused" else None
        return kept or str(uuid4())
