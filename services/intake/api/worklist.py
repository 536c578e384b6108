"""What the coordinator's list is made of: the visits of a week, each with how its survey stands and what to do next."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.intake import store
from services.intake.api.staff import site_and_zone
from services.intake.domain import (
    OFF,
    DeliveryRule,
    Week,
    channel_for,
    form_without,
    is_lately,
    next_step,
    week_of,
)
from services.intake.domain.drafts import Answered, parts
from services.intake.pages.worklist import Row
from shared.db import Connection, SiteScope
from shared.events import VisitState


class Ground(NamedTuple):
    """What all rows of a site rest on."""

    site: store.SiteShown
    zone: ZoneInfo
    sends: DeliveryRule
    left_out: frozenset[str]
    now: datetime


async def ground_of(connection: Connection, site_id: str, now: datetime) -> Ground:
    """The site, its clocks and its rules.

    Raises:
        Problem: 404
    """
    scope = SiteScope.of(site_id)
    site, zone = await site_and_zone(connection, site_id)
    sends = await store.delivery_rule(connection, scope, site_id)
    asks = await store.survey_rule(connection, scope, site_id) or store.SurveyRule()
    return Ground(site, zone, sends or OFF, frozenset(asks.left_out), now.astimezone(zone))


async def rows_of_week(connection: Connection, site_id: str, ground: Ground, number: int) -> tuple[Week, list[Row]]:
    """The visits of a week."""
    week = week_of(ground.now, ground.zone, number)
    visits = await store.visits_with_links(connection, SiteScope.of(site_id), week.begins, week.ends)
    return week, [row_of(visit, ground) for visit in visits]


def row_of(visit: store.VisitWithLink, ground: Ground) -> Row:
    """A visit as the list shows it."""
    has_begun = ground.now >= visit.scheduled_at
    is_coming = visit.state is VisitState.SCHEDULED and not has_begun
    wants = visit.contact is not None and visit.contact.wants_messages
    can_be_sent = is_coming and wants and channel_for(ground.sends, visit.contact) is not None
    is_written_to = visit.asked_at is not None or is_lately(visit.sent_at, ground.now)
    step = next_step(
        visit.progress, visit.state, has_begun=has_begun, can_be_sent=can_be_sent, is_written_to=is_written_to
    )
    return Row(
        visit,
        visit.scheduled_at.astimezone(ground.zone),
        _parts(visit, ground),
        step,
        can_be_sent and not is_written_to,
    )


def _parts(visit: store.VisitWithLink, ground: Ground) -> int:
    """How many parts a survey that was started has, after the answers so far; what is said in words opens none."""
    if visit.started is None:
        return 0
    form = form_without(visit.started.form, ground.left_out)
    return len(parts(form.definition, Answered(visit.started.answers)))
