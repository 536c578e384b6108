"""Where a page is found again as it is shown: on a screen for two or not, over a year or five."""

from urllib.parse import urlencode

from services.dashboard.pages.charts.frame import Span


def address(path: str, span: Span, *, is_shared: bool, **besides: object) -> str:
    """The page at this path; what is usual does not stand in its address, nor what is not there."""
    asked = {"shared": "true" if is_shared else None, "span": None if span is Span.YEAR else span, **besides}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{query}" if query else path
