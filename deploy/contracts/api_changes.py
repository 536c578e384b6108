"""Which differences between two OpenAPI documents break a caller.

Compared are paths, methods, parameters, request bodies, statuses of success, media types and every schema in them.
Not compared are words, response headers, security, and which errors an operation may answer with.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.contracts.changes import Change, below
from deploy.contracts.schema_changes import REQUEST, RESPONSE, Use, schema_changes

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
Document = Mapping[str, Any]


def api_changes(old: Document, new: Document) -> Iterator[Change]:
    """What a caller of the old document would stumble over in the new one."""
    comparison = _Comparison(old, new)
    for path, before in old["paths"].items():
        now = new["paths"].get(path)
        if now is None:
            yield Change(below("/paths", path), "the path was removed")
        else:
            yield from comparison.methods(below("", "paths", path), before, now)


class _Comparison:
    """Of two documents. Both have what is compared at the same pointer, except parameters, which have no order."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new

    def methods(self, at: str, old: Document, new: Document) -> Iterator[Change]:
        for method in _METHODS:
            if method in old and method not in new:
                yield Change(below(at, method), "the method was removed")
            elif method in old:
                yield from self._operation(below(at, method), old[method], new[method])

    def _operation(self, at: str, old: Document, new: Document) -> Iterator[Change]:
        yield from self._parameters(below(at, "parameters"), old.get("parameters", []), new.get("parameters", []))
        yield from self._request(below(at, "requestBody"), old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(below(at, "responses"), old["responses"], new["responses"])

    def _parameters(self, at: str, old: list[Document], new: list[Document]) -> Iterator[Change]:
        before, now = _by_name(old), _by_name(new)
        for key, (number, parameter) in now.items():
            earlier = before.get(key, ("", {}))[1]
            if parameter.get("required", False) and not earlier.get("required", False):
                yield Change(below(at, number), f"the parameter {key[1]} is required now")
        for key, (number, _) in before.items():
            if key not in now:
                yield Change(at, f"the parameter {key[1]} was removed")
            else:
                yield from self._schemas(REQUEST, below(at, number, "schema"), below(at, now[key][0], "schema"))

    def _request(self, at: str, old: Document | None, new: Document | None) -> Iterator[Change]:
        if new is None:
            if old is not None:
                yield Change(at, "the request body was removed")
            return
        if new.get("required", False) and not (old or {}).get("required", False):
            yield Change(at, "the request body is required now")
        if old is not None:
            yield from self._content(REQUEST, at, old, new)

    def _responses(self, at: str, old: Document, new: Document) -> Iterator[Change]:
        for status, before in old.items():
            if status in new:
                yield from self._content(RESPONSE, below(at, status), before, new[status])
            elif status.startswith("2"):
                yield Change(below(at, status), "the status of success was removed")

    def _content(self, use: Use, at: str, old: Document, new: Document) -> Iterator[Change]:
        for media_type, before in old.get("content", {}).items():
            there = below(at, "content", media_type)
            now = new.get("content", {}).get(media_type)
            if now is None:
                yield Change(there, "the media type was removed")
            elif "schema" in before and "schema" not in now:
                yield Change(there, "the schema was removed")
            elif "schema" in before:
                yield from self._schemas(use, below(there, "schema"), below(there, "schema"))

    def _schemas(self, use: Use, old_at: str, new_at: str) -> Iterator[Change]:
        yield from schema_changes(self._old, self._new, use, old_at=old_at, new_at=new_at)


def _by_name(parameters: list[Document]) -> dict[tuple[str, str], tuple[str, Document]]:
    return {(each["in"], each["name"]): (str(number), each) for number, each in enumerate(parameters)}
