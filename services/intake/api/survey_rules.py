"""What a site says to those who answer: whom they call, which optional parts it does not ask, and which form of its own
the pages ask instead of the shipped one.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.own_forms import OwnForm
from services.intake.api.sites import told_of_site
from services.intake.api.standing import about_site
from services.intake.api.surveys import Means
from services.intake.domain import OPTIONAL_PARTS, unfit_for_pages
from shared import outbox
from shared.audit import Kind
from shared.db import Connection, SiteScope
from shared.errors import FieldError, Problem
from shared.events import Diagnosis, SiteId
from shared.http.access import SiteStaff

router = APIRouter(tags=["surveys"])
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15


def _telephone_number(said: str) -> str:
    if not _FEWEST_DIGITS <= sum(sign.isdigit() for sign in said) <= _MOST_DIGITS:
        raise ValueError(f"a telephone number of {_FEWEST_DIGITS} to {_MOST_DIGITS} digits, as in +1 312 555 0123")
    return said


def _optional(parts: tuple[str, ...]) -> tuple[str, ...]:
    if not OPTIONAL_PARTS.issuperset(parts) or len(set(parts)) < len(parts):
        raise ValueError(f"optional parts of the surveys, each once: {', '.join(sorted(OPTIONAL_PARTS))}")
    return parts


CareLine = Annotated[
    str,
    Field(pattern=r"^\+?[0-9(][0-9 ().-]*[0-9]$", max_length=24, description="As people read it: +1 312 555 0123"),
    AfterValidator(_telephone_number),
]


class SurveyRuleBody(BaseModel):
    """`care_line`: the number that stands on every page for patients. `left_out`: optional parts that are not asked.

    `forms`: by diagnosis the form of the site's own (`url|version` or id) that the pages ask. Who began with another
    goes on with that one; while the form is not in use, the shipped one is asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    care_line: CareLine | None = None
    left_out: Annotated[
        tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20), AfterValidator(_optional)
    ] = ()
    forms: dict[Diagnosis, Annotated[str, Field(max_length=500)]] = {}


@router.put("/v1/sites/{site_id}/survey-rule")
async def set_survey_rule(
    request: Request, site_id: Annotated[SiteId, Path()], body: SurveyRuleBody, caller: SiteStaff
) -> SurveyRuleBody:
    """Say from now on whom a site's patients call, which optional parts it does not ask, and which forms of its own it
    does."""
    means: Means = request.app.state.means
    async with about_site(request, caller, site_id, Kind.WRITE, locks=[(site_id, site_id)]) as connection:
        own = await means.own_forms.named(connection, site_id, body.forms.values())
        forms = _askable(body.forms, own)
        before = await _rule(connection, site_id)
        await store.record_survey_rule(connection, site_id, store.SurveyRule(body.care_line, body.left_out, forms))
        if body.care_line != before.care_line:
            await outbox.add(connection, await told_of_site(connection, site_id))
    return body.model_copy(update={"forms": forms})


@router.get("/v1/sites/{site_id}/survey-rule")
async def read_survey_rule(request: Request, site_id: Annotated[SiteId, Path()], caller: SiteStaff) -> SurveyRuleBody:
    """What a site says to those who answer; no number and every part, where it has not said."""
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        rule = await _rule(connection, site_id)
    # What was set may be optional no more.
    return SurveyRuleBody.model_construct(
        care_line=rule.care_line, left_out=tuple(rule.left_out), forms=dict(rule.forms)
    )


async def _rule(connection: Connection, site_id: str) -> store.SurveyRule:
    return await store.survey_rule(connection, SiteScope.of(site_id), site_id) or store.SurveyRule()


def _askable(forms: Mapping[Diagnosis, str], own: Mapping[str, OwnForm]) -> dict[Diagnosis, str]:
    """The forms by `url|version`.

    Raises:
        Problem: 422, a form is not there or not in use, or what the pages cannot ask of it, by item.
    """
    wrong = [
        FieldError(f"forms.{one}", why, is_known=True) for one, name in forms.items() for why in _unfit(own.get(name))
    ]
    if wrong:
        raise Problem(422, "invalid", "The pages cannot ask these forms.", errors=wrong)
    return {diagnosis: own[name].form.key for diagnosis, name in forms.items()}


def _unfit(own: OwnForm | None) -> Sequence[str]:
    if own is None:
        return ["a form that the site has brought: `url|version` or its id"]
    errors = [*own.unfit, *unfit_for_pages(own.form.definition)]
    return [*own.out_of_use, *(f"{error.field}: {error.expected}" for error in errors)]
