"""The key sets that issuers publish: how long they are remembered, and how seldom they are asked for."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.key_sets import KeySet

ENTRY = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def key_set(*key_ids: str) -> bytes:
    return json.dumps({"keys": [{**ENTRY, "kid": key_id} for key_id in key_ids]}).encode()


class Publisher:
    """Publishes a key set, counts who asks, and can be away."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.asked = 0
        self.is_away = False
        self.gate: asyncio.Event | None = None

    async def read(self, _source: str) -> bytes:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise OSError("away")
        return key_set(*self.names)


async def has(keys: KeySet, key_id: str) -> bool:
    try:
        await keys.key(key_id, "ES256")
    except KeyError:
        return False
    return True


@pytest.mark.parametrize("started_at", [0.5, 1e9])
async def test_a_new_key_is_found_at_the_latest_after_a_minute_and_the_file_is_read_no_oftener(
    tmp_path: Path, started_at: float
) -> None:
    file, clock = tmp_path / "jwks.json", Clock(started_at)
    file.write_bytes(key_set("old"))
    keys = KeySet(str(file), clock=clock)
    assert await has(keys, "old"), "also in the first minute of a machine, whose clock begins at 0"
    file.write_bytes(key_set("old", "new"))
    clock.now += 59
    assert not await has(keys, "new")
    clock.now += 2
    assert await has(keys, "new")
    file.write_bytes(key_set("old", "new", "newer"))
    clock.now += 59
    assert not await has(keys, "newer")
    assert not await has(keys, "unheard-of")


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"keys": 5}', '{"keys": []}', '{"keys": [{"kty": "oct"}]}'])
async def test_keys_that_were_read_stay_while_the_file_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    file, clock = tmp_path / "jwks.json", Clock(0)
    file.write_bytes(key_set("old"))
    keys = KeySet(str(file), clock=clock)
    assert await has(keys, "old")
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    clock.now += 61
    assert not await has(keys, "new")
    assert await has(keys, "old")
    file.write_bytes(key_set("new"))
    clock.now += 61
    assert await has(keys, "new")
    assert not await has(keys, "old"), "a key that the issuer took away"


async def test_unknown_key_ids_make_us_ask_once_a_minute_at_most() -> None:
    publisher, clock = Publisher("a"), Clock()
    keys = KeySet("https://x.test", read=publisher.read, clock=clock)
    assert await has(keys, "a")
    for number in range(100):
        assert not await has(keys, f"unknown-{number}")
    assert publisher.asked == 1
    clock.now += 61
    publisher.names.append("b")
    assert await has(keys, "b")
    assert await has(keys, "a"), "old and new count while both are published"
    assert publisher.asked == 2


async def test_a_key_that_is_withdrawn_counts_for_an_hour_at_most() -> None:
    publisher, clock = Publisher("a", "b"), Clock()
    keys = KeySet("https://x.test", read=publisher.read, clock=clock)
    assert await has(keys, "a")
    publisher.names.remove("a")
    clock.now += 3599
    assert await has(keys, "a")
    clock.now += 2
    assert not await has(keys, "a")
    assert publisher.asked == 2


async def test_known_keys_stay_good_while_the_issuer_is_away_and_it_is_not_pestered() -> None:
    publisher, clock = Publisher("a"), Clock()
    keys = KeySet("https://x.test", read=publisher.read, clock=clock)
    assert await has(keys, "a")
    publisher.is_away = True
    clock.now += 4000
    assert await has(keys, "a")
    for _ in range(20):
        assert not await has(keys, "b")
    assert publisher.asked == 2


async def test_many_who_need_a_key_at_once_ask_once_and_all_get_it() -> None:
    publisher, clock = Publisher("a"), Clock()
    publisher.gate = asyncio.Event()
    keys = KeySet("https://x.test", read=publisher.read, clock=clock)
    waiting = [asyncio.create_task(has(keys, "a")) for _ in range(20)]
    publisher.gate.set()
    assert await asyncio.gather(*waiting) == [True] * 20
    assert publisher.asked == 1


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"keys": 7}', b'{"other": []}', b"\xff"])
async def test_what_is_no_key_set_is_as_none(content: bytes) -> None:
    async def read(_source: str) -> bytes:
        return content

    assert not await has(KeySet("https://x.test", read=read, clock=Clock()), "a")


async def test_entries_that_are_not_for_signing_or_for_another_algorithm_are_passed_over() -> None:
    entries = [
        "not a key",
        {"kid": "a", "kty": "RSA", "use": "enc", "alg": "RSA-OAEP"},
        {**ENTRY, "kid": "b", "use": "enc"},
        {**ENTRY, "kid": "c", "alg": "ES384"},
        {**ENTRY, "kid": "d", "alg": "ES256", "use": "sig"},
    ]

    async def read(_source: str) -> bytes:
        return json.dumps({"keys": entries}).encode()

    keys = KeySet("https://x.test", read=read, clock=Clock())
    assert [await has(keys, key_id) for key_id in "abcd"] == [False, False, False, True]
