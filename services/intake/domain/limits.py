"""How often somebody may try: a bucket of tokens for each key, filled at a steady rate."""

from dataclasses import dataclass, field

_MOST_KEYS = 10_000


@dataclass
class Limit:
    """At most `burst` tries at once and `per_minute` in the long run, for each key. Forgets all at 10,000 keys."""

    burst: int
    per_minute: float
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, key: str, now: float) -> float:
        """Count a try at `now` (seconds of any clock): 0 when it may go on, else how long to wait."""
        tokens, since = self._left.get(key, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - since) * self.per_minute / 60)
        if len(self._left) >= _MOST_KEYS:
            self._left.clear()
        if tokens < 1:
            self._left[key] = (tokens, now)
            return (1 - tokens) * 60 / self.per_minute
        self._left[key] = (tokens - 1, now)
        return 0.0
