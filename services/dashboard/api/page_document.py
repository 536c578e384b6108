"""The page's JSON as clinic front-ends may rely on it: what is promised, its schema and examples of it."""

from typing import Any

from services.dashboard.api.page_examples import SUMMARIES
from services.dashboard.domain.document import Page

STABILITY = (
    "Stable: every member listed here is always there unless it says otherwise, `null` where nothing is known. Members "
    "are added in place, and so are kinds and codes where no list of values is given: leave out those that you do not "
    "know. None is taken away, renamed or given another meaning under `/v1`. `ETag` changes when anything on the page "
    "does: send it back in `If-None-Match`, and 304 says that what you have still holds. There is no tag while some "
    "words cannot be read."
)
PAGE_ANSWER: dict[str, Any] = {
    "description": STABILITY,
    "model": Page,
    "content": {
        "application/json": {
            "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in SUMMARIES},
        }
    },
}
"""A page in an OpenAPI document; the examples are in its components."""
