"""More patients and more sites at the same rate: what one survey and its page cost must not grow with them.

Everybody came in through the doors, in bulk. At each size the same number of visits is spread over all patients.
"""

import asyncio
import time

from deploy.doors import Door
from deploy.rebuild import rebuild
from services.dashboard import PROJECTIONS
from services.dashboard.worker import SUBSCRIPTION
from shared.kafka import KafkaBroker
from tests.load import floor_stages, subjects
from tests.load.bed import Bed
from tests.load.figures import RATE, TIME, Figure, Sample, alternate
from tests.load.loops import BadRun
from tests.load.rows import journey, stages
from tests.load.settling import records_on, settle

SITES_AT_FIRST = 40


def row(rate: int, patients: int, sites: int) -> str:
    return f"survey to page at {rate}/s, {patients:,} patients, {sites:,} sites"


def measure(bed: Bed) -> list[Figure]:
    """First more patients at the same sites, then more sites with a few patients each."""
    plan, targets = bed.plan, bed.targets
    figures: list[Figure] = []
    with journey.open_sides(bed) as sides:
        sites = targets.add_sites(SITES_AT_FIRST)
        for patients in plan.scale_patients:
            targets.add_patients(patients - len(targets.patients), sites)
            figures += _at_this_size(bed, sides)
        for count in plan.scale_sites:
            new = targets.add_sites(count - len(targets.sites))
            targets.add_patients(len(new) * plan.patients_a_new_site, new)
            figures += _at_this_size(bed, sides)
    return figures + _rebuild(bed)


def _at_this_size(bed: Bed, sides: journey.Sides) -> list[Figure]:
    plan, targets = bed.plan, bed.targets
    bed.say(f"{len(targets.patients):,} patients at {len(targets.sites):,} sites")
    needed = round(plan.scale_rate * (plan.journey_s * plan.alternations + 1)) * 2
    every = len(targets.patients) / needed
    chosen = [targets.patients[int(n * every)] for n in range(needed)]
    targets.next_visit = len(targets.visits)
    targets.add_visits(chosen)
    targets.write()
    settle(sides.product)
    for subject in (sides.product, sides.floor):
        journey.run(bed, sides, subject, rate=plan.scale_rate, seconds=1, name="warm-up")
    name = row(plan.scale_rate, len(targets.patients), len(targets.sites))
    return journey.compare(bed, sides, rate=plan.scale_rate, name=name)


def _rebuild(bed: Bed) -> list[Figure]:
    """All pages once more from the log, beside the live ones; the floor reads the same log into a table of its own."""
    name = "rebuild of all pages"
    patients = len(bed.targets.patients)

    def product() -> Sample:
        with bed.stack.doors([Door("dashboard", "worker")]):
            began = time.perf_counter()
            network = bed.stack.network
            broker = KafkaBroker(network.addresses.bootstrap_servers, client_id="rebuild")
            report = asyncio.run(rebuild(network.databases["dashboard"], broker, SUBSCRIPTION, PROJECTIONS))
            seconds = time.perf_counter() - began
        if not report.is_swapped or report.compared < patients:
            raise BadRun(f"The rebuild compared {report.compared} rows for {patients} patients and swapped nothing.")
        return {(name, TIME): seconds, (name, RATE): patients / seconds}

    def floor() -> Sample:
        subjects.make_floor(bed.stack.admin_dsn)
        records = records_on(bed.stack.network, floor_stages.OF_PATIENTS)
        seconds = stages.floor_run(bed, "projection", records).seconds
        return {(name, TIME): seconds, (name, RATE): patients / seconds}

    return alternate(1, bed.stack.disk, product, floor)
