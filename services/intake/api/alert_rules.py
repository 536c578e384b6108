"""The rules of a site's alerts: which are on and where their thresholds stand; and what part of the surveys alerts.

Every change is kept as a version with who made it and when. An alert stays with the version that raised it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.intake import store
from services.intake.api.alerts import ClinicPeople
from services.intake.api.standing import about_site
from services.intake.domain import (
    LONGEST_CODE,
    NETWORK_RULES,
    RATE_OVER,
    SUBJECT_NAME,
    Comparison,
    Definition,
    Rule,
    RuleSettings,
    Severity,
    Source,
    rule_changed,
)
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.errors import conflict, unknown
from shared.events import SiteId
from shared.http.commands import pool_of
from shared.http.fields import YesNo
from shared.http.record import trail_of
from shared.http.sign_in import sessions_of

router = APIRouter(tags=["alerts"])
NamedRule = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$", description="`severe-pain`, or a name of the site's own")
]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(min_length=1, max_length=LONGEST_CODE)]
TARGET = 0.10
UNSEEN = ""
"""The version that somebody has seen who makes a rule, and means to change none."""


class DefinitionBody(BaseModel):
    """What a rule of the site's own looks at. `name` is the id of an item of a survey, or of an instrument.

    `codes` are for a question that is answered by one: those that count, the mildest first. The first counts 1, the
    second 2, and any other answer meets no rule.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source
    name: str = Field(pattern=SUBJECT_NAME, max_length=80)
    comparison: Comparison
    words_en: Line
    words_es: Line
    citation: Line = Field(description="Where the threshold comes from")
    recall: Line | None = None
    codes: tuple[Code, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _names_codes_once(self) -> Self:
        if len(set(self.codes)) < len(self.codes) or (self.codes and self.source is not Source.ITEM):
            raise ValueError("codes, each once, of an item")
        return self


class RuleBody(BaseModel):
    """How a rule is to be from now on. `definition` makes or rewords a rule of the site's own, and is left out else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_on: YesNo
    threshold: float = Field(ge=-1_000_000, le=1_000_000)
    severity: Severity
    escalates_after: tuple[int, ...] = Field(
        max_length=3, description="Minutes without an owner until it escalates: one number a level"
    )
    quiet_days: int = Field(description="So long the same answer raises no other alert; a worse one does")
    definition: DefinitionBody | None = None


class RuleVersion(BaseModel):
    """A change that the site made."""

    version: str
    changed_by: str
    changed_at: datetime


class RuleAnswer(BaseModel):
    """A rule as it stands. `least` and `most` are the thresholds that a site may choose; null for one of its own."""

    id: str
    version: str
    is_own: bool
    is_on: bool
    definition: DefinitionBody
    threshold: float
    least: float | None
    most: float | None
    severity: Severity
    escalates_after: list[int]
    quiet_days: int
    changes: list[RuleVersion]


class Rules(BaseModel):
    site_id: str
    items: list[RuleAnswer]


class Share(BaseModel):
    """`surveys_alerted` of `surveys` raised an alert, `surveys_suppressed` only repeated one.

    `suppressed_share` is the part that was kept quiet of what met a rule. Both are null where there is nothing.
    """

    surveys: int
    surveys_alerted: int
    surveys_suppressed: int
    rate: float | None
    suppressed_share: float | None


class RuleShare(Share):
    rule_id: str


class AlertRate(Share):
    """Of the surveys that were submitted in the last 30 days. Above the target, alerts are too many to be looked at."""

    site_id: str
    since: datetime
    target: float
    is_within_target: bool | None
    rules: list[RuleShare]


@router.get("/v1/sites/{site_id}/alert-rules")
async def list_alert_rules(request: Request, site_id: Annotated[SiteId, Path()], caller: ClinicPeople) -> Rules:
    """The network's rules as they hold at a site, and the site's own, with every change that was made."""
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        return await rules_of(connection, site_id)


@router.put("/v1/sites/{site_id}/alert-rules/{rule_id}")
async def put_alert_rule(
    request: Request, site_id: Annotated[SiteId, Path()], rule_id: NamedRule, body: RuleBody, caller: ClinicPeople
) -> RuleAnswer:
    """Switch a rule on or off, move its threshold within its bounds, or make a rule of the site's own.

    It holds from the next survey on. Saying again what holds changes nothing.
    """
    return await change_rule(request, caller, site_id, rule_id, body)


async def change_rule(
    request: Request, caller: Caller, site_id: str, rule_id: str, body: RuleBody, *, seen: str | None = None
) -> RuleAnswer:
    """Change a rule of a site or make one, on record; what holds already changes nothing.

    `seen` is the version that its reader has seen, or `UNSEEN`.

    Raises:
        Problem: 404 where there is no such rule or site, 409 `stale` where another version holds by now, 422.
    """
    locks = [(site_id, "alert-rules")]
    async with about_site(request, caller, site_id, Kind.WRITE, locks=locks) as connection:
        changes = await store.rule_changes(connection, SiteScope.of(site_id), site_id)
        known = next((change.rule for change in changes if change.rule.id == rule_id), NETWORK_RULES.get(rule_id))
        rule = rule_changed(_defined(rule_id, known, body), _settings(body), number := len(changes) + 1)
        if known is not None and rule == replace(known, version=rule.version):
            return _described(known, changes)
        if known is not None and seen not in (None, known.version):
            raise conflict("stale", "Somebody has changed this rule since. Look at it again.")
        change = store.RuleChange(rule, caller.subject, sessions_of(request).clock())
        await store.record_rule_change(connection, site_id, number, change)
    return _described(rule, [change, *changes])


@router.get("/v1/sites/{site_id}/alert-rate")
async def read_alert_rate(request: Request, site_id: Annotated[SiteId, Path()], caller: ClinicPeople) -> AlertRate:
    """What part of a site's surveys raised an alert, over the last 30 days and by rule; the target is under 10 %."""
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        return await alert_rate(connection, site_id, sessions_of(request).clock() - RATE_OVER)


async def rules_of(connection: Connection, site_id: str) -> Rules:
    """The rules of a site as they stand, those that are off too: the network's first."""
    changes = await store.rule_changes(connection, SiteScope.of(site_id), site_id)
    rules = {**NETWORK_RULES, **{change.rule.id: change.rule for change in reversed(changes)}}
    return Rules(site_id=site_id, items=[_described(rule, changes) for rule in rules.values()])


async def alert_rates_of(request: Request, caller: Caller) -> list[AlertRate]:
    """Those of all the caller's sites, each on record as read."""
    since = sessions_of(request).clock() - RATE_OVER
    async with transaction(pool_of(request), caller.scope) as connection:
        await trail_of(request).keep(connection, [Entry(site_id, Kind.READ, 200) for site_id in caller.scope.ids])
        return [await alert_rate(connection, site_id, since) for site_id in caller.scope.ids]


async def alert_rate(connection: Connection, site_id: str, since: datetime) -> AlertRate:
    """What part of the surveys that a site's patients have submitted since then raised an alert."""
    scope = SiteScope.of(site_id)
    surveys = await store.count_surveys(connection, scope, site_id, since)
    counts = await store.alert_counts(connection, scope, site_id, since)
    total = next((count for count in counts if count.rule_id is None), store.RuleCount(None, 0, 0))
    share = _share(surveys, total)
    return AlertRate(
        **share,
        site_id=site_id,
        since=since,
        target=TARGET,
        is_within_target=None if share["rate"] is None else share["rate"] < TARGET,
        rules=[
            RuleShare(**_share(surveys, count), rule_id=count.rule_id) for count in counts if count.rule_id is not None
        ],
    )


def _defined(rule_id: str, known: Rule | None, body: RuleBody) -> Rule:
    """The rule that is to be changed, or a new one of the site's own.

    Raises:
        Problem: 404 without a definition and without such a rule, 409 where a rule is to look elsewhere.
    """
    if body.definition is None:
        if known is None:
            raise unknown("rule")
        return known
    if rule_id in NETWORK_RULES:
        raise conflict("rule-of-network", "What a rule of the network looks at is the same at every site.")
    made = body.definition
    definition = Definition(
        source=made.source,
        name=made.name,
        comparison=made.comparison,
        english=made.words_en,
        spanish=made.words_es,
        citation=made.citation,
        recall=made.recall,
        codes=made.codes,
    )
    if known is not None and known.definition.looks_at != definition.looks_at:
        raise conflict("rule-looks-elsewhere", "What a rule looks at stays. Switch it off and make another one.")
    return Rule(rule_id, "", definition, _settings(body))


def _settings(body: RuleBody) -> RuleSettings:
    return RuleSettings(
        threshold=body.threshold,
        severity=body.severity,
        escalates_after=body.escalates_after,
        quiet_days=body.quiet_days,
        is_on=body.is_on,
    )


def _described(rule: Rule, changes: Sequence[store.RuleChange]) -> RuleAnswer:
    definition, settings = rule.definition, rule.settings
    least, most = rule.bounds or (None, None)
    return RuleAnswer(
        id=rule.id,
        version=rule.version,
        is_own=rule.id not in NETWORK_RULES,
        is_on=settings.is_on,
        definition=DefinitionBody(
            source=definition.source,
            name=definition.name,
            comparison=definition.comparison,
            words_en=definition.english,
            words_es=definition.spanish,
            citation=definition.citation,
            recall=definition.recall,
            codes=definition.codes,
        ),
        threshold=settings.threshold,
        least=least,
        most=most,
        severity=settings.severity,
        escalates_after=list(settings.escalates_after),
        quiet_days=settings.quiet_days,
        changes=[
            RuleVersion(version=one.rule.version, changed_by=one.changed_by, changed_at=one.changed_at)
            for one in changes
            if one.rule.id == rule.id
        ],
    )


def _share(surveys: int, count: store.RuleCount) -> Mapping[str, float | None]:
    met = count.raised + count.suppressed
    return {
        "surveys": surveys,
        "surveys_alerted": count.raised,
        "surveys_suppressed": count.suppressed,
        "rate": count.raised / surveys if surveys else None,
        "suppressed_share": count.suppressed / met if met else None,
    }
