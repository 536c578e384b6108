"""A search of everything that the system leaves behind, for marks that were put into words and identifiers.

Searched are: every record of every topic (key, headers, value), a dump of every database, every log, the metrics of
all doors, and every file that the stack keeps (heap, write-ahead log, Kafka segments). A mark is looked for as it is,
in hexadecimal, as PostgreSQL dumps bytes, and in base64 at each of its three alignments.
"""

import asyncio
import base64
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.doors import DOORS
from deploy.local.network import Network
from deploy.local.ports import HOST
from deploy.local.postgres import program


@dataclass(frozen=True)
class Mark:
    """Something that stands nowhere else in the world."""

    stem: str = field(default_factory=lambda: secrets.token_hex(12))

    def words(self, where: str) -> str:
        """A sentence with the mark in it."""
        return f"I said {self.stem} in {where}"

    def identifier(self, where: str) -> str:
        """A number as sites give their patients, with the mark in it."""
        return f"MRN-{self.stem}-{where}"

    @property
    def forms(self) -> tuple[bytes, ...]:
        plain = self.stem.encode()
        aligned = (base64.b64encode(b"\0" * lead + plain)[4 if lead else 0 : -4] for lead in range(3))
        return (plain, plain.hex().encode(), *aligned)


@dataclass
class Found:
    """What a search came to: the places with a mark, and how much was looked at, by kind of place."""

    places: set[str] = field(default_factory=set)
    searched: dict[str, int] = field(default_factory=dict)
    size: dict[str, int] = field(default_factory=dict)

    def look(self, kind: str, place: str, content: bytes, mark: Mark) -> None:
        self.searched[kind] = self.searched.get(kind, 0) + 1
        self.size[kind] = self.size.get(kind, 0) + len(content)
        if any(form in content for form in mark.forms):
            self.places.add(f"{kind}: {place}")


async def search(network: Network, home: Path, mark: Mark, answers: Mapping[str, bytes]) -> Found:
    """Look everywhere; `answers` are bodies that doors gave, by name."""
    found = Found()
    async for topic, content in _records(network.addresses.bootstrap_servers):
        found.look("record", topic, content, mark)
    for name, dump in await _dumps(network.addresses.postgres_admin_dsn):
        found.look("database", name, dump, mark)
    async with httpx.AsyncClient(timeout=10) as client:
        for door in DOORS:
            metrics = await client.get(f"http://{HOST}:{network.ports[door]}/metrics")
            found.look("metrics", str(door), metrics.content, mark)
    for name, body in answers.items():
        found.look("answer", name, body, mark)
    for path in _files(home / "var"):
        kind = "log" if path.suffix == ".log" and path.parent.name == "log" else "file"
        found.look(kind, str(path.relative_to(home)), path.read_bytes(), mark)
    return found


async def _records(bootstrap_servers: str) -> AsyncIterator[tuple[str, bytes]]:
    """Every record of every topic, our own and the broker's."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        described = await admin.describe_topics()
    finally:
        await admin.close()
    partitions = [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, exclude_internal_topics=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    headers = b"\n".join(part for name, value in record.headers for part in (name.encode(), value))
                    yield partition.topic, b"\n".join((record.key or b"", headers, record.value or b""))
    finally:
        await consumer.stop()


async def _dumps(admin_dsn: str) -> list[tuple[str, bytes]]:
    """Every database of the server, as text."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database WHERE datallowconn")
    finally:
        await connection.close()
    names = [row["datname"] for row in rows]
    return [(name, await asyncio.to_thread(_dump, admin_dsn, name)) for name in names]


def _dump(admin_dsn: str, name: str) -> bytes:
    dsn = urlsplit(admin_dsn)._replace(path=f"/{name}").geturl()
    command = [program("pg_dump"), "--dbname", dsn]
    return subprocess.run(command, capture_output=True, check=True).stdout


def _files(folder: Path) -> Iterator[Path]:
    """All but Kafka's indexes, which hold offsets in megabytes of zeros."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return (path for path in files if path.suffix not in {".index", ".timeindex"})
