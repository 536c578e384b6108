"""What a site says to those who answer: whom they call, and which optional parts it does not ask."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.standing import about_site
from services.intake.domain import OPTIONAL_PARTS
from shared.audit import Kind
from shared.db import SiteScope
from shared.events import SiteId
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
    """`care_line`: the number that stands on every page of a survey. `left_out`: optional parts that are not asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    care_line: CareLine | None = None
    left_out: Annotated[
        tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20), AfterValidator(_optional)
    ] = ()


@router.put("/v1/sites/{site_id}/survey-rule")
async def set_survey_rule(
    request: Request, site_id: Annotated[SiteId, Path()], body: SurveyRuleBody, caller: SiteStaff
) -> SurveyRuleBody:
    """Say whom a site's patients call, and which optional parts it does not ask from now on."""
    async with about_site(request, caller, site_id, Kind.WRITE) as connection:
        await store.record_survey_rule(connection, site_id, store.SurveyRule(body.care_line, body.left_out))
    return body


@router.get("/v1/sites/{site_id}/survey-rule")
async def read_survey_rule(request: Request, site_id: Annotated[SiteId, Path()], caller: SiteStaff) -> SurveyRuleBody:
    """What a site says to those who answer; no number and every part, where it has not said."""
    async with about_site(request, caller, site_id, Kind.READ) as connection:
        rule = await store.survey_rule(connection, SiteScope.of(site_id), site_id) or store.SurveyRule()
    # What was set may be optional no more.
    return SurveyRuleBody.model_construct(care_line=rule.care_line, left_out=tuple(rule.left_out))
