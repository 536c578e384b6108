"""What a site says to those who answer: a number to call stands on the page, and what is left out is not asked."""

from typing import Any

import orjson
import pytest

from services.intake.domain import OPTIONAL_PARTS
from tests.conftest import Tokens, client_of
from tests.services.clinic import SITE_BODY, Clinic
from tests.services.intake.conftest import OTHER, SITE

RULE = f"/v1/sites/{SITE}/survey-rule"
CARE_LINE = "+1 312 555 0123"


async def test_what_a_site_has_set_is_read_again_and_before_that_everything_is_asked(clinic: Clinic) -> None:
    assert (await clinic.system.get(RULE)).json() == {"care_line": None, "left_out": [], "forms": {}}
    rule = {"care_line": CARE_LINE, "left_out": ["mood"], "forms": {}}
    assert (await clinic.system.put(RULE, json=rule)).json() == rule
    assert (await clinic.system.get(RULE)).json() == rule


async def test_the_number_stands_on_the_survey_and_a_part_that_is_left_out_is_not_asked(
    clinic: Clinic, token: Tokens
) -> None:
    visit = await clinic.visit(await clinic.enrol())
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:

        async def survey() -> str:
            return (await coordinator.get(f"/visits/{visit}/survey/parts/1")).text

        assert "tel:+13125550123" not in await survey()
        before = await survey()
        rule = {"care_line": CARE_LINE, "left_out": sorted(OPTIONAL_PARTS)}
        assert (await clinic.system.put(RULE, json=rule)).status_code == 200
        assert f'<a href="tel:+13125550123">{CARE_LINE}</a>' in await survey()
        assert _parts(before) == _parts(await survey()) + len(OPTIONAL_PARTS)


async def test_who_reads_of_the_site_is_told_the_number_once_it_is_another(clinic: Clinic) -> None:
    async def told() -> list[str | None]:
        rows = await clinic.intake.state.database.rows(
            "SELECT value FROM outbox WHERE topic = 'site-updated' ORDER BY sequence"
        )
        return [orjson.loads(row["value"])["care_line"] for row in rows]

    assert await told() == [None]
    for rule in ({"care_line": CARE_LINE}, {"care_line": CARE_LINE, "left_out": ["mood"]}):
        assert (await clinic.system.put(RULE, json=rule)).status_code == 200
    assert await told() == [None, CARE_LINE], "what patients are not asked concerns nobody else"
    moved = await clinic.system.put(f"/v1/sites/{SITE}", json=SITE_BODY | {"time_zone": "America/Denver"})
    assert moved.json()["receipt"] is not None
    assert (await clinic.system.put(RULE, json={})).status_code == 200
    assert await told() == [None, CARE_LINE, CARE_LINE, None]


def _parts(page: str) -> int:
    """How many parts the page says that there are."""
    return int(page.partition("Part 1 of ")[2][:2])


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"care_line": "call us"}, "care_line"),
        ({"care_line": "911"}, "care_line"),
        ({"care_line": "+1 (((((( 312"}, "care_line"),
        ({"care_line": "1234567890123456"}, "care_line"),
        ({"left_out": ["bowels"]}, "left_out"),
        ({"left_out": ["mood", "mood"]}, "left_out"),
        ({"anything": True}, "anything"),
    ],
)
async def test_what_is_no_number_or_no_optional_part_is_refused(
    clinic: Clinic, rule: dict[str, Any], field: str
) -> None:
    answer = await clinic.system.put(RULE, json=rule)
    assert answer.status_code == 422
    assert [error["field"].partition(".")[0] for error in answer.json()["errors"]] == [field]


async def test_another_site_is_not_there(clinic: Clinic) -> None:
    path = f"/v1/sites/{OTHER}/survey-rule"
    assert (await clinic.system.put(path, json={"care_line": CARE_LINE})).status_code == 404
    assert (await clinic.system.get(path)).status_code == 404
