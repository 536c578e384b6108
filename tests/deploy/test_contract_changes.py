"""Every rule of compatibility: the change that breaks somebody is found, its harmless neighbour is not."""

import json
import re
from collections.abc import Callable
from enum import Enum
from types import GenericAlias
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from deploy.contracts.api_changes import api_changes
from deploy.contracts.schema_changes import EVENT, REQUEST, RESPONSE, schema_changes
from services.dashboard.app import document

Fields = dict[str, Any]
Word = (str, ...)
Number = (int, ...)


def schema(fields: Fields, *, name: str = "Body", extra: Literal["ignore", "forbid"] = "ignore") -> dict[str, Any]:
    return model(fields, name=name, extra=extra).model_json_schema(mode="serialization")


def model(fields: Fields, *, name: str = "Part", extra: Literal["ignore", "forbid"] = "ignore") -> type[BaseModel]:
    made: type[BaseModel] = create_model(name, __config__=ConfigDict(extra=extra), **fields)
    return made


def one_of(*values: str) -> Any:
    return (Enum("Code", {value: value for value in values}, type=str), ...)


def limited(**limits: Any) -> Any:
    return (Annotated[int, Field(**limits)], ...)


def text(pattern: str | None) -> Any:
    return (Annotated[str, Field(pattern=pattern)], ...)


def several(part: type[BaseModel]) -> Any:
    return (GenericAlias(list, (part,)), ...)


def kind(name: str, **fields: Any) -> type[BaseModel]:
    return model({"kind": (Literal[name], ...), **fields}, name=name.capitalize())


def tagged(*kinds: type[BaseModel]) -> Any:
    union: Any = kinds[0]
    for each in kinds[1:]:
        union |= each
    return (Annotated[union, Field(discriminator="kind")], ...)


LAB = kind("lab", value=(float, ...))
NOTE = kind("note", code=Word)
PLAN = kind("plan", step=Word)

# What is done, before, after, where it is found.
BREAKS_READERS: list[tuple[str, Fields, Fields, str]] = [
    ("a required field is removed", {"a": Word, "b": Word}, {"a": Word}, "/properties/b"),
    ("an optional field is removed", {"a": Word, "b": (str | None, None)}, {"a": Word}, "/properties/b"),
    ("a required field is added", {"a": Word}, {"a": Word, "b": Word}, "/properties/b"),
    ("a type is changed", {"a": Word}, {"a": Number}, "/properties/a"),
    ("a whole number becomes any number", {"a": Number}, {"a": (float, ...)}, "/properties/a"),
    ("an optional field becomes required", {"a": (str, "")}, {"a": Word}, "/properties/a"),
    ("a required field becomes optional", {"a": Word}, {"a": (str, "")}, "/properties/a"),
    ("a value may be null", {"a": Word}, {"a": (str | None, ...)}, "/properties/a"),
    ("a value may not be null any more", {"a": (str | None, ...)}, {"a": Word}, "/properties/a"),
    ("an absent field means another value", {"a": (bool, False)}, {"a": (bool, True)}, "/properties/a/default"),
    ("a code is removed", {"a": one_of("x", "y")}, {"a": one_of("x")}, "/$defs/Code/enum"),
    ("a code is added", {"a": one_of("x")}, {"a": one_of("x", "y")}, "/$defs/Code/enum"),
    ("text becomes a code", {"a": Word}, {"a": one_of("x", "y")}, "/$defs/Code/enum"),
    ("a code becomes text", {"a": one_of("x", "y")}, {"a": Word}, "/properties/a/enum"),
    ("a constant changes", {"a": (Literal["x"], ...)}, {"a": (Literal["y"], ...)}, "/properties/a/const"),
    ("a lower limit rises", {"a": limited(ge=0)}, {"a": limited(ge=1)}, "/properties/a/minimum"),
    ("a lower limit falls", {"a": limited(ge=1)}, {"a": limited(ge=0)}, "/properties/a/minimum"),
    ("an upper limit falls", {"a": limited(le=9)}, {"a": limited(le=5)}, "/properties/a/maximum"),
    ("a limit is added", {"a": limited()}, {"a": limited(le=5)}, "/properties/a/maximum"),
    ("a limit is removed", {"a": limited(le=5)}, {"a": limited()}, "/properties/a/maximum"),
    ("a pattern changes", {"a": text("^a")}, {"a": text("^b")}, "/properties/a/pattern"),
    ("items change their type", {"a": (list[str], ...)}, {"a": (list[int], ...)}, "/properties/a/items"),
    (
        "values of a map change their type",
        {"a": (dict[str, str], ...)},
        {"a": (dict[str, int], ...)},
        "/properties/a/additionalProperties",
    ),
    (
        "a field of a part is removed",
        {"a": several(model({"x": Word, "y": Word}))},
        {"a": several(model({"x": Word}))},
        "/$defs/Part/properties/y",
    ),
    ("a kind is removed", {"a": tagged(LAB, NOTE)}, {"a": tagged(LAB)}, "/properties/a"),
    ("a kind is added", {"a": tagged(LAB, NOTE)}, {"a": tagged(LAB, NOTE, PLAN)}, "/properties/a"),
    (
        "a field of a kind is removed",
        {"a": tagged(NOTE, kind("lab", value=(float, ...), unit=Word))},
        {"a": tagged(NOTE, LAB)},
        "/$defs/Lab/properties/unit",
    ),
]

