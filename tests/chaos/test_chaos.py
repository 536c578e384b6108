"""A short run of the whole rig."""

import gc
from io import StringIO

import pytest
from rich.console import Console

from deploy.chaos.command import NoKafka, run_chaos, show
from tests.conftest import VAR

SECONDS, LEAST_EVENTS = 75, 5_000


@pytest.mark.kafka
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # clients that lost their broker are left to themselves
@pytest.mark.parametrize("seed", [1662])
def test_nothing_is_lost_doubled_or_out_of_order_whatever_fails(seed: int) -> None:
    said = Console(file=StringIO(), width=160, record=True)
    try:
        outcome = run_chaos(VAR / "chaos-test", SECONDS, seed, console=said)
    except NoKafka as none:
        pytest.skip(str(none))
    gc.collect()
    show(outcome, said)
    assert outcome.verdict.findings == 0, said.export_text()
    assert outcome.verdict.events >= LEAST_EVENTS
    assert {"duplicates", "poison", "poisoned-patients", "lost-disk"} <= {one.fault.kind for one in outcome.happened}
