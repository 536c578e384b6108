"""Keys for a moment: looked up together, unwrapped, kept for `cache_s`; made at the first sealing; destroyed for good.

- Reading never fails: words whose key cannot be had now are `not-readable-now`, those of an erased patient `erased`.
- Sealing fails when the key ring is away (`KeyRingAway`: nothing may be written then), and for an erased patient.
- Nobody comes back: a patient with a tombstone, in the database or beside it, is given no key, old or new.

After a failure the ring counts as away for a second, so that nobody waits for it in a queue.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Generic, Self, TypeVar

import asyncpg
import orjson
import structlog

from shared.db import RETRYABLE, Pool, open_pool
from shared.errors import KeyRingAway, erased
from shared.events import ErasureReason
from shared.keyring import store
from shared.keyring.root_keys import FileRootKeys, RootKeys, Wrapped, unwrap, wrap
from shared.keyring.settings import KeyRingSettings
from shared.keyring.tombstones import FileTombstones, Tombstone, Tombstones
from shared.sealing import ERASED, KEY_BYTES, NOT_READABLE_NOW, Opener, Patient, WordKey, Words
from shared.telemetry import KEYS

_log = structlog.get_logger()
_AWAY_S = 1.0
_TRIES = 3
K = TypeVar("K")
V = TypeVar("V")


class KeyRing:
    """The way of one process to the keys; an asynchronous context, which opens although the database is away."""

    def __init__(
        self, settings: KeyRingSettings, *, root_keys: RootKeys | None = None, tombstones: Tombstones | None = None
    ) -> None:
        self._settings = settings
        self._root_keys = root_keys or FileRootKeys(settings.root_keys_file)
        self._tombstones = tombstones or FileTombstones(settings.tombstones_file)
        self._keys = _Brief[Patient, WordKey | None](settings.cache_s, settings.cached_keys)
        self._site_keys = _Brief[tuple[str, int], bytes](settings.cache_s, settings.cached_keys)
        self._newest = _Brief[str, tuple[int, bytes]](settings.cache_s, settings.cached_keys)
        self._away_until = 0.0
        self._pool: Pool
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        dsn, size = self._settings.database_url.get_secret_value(), self._settings.pool_size
        self._pool = await self._stack.enter_async_context(
            open_pool(dsn, size=size, least=0, timeout_s=self._settings.timeout_s)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def warm(self, patients: Collection[Patient]) -> None:
        """Look up the keys of many with one query, so that sealing for each asks nobody."""
        try:
            await self._held(patients)
        except KeyRingAway as away:
            _log.warning("key ring away", reason=str(away))

    async def opener(self, patient: Patient) -> Opener:
        """Opens this patient's words, as far as they can be opened now. Raises nothing."""
        try:
            held = await self._held([patient])
        except KeyRingAway as away:
            KEYS.labels("away").inc()
            _log.warning("words stay closed", reason=str(away))
            held = {}
        if patient not in held:
            return _closed(NOT_READABLE_NOW)
        key = held[patient]
        return _closed(ERASED) if key is None else key.open

    async def sealer(self, patient: Patient) -> WordKey:
        """The key to seal this patient's words with; made when it is the first time.

        Raises:
            KeyRingAway: now is no time to write words.
            Problem: 410, the patient was erased.
        """
        key = (await self.sealers([patient]))[patient]
        if key is None:
            raise erased()
        return key

    async def sealers(self, patients: Collection[Patient]) -> dict[Patient, WordKey | None]:
        """The keys to seal with, the new ones made together; None for who was erased.

        Raises:
            KeyRingAway: now is no time to write words.
        """
        keys = self._keys.held(patients)
        for _ in range(_TRIES):
            for find in (self._made, self._looked_up):
                if not (rest := [patient for patient in patients if patient not in keys]):
                    return keys
                keys |= await find(rest)
        if keys.keys() >= set(patients):
            return keys
        raise KeyRingAway("a new key was gone at once")

    async def erase(self, patient: Patient, reason: ErasureReason, at: datetime) -> None:
        """Destroy the key, or the chance of ever having one. On return it is durable; again changes nothing.

        Raises:
            KeyRingAway: nothing was destroyed yet, or it will be when `enforce` is next run.
        """
        async with self._reached() as pool:
            await store.keys_of(pool, [patient])
            tombstone = Tombstone(reason, at)
            await asyncio.to_thread(self._tombstones.add, patient, tombstone)
            await store.destroy_keys(pool, {patient: tombstone})
        self._keys.put({patient: None})
        KEYS.labels("erased").inc()

    async def enforce(self) -> Mapping[Patient, Tombstone]:
        """Make database and file of tombstones agree, whichever was restored from a backup; everybody on them.

        Raises:
            KeyRingAway: one of them cannot be reached.
        """
        async with self._reached() as pool:
            inside, beside = await store.tombstones(pool), dict(self._tombstones.all())
            for patient in inside.keys() - beside.keys():
                await asyncio.to_thread(self._tombstones.add, patient, inside[patient])
            missing = {patient: beside[patient] for patient in beside.keys() - inside.keys()}
            again = await store.destroy_keys(pool, missing)
        if again:
            _log.warning("keys of erased patients were there again and are destroyed", count=again)
        return {**inside, **beside}

    async def _held(self, patients: Collection[Patient]) -> dict[Patient, WordKey | None]:
        """The keys of these patients; None for an erased one, and nothing for one who has no key yet."""
        held = self._keys.held(patients)
        KEYS.labels("cached").inc(len(held))
        rest = [patient for patient in patients if patient not in held]
        if rest:
            held |= await self._looked_up(rest)
        return held

    async def _looked_up(self, patients: Collection[Patient]) -> dict[Patient, WordKey | None]:
        async with self._reached() as pool:
            rows = await store.keys_of(pool, patients)
            buried = self._tombstones.all()
            found: dict[Patient, WordKey | None] = {patient: None for patient in patients if patient in buried}
            for row in rows:
                patient = Patient(row["site_id"], row["patient_id"])
                if row["wrapped"] is None:
                    found[patient] = None
                elif patient not in found:
                    found[patient] = WordKey(patient, await self._unwrapped(patient, row))
        self._keys.put(found)
        KEYS.labels("looked-up").inc(len(found))
        return found

    async def _unwrapped(self, patient: Patient, row: asyncpg.Record) -> bytes:
        wrapped = Wrapped(row["root_id"], row["site_wrapped"])
        site_key = await self._site_key(patient.site_id, row["generation"], wrapped)
        return unwrap(site_key, row["wrapped"], bound_to_patient(patient, row["generation"]))

    async def _site_key(self, site_id: str, generation: int, wrapped: Wrapped) -> bytes:
        place = (site_id, generation)
        known = self._site_keys.held([place])
        if not known:
            known = {place: await self._root_keys.unwrap(wrapped, bound_to_site(*place))}
            self._site_keys.put(known)
        return known[place]

    async def _made(self, patients: Collection[Patient]) -> dict[Patient, WordKey | None]:
        """New keys of those of these patients who have none yet and are not erased."""
        async with self._reached() as pool:
            buried = self._tombstones.all()
            keys = {patient: os.urandom(KEY_BYTES) for patient in patients if patient not in buried}
            try:
                new = [await self._wrapped(pool, patient, key) for patient, key in keys.items()]
                first = await store.record_patient_keys(pool, new)
            except asyncpg.ForeignKeyViolationError:  # the key of a site was rotated meanwhile
                for patient in patients:
                    self._newest.forget(patient.site_id)
                return {}
        made: dict[Patient, WordKey | None] = {patient: WordKey(patient, keys[patient]) for patient in first}
        self._keys.put(made)
        KEYS.labels("made").inc(len(made))
        return made | {patient: None for patient in patients if patient in buried}

    async def _wrapped(self, pool: Pool, patient: Patient, key: bytes) -> store.NewKey:
        generation, site_key = await self._newest_site_key(pool, patient.site_id)
        return store.NewKey(patient, generation, wrap(site_key, key, bound_to_patient(patient, generation)))

    async def _newest_site_key(self, pool: Pool, site_id: str) -> tuple[int, bytes]:
        """The key that wraps a new patient's, with its generation; of a site that has none yet, a new one."""
        known = self._newest.held([site_id])
        if not known:
            row = await store.newest_site_key(pool, site_id)
            if row is None:
                wrapped = await self._root_keys.wrap(os.urandom(KEY_BYTES), bound_to_site(site_id, 1))
                row = await store.record_first_site_key(pool, site_id, wrapped)
            generation: int = row["generation"]
            key = await self._site_key(site_id, generation, Wrapped(row["root_id"], row["wrapped"]))
            known = {site_id: (generation, key)}
            self._newest.put(known)
        return known[site_id]

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[Pool]:
        """The database, or `KeyRingAway`: at once when it was away a moment ago."""
        if time.monotonic() < self._away_until:
            raise KeyRingAway("it was away a moment ago")
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                yield self._pool
        except (*RETRYABLE, asyncpg.PostgresError) as failure:
            self._away_until = time.monotonic() + _AWAY_S
            raise KeyRingAway(type(failure).__name__) from None


