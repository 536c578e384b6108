"""Where a page is found again as it is shown: on a screen for two or not, over a year or five."""

from urllib.parse import urlencode

from services.dashboard.pages.charts.frame import Span


def address(path: str, span: Span, *, is_shared: bool) -> str:
    """The page at this path; what is usual does not stand in its address."""
    asked = {"shared": "true"} if is_shared else {}
    if span is not Span.YEAR:
        asked["span"] = span
    return f"{path}?{urlencode(asked)}" if asked else path
