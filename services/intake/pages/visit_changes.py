"""How a visit can be changed, in words: what is allowed as it stands, and what follows for its survey and its link."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.intake import store
from services.intake.domain import (
    Cancellation,
    CancelledBy,
    CancelReason,
    Eligibility,
    VisitStatus,
    can_be_missed,
    can_become,
    counts_from,
    counts_until,
    eligibility,
)
from services.intake.pages.bar import sentence
from services.intake.pages.filled import Filled
from shared.events import VisitState
from shared.pages.words import clock, on

MOVE, CANCEL = "move", "cancel"
WHY_CANCELLED: Mapping[Cancellation, str] = {
    Cancellation(CancelReason.CANCELLED, CancelledBy.PATIENT): "the patient called it off",
    Cancellation(CancelReason.CANCELLED, CancelledBy.CLINIC): "the clinic called it off",
    Cancellation(CancelReason.NO_SHOW): "the patient did not come",
    Cancellation(CancelReason.ENTERED_IN_ERROR): "it was entered by mistake",
    Cancellation(CancelReason.CANCELLED, CancelledBy.OTHER): "for another reason",
}
_STANDS = {
    VisitState.CHECKED_IN: "The patient is here. The visit cannot be given another time or clinician any more.",
    VisitState.COMPLETED: "The visit is over. It is not moved or cancelled any more; add another one instead.",
}
_DOES_NOT_COUNT = {
    Eligibility.TOO_EARLY: "it came more than 14 days before",
    Eligibility.TOO_LATE: "it came when the visit was over",
}


class Changing(NamedTuple):
    """`form` moves the visit, `cancelling` cancels it, as it stands or as it was `refused`, by its id.

    `clinicians` are offered to give it to, `link_ends_at` is when the newest link ends that opens.
    """

    visit: store.VisitWithLink
    now: datetime
    zone: ZoneInfo
    form: Filled
    cancelling: Filled
    refused: str | None
    clinicians: Sequence[str]
    link_ends_at: datetime | None

    @property
    def can_be_moved(self) -> bool:
        return self.visit.state is VisitState.SCHEDULED

    @property
    def can_be_booked_again(self) -> bool:
        return can_become(self.visit.state, VisitState.SCHEDULED)

    @property
    def can_be_cancelled(self) -> bool:
        return can_become(self.visit.state, VisitState.CANCELLED)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Why it may be cancelled now, by what the form says for each."""
        stands = VisitStatus(self.visit.state, self.visit.scheduled_at, self.visit.checked_in_at)
        can_be_missed_now = can_be_missed(stands, self.now)
        return [("", "Not said")] + [
            (str(why.by or why.reason), sentence(words))
            for why, words in WHY_CANCELLED.items()
            if can_be_missed_now or why.reason is not CancelReason.NO_SHOW
        ]

    def sentences(self) -> Iterator[str]:
        """How the visit stands, and what depends on its time."""
        if self.visit.state in _STANDS:
            yield _STANDS[self.visit.state]
        if self.visit.state is VisitState.CANCELLED:
            why = WHY_CANCELLED.get(self.visit.cancelled)
            yield f"The visit was cancelled{f': {why}' if why else ''}. It can be booked again."
        else:
            yield self._survey()
            if self.link_ends_at is not None:
                yield self._link(self.link_ends_at)

    def _survey(self) -> str:
        submitted_at = self.visit.answered_at
        if submitted_at is None:
            return f"A survey counts for this visit from {self._when(counts_from(self.visit.scheduled_at))} on."
        survey = f"The survey of {self._when(submitted_at)}"
        standing = eligibility(submitted_at, self.visit.scheduled_at, self.visit.completed_at)
        if standing is not Eligibility.COUNTS:
            return f"{survey} does not count for this visit: {_DOES_NOT_COUNT[standing]}."
        if not self.can_be_moved:
            return f"{survey} counts for this visit."
        return f"{survey} counts for this visit, and for one up to {self._when(counts_until(submitted_at))}."

    def _link(self, ends_at: datetime) -> str:
        if ends_at <= self.visit.scheduled_at:
            return f"The newest link ends before the visit, {self._when(ends_at)}: make another one."
        return f"The newest link opens until {self._when(ends_at)}, also where the visit is moved."

    def _when(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        return f"{on(local)}, {clock(local)}"


def form_of_visit(visit: store.VisitWithLink, zone: ZoneInfo) -> Filled:
    """The form that moves a visit, as the visit stands; `…_was` tell what somebody has changed in it."""
    now = {
        "clinician_id": visit.clinician_id,
        "scheduled_at": f"{visit.scheduled_at.astimezone(zone):%Y-%m-%dT%H:%M}",
    }
    return Filled(MOVE, now | {f"{name}_was": said for name, said in now.items()})