def bound_to_site(site_id: str, generation: int) -> bytes:
    """What the wrapping of a site's key is bound to."""
    return orjson.dumps(["site", site_id, generation])


def bound_to_patient(patient: Patient, generation: int) -> bytes:
    """What the wrapping of a patient's key is bound to."""
    return orjson.dumps(["patient", *map(str, patient), generation])


def _closed(words: Words) -> Opener:
    return lambda _sealed, _place: words


class _Brief(Generic[K, V]):
    """What is remembered for a while and then gone, the oldest leaving first when there is no room."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._held: dict[K, tuple[float, V]] = {}

    def held(self, keys: Collection[K]) -> dict[K, V]:
        """What is remembered of these."""
        self._let_go()
        return {key: self._held[key][1] for key in keys if key in self._held}

    def put(self, found: Mapping[K, V]) -> None:
        until = time.monotonic() + self._seconds
        for key, value in found.items():
            self._held.pop(key, None)
            self._held[key] = (until, value)
        self._let_go()

    def forget(self, key: K) -> None:
        self._held.pop(key, None)

    def _let_go(self) -> None:
        """In the order in which they were put: the first is the next to go."""
        now = time.monotonic()
        while self._held:
            first = next(iter(self._held))
            if len(self._held) <= self._most and self._held[first][0] > now:
                return
            del self._held[first]
