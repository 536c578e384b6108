"""The page of one visit, as it is after whatever was pressed on it."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from services.intake import store
from services.intake.api.own_forms import own_forms_of
from services.intake.api.staff import bar_of, in_words, patient_page
from services.intake.api.worklist import Ground, ground_of, rows_of
from services.intake.domain import LinkState
from services.intake.pages.filled import Filled
from services.intake.pages.visit_changes import CANCEL, MOVE, Changing, form_of_visit
from services.intake.pages.worklist import Around, show_visit
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem, unknown
from shared.http.commands import pool_of
from shared.http.record import keep_read


class Outcome(NamedTuple):
    """What came of it: why it was not done, the form that was not taken, or a new link."""

    why: Problem | None = None
    form: Filled | None = None
    link: str | None = None

    @property
    def status(self) -> int:
        """That of the answer which shows it."""
        if self.why is not None:
            return self.why.status
        return 200 if self.form is None else self.form.status


async def visit_shown(
    request: Request, caller: Caller, site_id: str, visit_id: UUID, outcome: Outcome | None = None
) -> Response:
    """The page, on record as read.

    Raises:
        Problem: 404
    """
    came, scope = outcome or Outcome(), SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        ground = await ground_of(connection, own_forms_of(request), site_id, datetime.now(UTC))
        visit = await store.visit_with_link(connection, scope, visit_id)
        if visit is None:
            raise unknown("visit")
        (row,) = await rows_of(connection, site_id, ground, [visit])
        messages = await store.deliveries_of(connection, scope, visit_id)
        flag = await store.flag_of(connection, scope, visit.patient_id)
        changing = await _changing(connection, ground, scope, visit, came.form)
        await keep_read(request, connection, site_id, visit.patient_id)
    why = None if came.why is None else in_words(came.why)
    around = Around(
        ground.now, patient_page(request), uuid4().hex, changing=changing, flag=flag, link=came.link, why=why
    )
    bar = bar_of(request, caller, "visits", site_id, ground.site.name)
    return HTMLResponse(show_visit(row, messages, around, bar), came.status)


async def _changing(
    connection: Connection, ground: Ground, scope: SiteScope, visit: store.VisitWithLink, refused: Filled | None
) -> Changing:
    links = await store.links_of(connection, scope, visit.visit_id)
    forms = {} if refused is None else {refused.id: refused}
    return Changing(
        visit,
        ground.now,
        ground.zone,
        forms.get(MOVE) or form_of_visit(visit, ground.zone),
        forms.get(CANCEL, Filled(CANCEL, {})),
        None if refused is None else refused.id,
        await store.clinicians_of_visits(connection, scope),
        link_ends_at=next((link.expires_at for link in links if link.state(ground.now) is LinkState.LIVE), None),
    )