HARMS_NOBODY: list[tuple[str, Fields, Fields]] = [
    ("an optional field is added", {"a": Word}, {"a": Word, "b": (str | None, None)}),
    ("an optional field with limits is added", {"a": Word}, {"a": Word, "b": (Annotated[int, Field(ge=0)], 0)}),
    ("a field is described", {"a": Word}, {"a": (str, Field(description="Words", title="Other", examples=["x"]))}),
    ("fields change their order", {"a": Word, "b": Number}, {"b": Number, "a": Word}),
    ("codes change their order", {"a": one_of("x", "y")}, {"a": one_of("y", "x")}),
    ("null is named first", {"a": (str | None, ...)}, {"a": (None | str, ...)}),
    ("a part changes its name", {"a": (model({"x": Word}), ...)}, {"a": (model({"x": Word}, name="Piece"), ...)}),
    (
        "a part gains an optional field",
        {"a": (model({"x": Word}), ...)},
        {"a": (model({"x": Word, "y": (int, 0)}), ...)},
    ),
    ("kinds change their order", {"a": tagged(LAB, NOTE)}, {"a": tagged(NOTE, LAB)}),
    ("a limit stays", {"a": limited(ge=0, le=9)}, {"a": (Annotated[int, Field(ge=0, le=9, description="Nine")], ...)}),
    ("a pattern stays", {"a": text("^a")}, {"a": text("^a"), "b": (str | None, None)}),
    ("items stay", {"a": (list[str], ...)}, {"a": (list[str], Field(description="Words"))}),
    ("values of a map stay", {"a": (dict[str, str], ...)}, {"a": (dict[str, str], Field(description="Words"))}),
    ("an absent field means the same", {"a": (bool, False)}, {"a": (bool, Field(False, description="Words"))}),
]


@pytest.mark.parametrize(
    ("old", "new", "where"), [case[1:] for case in BREAKS_READERS], ids=[c[0] for c in BREAKS_READERS]
)
def test_a_change_that_breaks_readers_of_events_is_found_where_it_is(old: Fields, new: Fields, where: str) -> None:
    found = list(schema_changes(schema(old), schema(new), EVENT))
    assert {change.pointer for change in found} == {where}


