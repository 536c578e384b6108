"""Where a page is found again as it is shown: on a screen for two or not, over a year or five. Where one goes on."""

from urllib.parse import urlencode

from services.dashboard.pages.charts.frame import Span
from shared.events import ViewerRole


def address(path: str, span: Span, *, is_shared: bool, **besides: object) -> str:
    """The page at this path; what is usual does not stand in its address, nor what is not there."""
    asked = {"shared": "true" if is_shared else None, "span": None if span is Span.YEAR else span, **besides}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{query}" if query else path


def survey_at(intake: str, role: ViewerRole, site_id: str, visit_id: str) -> str | None:
    """Where at intake this reader gets on with a visit's survey; None for who has no page about it there.

    A coordinator sends the link. A patient is told what is open to them: their link may be of another visit.
    """
    match role:
        case ViewerRole.COORDINATOR:
            return f"{intake}/visits/{visit_id}?{urlencode({'site': site_id})}"
        case ViewerRole.PATIENT:
            return f"{intake}/start"
    return None
