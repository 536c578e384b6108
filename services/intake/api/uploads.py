"""A form with one file (`multipart/form-data`), read while it arrives: the fields first, then the file in pieces."""

import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import NamedTuple

from shared.errors import Problem

_BOUNDARY = re.compile(r'multipart/form-data;.*\bboundary="?([\w\'()+,./:=? -]{1,70})"?', re.IGNORECASE)
_PARAMETER = re.compile(rb'[; ](name|filename)="((?:[^"\\]|\\.)*)"')
_LONGEST_HEAD, _LONGEST_FIELD = 4 * 1024, 1024


class SentFile(NamedTuple):
    """A file with the fields before it. `pieces` can be read once."""

    name: str
    fields: dict[str, str]
    pieces: AsyncIterator[bytes]


class _Head(NamedTuple):
    name: str
    file_name: str | None


async def file_of(content_type: str, stream: AsyncIterable[bytes]) -> SentFile:
    """The file of a form.

    Raises:
        Problem: 415 for another type; 400, here or while the pieces are read, where it is no such form or breaks off;
            422 where it has no file.
    """
    match = _BOUNDARY.match(content_type)
    if match is None:
        raise Problem(415, "not-a-form", "Send multipart/form-data.")
    fields, parts = dict[str, str](), _parts(stream, match[1].encode())
    async for head, piece in parts:
        if head.file_name is not None:
            return SentFile(head.file_name, fields, _pieces(head, piece, parts))
        fields[head.name] = fields.get(head.name, "") + piece.decode(errors="replace")
        if len(fields[head.name]) > _LONGEST_FIELD or len(fields) > 20:
            raise _broken()
    raise Problem(422, "no-file", "Choose a file.")


async def _pieces(head: _Head, first: bytes, parts: AsyncIterator[tuple[_Head, bytes]]) -> AsyncIterator[bytes]:
    yield first
    async for other, piece in parts:
        if other is head:
            yield piece


async def _parts(stream: AsyncIterable[bytes], boundary: bytes) -> AsyncIterator[tuple[_Head, bytes]]:
    """Pieces of what the form holds, each with the head of its part; of an empty part one empty piece."""
    delimiter, head, held = b"\r\n--" + boundary, None, b"\r\n"
    async for came in stream:
        held += came
        while True:
            at = held.find(delimiter)
            if at < 0:
                if head is None and len(held) > _LONGEST_HEAD:
                    raise _broken()
                safe = len(held) - len(delimiter) + 1
                if head is not None and safe > 0:
                    yield head, held[:safe]
                    held = held[safe:]
                break
            after = held[at + len(delimiter) :]
            end = after.find(b"\r\n\r\n")
            is_last = after.startswith(b"--")
            if head is not None and (is_last or end >= 0):
                yield head, held[:at]
            if is_last:
                return
            if end < 0:
                if len(after) > _LONGEST_HEAD:
                    raise _broken()
                break
            head, held = _read_head(after[:end]), after[end + 4 :]
    raise _broken()


def _read_head(lines: bytes) -> _Head:
    for line in lines.split(b"\r\n"):
        if line.lower().startswith(b"content-disposition:"):
            found = {name.decode(): value.decode(errors="replace") for name, value in _PARAMETER.findall(line)}
            if "name" in found:
                return _Head(found["name"], found.get("filename"))
    raise _broken()


def _broken() -> Problem:
    return Problem(400, "not-a-form", "The form cannot be read, or did not arrive whole.")
