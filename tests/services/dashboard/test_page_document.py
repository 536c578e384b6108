"""The page's JSON is what its document promises to clinic front-ends."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.api.page_examples import page_examples
from services.dashboard.app import document
from services.dashboard.domain import assemble
from shared.events import Body, Event
from tests.builders import an_enrollment, an_erasure, an_event, one_of_each
from tests.services.dashboard.conftest import PAGE, THERE, Clients
from tests.services.dashboard.documented import check_document, check_documented, parts
from tests.services.dashboard.histories import HISTORY, a_month, a_year_of_care, folded, page_of
from tests.services.dashboard.test_history import HISTORIES, TIGHT
from tests.services.dashboard.test_history import folded as folded_within

ENROLLED = an_event(an_enrollment())
EXAMPLES = page_examples()
FULL = EXAMPLES["page-full-history"]["value"]


# Every page


@pytest.mark.parametrize(
    "history",
    [
        [an_enrollment()],
        [event.body for event in HISTORY],
        [event.body for event in one_of_each()],
        [*(event.body for event in HISTORY), an_erasure()],
        a_year_of_care(),
        [an_enrollment(), *(body for number in range(60) for body in a_month(number))],
    ],
    ids=["enrolled", "history", "one of each", "erased", "a year", "five years"],
)
def test_a_page_is_as_it_is_documented(history: list[Body]) -> None:
    check_documented(page_of(*history))


@given(st.lists(st.sampled_from(HISTORY), max_size=len(HISTORY)))
def test_whatever_has_arrived_so_far_the_page_is_as_it_is_documented(delivered: list[Event]) -> None:
    check_documented(assemble(folded(ENROLLED, *delivered)))


@given(HISTORIES)
def test_the_page_of_a_history_beyond_its_bounds_is_as_it_is_documented(history: list[Event]) -> None:
    check_documented(assemble(folded_within(*history, bounds=TIGHT), TIGHT))


async def test_what_people_get_is_as_it_is_documented(as_: Clients) -> None:
    for role in ("clinician", "coordinator"):
        async with as_(role, THERE) as client:
            answer = (await client.get(PAGE)).json()
            check_document(answer)
            assert answer["clinical"] == ("hidden" if role == "coordinator" else "shown")


# The document


def test_a_part_and_each_of_its_members_is_described() -> None:
    undescribed = [
        (name, member)
        for name, part in parts().items()
        for member, schema in {**part["properties"], "itself": part}.items()
        if not schema.get("description")
    ]
    assert undescribed == []
    assert {"Page", "LabPoint", "Medication", "Step"} < parts().keys()


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("labs", [{**FULL["labs"][0], "another": 1}]),
        ("labs", [{name: value for name, value in FULL["labs"][0].items() if name != "unit"}]),
        ("since", [{"kind": "another"}]),
        ("missing", [{"what": "another"}]),
        ("as_of", "yesterday"),
        ("visit", {**FULL["visit"], "visit_id": 7}),
    ],
)
def test_a_page_that_is_not_as_it_is_documented_is_found(member: str, told: Any) -> None:
    check_document(FULL)
    with pytest.raises(jsonschema_rs.ValidationError):
        check_document({**FULL, member: told})


# Examples


def shown_in(part: Any) -> Iterator[tuple[str, Any]]:
    """Every member that is anywhere in a document, and what it is."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield name, value
            yield from shown_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from shown_in(value)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_as_it_is_documented(name: str) -> None:
    check_document(EXAMPLES[name]["value"])


def test_the_documents_examples_are_whole_and_stand_at_both_ways_to_a_page() -> None:
    described = document()
    assert described["components"]["examples"] == EXAMPLES
    references = {name: {"$ref": f"#/components/examples/{name}"} for name in EXAMPLES}
    for path in ("/v1/patients/{patient_id}/page", "/v1/patients/{patient_id}/links/{link_id}/page"):
        answer = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        assert answer == {"schema": {"$ref": "#/components/schemas/Page"}, "examples": references}


def test_the_example_of_a_full_history_shows_something_of_every_section() -> None:
    bare = {"erased"}
    assert [name for name, value in FULL.items() if not value] == list(bare)
    assert {"<", None} <= {value for name, value in shown_in(FULL["labs"]) if name == "comparator"}
    assert [change["to"] for series in FULL["labs"] for change in series["method_changes"]] == ["CLIA"]
    assert [was["value"] for series in FULL["labs"] for point in series["points"] for was in point["was"]] == [46.0]
    doses = {medication["dose"] for medication in FULL["medications"] if medication["name"] == "adalimumab"}
    assert doses == {"40 mg every 2 weeks", "40 mg every week"}
    assert {step["is_done"] for step in FULL["plan"]} == {True, False}
    assert {"index", "new-method", "new-dose"} <= {change["kind"] for change in FULL["since"]}
    assert FULL["concerns"][0]["words"] == "I wake up at night with cramps"
    assert FULL["survey"]["correction"]["earlier"][0]["version"] == 1


def test_the_other_examples_show_what_is_not_there() -> None:
    names = ("page-for-organising", "page-nothing-yet", "page-erased")
    organising, nothing, erased = (EXAMPLES[name]["value"] for name in names)
    assert (organising["clinical"], organising["labs"], organising["matters_most"]) == ("hidden", [], None)
    assert [step["what"] for step in organising["plan"] if step["what"]] == ["Book the next visit in three months"]
    assert (nothing["survey"], nothing["visits"], nothing["patient"]["birth_year"]) == (None, [], 1992)
    assert (erased["erased"]["reason"], erased["visits"]) == ("patient-request", [])


# Asking again


async def test_who_asks_again_with_both_headers_is_told_that_nothing_is_new_within_one_look(as_: Clients) -> None:
    async with as_("clinician", THERE) as clinician:
        first = (await clinician.get(PAGE)).headers
        both = {"if-none-match": first["etag"], "samepage-view": first["samepage-view"]}
        again = await clinician.get(PAGE, headers=both)
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["samepage-view"]) == (first["etag"], first["samepage-view"])


@pytest.mark.parametrize("form", ["{}", "W/{}", '"another", {}', '"another",W/{} '])
async def test_who_has_this_version_is_told_so_in_whatever_form_the_tag_comes_back(as_: Clients, form: str) -> None:
    async with as_("clinician", THERE) as clinician:
        tag = (await clinician.get(PAGE)).headers["etag"]
        known = await clinician.get(PAGE, headers={"if-none-match": form.format(tag)})
        assert (known.status_code, known.headers["etag"], known.content) == (304, tag, b"")
        assert (await clinician.get(PAGE, headers={"if-none-match": '"another"'})).status_code == 200
