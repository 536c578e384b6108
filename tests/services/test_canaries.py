"""What is sent to any route of any service, in any place, comes back in no refusal, log line, metric or header."""

import json
import logging
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from deploy.doors import SERVICES
from shared.auth import Role
from tests.conftest import Apps, Tokens, client_of, new_key

CANARY = "Quagga-Synthetic-1984"
SITE = "riverbend"
Request = dict[str, Any]


def requests_to(document: dict[str, Any]) -> Iterator[Request]:
    """Every operation with the canary in its path, its query, its headers and its body, one after the other."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            plain = {"method": method.upper(), "url": filled(path, str(uuid4())), "headers": new_key()}
            queries = {each["name"]: CANARY for each in operation.get("parameters", ()) if each["in"] == "query"}
            yield plain | {"url": filled(path, CANARY)}
            yield plain | {"params": {**queries, "more": CANARY}}
            yield plain | {"headers": {"idempotency-key": CANARY[:7], "if-none-match": CANARY}}
            yield plain | {"headers": new_key() | {"samepage-site": CANARY, "x-request-id": f"<{CANARY}>"}}
            if "requestBody" in operation:
                names = fields_of(document, operation["requestBody"]) or OF_FHIR
                fields = dict.fromkeys(names, CANARY)
                of_a_patient = {name: str(uuid4()) if name.endswith("_id") else CANARY for name in fields}
                nested = {name: [{name: CANARY}] for name in fields}
                for body in (fields, [fields, of_a_patient], nested, CANARY, [CANARY]):
                    yield plain | {"json": body}
                yield plain | {"content": f'{{"words": "{CANARY}', "headers": new_key() | JSON}
                yield plain | {"content": CANARY, "headers": new_key() | {"content-type": CANARY}}


OF_FHIR = {"resourceType", "url", "version", "title", "item"}  # where a body is a resource as it comes
JSON = {"content-type": "application/json"}


def filled(path: str, value: str) -> str:
    return "/".join(value if part.startswith("{") else part for part in path.split("/"))


def fields_of(document: dict[str, Any], part: Any) -> set[str]:
    """The names of all fields that a body may have, at any depth."""
    found: set[str] = set()
    if isinstance(part, dict):
        found |= set(part.get("properties", ()))
        if "$ref" in part:
            found |= fields_of(document, document["components"]["schemas"][part["$ref"].rpartition("/")[2]])
        for inner in part.values():
            found |= fields_of(document, inner)
    if isinstance(part, list):
        for inner in part:
            found |= fields_of(document, inner)
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_that_was_sent_is_said_again(
    app: Apps, token: Tokens, caplog: pytest.LogCaptureFixture, service: str
) -> None:
    application = await app(service)
    document = import_module(f"services.{service}.app").document()
    caplog.set_level(logging.DEBUG)
    refused = 0
    with capture_logs() as logged:
        for role in (Role.SYSTEM, Role.OPERATOR, Role.PATIENT):
            patient_id = uuid4() if role is Role.PATIENT else None
            async with client_of(application, token(role, [SITE], patient_id=patient_id)) as client:
                for request in requests_to(document):
                    answer = await client.request(**request)
                    said = answer.text + json.dumps(dict(answer.headers))
                    assert CANARY not in said, request
                    assert answer.status_code < 500, request
                    refused += answer.status_code >= 400
        async with client_of(application) as scraper:
            assert CANARY not in (await scraper.get("/metrics")).text
    assert refused > 20
    assert CANARY not in str(logged)
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "asyncio"))]
    assert not [record for record in ours if CANARY in record.getMessage()]
