"""What the coordinator's list is made of: the visits of a week, each with how its survey stands and what to do next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.intake import store
from services.intake.api.own_forms import OwnForm, OwnForms
from services.intake.api.staff import site_and_zone
from services.intake.domain import (
    OFF,
    DeliveryRule,
    Week,
    form_without,
    hindrance,
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
    own_forms: OwnForms


async def ground_of(connection: Connection, own_forms: OwnForms, site_id: str, now: datetime) -> Ground:
    """The site, its clocks and its rules.

    Raises:
        Problem: 404
    """
    scope = SiteScope.of(site_id)
    site, zone = await site_and_zone(connection, site_id)
    sends = await store.delivery_rule(connection, scope, site_id)
    asks = await store.survey_rule(connection, scope, site_id) or store.SurveyRule()
    return Ground(site, zone, sends or OFF, frozenset(asks.left_out), now.astimezone(zone), own_forms)


async def rows_of_week(connection: Connection, site_id: str, ground: Ground, number: int) -> tuple[Week, list[Row]]:
    """The visits of a week."""
    week = week_of(ground.now, ground.zone, number)
    visits = await store.visits_with_links(connection, SiteScope.of(site_id), week.begins, week.ends)
    return week, await rows_of(connection, site_id, ground, visits)


async def rows_of(
    connection: Connection, site_id: str, ground: Ground, visits: Sequence[store.VisitWithLink]
) -> list[Row]:
    """Visits as the list shows them."""
    begun = {visit.started.form for visit in visits if visit.started is not None}
    own = await ground.own_forms.named(connection, site_id, begun)
    return [_row(visit, ground, own) for visit in visits]


def _row(visit: store.VisitWithLink, ground: Ground, own: Mapping[str, OwnForm]) -> Row:
    why_not = hindrance(
        ground.sends,
        visit.contact,
        has_begun=ground.now >= visit.scheduled_at or visit.state is not VisitState.SCHEDULED,
        is_written_to=visit.asked_at is not None or is_lately(visit.sent_at, ground.now),
    )
    return Row(
        visit,
        visit.scheduled_at.astimezone(ground.zone),
        _parts(visit, ground, own),
        next_step(visit.progress, visit.state, why_not),
        why_not,
    )


def _parts(visit: store.VisitWithLink, ground: Ground, own: Mapping[str, OwnForm]) -> int:
    """How many parts a survey that was started has, after the answers so far; what is said in words opens none."""
    if visit.started is None:
        return 0
    begun = own.get(visit.started.form)
    form = form_without(visit.started.form, ground.left_out) if begun is None else begun.form
    return len(parts(form.definition, Answered(visit.started.answers)))
