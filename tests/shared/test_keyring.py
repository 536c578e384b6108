"""The key ring on a real PostgreSQL: who gets a key, who none, and that nobody comes back from being erased."""

import asyncio
import socket
import subprocess
import weakref
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from deploy.local.postgres import program
from shared.errors import KeyRingAway, Problem
from shared.events import ErasureReason
from shared.keyring import KeyRing, KeyRingSettings
from shared.keyring.root_keys import new_root_key
from shared.keyring.tombstones import FileTombstones, Tombstone
from shared.sealing import ERASED, NOT_READABLE_NOW, Patient, in_record
from tests.conftest import KeyRings
from tests.waiting import until

SITE = "riverbend"
HERE = in_record(uuid4(), "words")
REASON = ErasureReason.PATIENT_REQUEST
NOW = datetime(2026, 11, 2, 16, 30, tzinfo=UTC)


def somebody() -> Patient:
    return Patient(SITE, uuid4())


@pytest.fixture
async def owner(keyring_of: KeyRings) -> AsyncIterator[Any]:
    """The key ring's database, as its owner sees it."""
    connection = await asyncpg.connect((await keyring_of("owner")).database_url.get_secret_value())
    yield connection
    await connection.close()


async def sealed_by(ring: KeyRing, patient: Patient, words: str = "The cramps are back") -> str:
    return (await ring.sealer(patient)).seal(words, HERE)


async def opened_by(settings: KeyRingSettings, patient: Patient, sealed: str) -> object:
    """What a process that has just started makes of a text."""
    async with KeyRing(settings) as ring:
        return (await ring.opener(patient))(sealed, HERE)


async def refused_by(settings: KeyRingSettings, patient: Patient) -> int | None:
    """The status with which a process that has just started refuses to seal."""
    async with KeyRing(settings) as ring:
        try:
            await ring.sealer(patient)
        except Problem as problem:
            return problem.status
    return None


async def test_words_sealed_in_one_process_open_in_another(ring: KeyRing, keyring_of: KeyRings) -> None:
    patient = somebody()
    sealed = await sealed_by(ring, patient)
    assert await opened_by(await keyring_of("dashboard"), patient, sealed) == ("readable", "The cramps are back")
    assert await opened_by(await keyring_of("dashboard"), somebody(), sealed) == NOT_READABLE_NOW


async def test_of_many_who_seal_for_the_first_time_at_once_one_key_stays(ring: KeyRing, keyring_of: KeyRings) -> None:
    patient = somebody()
    async with KeyRing(await keyring_of("clinical")) as other:
        sealed = await asyncio.gather(*(sealed_by(each, patient) for each in (ring, other) * 10))
    settings = await keyring_of("dashboard")
    assert [await opened_by(settings, patient, text) for text in sealed] == [("readable", "The cramps are back")] * 20


async def test_every_patient_has_a_key_of_their_own_which_never_stands_in_clear(ring: KeyRing, owner: Any) -> None:
    patients = [somebody() for _ in range(3)] + [Patient("lakeside", uuid4())]
    for patient in patients:
        await sealed_by(ring, patient)
    wrapped = await owner.fetch("SELECT wrapped FROM patient_key UNION ALL SELECT wrapped FROM site_key")
    assert len({row["wrapped"] for row in wrapped}) == len(patients) + 2, "each site has one too"
    assert {len(row["wrapped"]) for row in wrapped} == {12 + 32 + 16}, "nonce, ciphertext, tag"


async def test_what_was_looked_up_together_is_not_asked_for_again(
    ring: KeyRing, keyring_of: KeyRings, owner: Any
) -> None:
    patients = [somebody() for _ in range(50)]
    sealed = [await sealed_by(ring, patient) for patient in patients]
    async with KeyRing(await keyring_of("clinical")) as warm:
        await warm.warm(patients)
        await owner.execute("ALTER TABLE patient_key RENAME TO away")
        for patient, text in zip(patients, sealed, strict=True):
            assert (await warm.opener(patient))(text, HERE).text == "The cramps are back"
        assert (await warm.opener(somebody()))(sealed[0], HERE) == NOT_READABLE_NOW


async def test_keys_are_forgotten_after_a_while_and_when_there_is_no_room(ring: KeyRing, keyring_of: KeyRings) -> None:
    patients = [somebody() for _ in range(5)]
    sealed = [await sealed_by(ring, patient) for patient in patients]
    small = (await keyring_of("dashboard")).model_copy(update={"cached_keys": 2})
    async with KeyRing(small) as reader:
        for _ in range(2):
            for patient, text in zip(patients, sealed, strict=True):
                assert (await reader.opener(patient))(text, HERE).text == "The cramps are back"
    brief = small.model_copy(update={"cache_s": 0.2})
    async with KeyRing(brief) as reader:
        assert (await reader.opener(patients[0]))(sealed[0], HERE).text == "The cramps are back"
        await ring.erase(patients[0], REASON, NOW)

        async def is_erased() -> bool:
            return (await reader.opener(patients[0]))(sealed[0], HERE) == ERASED

        await until(is_erased, seconds=5)


