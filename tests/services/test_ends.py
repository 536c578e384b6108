"""Every list, text and map that a request may hold has an end, in the documents and so in what is read."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from deploy.doors import SERVICES

Schema = dict[str, Any]
# Bounded by other means: the form says what an answer is, the door how much a document has, a channel stands once in a
# rule, and a form of an OAuth request has 16 KiB.
OTHERWISE = {
    "SurveyBody.answers.*",
    "AmendmentBody.answers.*",
    "FormBody",
    "PopulateBody.resources[]",  # of FHIR
    "SurveyRuleBody.forms",  # by diagnosis, of which there are three
    "DeliveryRuleBody.channels",
    "/oauth/token",
    "/v1/fhir/visits",
    "/v1/fhir/surveys",
    *("Context", "HookCall", "FhirAuthorization", "Feedback", "Outcome"),  # of CDS Hooks: what it adds is passed over
    "/v1/imports",
}


def parts_of(document: Schema, schema: Schema, at: str) -> Iterator[tuple[str, Schema]]:
    """Every schema in a request's, with the place that it describes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from parts_of(document, document["components"]["schemas"][name], name)
        return
    yield at, schema
    for inner in schema.get("anyOf", ()):
        yield from parts_of(document, inner, at)
    if "items" in schema:
        yield from parts_of(document, schema["items"], f"{at}[]")
    for name, inner in schema.get("properties", {}).items():
        yield from parts_of(document, inner, f"{at}.{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from parts_of(document, schema["additionalProperties"], f"{at}.*")


def requests_of(document: Schema) -> Iterator[tuple[str, Schema]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from parts_of(document, content["schema"], path)


def has_end(schema: Schema) -> bool:
    match schema.get("type"):
        case "array":
            return "maxItems" in schema
        case "string":
            return bool({"maxLength", "enum", "const", "format"} & set(schema)) or _is_short(schema.get("pattern", ""))
        case "object":
            return schema.get("additionalProperties") is False or "maxProperties" in schema
    return True


def _is_short(pattern: str) -> bool:
    signs = pattern.replace(r"\+", "")  # a plus itself
    return pattern.startswith("^") and pattern.endswith("$") and not {"*", "+"} & set(signs)


@pytest.mark.parametrize("service", SERVICES)
def test_all_that_a_request_may_hold_has_an_end(service: str) -> None:
    document = import_module(f"services.{service}.app").document()
    endless = {at for at, schema in requests_of(document) if not has_end(schema)}
    assert {at for at in endless if not any(at.startswith(other) for other in OTHERWISE)} == set()


def test_the_look_finds_what_has_no_end() -> None:
    assert not has_end({"type": "array", "items": {}})
    assert not has_end({"type": "string", "pattern": "^a+$"})
    assert not has_end({"type": "object", "additionalProperties": {}})
