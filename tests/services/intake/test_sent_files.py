"""A form with a file, read while it arrives in any pieces; what is no such form is refused."""

from collections.abc import AsyncIterator

import pytest

from services.intake.api.uploads import file_of
from shared.errors import Problem

FORM = "multipart/form-data; boundary=edge"
FILE = b"patient\r\n--not the edge\r\n--edg\r\n" + bytes(range(256))
HEAD = b'--edge\r\nContent-Disposition: form-data; name="kind"\r\n\r\nvisits\r\n'
WHOLE = (
    HEAD
    + b'--edge\r\ncontent-disposition: form-data; name="file"; filename="oct \\"1\\".csv"\r\n'
    + b"Content-Type: text/csv\r\n\r\n"
    + FILE
    + b"\r\n--edge--\r\n"
)


async def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 7, 50, 10_000])
async def test_the_file_comes_out_as_it_was_with_the_fields_before_it(size: int) -> None:
    sent = await file_of(FORM, in_pieces(WHOLE, size))
    assert (sent.name, sent.fields) == ('oct \\"1\\".csv', {"kind": "visits"})
    assert b"".join([piece async for piece in sent.pieces]) == FILE


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/csv", WHOLE, 415),
        ("multipart/form-data", WHOLE, 415),
        (FORM, b"nothing of the kind", 400),
        (FORM, HEAD, 400),
        (FORM, HEAD + b"--edge--\r\n", 422),
        (FORM, b"--edge\r\n" + b"x: y\r\n" * 2000, 400),
        (FORM, HEAD.replace(b"visits", b"v" * 2000) + b"--edge--\r\n", 400),
    ],
)
async def test_what_is_no_form_with_a_file_is_refused(content_type: str, body: bytes, status: int) -> None:
    with pytest.raises(Problem) as refused:
        await file_of(content_type, in_pieces(body, 100))
    assert refused.value.status == status


async def test_a_form_that_does_not_begin_is_not_read_to_its_end() -> None:
    stream = in_pieces(b"nothing of the kind " * 5000, 1000)
    with pytest.raises(Problem, match="cannot be read"):
        await file_of(FORM, stream)
    assert len([piece async for piece in stream]) == 95


async def test_a_file_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    sent = await file_of(FORM, in_pieces(WHOLE[:-20], 100))
    with pytest.raises(Problem, match="did not arrive whole"):
        async for _ in sent.pieces:
            pass
