"""Whom and what the load is about: sites with their tokens, patients, visits that wait for a survey; made by the doors.

Everything comes in through intake's own doors, in bulk, as a site's system would send it. The files that the load
generators read are written here: `sites.tsv`, `visits.tsv`, `batches.tsv` (the last quarter of the visits, by site),
`patients.tsv`, `survey.json`.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from deploy.local.network import Network
from shared.auth import Role
from tests.load.stack import BenchStack
from tests.survey import survey_of

_ITEMS_A_BATCH = 250
_AT_ONCE = 4
_SITE = {"name": "Bench (synthetic)", "site_type": "private", "time_zone": "America/Chicago"}
_PATIENT = {"birth_year": 1980, "sex": "female", "diagnosis": "crohns-disease"}
_SURVEY = survey_of(
    "@PATIENT@",
    "@VISIT@",
    concerns=[{"topic": "symptoms", "words": "Cramps in the morning (synthetic)"}, {"topic": "steroids"}],
    matters_most="To travel again (synthetic)",
)


class Patient(NamedTuple):
    site_id: str
    patient_id: str


class Visit(NamedTuple):
    """A visit without a survey."""

    site_id: str
    patient_id: str
    visit_id: str


@dataclass
class Targets:
    """All that was made so far, and the folder of the files. `next_visit`: the first visit that has no survey."""

    stack: BenchStack
    folder: Path
    sites: list[str] = field(default_factory=list)
    patients: list[Patient] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    next_visit: int = 0

    def add_sites(self, count: int) -> list[str]:
        """More sites, and the tokens of a writer and a reader at each."""
        new = [f"bench-{number:04}" for number in range(len(self.sites) + 1, len(self.sites) + count + 1)]
        self.sites += new
        asyncio.run(_Sending(self.stack.network).describe(new))
        return new

    def add_patients(self, count: int, sites: Sequence[str]) -> list[Patient]:
        """More patients, spread evenly over these sites."""
        bodies = [(sites[n % len(sites)], {**_PATIENT, "identifier": uuid4().hex}) for n in range(count)]
        ids = asyncio.run(_Sending(self.stack.network).post("/v1/patients", bodies))
        new = [Patient(site, patient) for (site, _), patient in zip(bodies, ids, strict=True)]
        self.patients += new
        return new

    def add_visits(self, patients: Sequence[Patient]) -> list[Visit]:
        """A visit for each of these, ahead of which there is no survey yet."""
        when = {"clinician_id": "dr-bench", "scheduled_at": datetime.now(UTC).isoformat()}
        bodies = [(patient.site_id, {"patient_id": patient.patient_id, **when}) for patient in patients]
        ids = asyncio.run(_Sending(self.stack.network).post("/v1/visits", bodies))
        new = [Visit(*patient, visit) for patient, visit in zip(patients, ids, strict=True)]
        self.visits += new
        return new

    def take(self, count: int) -> int:
        """Pass over visits that are about to get their survey; the number of the first of them."""
        first, self.next_visit = self.next_visit, self.next_visit + count
        return first

    def write(self, *, read: Sequence[Patient] = ()) -> None:
        """The files, as things stand now; `read` are the patients whose pages are read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        sites = sorted({*self.sites, *(patient.site_id for patient in read)})
        issuer = self.stack.network.issuer
        tokens = ((site, issuer.token(Role.SYSTEM, [site]), issuer.token(Role.CLINICIAN, [site])) for site in sites)
        self._write_rows("sites.tsv", tokens)
        self._write_rows("visits.tsv", self.visits)
        self._write_rows("batches.tsv", sorted(self.visits[len(self.visits) * 3 // 4 :]))
        if read:
            self._write_rows("patients.tsv", read)
        (self.folder / "survey.json").write_text(json.dumps(_SURVEY))

    def _write_rows(self, name: str, rows: Iterable[Sequence[str]]) -> None:
        (self.folder / name).write_text("".join("\t".join(row) + "\n" for row in rows))


class _Sending:
    """Batches through intake's doors, a few at once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def describe(self, sites: Sequence[str]) -> None:
        """Make sites known."""
        async with self._client() as client:
            await asyncio.gather(*(self._send(client, "PUT", f"/v1/sites/{site}", site, _SITE) for site in sites))

    async def post(self, path: str, bodies: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
        """The ids that the items got, in their order; every one must be accepted."""
        by_site: dict[str, list[int]] = defaultdict(list)
        for number, (site, _) in enumerate(bodies):
            by_site[site].append(number)
        ids: dict[int, str] = {}

        async def send(client: httpx.AsyncClient, site: str, numbers: Sequence[int]) -> None:
            answer = await self._send(client, "POST", path, site, [bodies[number][1] for number in numbers])
            ids.update(zip(numbers, (item["id"] for item in answer["items"]), strict=True))

        async with self._client() as client:
            await asyncio.gather(
                *(
                    send(client, site, numbers[start : start + _ITEMS_A_BATCH])
                    for site, numbers in by_site.items()
                    for start in range(0, len(numbers), _ITEMS_A_BATCH)
                )
            )
        return [ids[number] for number in range(len(bodies))]

    async def _send(self, client: httpx.AsyncClient, method: str, path: str, site: str, body: Any) -> Any:
        headers = {
            "authorization": f"Bearer {self._network.issuer.token(Role.SYSTEM, [site])}",
            "samepage-site": site,
            "idempotency-key": uuid4().hex,
        }
        async with self._gate:
            answer = await client.request(method, path, json=body, headers=headers)
        return answer.raise_for_status().json()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._network.url("intake"), timeout=60, trust_env=False)
