"""A disk that takes its time: a preloaded shim waits before every flush of PostgreSQL's."""

from pathlib import Path

from deploy.chaos.shims import Dial, built


def flushes_in(folder: Path) -> Dial | None:
    """How many seconds longer a flush takes, none yet; None where that cannot be had, for want of what `SHIMS_NEED`
    says.
    """
    shim = built("slow_flush", folder)
    if shim is None:
        return None
    flushes = Dial(shim, "SLOW_FLUSH", folder / "flush")
    flushes.set(0)
    return flushes
