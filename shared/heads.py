"""The book of heads: where each audit chain stood, signed, in a file outside the database.

Who can rewrite a whole chain in the database cannot rewrite what is signed here: a chain that is shorter than its
head, or another one, shows. One file a service, one JSON object a line, only ever added to. A line holds the heads
that moved since the line before, is chained to it by SHA-256, and names the key (Ed25519) that signed it, so that
keys can be changed. Keep the folder where those who administer the database cannot write.
"""

import base64
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.settings import Platform
from shared.signing import load_key

_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain of a site stands: how many rows it has, and the hash of the last."""

    height: int
    hash: bytes


@dataclass(frozen=True)
class Book:
    """One service's file of signed heads."""

    service: str
    file: Path
    key: Ed25519PrivateKey

    def sign(self, heads: Mapping[str, Head], until: datetime) -> int:
        """Add a line with these heads, durable when this returns; its number. Every row from before `until` is under
        them.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = _last_line(file.fileno())
            number = 1 if before is None else int(orjson.loads(before)["line"]) + 1
            content = {
                "service": self.service,
                "line": number,
                "until": until.isoformat(),
                "heads": {site: [head.height, head.hash.hex()] for site, head in heads.items()},
                "previous": digest(before),
                "key": key_id(self.key.public_key()),
            }
            signature = base64.b64encode(self.key.sign(_signed_bytes(content))).decode()
            file.write(_signed_bytes({**content, "signature": signature}) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return number


def book_of(platform: Platform, service: str) -> Book | None:
    """The book that a service's worker signs in; None where no key is set."""
    if platform.audit_key_file is None or platform.audit_folder is None:
        return None
    return Book(service, file_of(platform.audit_folder, service), load_key(platform.audit_key_file))


def file_of(folder: Path, service: str) -> Path:
    """Where a service's book is."""
    return folder / f"{service}.heads.jsonl"


def lines_of(file: Path, *, end: int | None = None) -> Iterator[bytes]:
    """The whole lines of a book, within its first `end` bytes."""
    with file.open("rb") as opened:
        for line in opened:
            if not line.endswith(b"\n") or (end is not None and opened.tell() > end):
                return
            yield line.removesuffix(b"\n")


def is_signed(content: Mapping[str, Any], keys: Mapping[str, Ed25519PublicKey]) -> bool:
    """Whether one of these keys, by its id, has signed a line."""
    signed = {name: value for name, value in content.items() if name != "signature"}
    try:
        keys[content["key"]].verify(base64.b64decode(content["signature"]), _signed_bytes(signed))
    except (KeyError, ValueError, InvalidSignature):
        return False
    return True


def digest(line: bytes | None) -> str:
    """What the next line says of this one: SHA-256 of its bytes; empty for the first."""
    return "" if line is None else hashlib.sha256(line).hexdigest()


def key_id(key: Ed25519PublicKey) -> str:
    """Names a key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def _signed_bytes(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def _last_line(descriptor: int) -> bytes | None:
    """The last whole line. What a crash left unfinished behind it was never counted, and is cut away."""
    end = os.fstat(descriptor).st_size
    tail = b""
    while end > 0 and tail.count(b"\n") < 2:
        start = max(end - _BLOCK, 0)
        tail = os.pread(descriptor, end - start, start) + tail
        end = start
    *lines, unfinished = tail.split(b"\n")
    if unfinished:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - len(unfinished))
    return lines[-1] if lines else None
