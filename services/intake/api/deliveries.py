"""How a site sends links to its patients, and what became of those of a visit."""

from dataclasses import asdict
from datetime import UTC, datetime, time
from functools import partial
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.standing import about_site, visit_at
from services.intake.domain import (
    BY_HAND,
    MOST_DAYS_BEFORE,
    MOST_REMINDERS,
    OFF,
    Channel,
    Delivery,
    DeliveryRule,
    DeliveryState,
    QuietHours,
    StopReason,
    awake,
    stop_reason,
    wrong_with_rule,
)
from shared.audit import Kind
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem, conflict, unknown
from shared.events import SiteId
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, IdempotencyKey, NamedSite, execute, pool_of
from shared.http.fields import YesNo
from shared.http.record import keep_read
from shared.outbox import Recorded

router = APIRouter(tags=["deliveries"])
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="By the site's clocks: 08:00")]
DaysBefore = Annotated[int, Field(ge=0, le=MOST_DAYS_BEFORE, strict=True)]


def _on_one_line(name: str) -> str:
    if not name.isprintable():
        raise ValueError("one line of text")
    return name


class QuietBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    begins: Clock
    ends: Clock


class DeliveryRuleBody(BaseModel):
    """`days_before` the visit the link is sent, at `send_at`, and `reminders` follow so many days before it.

    Nothing is sent in quiet hours. `sender_name` stands in messages where the site's name says too much.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_on: YesNo
    days_before: DaysBefore = OFF.days_before
    send_at: Clock = f"{OFF.send_at:%H:%M}"
    reminders: tuple[DaysBefore, ...] = Field(default=OFF.reminders, max_length=MOST_REMINDERS)
    quiet: QuietBody | None = QuietBody(begins="20:00", ends="08:00")
    channels: tuple[Channel, ...] = Field(default=OFF.channels, min_length=1, description="The usual one first")
    sender_name: Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_on_one_line)] | None = None

    def rule(self) -> DeliveryRule:
        """What it means."""
        quiet = None if self.quiet is None else QuietHours(_clock(self.quiet.begins), _clock(self.quiet.ends))
        told = {name: value for name, value in self if name not in ("quiet", "send_at")}
        return DeliveryRule(quiet=quiet, send_at=_clock(self.send_at), **told)


class SendBody(BaseModel):
    """`channel`: the one that the patient prefers when not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Channel | None = None


class DeliveryAnswer(BaseModel):
    """A message about a visit. `reason` is why it was stopped, or the code that the last try ended with."""

    id: UUID
    kind: str
    state: DeliveryState
    reason: str | None
    channel: Channel | None
    due_at: datetime
    attempts: int
    ended_at: datetime | None = Field(description="When it was taken, refused or given up")
    made_by: str


class Deliveries(BaseModel):
    """`cannot_send`: why no message about this visit may be sent now, if so."""

    visit_id: UUID
    cannot_send: StopReason | None
    items: list[DeliveryAnswer]


@router.put("/v1/sites/{site_id}/delivery-rule")
async def set_delivery_rule(
    request: Request, site_id: Annotated[SiteId, Path()], body: DeliveryRuleBody, caller: SiteStaff
) -> DeliveryRuleBody:
    """Say when a site's patients get their links; what is planned follows within half a minute."""
    rule = body.rule()
    if wrong := wrong_with_rule(rule):
        raise Problem(422, "invalid", f"{len(wrong)} field(s) do not fit together.", errors=wrong)
    async with about_site(request, caller, site_id, Kind.WRITE) as connection:
        await store.record_delivery_rule(connection, site_id, rule, datetime.now(UTC))
    return body


@router.get("/v1/sites/{site_id}/delivery-rule")
async def read_delivery_rule(
    request: Request, site_id: Annotated[SiteId, Path()], caller: SiteStaff
) -> DeliveryRuleBody:
    """When a site's patients get their links; never, where it has not said."""
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        rule = await store.delivery_rule(connection, SiteScope.of(site_id), site_id)
    return described_rule(rule or OFF)


