"""How much is measured, in the short form and in the full one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes and seconds. Every number bounds something: requests, events, time."""

    form: str
    alternations: int
    window_s: int
    warm_up_s: int
    is_each_door_started: bool
    patients: int
    visits_each: int
    surveys_a_batch: int
    open_rate: int
    journey_rates: tuple[int, ...]
    on_slow_disk: tuple[str, ...]
    slow_journey_rate: int
    journey_s: float
    read_patients_a_site: int
    open_pages: int
    projection_events: int
    analytics_events: int
    scale_rate: int
    scale_patients: tuple[int, ...]
    scale_sites: tuple[int, ...]
    patients_a_new_site: int


FULL = Plan(
    form="full",
    alternations=5,
    window_s=3,
    warm_up_s=3,
    is_each_door_started=True,
    patients=8_000,
    visits_each=8,
    surveys_a_batch=100,
    open_rate=1_000,
    journey_rates=(50, 200, 500),
    on_slow_disk=("submit", "page", "journey"),
    slow_journey_rate=200,
    journey_s=6,
    read_patients_a_site=5,
    open_pages=1_000,
    projection_events=40_000,
    analytics_events=200_000,
    scale_rate=50,
    scale_patients=(1_000, 10_000, 100_000),
    scale_sites=(400, 4_000),
    patients_a_new_site=10,
)

QUICK = Plan(
    form="quick",
    alternations=1,
    window_s=1,
    warm_up_s=1,
    is_each_door_started=False,
    patients=1_500,
    visits_each=6,
    surveys_a_batch=100,
    open_rate=400,
    journey_rates=(200,),
    on_slow_disk=("submit",),
    slow_journey_rate=200,
    journey_s=3,
    read_patients_a_site=1,
    open_pages=100,
    projection_events=4_000,
    analytics_events=10_000,
    scale_rate=50,
    scale_patients=(200, 1_000),
    scale_sites=(),
    patients_a_new_site=2,
)
