"""The page as readers get it, described member by member: `Page` and its parts are its JSON Schema, and nothing else.

The page itself is a plain document (domain.page, domain.shown): these classes never hold one, and reading costs nothing
for them. That every page fits them is what the tests see to.

- A member is always there and says whether it may be null; one that may be absent says so.
- `Literal` and enumerations are closed: no value is added. Of what may grow, codes are texts, and among the kinds of an
  object stands one that is open (`OtherChange`, `OtherGap`).
"""

from services.dashboard.domain.document.page import Page

__all__ = ["Page"]