@router.get("/v1/visits/{visit_id}/deliveries")
async def list_deliveries(request: Request, visit_id: UUID, caller: SiteStaff, site: NamedSite = None) -> Deliveries:
    """The messages about a visit, planned and past, the earliest first."""
    site_id = caller.writing_site(site)
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        visit = await store.visit(connection, scope, visit_id)
        outlook = await store.outlook(connection, scope, visit_id)
        if visit is None or outlook is None:
            raise unknown("visit")
        await keep_read(request, connection, site_id, visit.patient_id)
    cannot_send = stop_reason(outlook, datetime.now(UTC), by_hand=True)
    return Deliveries(visit_id=visit_id, cannot_send=cannot_send, items=list(map(_described, outlook.deliveries)))


@router.post("/v1/visits/{visit_id}/deliveries", status_code=201, response_model=Accepted)
async def send_link(
    request: Request, visit_id: UUID, body: SendBody, caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Send the link of a visit now, or again as a reminder; in the site's quiet hours, when they are over."""
    site_id = caller.writing_site(site)
    visit = await visit_at(request, site_id, visit_id)
    command = Command[SendBody](
        locks=lambda _site, _body: [str(visit.patient_id)],
        record=partial(send_by_hand, caller, visit_id, visit.patient_id),
        about=visit.patient_id,
    )
    return await execute(request, command, Batch([body], is_single=True), site_id=site_id, key=key)


_CANNOT_SEND = {
    StopReason.ANSWERED: "The questions are answered already.",
    StopReason.VISIT_CANCELLED: "The visit was cancelled.",
    StopReason.VISIT_OVER: "The visit has begun or is over.",
    StopReason.NOT_WANTED: "The patient wants no messages.",
    StopReason.NO_CONTACT: "There is no address that the site's channels lead to.",
}


async def send_by_hand(
    caller: Caller, visit_id: UUID, patient_id: UUID, connection: Connection, site_id: str, body: SendBody
) -> Recorded:
    """Record that a person wants the link of a visit sent; the patient is locked.

    Raises:
        Problem: 404, or 409 with why nothing may be sent.
    """
    outlook = await store.outlook(connection, SiteScope.of(site_id), visit_id)
    if outlook is None:
        raise unknown("visit")
    now = datetime.now(UTC)
    reason = stop_reason(outlook, now, by_hand=True)
    if body.channel is not None and (outlook.contact is None or body.channel not in outlook.contact.channels):
        reason = reason or StopReason.NO_CONTACT
    due_at = awake(now, outlook.zone, outlook.rule.quiet)
    if reason is None and due_at >= outlook.visit_at:
        raise conflict("quiet-until-visit", "The quiet hours last until the visit. Call the patient.")
    if reason is not None:
        raise conflict(reason, _CANNOT_SEND[reason])
    delivery = Delivery(
        delivery_id=uuid4(),
        visit_id=visit_id,
        patient_id=patient_id,
        kind=BY_HAND,
        visit_at=outlook.visit_at,
        due_at=due_at,
        held_until=due_at,
        made_by=caller.subject,
        channel=body.channel,
    )
    await store.record_delivery(connection, site_id, delivery)
    return Recorded(str(delivery.delivery_id), [])


def _clock(said: str) -> time:
    return time.fromisoformat(said)


def described_rule(rule: DeliveryRule) -> DeliveryRuleBody:
    """A rule as it is asked for and told."""
    quiet = rule.quiet and {"begins": f"{rule.quiet.begins:%H:%M}", "ends": f"{rule.quiet.ends:%H:%M}"}
    return DeliveryRuleBody.model_validate(asdict(rule) | {"quiet": quiet, "send_at": f"{rule.send_at:%H:%M}"})


def _described(delivery: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        id=delivery.delivery_id,
        kind=delivery.kind,
        state=delivery.state,
        reason=delivery.reason,
        channel=delivery.channel,
        due_at=delivery.due_at,
        attempts=delivery.attempts,
        ended_at=delivery.ended_at,
        made_by=delivery.made_by,
    )
