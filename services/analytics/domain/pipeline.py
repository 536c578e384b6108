"""Is the data arriving? One row a site, the one that needs somebody first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["set aside", "behind", "silent", "fine", "not started"]
BEHIND_S = 60
SILENT_S = 24 * 60 * 60
_ORDER: tuple[State, ...] = ("set aside", "behind", "silent", "fine", "not started")


@dataclass(frozen=True, slots=True)
class SitePipeline:
    """`lag_s`: how long the last event took from the broker to the figures, in seconds. A site starts with a survey.

    What an operator has dropped is no dead letter any more.
    """

    site_id: str
    name: str
    last_event_at: datetime | None
    last_topic: str | None
    lag_s: float | None
    dead_letters: int
    has_started: bool

    def state(self, now: datetime) -> State:
        """A word for the row; the first that fits."""
        if self.dead_letters:
            return "set aside"
        if self.last_event_at is None or not self.has_started:
            return "not started"
        if self.lag_s is not None and self.lag_s > BEHIND_S:
            return "behind"
        return "silent" if (now - self.last_event_at).total_seconds() > SILENT_S else "fine"


def pipeline_of(sites: Sequence[SitePipeline], now: datetime) -> list[SitePipeline]:
    """Worst first, then by name."""
    return sorted(sites, key=lambda site: (_ORDER.index(site.state(now)), site.name))
