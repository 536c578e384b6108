"""Whom clients write about: synthetic patients without end, the same for the same seed, sites taking turns."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import chain, count, zip_longest

from deploy.demo.cohort import make_network
from deploy.demo.network import Patient, Site


def sites_of(seed: int, day: date) -> tuple[Site, ...]:
    """The forty sites."""
    return make_network(today=day, seed=seed).sites


def stories(seed: int, day: date) -> Iterator[tuple[str, Patient]]:
    """Patients with all that is to be written of them, each with the site. Nobody comes twice."""
    for turn in count():
        network = make_network(today=day, seed=seed * 1000 + turn)
        by_site = [[(site.site_id, _of_turn(patient, turn)) for patient in site.patients] for site in network.sites]
        yield from (told for told in chain.from_iterable(zip_longest(*by_site)) if told is not None)


def _of_turn(patient: Patient, turn: int) -> Patient:
    """Another person than the one who has this number in the turns before."""
    return replace(patient, enrolment={**patient.enrolment, "identifier": f"{turn}-{patient.identifier}"})