@pytest.mark.parametrize(("old", "new"), [case[1:] for case in HARMS_NOBODY], ids=[c[0] for c in HARMS_NOBODY])
def test_a_change_that_harms_nobody_is_not_found(old: Fields, new: Fields) -> None:
    assert list(schema_changes(schema(old), schema(new), EVENT)) == []


WIDE_AND_NARROW: list[tuple[str, Fields, Fields]] = [
    ("a field", {"a": (str, "")}, {"a": Word}),
    ("null", {"a": (str | None, ...)}, {"a": Word}),
    ("codes", {"a": one_of("x", "y")}, {"a": one_of("x")}),
    ("text and codes", {"a": Word}, {"a": one_of("x", "y")}),
    ("a limit", {"a": limited()}, {"a": limited(le=5)}),
    ("an upper limit", {"a": limited(le=9)}, {"a": limited(le=5)}),
    ("a lower limit", {"a": limited(ge=0)}, {"a": limited(ge=1)}),
    ("a pattern", {"a": text(None)}, {"a": text("^a")}),
    ("kinds", {"a": tagged(LAB, NOTE, PLAN)}, {"a": tagged(LAB, NOTE)}),
    ("anything", {"a": (Any, ...)}, {"a": Word}),
]


@pytest.mark.parametrize(("wide", "narrow"), [c[1:] for c in WIDE_AND_NARROW], ids=[c[0] for c in WIDE_AND_NARROW])
def test_narrowing_breaks_requests_only_and_widening_responses_only(wide: Fields, narrow: Fields) -> None:
    def breaks(old: Fields, new: Fields) -> list[bool]:
        return [any(schema_changes(schema(old), schema(new), use)) for use in (REQUEST, RESPONSE)]

    assert breaks(wide, narrow) == [True, False]
    assert breaks(narrow, wide) == [False, True]


def test_a_kind_that_comes_beside_an_open_one_breaks_nobody_and_beside_closed_ones_it_does() -> None:
    another = model({"kind": Word}, name="Other")
    for use in (EVENT, REQUEST, RESPONSE):
        few, more = schema({"a": (LAB | another, ...)}), schema({"a": (LAB | NOTE | another, ...)})
        assert list(schema_changes(few, more, use)) == []
    few, more = schema({"a": (LAB | PLAN, ...)}), schema({"a": (LAB | NOTE | PLAN, ...)})
    assert [change.what for change in schema_changes(few, more, RESPONSE)] == ["object Note is allowed now"]


def test_another_default_breaks_requests_and_not_responses_which_always_say_it() -> None:
    old, new = schema({"a": (bool, False)}), schema({"a": (bool, True)})
    assert [any(schema_changes(old, new, use)) for use in (REQUEST, RESPONSE)] == [True, False]


def test_a_constant_has_the_type_of_its_value() -> None:
    assert [c.pointer for c in schema_changes({"const": "x"}, {"const": "y"}, REQUEST)] == ["/const"]
    assert [c.pointer for c in schema_changes({"const": "x"}, {"const": 1}, REQUEST)] == [""]
    assert list(schema_changes({"const": "x"}, {"const": "x", "type": "string"}, EVENT)) == []


def test_refusing_unknown_fields_breaks_and_tolerating_them_does_not() -> None:
    tolerant, strict = schema({"a": Word}), schema({"a": Word}, extra="forbid")
    assert [change.pointer for change in schema_changes(tolerant, strict, EVENT)] == ["/additionalProperties"]
    assert list(schema_changes(tolerant, strict, RESPONSE)) == []
    assert list(schema_changes(strict, tolerant, EVENT)) == []
    assert list(schema_changes(strict, {**strict, "additionalProperties": {"type": "string"}}, EVENT)) == []


def test_a_part_that_holds_itself_is_compared_once() -> None:
    def tree(kind: str) -> dict[str, Any]:
        node = {"properties": {"below": {"$ref": "#/$defs/Node"}, "value": {"type": kind}}, "type": "object"}
        return {"$defs": {"Node": node}, "$ref": "#/$defs/Node"}

    found = list(schema_changes(tree("string"), tree("boolean"), EVENT))
    assert [change.pointer for change in found] == ["/$defs/Node/properties/value"] * 2
    assert list(schema_changes(tree("string"), tree("string"), EVENT)) == []


