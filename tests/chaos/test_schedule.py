"""The schedule: data from a seed, the same each time, and worth the name."""

from collections import Counter
from itertools import islice, pairwise

import pytest

from deploy.chaos.schedule import ALL, FIRST_S, OF_SERVERS, SERVERS_UP_S, make_schedule
from deploy.chaos.stories import sites_of, stories
from tests.builders import VISIT_AT

DAY = VISIT_AT.date()


def test_a_seed_gives_one_schedule_and_another_seed_another() -> None:
    assert make_schedule(7, 300) == make_schedule(7, 300)
    assert make_schedule(7, 300) != make_schedule(8, 300)


@pytest.mark.parametrize("seed", range(20))
def test_every_fault_begins_after_a_quiet_moment_in_order_and_ends_within_the_run(seed: int) -> None:
    schedule = make_schedule(seed, 120)
    begins = [fault.at_s for fault in schedule]
    assert begins == sorted(begins)
    assert begins[0] >= FIRST_S
    assert max(fault.ends_s for fault in schedule) <= 120


@pytest.mark.parametrize("seed", range(20))
def test_between_two_faults_of_servers_both_are_up_for_a_while(seed: int) -> None:
    of_servers = [fault for fault in make_schedule(seed, 600) if fault.kind in OF_SERVERS]
    assert all(later.at_s >= round(earlier.ends_s + SERVERS_UP_S, 1) for earlier, later in pairwise(of_servers))


@pytest.mark.parametrize("seed", range(20))
def test_seven_minutes_meet_every_kind_and_none_out_of_all_proportion(seed: int) -> None:
    kinds = Counter(fault.kind for fault in make_schedule(seed, 420))
    assert set(kinds) == set(ALL)
    assert max(kinds.values()) < 6 * min(kinds.values())


def test_both_servers_are_met_by_their_wire() -> None:
    wires = [fault for fault in make_schedule(1, 600) if fault.kind.endswith("-wire")]
    assert {fault.target for fault in wires} == {"postgres", "kafka"}


def test_faults_overlap() -> None:
    schedule = make_schedule(1, 300)
    assert any(later.at_s < fault.ends_s for fault, later in pairwise(schedule))


def test_a_seed_gives_the_same_stories_and_nobody_comes_twice() -> None:
    told = list(islice(stories(3, DAY), 2500))
    assert told[:1500] == list(islice(stories(3, DAY), 1500))
    assert len({(site_id, patient.identifier) for site_id, patient in told}) == len(told)
    assert {site_id for site_id, _ in told} <= {site.site_id for site in sites_of(3, DAY)}
    assert len(sites_of(3, DAY)) == 40
