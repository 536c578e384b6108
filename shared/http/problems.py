"""Errors as problem documents (RFC 9457): every answer that is not a success has this one form.

A problem names each bad field and what was expected there; it never repeats what was sent, not even as a field's name.
"""

import re

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from shared.db import RETRYABLE
from shared.errors import FieldError, KeyRingAway, Problem
from shared.http.language import choice_of
from shared.pages.notices import Action, notice
from shared.speech import Said

_OUR_NAME = re.compile(r"^([a-z][a-z0-9_]{0,40}|\d{1,4}|(?i:idempotency-key|samepage-site))$")
_NO_SUCH_PAGE = Said("There is no such page", "Esta página no existe")
_UNREADABLE = Said("Something in its address cannot be read.", "Algo en su dirección no se puede leer.")
_AS_USUAL = Said("Open the page as usual", "Abrir la página como siempre")
_log = structlog.get_logger()
# How pydantic writes the codes of ours that were expected.
_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
TITLES = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Does not fit what is recorded",
    410: "Erased",
    413: "Too large",
    414: "Address too long",
    415: "Unsupported media type",
    422: "Some fields are not valid",
    429: "Too many requests",
    431: "Headers too large",
    500: "Our mistake",
    503: "Not available now",
}


class FieldErrorDocument(BaseModel):
    field: str
    expected: str


class ProblemDocument(BaseModel):
    """`application/problem+json`."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldErrorDocument] = []


RESPONSES: dict[int | str, dict[str, object]] = {
    "default": {
        "description": "A problem document (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        "model": ProblemDocument,
    }
}


def document(problem: Problem) -> dict[str, object]:
    """The problem as JSON members."""
    members: dict[str, object] = {
        "type": f"urn:samepage:problem:{problem.kind}",
        "title": TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
        **problem.extra,
    }
    if problem.errors:
        members["errors"] = [{"field": _name(error), "expected": error.expected} for error in problem.errors]
    return members


def _name(error: FieldError) -> str:
    """A field as we could have named it; a part that a caller made up is only pointed at."""
    if error.is_known:
        return error.field
    return ".".join(part if _OUR_NAME.match(part) else "(another name)" for part in error.field.split("."))


def answer(request: Request, problem: Problem) -> Response:
    """The problem as a document; to a browser that opens a page of ours or sends its form, as a page."""
    if is_for_page(request) and hasattr(request.app.state, "sessions"):
        return HTMLResponse(_page(request, problem), problem.status, problem.headers)
    return Response(
        orjson.dumps(document(problem)),
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def _page(request: Request, problem: Problem) -> str:
    """What a person is told. Who asked for a page filled nothing in: it is its address that is not valid."""
    around = {
        "is_synthetic": request.app.state.platform.is_synthetic,
        "is_signed_in": hasattr(request.state, "caller"),
    }
    if request.method != "GET" or problem.kind != "invalid":
        return notice(TITLES.get(problem.status, "Error"), problem.detail, **around)
    is_in_query = all(error.field.startswith("query.") for error in problem.errors)
    actions = [Action(_AS_USUAL, request.url.path)] if is_in_query else []
    return notice(_NO_SUCH_PAGE, _UNREADABLE, spoken=choice_of(request).if_any, actions=actions, **around)


def is_for_page(request: Request) -> bool:
    """Whether a browser asks for a page or sends a form, and not a program or a script for data."""
    is_form = request.method == "POST" and not request.scope["path"].startswith("/v1/")
    return (request.method == "GET" or is_form) and "text/html" in request.headers.get("accept", "")


def invalid(errors: list[ErrorDetails]) -> Problem:
    """422 out of pydantic's errors, without the values that were sent."""
    fields = [
        FieldError(
            ".".join(str(part) for part in error["loc"] if part != "body") or "body",
            _MEMBER.sub(r"\1", error["msg"]),
        )
        for error in errors
    ]
    return Problem(422, "invalid", f"{len(fields)} field(s) are not valid.", errors=fields)


def away(failure: Exception) -> Problem:
    """503: the database does not answer."""
    _log.warning("database away", failure=type(failure).__name__)
    detail = "Nothing was written, or its outcome is unknown: send it again with the same key."
    return Problem(503, "not-available", detail, headers={"retry-after": "1"})


def no_keys() -> Problem:
    """503: the key ring does not answer."""
    detail = "Patients' words cannot be sealed now, so nothing was written: send it again with the same key."
    return Problem(503, "no-keys", detail, headers={"retry-after": "1"})


def of_http(error: HTTPException) -> Problem:
    """The problem of an error that the framework raised."""
    title = TITLES.get(error.status_code, "Error")
    return Problem(error.status_code, title.lower().replace(" ", "-"), f"{title}.", headers=error.headers)


def install(app: FastAPI) -> None:
    """Answer every exception with its problem."""

    async def on_problem(request: Request, error: Exception) -> Response:
        return answer(request, error if isinstance(error, Problem) else Problem(500, "unexpected", "Our mistake."))

    async def on_invalid(request: Request, error: Exception) -> Response:
        details = error.errors() if isinstance(error, RequestValidationError | ValidationError) else []
        return answer(request, invalid(list(details)))

    async def on_http(request: Request, error: Exception) -> Response:
        return answer(request, of_http(error if isinstance(error, HTTPException) else HTTPException(500)))

    async def on_away(request: Request, error: Exception) -> Response:
        return answer(request, away(error))

    async def on_no_keys(request: Request, error: Exception) -> Response:
        _log.warning("key ring away", reason=str(error))
        return answer(request, no_keys())

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(KeyRingAway, on_no_keys)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    for failure in RETRYABLE:
        app.add_exception_handler(failure, on_away)
