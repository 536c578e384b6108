"""An alert as a site's people are told of it: whom it is about, the answer in words, the rule, and how it stands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake import store
from services.intake.api.own_forms import OwnForms
from services.intake.domain import (
    EVERY_NETWORK_RULE,
    FORMS,
    AlertState,
    Comparison,
    Form,
    Outcome,
    Rule,
    Severity,
    Source,
    answer_in_words,
    met_in_words,
    subject_of,
)
from shared.db import Connection, SiteScope
from shared.events import Language


class PinnedRule(BaseModel):
    """The version of the rule that raised an alert, and where its threshold comes from. `codes` count 1, 2, ..."""

    id: str
    version: str
    words_en: str
    words_es: str
    source: Source
    name: str
    comparison: Comparison
    threshold: float
    codes: list[str]
    met: str = Field(description="When it is met, in the words of the question, in the language of the alert's words")
    recall: str | None
    citation: str


class ToldAnswer(BaseModel):
    """What became of the notices that were made last of an alert, at `at`, one an address: `sent` of `made` were taken,
    `not_sent` are given up, and `why_not` is the code that a try of one ended with. None is made of an alert that
    somebody took at once, nor where the site has set no address.
    """

    at: datetime | None
    made: int
    sent: int
    not_sent: int
    why_not: str | None


class AlertAnswer(BaseModel):
    """An alert. `question` and `chosen` are what the patient was asked and answered; `waiting_s` is how long nobody has
    taken it, null when somebody has. `escalation` counts the levels that were reached. `is_late`: the survey was
    entered days after it was given; `is_in_error`: it was marked as entered in error since; `is_amended`: it was
    amended since, so that the answer may be another one. `times_repeated` counts later surveys that met the rule too
    and raised no alert, `worst_repeated` is the worst answer there.
    """

    id: UUID
    site_id: str
    patient_id: UUID
    birth_year: int
    diagnosis: str
    survey_id: UUID
    visit_id: UUID
    visit_at: datetime
    time_zone: str
    severity: Severity
    rule: PinnedRule
    question: str
    answer: float
    chosen: str
    language: Language = Field(description="That of `question` and `chosen`")
    submitted_at: datetime
    raised_at: datetime
    is_late: bool
    is_in_error: bool
    is_amended: bool
    waiting_s: int | None
    escalation: int
    state: AlertState
    owner: str | None
    version: int
    outcome: Outcome | None
    closed_at: datetime | None
    repeats: UUID | None
    times_repeated: int
    last_repeated_at: datetime | None
    worst_repeated: str | None
    told: ToldAnswer


class OfSites(NamedTuple):
    """What sites have made of their own that alerts are told by: versions of rules, and forms that were answered; by
    site and key.
    """

    rules: Mapping[tuple[str, str], Rule]
    forms: Mapping[tuple[str, str], Form]


async def of_sites(
    connection: Connection, scope: SiteScope, own_forms: OwnForms, shown: Iterable[store.ShownAlert]
) -> OfSites:
    """What these alerts are told by."""
    asked: dict[str, set[str]] = defaultdict(set)
    for one in shown:
        asked[one.alert.site_id].add(one.alert.form)
    forms = {
        (site_id, name): own.form
        for site_id, names in asked.items()
        for name, own in (await own_forms.named(connection, site_id, names)).items()
    }
    return OfSites(await store.pinned_rules(connection, scope), forms)


def described(shown: store.ShownAlert, made: OfSites, now: datetime, language: Language) -> dict[str, object]:
    """What an answer says of an alert."""
    alert = shown.alert
    rule = made.rules.get((alert.site_id, alert.rule)) or EVERY_NETWORK_RULE[alert.rule]
    form = FORMS.get(alert.form) or made.forms.get((alert.site_id, alert.form))
    in_words = partial(answer_in_words, form, rule.definition, language=language)
    question, chosen = in_words(alert.answer)
    is_waiting, worst = alert.state is AlertState.OPEN, shown.worst_repeated
    return {
        "id": alert.alert_id,
        "site_id": alert.site_id,
        "patient_id": alert.patient_id,
        "birth_year": shown.birth_year,
        "diagnosis": shown.diagnosis,
        "survey_id": alert.survey_id,
        "visit_id": alert.visit_id,
        "visit_at": shown.visit_at,
        "time_zone": shown.time_zone,
        "severity": alert.severity,
        "rule": _pinned(rule, form, language),
        "question": question,
        "answer": alert.answer,
        "chosen": chosen,
        "language": language,
        "submitted_at": alert.submitted_at,
        "raised_at": alert.raised_at,
        "is_late": alert.is_late,
        "is_in_error": shown.is_in_error,
        "is_amended": shown.is_amended,
        "waiting_s": max(0, int((now - alert.waits_since).total_seconds())) if is_waiting else None,
        "escalation": alert.escalation,
        "state": alert.state,
        "owner": alert.owner,
        "version": alert.version,
        "outcome": alert.outcome,
        "closed_at": alert.closed_at,
        "repeats": alert.repeats,
        "times_repeated": shown.times_repeated,
        "last_repeated_at": shown.last_repeated_at,
        "worst_repeated": None if worst is None else in_words(worst).chosen,
        "told": ToldAnswer(**shown.told._asdict()),
    }


def _pinned(rule: Rule, form: Form | None, language: Language) -> PinnedRule:
    definition, threshold = rule.definition, rule.settings.threshold
    subject = subject_of(definition.source, definition.name, form)
    return PinnedRule(
        id=rule.id,
        version=rule.version,
        words_en=definition.english,
        words_es=definition.spanish,
        source=definition.source,
        name=definition.name,
        comparison=definition.comparison,
        threshold=threshold,
        codes=list(definition.codes),
        met=met_in_words(definition.comparison, definition.codes, threshold, subject, language),
        recall=definition.recall,
        citation=definition.citation,
    )
