"""The written contracts, made from the code and committed: `write` makes them, `check` finds what is stale or breaks.

What the code says is the one source. The files in `shared/contracts/`, `docs/events.md`, `docs/access.md` and
`docs/instruments.md` are for readers who do not run this code, and for the comparison with what was promised before.
"""

from deploy.contracts.checks import check
from deploy.contracts.documents import write

__all__ = ["check", "write"]
