"""The OpenAPI documents: what is true of every operation is said here once.

- Each status that may be answered stands by itself. The `default` that FastAPI would write promises nothing: every
  status would be as documented.
- Many items may come as NDJSON wherever a list of them may.
- Links lead from what was made to what can be done with it: from a visit to its links, from a write to its receipt.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI

from shared.http.ndjson import NDJSON
from shared.http.problems import TITLES

_REFUSED_BY_ANY_DOOR = (414, 429, 431, 503)
_PROBLEM = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
Operation = dict[str, Any]


def described(app: FastAPI) -> dict[str, Any]:
    """The application's OpenAPI 3.1 document; needs no settings and opens nothing."""
    document = app.openapi()
    components = document["components"]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    document["security"] = [{"token": []}]
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    used = {status for method, _, operation in operations for status in _answer(method, operation)}
    components["responses"] = {
        f"Problem{status}": {"description": TITLES[status], "content": {"application/problem+json": _PROBLEM}}
        for status in sorted(used)
    }
    for _, _, operation in operations:
        _take_lines(operation.get("requestBody", {}).get("content", {}))
    for method, path, making in operations:
        for answer in making["responses"].values() if method == "post" else ():
            if links := dict(_links(path, _made(answer, components["schemas"]), operations)):
                answer["links"] = links
    return document


def _take_lines(content: Operation) -> None:
    """Name NDJSON beside one item or a list of them, the body of a `Batch`."""
    match content.get("application/json", {}).get("schema"):
        case {"anyOf": [one, {"type": "array", "items": item}]} if one == item:
            content.update({kind: {"schema": one} for kind in NDJSON})


def _answer(method: str, operation: Operation) -> list[int]:
    """Name the refusals of an operation. A status that it names itself may be a problem document too."""
    answers = operation["responses"]
    del answers["default"]
    statuses = sorted(set(_refusals(method, operation)))
    for status in statuses:
        if str(status) in answers:
            answers[str(status)]["content"]["application/problem+json"] = _PROBLEM
        else:
            answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return statuses


def _refusals(method: str, operation: Mapping[str, Any]) -> Iterator[int]:
    is_closed = "security" not in operation
    yield from _REFUSED_BY_ANY_DOOR
    if is_closed:
        yield from (401, 403)
    if "parameters" in operation:
        yield from (400, 404, 422)
    if "requestBody" in operation:
        yield from (400, 408, 413, 415, 422)
    if is_closed and method != "get":
        yield from (404, 409, 410)


def _made(answer: Operation, schemas: Mapping[str, Any]) -> dict[str, str]:
    """Where the id and the receipt of what was made stand in an answer, as far as it has them."""
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    thing, name = ("/items/0", "Accepted") if name == "BatchAnswer" else ("", name)
    members = schemas.get(name, {}).get("properties", {})
    return {member: f"$response.body#{thing}/{member}" for member in ("id", "receipt") if member in members}


def _links(
    made_at: str, made: Mapping[str, str], operations: Sequence[tuple[str, str, Operation]]
) -> Iterator[tuple[str, Operation]]:
    """What can be done with something that was made: what lies below it, and its receipt."""
    for _, path, operation in operations:
        if parameters := _parameters_after(made_at, made, path):
            yield operation["operationId"], {"operationId": operation["operationId"], "parameters": parameters}


def _parameters_after(made_at: str, made: Mapping[str, str], path: str) -> dict[str, str]:
    """What to ask `path` for then; nothing where it does not lead to what was made."""
    if path == "/v1/receipts/{receipt}" and "receipt" in made:
        return {"receipt": made["receipt"]}
    new, *more = _names(path.removeprefix(made_at)) or [""]
    if "id" not in made or not path.startswith(f"{made_at}/{{{new}}}") or more:
        return {}
    return {name: f"$request.path.{name}" for name in _names(made_at)} | {new: made["id"]}


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