def test_a_keyword_without_a_rule_of_its_own_may_not_change() -> None:
    def excluding(name: str, value: str) -> dict[str, Any]:
        return {"type": "string", "not": {"$ref": f"#/$defs/{name}"}, "$defs": {name: {"const": value}}}

    found = list(schema_changes(excluding("Old", "x"), excluding("Old", "y"), REQUEST))
    assert [change.pointer for change in found] == ["/not"]
    assert list(schema_changes(excluding("Old", "x"), excluding("New", "x"), REQUEST)) == []


def test_a_rule_beside_a_union_holds_for_each_alternative() -> None:
    def union(limit: int) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "null"}], "maxLength": limit}

    assert [c.pointer for c in schema_changes(union(9), union(5), EVENT)][:1] == ["/anyOf/0/maxLength"]
    assert list(schema_changes(union(9), union(9), EVENT)) == []


# OpenAPI

VISIT = "/paths/~1v1~1visits/post"
BODY = f"{VISIT}/requestBody/content/application~1json/schema"
ANSWER = f"{VISIT}/responses/201/content/application~1json/schema"


def json_content(fields: Fields) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema(fields)}}}


def api(
    request: Fields | None = None,
    response: Fields | None = None,
    *,
    parameters: list[dict[str, Any]] | None = None,
    body_required: bool = True,
) -> dict[str, Any]:
    """A document with one operation."""
    operation: dict[str, Any] = {
        "parameters": parameters or [],
        "requestBody": {"required": body_required, **json_content(request or {"a": Word})},
        "responses": {"201": json_content(response or {"id": Word}), "404": {"description": "Unknown"}},
    }
    return {"openapi": "3.1.0", "paths": {"/v1/visits": {"post": operation}}}


def parameter(name: str = "site", kind: str = "string", *, required: bool = False) -> dict[str, Any]:
    return {"in": "query", "name": name, "required": required, "schema": {"type": kind}}


def pointers(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(change.pointer for change in api_changes(old, new)))


