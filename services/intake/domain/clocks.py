"""Times as the clocks of a place show them: where those change, one may come twice or not at all."""

from datetime import datetime
from zoneinfo import ZoneInfo


def moment_shown(shown: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment at which the clocks of a zone show this day and time; None where there are two such, or none."""
    first, second = shown.replace(tzinfo=zone, fold=0), shown.replace(tzinfo=zone, fold=1)
    return first if first.utcoffset() == second.utcoffset() else None


def read_moment(text: str, zone: ZoneInfo) -> str:
    """What a field of a day and a time says, with the offset of these clocks, where that is one moment.

    Whoever reads the form refuses all else, for it has no offset.
    """
    try:
        shown = datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment_shown(shown, zone) if ":" in text and shown.tzinfo is None else None
    return text if moment is None else moment.isoformat()
