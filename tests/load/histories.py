"""Patients with a whole history, for pages that have something on them: some of the demo's, loaded as the demo does."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from deploy.databases import at
from deploy.demo.cohort import make_network
from deploy.demo.load import load
from deploy.demo.network import Network as Cohort
from deploy.demo.network import Patient
from deploy.doors import SERVICES
from deploy.local.network import Network
from shared.auth import Role
from tests.load import targets
from tests.load.databases import fetch


def load_histories(network: Network, patients_a_site: int) -> list[targets.Patient]:
    """Load through the open doors; those of whom the clinic recorded something, by site and id."""
    cohort = _fewer(make_network(today=datetime.now(UTC).date()), patients_a_site)
    doors = {service: network.url(service) for service in SERVICES}

    def token(role: str, sites: list[str]) -> str:
        return network.issuer.token(Role(role), sites)

    asyncio.run(load(cohort, doors, token, progress=lambda _: None))
    clinical = at(network.addresses.postgres_admin_dsn, "clinical")
    rows = fetch(clinical, "SELECT DISTINCT site_id, key FROM outbox ORDER BY site_id, key")
    return [targets.Patient(row["site_id"], row["key"]) for row in rows]


def _fewer(cohort: Cohort, patients_a_site: int) -> Cohort:
    """The same network with the patients who have the most visits, and the one to show first."""
    shown = cohort.showcase.identifier

    def rank(patient: Patient) -> tuple[bool, int]:
        return (patient.identifier != shown, -len(patient.visits))

    sites = tuple(
        replace(site, patients=tuple(sorted(site.patients, key=rank)[:patients_a_site])) for site in cohort.sites
    )
    return replace(cohort, sites=sites)
