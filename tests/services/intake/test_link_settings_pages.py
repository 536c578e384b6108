"""When links go out and what they ask, set on a page without a script."""

from typing import Any

import httpx
import pytest

from tests.conftest import Tokens, client_of
from tests.services.clinic import Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.test_visit_pages import read
from tests.services.trails import trail

HERE = "/link-settings"
RULE = {
    "is_on": "yes",
    "days_before": "10",
    "send_at": "09:30",
    "reminders": "5; 2",
    "quiet_begins": "21:00",
    "quiet_ends": "07:30",
    "channels": "sms,email",
    "sender_name": "Riverbend",
}


async def rule_of(clinic: Clinic) -> dict[str, Any]:
    return dict((await clinic.system.get(f"/v1/sites/{clinic.site}/delivery-rule")).json())


async def test_the_rule_is_shown_and_set_by_its_form(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    assert read(await coordinator.get("/visits")).named("a", href=HERE)
    page = read(await coordinator.get(HERE))
    assert "links go out by hand only" in page.text
    assert page.named("input", name="reminders", value="3, 1")
    assert page.named("input", name="quiet_begins", value="20:00")
    saved = await coordinator.post(f"{HERE}/sends", data=RULE)
    assert (saved.status_code, saved.headers["location"]) == (303, f"{HERE}#sends")
    assert await rule_of(clinic) == {
        "is_on": True,
        "days_before": 10,
        "send_at": "09:30",
        "reminders": [5, 2],
        "quiet": {"begins": "21:00", "ends": "07:30"},
        "channels": ["sms", "email"],
        "sender_name": "Riverbend",
    }
    page = read(await coordinator.get(HERE))
    assert "links go out by themselves" in page.text
    assert "checked" in page.named("input", name="channels", value="sms,email")[0]
    for name in ("days_before", "send_at", "quiet_ends", "sender_name"):
        assert page.named("input", name=name, value=RULE[name])
    bare = RULE | {"reminders": "", "quiet_begins": "", "quiet_ends": "", "sender_name": "", "channels": "email"}
    assert (await coordinator.post(f"{HERE}/sends", data=bare)).status_code == 303
    rule = await rule_of(clinic)
    assert (rule["reminders"], rule["quiet"], rule["channels"], rule["sender_name"]) == ([], None, ["email"], None)
    page = read(await coordinator.get(HERE))
    assert page.named("input", name="quiet_begins", value="")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"is_on": ""}, "is_on"),
        ({"days_before": "61"}, "days_before"),
        ({"days_before": "a week"}, "days_before"),
        ({"send_at": "25:00"}, "send_at"),
        ({"send_at": "22:00"}, "send_at"),
        ({"reminders": "2, 5"}, "reminders"),
        ({"reminders": "10"}, "reminders"),
        ({"reminders": "6 5 4 3 2 1"}, "reminders"),
        ({"reminders": "soon"}, "reminders"),
        ({"quiet_begins": ""}, "quiet_begins"),
        ({"quiet_ends": "21:00"}, "quiet_ends"),
        ({"quiet_begins": "10:00", "quiet_ends": "09:00", "send_at": "09:30"}, "quiet_ends"),
        ({"channels": ""}, "channels"),
        ({"channels": "pigeon"}, "channels"),
        ({"channels": "email,email"}, "channels"),
        ({"sender_name": "R" * 61}, "sender_name"),
    ],
)
async def test_what_does_not_do_is_marked_stays_in_its_field_and_changes_nothing(
    clinic: Clinic, coordinator: httpx.AsyncClient, said: dict[str, str], wrong: str
) -> None:
    before = await rule_of(clinic)
    page = read(await coordinator.post(f"{HERE}/sends", data=RULE | said), 422)
    assert page.marked == {f"sends-{wrong}"}
    assert "Not saved." in page.text
    for name in said.keys() - {"is_on", "channels"}:
        assert page.named("input", name=name, value=said[name])
    assert await rule_of(clinic) == before


async def test_whether_a_link_asks_for_the_birth_year_is_set(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    for said in ("yes", "no"):
        saved = await coordinator.post(f"{HERE}/asks", data={"asks_birth_year": said})
        assert (saved.status_code, saved.headers["location"]) == (303, f"{HERE}#asks")
        page = read(await coordinator.get(HERE))
        assert "checked" in page.named("input", name="asks_birth_year", value=said)[0]
    page = read(await coordinator.post(f"{HERE}/asks", data={"asks_birth_year": "perhaps"}), 422)
    assert [one for _, one, _ in page.elements if one.get("aria-invalid")]


async def test_each_site_has_its_own_and_another_sites_are_not_there(
    clinic: Clinic, coordinator: httpx.AsyncClient, token: Tokens
) -> None:
    async with (
        clinic_of(clinic.intake, token, OTHER) as other,
        client_of(clinic.intake, token("coordinator", [SITE, OTHER])) as both,
    ):
        saved = await both.post(f"{HERE}/sends?site={OTHER}", data=RULE)
        assert saved.headers["location"] == f"{HERE}?site={OTHER}#sends"
        assert ((await rule_of(other))["is_on"], (await rule_of(clinic))["is_on"]) == (True, False)
        assert read(await both.get(f"{HERE}?site={OTHER}")).named("input", name="days_before", value="10")
        assert (await coordinator.get(f"{HERE}?site={OTHER}")).status_code == 404
        assert (await coordinator.post(f"{HERE}/sends?site={OTHER}", data=RULE)).status_code == 404


@pytest.mark.parametrize("role", ["clinician", "system", "operator"])
async def test_links_are_set_on_a_page_by_coordinators(clinic: Clinic, token: Tokens, role: str) -> None:
    async with client_of(clinic.intake, token(role, [] if role == "operator" else [SITE])) as client:
        assert (await client.get(HERE)).status_code == 403
        for form in ("sends", "asks"):
            assert (await client.post(f"{HERE}/{form}", data=RULE)).status_code == 403
    assert (await rule_of(clinic))["is_on"] is False


async def test_reading_and_changing_is_on_record(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    await coordinator.get(HERE)
    await coordinator.post(f"{HERE}/sends", data=RULE)
    await coordinator.post(f"{HERE}/asks", data={"asks_birth_year": "yes"})
    rows = [row for row in await trail(clinic.intake) if row["subject"] == "chris-kim"]
    assert [(row["route"], row["kind"], row["site_id"]) for row in rows] == [
        ("show_settings_of_links", "read", SITE),
        ("set_delivery_rule_by_form", "write", SITE),
        ("set_link_rule_by_form", "write", SITE),
    ]
