"""What a page weighs in a browser that has nothing of it: itself and all that it loads, each compressed."""

import gzip
from collections.abc import Iterable

from shared.http.compression import LEVEL
from tests.markup import Document

MOST_BYTES = 120_000


def loaded_by(html: str) -> list[str]:
    """The addresses of styles, scripts and pictures, in their order."""
    loaded = {"link": "href", "script": "src", "img": "src"}
    return [str(a[loaded[tag]]) for tag, a, _ in Document(html).elements if tag in loaded and loaded[tag] in a]


def weight_of(files: Iterable[bytes]) -> int:
    """Bytes, each file compressed alone."""
    return sum(len(gzip.compress(content, LEVEL)) for content in files)
