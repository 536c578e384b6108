"""The dashboard's rules, pure: facts folded from events, the page computed from facts, and its age for a
reader.
"""

from services.dashboard.domain.context import context_of
from services.dashboard.domain.facts import Facts, empty, fold
from services.dashboard.domain.freshness import LIMITS, Age, freshness
from services.dashboard.domain.glass import BrokenGlass, GlassReason, GlassTry, GlassUse, wait_s
from services.dashboard.domain.page import assemble, has_words, is_readable, open_words

__all__ = [
    "LIMITS",
    "Age",
    "BrokenGlass",
    "Facts",
    "GlassReason",
    "GlassTry",
    "GlassUse",
    "assemble",
    "context_of",
    "empty",
    "fold",
    "freshness",
    "has_words",
    "is_readable",
    "open_words",
    "wait_s",
]
