"""When a visit is open for feedback: once it is completed, if the patient answered a pre-visit survey for it.

"Before the visit" is meant by the day (UTC): a survey that was answered in the waiting room and sent in late that
day still counts. The day ends at midnight UTC, so all that is sent before the visit's end always counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.events import VisitState


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is known of a visit. `visit_at`: its end, or else its time; null is what has not arrived."""

    visit_state: VisitState | None
    visit_at: datetime | None
    submitted_at: datetime | None


def missing(invitation: Invitation) -> str | None:
    """What keeps the visit from being open for feedback, as a sentence; null when it is open."""
    if invitation.visit_state is not VisitState.COMPLETED or invitation.visit_at is None:
        state = f"The visit is {invitation.visit_state}" if invitation.visit_state else "The visit's state is not known"
        return f"{state}. Feedback opens when the visit is completed."
    if invitation.submitted_at is None:
        return "The visit has no pre-visit survey. Feedback is for visits with a survey."
    if invitation.submitted_at.astimezone(UTC).date() > invitation.visit_at.astimezone(UTC).date():
        return "The survey was submitted after the day of the visit. Feedback is for visits with a survey before."
    return None
