"""How far the link of a visit has come, as the list of visits shows it."""

from collections.abc import Mapping
from enum import StrEnum

from services.intake.domain.deliveries import DeliveryState


class LinkProgress(StrEnum):
    """How far the link of a visit has come, as the list of visits shows it."""

    NO_LINK = "no-link"
    PLANNED = "planned"
    SENT = "sent"
    NOT_DELIVERED = "not-delivered"
    OPENED = "opened"
    STARTED = "started"
    ANSWERED = "answered"
    NOT_WANTED = "not-wanted"


_BY_DELIVERY: Mapping[DeliveryState, LinkProgress] = {
    DeliveryState.PLANNED: LinkProgress.PLANNED,
    DeliveryState.SENDING: LinkProgress.PLANNED,
    DeliveryState.SENT: LinkProgress.SENT,
    DeliveryState.CAME_BACK: LinkProgress.NOT_DELIVERED,
    DeliveryState.FAILED: LinkProgress.NOT_DELIVERED,
    DeliveryState.NOT_KNOWN: LinkProgress.NOT_DELIVERED,
}


def link_progress(
    delivery: DeliveryState | None,
    *,
    has_link: bool = False,
    is_opened: bool = False,
    is_started: bool = False,
    has_survey: bool = False,
    wants_messages: bool = True,
) -> LinkProgress:
    """What has happened last. `delivery` is the latest message that was not stopped; any other link counts as sent."""
    for is_so, progress in (
        (has_survey, LinkProgress.ANSWERED),
        (is_started, LinkProgress.STARTED),
        (is_opened, LinkProgress.OPENED),
        (not wants_messages, LinkProgress.NOT_WANTED),
    ):
        if is_so:
            return progress
    if delivery is not None and delivery in _BY_DELIVERY:
        return _BY_DELIVERY[delivery]
    return LinkProgress.SENT if has_link else LinkProgress.NO_LINK