async def test_a_key_is_no_longer_in_memory_once_its_time_is_over_and_somebody_elses_is_asked_for(
    keyring_of: KeyRings,
) -> None:
    settings = (await keyring_of("intake")).model_copy(update={"cache_s": 0.2})
    async with KeyRing(settings) as ring:
        key = weakref.ref(await ring.sealer(somebody()))
        other = somebody()

        async def is_gone() -> bool:
            await ring.warm([other])
            return key() is None

        await until(is_gone, seconds=5)


@pytest.mark.parametrize("service", ["clinical", "dashboard"])
async def test_others_make_keys_too_and_only_intake_erases(ring: KeyRing, keyring_of: KeyRings, service: str) -> None:
    patient = somebody()
    async with KeyRing(await keyring_of(service)) as other:
        sealed = await sealed_by(other, patient)
        with pytest.raises(KeyRingAway, match="InsufficientPrivilege"):
            await other.erase(somebody(), REASON, NOW)
    assert (await ring.opener(patient))(sealed, HERE).text == "The cramps are back"


async def test_while_the_ring_is_away_nothing_is_sealed_nothing_called_erased_and_nobody_waits_twice(
    ring: KeyRing, keyring_of: KeyRings
) -> None:
    patient = somebody()
    sealed = await sealed_by(ring, patient)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = SecretStr(f"postgresql://somebody:x@127.0.0.1:{silent.getsockname()[1]}/keyring")
        settings = (await keyring_of("intake")).model_copy(update={"database_url": url, "timeout_s": 0.3})
        async with KeyRing(settings) as away:
            clock = asyncio.get_running_loop().time
            started = clock()
            assert (await away.opener(patient))(sealed, HERE) == NOT_READABLE_NOW
            waited = clock()
            for _ in range(20):
                assert (await away.opener(patient))(sealed, HERE) == NOT_READABLE_NOW
                with pytest.raises(KeyRingAway):
                    await away.sealer(patient)
                with pytest.raises(KeyRingAway):
                    await away.erase(patient, REASON, NOW)
            assert clock() - waited < waited - started, "twenty of each take less than the first"
    assert (await opened_by(await keyring_of("intake"), patient, sealed)) == ("readable", "The cramps are back")


@pytest.mark.parametrize("lost", ["root_keys_file", "tombstones_file"])
async def test_without_one_of_its_files_the_ring_gives_no_key_and_makes_none(
    ring: KeyRing, keyring_of: KeyRings, lost: str
) -> None:
    patient = somebody()
    sealed = await sealed_by(ring, patient)
    settings = await keyring_of("intake")
    getattr(settings, lost).unlink()
    assert await opened_by(settings, patient, sealed) == NOT_READABLE_NOW
    async with KeyRing(settings) as other:
        with pytest.raises(KeyRingAway, match="cannot be read"):
            await other.sealer(patient)


async def test_words_under_a_lost_root_key_are_not_called_erased(ring: KeyRing, keyring_of: KeyRings) -> None:
    patient = somebody()
    sealed = await sealed_by(ring, patient)
    settings = await keyring_of("dashboard")
    settings.root_keys_file.write_text(new_root_key("root-1"))
    assert await opened_by(settings, patient, sealed) == NOT_READABLE_NOW
    settings.root_keys_file.write_text(new_root_key("root-2"))
    assert await opened_by(settings, patient, sealed) == NOT_READABLE_NOW


async def test_an_erased_patient_has_no_key_and_never_gets_one(ring: KeyRing, keyring_of: KeyRings, owner: Any) -> None:
    known, unknown = somebody(), somebody()
    sealed = await sealed_by(ring, known)
    for patient in (known, unknown, known):
        await ring.erase(patient, REASON, NOW)
    for patient in (known, unknown):
        assert (await ring.opener(patient))(sealed, HERE) == ERASED
        assert await opened_by(await keyring_of("dashboard"), patient, sealed) == ERASED
        assert await refused_by(await keyring_of("clinical"), patient) == 410
    assert await owner.fetchval("SELECT count(*) FROM patient_key WHERE wrapped IS NOT NULL") == 0
    assert len((await keyring_of("intake")).tombstones_file.read_text().splitlines()) == 2
    for statement in (
        "DELETE FROM patient_key",
        "UPDATE patient_key SET wrapped = '', generation = 1, erased_at = NULL",
    ):
        with pytest.raises(asyncpg.RaiseError, match="a tombstone stays"):
            await owner.execute(statement)


