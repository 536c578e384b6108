"""Where a page of the list of alerts ends, and the next one goes on."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.intake import store
from services.intake.domain import Alert
from shared.errors import FieldError, Problem

After = Annotated[
    str | None,
    Query(max_length=120, pattern=r"^[01]~[^~]+~[^~]+$", description="Only what follows: `next` of an answer"),
]


def after_of(alert: Alert) -> str:
    """The place behind an alert, as an address has it."""
    return f"{int(alert.owner is not None)}~{alert.raised_at.isoformat()}~{alert.alert_id}"


def place_of(after: str) -> store.Place:
    """Where to go on.

    Raises:
        Problem: 422, it is not the `next` of an answer.
    """
    has_owner, raised_at, alert_id = after.split("~")
    try:
        moment = datetime.fromisoformat(raised_at)
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        return store.Place(has_owner == "1", moment, UUID(alert_id))
    except ValueError:
        wrong = FieldError("after", "the `next` of an answer")
        raise Problem(422, "invalid", "1 field(s) are not valid.", errors=[wrong]) from None
