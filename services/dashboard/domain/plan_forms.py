"""What a form of the plan asks for: what its writer changed and nothing else, so that nobody undoes what others wrote.

A form sends each field with what stood there when it was shown (`was_due_on`); a new step has no such.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

FIELDS = ("what", "who", "due_on", "is_done")


def changes_in(given: Mapping[str, str], today: date) -> dict[str, Any]:
    """The changes, as clinical takes them; a step that is ticked was done `today`."""
    said = {name: _tidy(given[name]) for name in FIELDS if name in given}
    changes: dict[str, Any] = {name: text for name, text in said.items() if text != _tidy(given.get(f"was_{name}"))}
    if changes.get("due_on") == "":
        changes["due_on"] = None
    if "is_done" in changes:
        changes["is_done"] = changes["is_done"] == "true"
        changes |= {"done_on": today.isoformat()} if changes["is_done"] else {}
    return changes


def is_past(changes: Mapping[str, Any], today: date) -> bool:
    """Whether the new day has passed already, or is no day."""
    try:
        return changes.get("due_on") is not None and date.fromisoformat(changes["due_on"]) < today
    except ValueError:
        return True


def _tidy(text: str | None) -> str | None:
    """As browsers may send a text otherwise than they were given it."""
    return None if text is None else text.replace("\r\n", "\n").strip()
