"""Keys are rotated at each level while words go on being sealed and opened; a rotation that was cut off goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.keys.rotation import rotate_root, rotate_site, state_of
from deploy.local.errors import StackError
from shared.keyring import KeyRing, KeyRingSettings
from shared.keyring.root_keys import FileRootKeys, new_root_key
from shared.sealing import Patient, in_record
from tests.conftest import KeyRings

SITE = "riverbend"
HERE = in_record(uuid4(), "words")


@pytest.fixture
async def owner(keyring_of: KeyRings) -> AsyncIterator[Any]:
    connection = await asyncpg.connect((await keyring_of("owner")).database_url.get_secret_value())
    yield connection
    await connection.close()


@pytest.fixture
async def settings(keyring_of: KeyRings) -> KeyRingSettings:
    return await keyring_of("intake")


@pytest.fixture
def root_keys(settings: KeyRingSettings) -> FileRootKeys:
    return FileRootKeys(settings.root_keys_file)


async def sealed_by(ring: KeyRing, count: int, site: str = SITE) -> dict[Patient, str]:
    patients = [Patient(site, uuid4()) for _ in range(count)]
    return {patient: (await ring.sealer(patient)).seal("words", HERE) for patient in patients}


async def are_readable(settings: KeyRingSettings, sealed: dict[Patient, str]) -> bool:
    """Whether a process that has just started opens them all."""
    async with KeyRing(settings) as ring:
        return all([(await ring.opener(patient))(text, HERE).text == "words" for patient, text in sealed.items()])


async def test_sites_are_moved_to_a_new_root_key_and_the_old_one_can_go(
    ring: KeyRing, settings: KeyRingSettings, root_keys: FileRootKeys, owner: Any
) -> None:
    sealed = await sealed_by(ring, 3) | await sealed_by(ring, 2, "lakeside")
    old, new = settings.root_keys_file.read_text(), new_root_key("root-2")
    settings.root_keys_file.write_text(old + new)
    assert await are_readable(settings, sealed), "both are valid meanwhile"
    sealed |= await sealed_by(ring, 1, "hillside")
    state = await state_of(owner, root_keys)
    assert (state.newest_root, state.sites_by_root, state.is_settled) == ("root-2", {"root-1": 2, "root-2": 1}, False)
    assert await rotate_root(owner, root_keys) == 2
    assert await rotate_root(owner, root_keys) == 0
    settings.root_keys_file.write_text(new)
    assert await are_readable(settings, sealed)
    state = await state_of(owner, root_keys)
    assert (state.sites_by_root, state.is_settled) == ({"root-2": 3}, True)


async def test_a_site_gets_a_new_key_while_words_are_sealed_and_its_old_one_is_gone(
    ring: KeyRing, settings: KeyRingSettings, root_keys: FileRootKeys, owner: Any
) -> None:
    sealed, others = await sealed_by(ring, 40), await sealed_by(ring, 2, "lakeside")
    rotating = asyncio.create_task(rotate_site(owner, root_keys, SITE, batch=4))
    async with KeyRing(settings) as traffic:
        while not rotating.done():
            sealed |= await sealed_by(traffic, 1)
    assert await rotating >= 40
    assert len(sealed) > 40, "somebody was sealing"
    state = await state_of(owner, root_keys)
    assert (state.unfinished, state.patients) == ([], len(sealed) + 2)
    assert await owner.fetch("SELECT site_id, generation FROM site_key ORDER BY 1, 2") == [("lakeside", 1), (SITE, 2)]
    assert await are_readable(settings, sealed | others)


class Cut:
    """A connection that is lost at its second batch."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def executemany(self, *arguments: Any) -> None:
        self._batches += 1
        if self._batches == 2:
            raise ConnectionError
        await self._connection.executemany(*arguments)


async def test_a_rotation_that_was_cut_off_is_finished_without_another_new_key(
    ring: KeyRing, settings: KeyRingSettings, root_keys: FileRootKeys, owner: Any
) -> None:
    sealed = await sealed_by(ring, 6)
    cut: Any = Cut(owner)
    with pytest.raises(ConnectionError):
        await rotate_site(cut, root_keys, SITE, batch=2)
    assert (await state_of(owner, root_keys)).unfinished == [SITE]
    assert await are_readable(settings, sealed), "half under the old key, half under the new"
    assert await rotate_site(owner, root_keys, SITE) == 4
    assert (await state_of(owner, root_keys)).unfinished == []
    assert await owner.fetchval("SELECT max(generation) FROM site_key") == 2
    assert await are_readable(settings, sealed)


async def test_a_site_without_a_key_is_said_to_have_none(root_keys: FileRootKeys, owner: Any) -> None:
    with pytest.raises(StackError, match="has no key"):
        await rotate_site(owner, root_keys, SITE)