async def test_of_making_and_erasing_at_once_erasing_stays(ring: KeyRing, keyring_of: KeyRings) -> None:
    patients = [somebody() for _ in range(20)]
    async with KeyRing(await keyring_of("clinical")) as other:
        done = await asyncio.gather(
            *(other.sealer(patient) for patient in patients),
            *(ring.erase(patient, REASON, NOW) for patient in patients),
            return_exceptions=True,
        )
    assert not [one for one in done[20:] if one is not None], "every erasure was done"
    for patient in patients:
        assert await refused_by(await keyring_of("intake"), patient) == 410


def dump(settings: KeyRingSettings, to: Path) -> None:
    run("pg_dump", "--format=custom", f"--file={to}", settings.database_url.get_secret_value())


def restore(settings: KeyRingSettings, backup: Path) -> None:
    url = settings.database_url.get_secret_value()
    run("pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={url}", str(backup))


def run(name: str, *arguments: str) -> None:
    command = [program(name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr


async def test_restoring_a_backup_brings_nobody_back(
    ring: KeyRing, keyring_of: KeyRings, owner: Any, tmp_path: Path
) -> None:
    erased, other = somebody(), somebody()
    sealed, of_other = await sealed_by(ring, erased), await sealed_by(ring, other)
    theirs = await keyring_of("owner")
    await asyncio.to_thread(dump, theirs, tmp_path / "backup")
    await ring.erase(erased, REASON, NOW)
    await asyncio.to_thread(restore, theirs, tmp_path / "backup")
    count = "SELECT count(*) FROM patient_key WHERE wrapped IS NOT NULL"
    assert await owner.fetchval(count) == 2, "the backup holds the key"

    settings = await keyring_of("intake")
    assert await opened_by(settings, erased, sealed) == ERASED
    assert await refused_by(settings, erased) == 410
    forgetful = tmp_path / "forgetful"
    forgetful.touch()
    without = settings.model_copy(update={"tombstones_file": forgetful})
    assert await opened_by(without, erased, sealed) == ("readable", "The cramps are back"), (
        "so it is the file that holds"
    )

    assert set(await ring.enforce()) == {erased}
    assert await owner.fetchval(count) == 1, "destroyed again"
    assert await opened_by(without, erased, sealed) == ERASED
    assert await opened_by(settings, other, of_other) == ("readable", "The cramps are back")


async def test_a_lost_file_of_tombstones_is_written_again_from_the_database(
    ring: KeyRing, keyring_of: KeyRings
) -> None:
    patient, settings = somebody(), await keyring_of("intake")
    await ring.erase(patient, ErasureReason.LEGAL_ORDER, NOW)
    settings.tombstones_file.unlink()
    settings.tombstones_file.touch()
    async with KeyRing(settings) as other:
        assert await other.enforce() == {patient: Tombstone(ErasureReason.LEGAL_ORDER, NOW)}
    assert FileTombstones(settings.tombstones_file).all() == {patient: Tombstone(ErasureReason.LEGAL_ORDER, NOW)}


def test_tombstones_of_one_process_are_seen_by_another_and_what_a_crash_left_of_one_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "tombstones"
    file.touch()
    mine, others = FileTombstones(file), FileTombstones(file)
    first, second, stone = somebody(), somebody(), Tombstone(REASON, NOW)
    mine.add(first, stone)
    assert others.all() == {first: stone}
    with file.open("ab") as out:
        out.write(b'{"site_id":"riverbend","patient')
    assert others.all() == {first: stone}
    mine.add(second, stone)
    mine.add(second, Tombstone(ErasureReason.LEGAL_ORDER, NOW))
    assert others.all() == FileTombstones(file).all() == {first: stone, second: stone}


@pytest.mark.parametrize("spoilt", [b"not a line of ours\n", b'{"site_id": "riverbend"}\n'])
def test_a_file_of_tombstones_that_was_spoilt_or_shortened_is_not_believed(tmp_path: Path, spoilt: bytes) -> None:
    file = tmp_path / "tombstones"
    file.touch()
    kept = FileTombstones(file)
    kept.add(somebody(), Tombstone(REASON, NOW))
    file.write_bytes(file.read_bytes() + spoilt)
    with pytest.raises(KeyRingAway, match="a line that cannot be read"):
        kept.all()
    file.write_bytes(b"")
    with pytest.raises(KeyRingAway, match="shorter"):
        kept.all()


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("", "empty"),
        ("root-1 not base64!", "not base64"),
        ("root-1 c2hvcnQ=", "32 bytes"),
        pytest.param(new_root_key("a") + new_root_key("a"), "two root", id="two of one name"),
    ],
)
async def test_a_file_of_root_keys_that_is_wrong_says_how_and_shows_no_key(
    keyring_of: KeyRings, content: str, wrong: str
) -> None:
    settings = await keyring_of("intake")
    settings.root_keys_file.write_text(content)
    async with KeyRing(settings) as ring:
        with pytest.raises(KeyRingAway, match=wrong):
            await ring.sealer(somebody())
