"""The 40 sites: invented places that say what they are, with their clinicians, clocks and laboratory habits."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from deploy.demo.network import Body
from deploy.demo.shares import counts
from shared.events import SiteType

CLINICIANS_OVER_FIVE = 67
_FEWEST_PATIENTS = 6

_EAST, _CENTRAL, _MOUNTAIN, _WEST = (f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Los_Angeles"))
_ZONES = (_EAST, _CENTRAL, _EAST, _WEST, _CENTRAL, _MOUNTAIN, _EAST, "America/Phoenix")
_ACADEMIC = (
    *("Alderbrook", "Bramblegate", "Copperfen", "Dunmarrow", "Elmhollow", "Fernmoor", "Goldenreed", "Hazelwick"),
    *("Inkwater", "Junipercross", "Kestrelford", "Lanternhill", "Mossgrove", "Nettlebay", "Oakenshade", "Pinemeadow"),
)
_PRIVATE = (
    "Quillbrook",
    "Rushwater",
    "Saltmarsh End",
    "Thistledown",
    "Umberfield",
    "Violetridge",
    "Willowmere",
    "Yarrow",
)
_STARTING = (
    *("Amberlea", "Birchfold", "Cloverpoint", "Dovetree", "Emberglen", "Foxmeadow", "Greenfen", "Heronlake"),
    *("Ivorybank", "Jadewater", "Kitefield", "Larkspur", "Maplecross", "Northreed", "Ottermill", "Plumtree"),
)
_METHOD_CHANGES = {0: -45, 8: -75, 17: -120, 21: -45}


@dataclass(frozen=True, slots=True)
class Clinician:
    """`patients` is how many consenting patients they have at the scale of the network."""

    clinician_id: str
    patients: int


@dataclass(frozen=True, slots=True)
class Place:
    """A site to be. `new_method_from`: the day, counted from today, from which calprotectin is measured another way."""

    site_id: str
    name: str
    site_type: SiteType
    time_zone: str
    clinicians: tuple[Clinician, ...] = ()
    new_method_from: int | None = None
    is_metric: bool = False

    @property
    def is_active(self) -> bool:
        return bool(self.clinicians)

    @property
    def description(self) -> Body:
        return {"name": self.name, "site_type": self.site_type.value, "time_zone": self.time_zone}

    def instant(self, today: date, day: int, hour: int, minute: int = 0) -> datetime:
        """A clock time at this site, `day` days after today."""
        return datetime.combine(today + timedelta(days=day), time(hour, minute), ZoneInfo(self.time_zone))


def places(rng: Random, enrolled: int) -> list[Place]:
    """24 active sites (16 academic, 8 private) that share the patients, and 16 that are about to start.

    67 clinicians have six consenting patients or more, a few have fewer.

    Raises:
        ValueError: too few patients for that.
    """
    loads = _clinician_loads(rng, enrolled)
    active = [*((name, SiteType.ACADEMIC) for name in _ACADEMIC), *((name, SiteType.PRIVATE) for name in _PRIVATE)]
    made = []
    for position, (name, site_type) in enumerate(active):
        site_id = _site_id(name)
        made.append(
            Place(
                site_id,
                _name(name, site_type),
                site_type,
                _ZONES[position % len(_ZONES)],
                tuple(Clinician(f"dr-{site_id}-{n}", load) for n, load in enumerate(loads[position], start=1)),
                _METHOD_CHANGES.get(position),
                is_metric=position in (5, 18),
            )
        )
    for position, name in enumerate(_STARTING):
        site_type = SiteType.ACADEMIC if position % 2 else SiteType.PRIVATE
        made.append(Place(_site_id(name), _name(name, site_type), site_type, _ZONES[position % len(_ZONES)]))
    return made


def _site_id(name: str) -> str:
    return f"demo-{name.lower().replace(' ', '-')}"


def _name(name: str, site_type: SiteType) -> str:
    kind = "University IBD Center" if site_type is SiteType.ACADEMIC else "Digestive Health"
    return f"{name} {kind} (synthetic)"


def _clinician_loads(rng: Random, enrolled: int) -> list[list[int]]:
    """Patients by clinician, for each active site: two to four clinicians with many, here and there one with few."""
    sites = len(_ACADEMIC) + len(_PRIVATE)
    many = [2] * sites
    for position in rng.sample(range(sites), CLINICIANS_OVER_FIVE - 2 * sites):
        many[position] += 1
    few = [[rng.randint(1, 4)] if rng.random() < 0.4 else [] for _ in range(sites)]
    left = enrolled - CLINICIANS_OVER_FIVE * _FEWEST_PATIENTS - sum(map(sum, few))
    if left < 0:
        raise ValueError("a network of 24 active sites needs at least 500 patients")
    weights = {(site, n): rng.lognormvariate(0, 0.5) for site in range(sites) for n in range(many[site])}
    extra = counts(left, weights)
    return [[*(_FEWEST_PATIENTS + extra[site, n] for n in range(many[site])), *few[site]] for site in range(sites)]