def operation_of(document: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = document["paths"]["/v1/visits"]["post"]
    return operation


def altered(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = api()
    change(document)
    return document


def test_a_path_that_goes_is_found_and_one_that_comes_is_not() -> None:
    more = altered(lambda document: document["paths"].update({"/v1/sites": {}}))
    assert pointers(more, api()) == ["/paths/~1v1~1sites"]
    assert pointers(api(), more) == []


def test_a_method_that_goes_is_found_and_one_that_comes_is_not() -> None:
    more = altered(lambda document: document["paths"]["/v1/visits"].update(get={"responses": {}}))
    assert pointers(more, api()) == ["/paths/~1v1~1visits/get"]
    assert pointers(api(), more) == []


def test_a_response_field_that_goes_is_found_and_one_that_comes_is_not() -> None:
    more = api(response={"id": Word, "sequence": Number})
    assert pointers(more, api()) == [f"{ANSWER}/properties/sequence"]
    assert pointers(api(), more) == []


def test_a_response_field_that_becomes_optional_is_found_and_one_that_becomes_required_is_not() -> None:
    optional = api(response={"id": (str, "")})
    assert pointers(api(), optional) == [f"{ANSWER}/properties/id"]
    assert pointers(optional, api()) == []


def test_a_new_required_request_field_is_found_and_a_new_optional_one_is_not() -> None:
    assert pointers(api(), api({"a": Word, "b": Word})) == [f"{BODY}/properties/b"]
    assert pointers(api(), api({"a": Word, "b": (str, "")})) == []


def test_a_request_field_that_becomes_required_is_found_and_one_that_becomes_optional_is_not() -> None:
    assert pointers(api({"a": (str, "")}), api()) == [f"{BODY}/properties/a"]
    assert pointers(api(), api({"a": (str, "")})) == []


def test_a_request_enum_that_loses_a_value_is_found_and_one_that_gains_a_value_is_not() -> None:
    few, many = (Literal["x", "y"], ...), (Literal["x", "y", "z"], ...)
    assert pointers(api({"a": many}), api({"a": few})) == [f"{BODY}/properties/a/enum"]
    assert pointers(api({"a": few}), api({"a": many})) == []


def test_a_response_enum_that_gains_a_value_is_found_and_one_that_loses_a_value_is_not() -> None:
    few, many = (Literal["x", "y"], ...), (Literal["x", "y", "z"], ...)
    assert pointers(api(response={"id": few}), api(response={"id": many})) == [f"{ANSWER}/properties/id/enum"]
    assert pointers(api(response={"id": many}), api(response={"id": few})) == []


def test_a_request_limit_that_tightens_is_found_and_one_that_loosens_is_not() -> None:
    assert pointers(api({"a": limited(le=9)}), api({"a": limited(le=5)})) == [f"{BODY}/properties/a/maximum"]
    assert pointers(api({"a": limited(le=5)}), api({"a": limited(le=9)})) == []


def test_a_status_of_success_that_goes_is_found_and_one_of_an_error_is_not() -> None:
    without_success = altered(lambda document: operation_of(document)["responses"].pop("201"))
    without_error = altered(lambda document: operation_of(document)["responses"].pop("404"))
    assert pointers(api(), without_success) == [f"{VISIT}/responses/201"]
    assert pointers(api(), without_error) == []


def test_a_media_type_that_goes_is_found_and_one_that_comes_is_not() -> None:
    more = altered(lambda document: operation_of(document)["responses"]["201"]["content"].update({"text/csv": {}}))
    assert pointers(more, api()) == [f"{VISIT}/responses/201/content/text~1csv"]
    assert pointers(api(), more) == []


def test_an_answer_that_is_not_described_any_more_is_found_and_one_that_is_now_is_not() -> None:
    bare = altered(lambda document: operation_of(document)["responses"]["201"].update(content={"application/json": {}}))
    assert pointers(api(), bare) == [f"{VISIT}/responses/201/content/application~1json"]
    assert pointers(bare, api()) == []


def test_a_parameter_that_is_required_now_is_found_and_an_optional_one_is_not() -> None:
    assert pointers(api(), api(parameters=[parameter(required=True)])) == [f"{VISIT}/parameters/0"]
    assert pointers(api(), api(parameters=[parameter()])) == []
    optional, required = api(parameters=[parameter()]), api(parameters=[parameter(required=True)])
    assert pointers(optional, required) == [f"{VISIT}/parameters/0"]
    assert pointers(required, optional) == []


def test_a_parameter_that_goes_or_changes_its_type_is_found_and_one_that_moves_is_not() -> None:
    one, two = parameter("one"), parameter("two")
    assert pointers(api(parameters=[one]), api()) == [f"{VISIT}/parameters"]
    number, either = parameter("one", "integer"), {**one, "schema": {"type": ["string", "integer"]}}
    assert pointers(api(parameters=[one]), api(parameters=[number])) == [f"{VISIT}/parameters/0/schema"]
    assert pointers(api(parameters=[either]), api(parameters=[one])) == [f"{VISIT}/parameters/0/schema"]
    assert pointers(api(parameters=[one]), api(parameters=[either])) == []
    assert pointers(api(parameters=[one, two]), api(parameters=[two, one])) == []


def test_a_request_body_that_is_required_now_or_goes_is_found_and_one_that_becomes_optional_is_not() -> None:
    optional, bodiless = api(body_required=False), altered(lambda document: operation_of(document).pop("requestBody"))
    assert pointers(optional, api()) == [f"{VISIT}/requestBody"]
    assert pointers(bodiless, api()) == [f"{VISIT}/requestBody"]
    assert pointers(api(), bodiless) == [f"{VISIT}/requestBody"]
    assert pointers(api(), optional) == []
    assert pointers(bodiless, optional) == []


def test_schemas_shared_by_operations_are_compared_where_they_are_defined() -> None:
    def shared(fields: Fields) -> dict[str, Any]:
        document = api()
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Visit"}}}
        operation_of(document)["responses"]["201"] = {"content": content}
        return {**document, "components": {"schemas": {"Visit": schema(fields)}}}

    found = pointers(shared({"id": Word, "state": Word}), shared({"id": Word}))
    assert found == ["/components/schemas/Visit/properties/state"]
    assert pointers(shared({"id": Word}), shared({"id": Word, "state": Word})) == []


# The page that clinics' own front-ends read

PAGE = "/v1/patients/{patient_id}/page"


@pytest.fixture(scope="module")
def page_api() -> dict[str, Any]:
    """The dashboard's document, with the page alone."""
    whole = document()
    return {**whole, "paths": {PAGE: whole["paths"][PAGE]}}


def with_part(api: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    """The document with another description of one part."""
    schemas = api["components"]["schemas"]
    return {**api, "components": {"schemas": {**schemas, name: {**schemas[name], **changes}}}}


def parts_of(api: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The page and all that is in it, with their members by name; a list of codes has none."""
    found: dict[str, dict[str, Any]] = {}
    left = ["Page"]
    while left:
        name = left.pop()
        if name not in found:
            part = api["components"]["schemas"][name]
            found[name] = part.get("properties", {})
            left += re.findall(r"#/components/schemas/(\w+)", json.dumps(part))
    return found


def test_a_member_of_the_page_that_goes_or_changes_its_name_is_found_however_deep_it_stands(
    page_api: dict[str, Any],
) -> None:
    parts = parts_of(page_api)
    assert {"Page", "LabPoint", "Answered", "EarlierVersion", "NewDose"} <= parts.keys()
    for name, members in parts.items():
        renamed = {f"new_{member}": schema for member, schema in members.items()}
        for now in ({}, renamed):
            found = pointers(page_api, with_part(page_api, name, properties=now))
            assert {f"/components/schemas/{name}/properties/{member}" for member in members} <= set(found)


def test_a_member_that_comes_to_any_part_of_the_page_is_not_found(page_api: dict[str, Any]) -> None:
    for name, members in parts_of(page_api).items():
        if members:
            more = {**members, "another": {"type": "string"}}
            required = [*page_api["components"]["schemas"][name]["required"], "another"]
            assert pointers(page_api, with_part(page_api, name, properties=more, required=required)) == []


def test_an_answer_whose_members_were_only_named_may_say_all_of_them_and_not_the_other_way_round(
    page_api: dict[str, Any],
) -> None:
    members = page_api["components"]["schemas"]["Page"]["properties"]
    named = with_part(page_api, "Page", properties={name: {"description": "Words"} for name in members})
    assert pointers(named, page_api) == []
    assert set(pointers(page_api, named)) >= {f"/components/schemas/Page/properties/{name}" for name in members}


def test_a_kind_that_comes_to_what_changed_or_is_missing_is_not_found(page_api: dict[str, Any]) -> None:
    members = page_api["components"]["schemas"]["Page"]["properties"]
    for member, names_it in (("since", "kind"), ("missing", "what")):
        told = {names_it: {"const": "new", "type": "string"}, "day": {"type": "string"}}
        another = {"title": "New", "type": "object", "required": [names_it, "day"], "properties": told}
        kinds = {"type": "array", "items": {"anyOf": [*members[member]["items"]["anyOf"], another]}}
        assert pointers(page_api, with_part(page_api, "Page", properties={**members, member: kinds})) == []
