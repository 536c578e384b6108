"""Forms that a site brings: taken when they are sound, known by url and version, kept for ever."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.intake.domain import FORMS
from services.intake.domain.questionnaires import compile_questionnaire, difference
from services.intake.domain.questionnaires import extensions as known
from tests.conftest import Tokens, client_of, new_key
from tests.questionnaires import URL, Json, a_form, asking, extension, group, option, questionnaire
from tests.services.clinic import Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.trails import trail

FORM = questionnaire(group("g", asking("pain", "integer")), title="How it went")


async def brought(clinic: Clinic, **changes: Any) -> httpx.Response:
    return await clinic.system.post("/v1/forms", json=FORM | changes, headers=new_key())


async def new_form(clinic: Clinic, **changes: Any) -> str:
    answer = await brought(clinic, **changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def all_listed(clinic: Clinic) -> list[Json]:
    answer = await clinic.system.get("/v1/forms")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def listed(clinic: Clinic) -> list[Json]:
    """Those that the site brought."""
    return [one for one in await all_listed(clinic) if one["uploaded_at"] is not None]


async def test_a_form_is_given_back_as_it_came_and_is_listed_newest_first(clinic: Clinic) -> None:
    first, second = await new_form(clinic), await new_form(clinic, version="2.0", status="draft")
    assert (await clinic.system.get(f"/v1/forms/{first}")).json() == FORM
    found = await listed(clinic)
    assert [(one["id"], one["version"], one["state"], one["title"]) for one in found] == [
        (second, "2.0", "draft", "How it went"),
        (first, "1.0", "active", "How it went"),
    ]
    assert all(one["uploaded_by"] and one["uploaded_at"] for one in found)


async def test_who_brings_a_form_is_told_what_the_pages_cannot_ask_and_what_is_not_kept(clinic: Clinic) -> None:
    doctor, photo = asking("doctor", "reference"), asking("photo", "attachment")
    answer = await brought(clinic, item=[group("g", doctor, photo)])
    assert answer.status_code == 201, answer.text
    outcome = answer.json()["outcome"]
    assert {issue["severity"] for issue in outcome["issue"]} == {"warning"}
    told = [(issue.get("diagnostics"), issue["details"]["text"]) for issue in outcome["issue"]]
    assert told == [
        (
            "linkId photo",
            "No answers to this form are taken. Expected: no question for a file: files are not kept here.",
        ),
        (None, "The pages cannot ask this form, so no link leads to it."),
        (None, "Who gives no answer on the pages says why: give the form explicit-skip."),
        ("linkId doctor", "The pages have no place for an item of type reference."),
        ("linkId photo", "The pages have no place for an item of type attachment."),
    ]
    again = await brought(clinic, item=[group("g", doctor, photo)])
    assert again.json()["outcome"] == outcome
    rule = {"forms": {"crohns-disease": answer.json()["id"]}}
    refused = (await clinic.system.put(f"/v1/sites/{SITE}/survey-rule", json=rule)).json()["errors"]
    assert "doctor: The pages have no place for an item of type reference." in [one["expected"] for one in refused]


async def test_who_brings_a_form_is_told_that_the_pages_cannot_send_what_hides_and_requires_an_item(
    clinic: Clinic,
) -> None:
    hidden = asking("source", "string", extension(known.HIDDEN, valueBoolean=True), required=True)
    issues = (await brought(clinic, item=[group("g", hidden)])).json()["outcome"]["issue"]
    assert [issue["details"]["text"] for issue in issues if issue.get("diagnostics") == "linkId source"] == [
        "The pages show nobody a hidden item, so that what it requires would never be there."
    ]


async def test_a_form_that_is_only_tried_is_told_the_same_and_not_kept(clinic: Clinic) -> None:
    async def tried(form: Json) -> httpx.Response:
        return await clinic.system.post("/v1/forms", params={"dry_run": True}, json=form, headers=new_key())

    first = await tried(FORM)
    assert (first.status_code, await listed(clinic)) == (200, [])
    assert first.json() == (await brought(clinic)).json()["outcome"]
    assert (await tried(FORM | {"status": "wrong"})).status_code == 422
    assert (await tried(FORM | {"title": "Another"})).status_code == 409
    reasons = [extension(known.EXPLICIT_SKIP, valueBoolean=True)]
    well = await tried(FORM | {"version": "2.0", "extension": reasons})
    assert [issue["details"]["text"] for issue in well.json()["issue"]] == ["All is well."]
    assert len(await listed(clinic)) == 1


async def test_the_same_content_again_is_the_same_form_and_other_content_is_refused(clinic: Clinic) -> None:
    first = await new_form(clinic)
    assert await new_form(clinic) == first
    reordered = dict(reversed(FORM.items()))
    assert (await clinic.system.post("/v1/forms", json=reordered, headers=new_key())).json()["id"] == first
    other = await brought(clinic, item=[asking("pain", "decimal")])
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (409, "form-exists")
    assert (await clinic.system.get(f"/v1/forms/{first}")).json() == FORM


async def test_what_a_form_cannot_become_is_refused_with_the_code_that_was_expected(clinic: Clinic) -> None:
    form = await new_form(clinic)
    answer = await clinic.system.patch(f"/v1/forms/{form}", json={"state": "draft"})
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"field": "state", "expected": "Input should be 'active' or 'retired'"}],
    )


async def test_a_draft_is_put_to_use_and_again_changes_nothing(clinic: Clinic) -> None:
    form = await new_form(clinic, status="draft")
    for _ in range(2):
        answer = await clinic.system.patch(f"/v1/forms/{form}", json={"state": "active"})
        assert (answer.status_code, answer.json()["id"]) == (200, form)
    assert [one["state"] for one in await listed(clinic)] == ["active"]
    assert (await clinic.system.get(f"/v1/forms/{form}")).json() == FORM
    assert await new_form(clinic, status="draft") == form, "it came as a draft, and is kept as it came"
    (row,) = await clinic.intake.state.database.rows("SELECT activated_at, activated_by FROM form_definition")
    assert row["activated_at"] is not None
    assert row["activated_by"]


async def test_the_same_key_gives_the_same_answer(clinic: Clinic) -> None:
    key = new_key()
    first, again = [await clinic.system.post("/v1/forms", json=FORM, headers=key) for _ in range(2)]
    assert (first.json(), again.headers["idempotent-replayed"]) == (again.json(), "true")


async def test_a_form_that_is_not_sound_is_refused_with_each_reason_at_its_item(clinic: Clinic) -> None:
    refused = await brought(clinic, item=[asking("a", "choice"), asking("b", "slider")], version="")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["form", "a", "b"]
    assert await listed(clinic) == []


@pytest.mark.parametrize("body", [[], [FORM], "form", 3, {"resourceType": "Patient"}])
async def test_what_is_no_form_is_refused(clinic: Clinic, body: object) -> None:
    assert (await clinic.system.post("/v1/forms", json=body, headers=new_key())).status_code == 422


async def test_a_retired_form_is_kept_and_says_so_and_retiring_it_again_changes_nothing(clinic: Clinic) -> None:
    form = await new_form(clinic)
    for _ in range(2):
        answer = await clinic.system.patch(f"/v1/forms/{form}", json={"state": "retired"})
        assert (answer.status_code, answer.json()["id"]) == (200, form)
    (one,) = await listed(clinic)
    assert one["state"] == "retired"
    document = (await clinic.system.get(f"/v1/forms/{form}")).json()
    assert document == FORM | {"status": "retired"}
    assert compile_questionnaire(document).out_of_use("2026-11-26") == ["The form is retired, not active."]
    assert await new_form(clinic) == form, "its version is not free again"
    assert (await listed(clinic))[0]["state"] == "retired"


async def test_a_retirement_cannot_be_taken_back(clinic: Clinic) -> None:
    form = await new_form(clinic, status="draft")
    for state in ("active", "retired"):
        assert (await clinic.system.patch(f"/v1/forms/{form}", json={"state": state})).status_code == 200
    answer = await clinic.system.patch(f"/v1/forms/{form}", json={"state": "active"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "form-retired")
    assert (await listed(clinic))[0]["state"] == "retired"


async def test_two_versions_are_compared_item_by_item(clinic: Clinic) -> None:
    older = await new_form(clinic)
    changed = asking("pain", "integer", extension(known.MAX_VALUE, valueInteger=10), required=True)
    newer = await new_form(clinic, version="2.0", item=[group("g", changed), asking("mood", "string")])
    answer = await clinic.system.get(f"/v1/forms/{newer}/difference/{older}")
    assert answer.json() == {
        "older": f"{URL}|1.0",
        "newer": f"{URL}|2.0",
        "added": ["mood"],
        "removed": [],
        "moved": [],
        "changed": {"pain": ["required", "bounds"]},
        "of_form": [],
    }


def test_what_moved_and_what_else_changed_is_told_apart() -> None:
    older = a_form(group("g", asking("a", "string"), asking("b", "string")), group("h", asking("c", "string")))
    newer = a_form(
        group("g", asking("b", "string", text="Other words")),
        group("h", asking("a", "string"), asking("d", "choice", answerOption=[option("x")])),
        title="Another title",
    )
    found = difference(older, newer)
    assert (found.added, found.removed, found.moved) == (("d",), ("c",), ("b", "h", "a"))
    assert (found.changed, found.of_form) == ({"b": ("words",)}, ("words",))
    assert difference(older, older).changed == {}


async def test_forms_of_another_site_do_not_exist(clinic: Clinic, token: Tokens) -> None:
    form = await new_form(clinic)
    async with clinic_of(clinic.intake, token, OTHER) as other:
        assert await listed(other) == []
        for answer in (
            await other.system.get(f"/v1/forms/{form}"),
            await other.system.patch(f"/v1/forms/{form}", json={"state": "retired"}),
            await other.system.get(f"/v1/forms/{form}/difference/{form}"),
            await other.system.get(f"/v1/forms/{uuid4()}"),
        ):
            assert answer.status_code == 404
        assert await new_form(other) != form
    assert (await listed(clinic))[0]["state"] == "active"


@pytest.mark.parametrize("role", ["clinician", "operator"])
async def test_forms_are_the_coordinators_and_the_systems(clinic: Clinic, token: Tokens, role: str) -> None:
    async with client_of(clinic.intake, token(role, [SITE])) as other:
        assert (await other.get("/v1/forms")).status_code == 403
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        assert (await coordinator.post("/v1/forms", json=FORM, headers=new_key())).status_code == 201


async def test_who_brought_and_who_retired_a_form_is_on_record(clinic: Clinic) -> None:
    form = await new_form(clinic)
    await clinic.system.patch(f"/v1/forms/{form}", json={"state": "retired"})
    assert [row["kind"] for row in await trail(clinic.intake, route="add_form")] == ["write"]
    assert [row["kind"] for row in await trail(clinic.intake, route="change_form")] == ["write"]


async def test_an_attempt_to_retire_a_form_that_is_not_there_is_on_record_at_the_site(clinic: Clinic) -> None:
    answer = await clinic.system.patch(f"/v1/forms/{uuid4()}", json={"state": "retired"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "not-found")
    (row,) = await trail(clinic.intake, route="change_form")
    assert (row["kind"], row["status"], row["site_id"]) == ("denied", 404, SITE)


async def test_forms_that_ship_are_listed_read_and_never_retired_or_replaced(clinic: Clinic) -> None:
    own = await new_form(clinic)
    first, *shipped = await all_listed(clinic)
    assert (first["id"], len(shipped)) == (own, len(FORMS))
    for one, form in zip(shipped, FORMS.values(), strict=True):
        assert (one["url"], one["state"], one["uploaded_by"]) == (form.definition.url, "active", None)
        assert UUID(one["id"]).version == 5
        assert (await clinic.system.get(f"/v1/forms/{one['id']}")).json() == form.definition.resource
    last = shipped[-1]
    retired = await clinic.system.patch(f"/v1/forms/{last['id']}", json={"state": "retired"})
    replaced = await brought(clinic, url=last["url"], version=last["version"], title="Ours")
    assert [answer.json()["type"].rpartition(":")[2] for answer in (retired, replaced)] == [
        "form-shipped",
        "form-exists",
    ]


async def test_a_form_that_ships_brought_again_unchanged_is_the_same_form(clinic: Clinic) -> None:
    shipped = (await all_listed(clinic))[0]
    assert await new_form(clinic, **(await clinic.system.get(f"/v1/forms/{shipped['id']}")).json()) == shipped["id"]
    assert await listed(clinic) == []
