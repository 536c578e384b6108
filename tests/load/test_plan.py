"""The plans of the bench hold together."""

import pytest

from tests.load.plan import FULL, QUICK, Plan


@pytest.mark.parametrize("plan", [FULL, QUICK], ids=lambda plan: plan.form)
def test_there_is_a_visit_for_every_survey_of_all_journeys(plan: Plan) -> None:
    rates = [*plan.journey_rates, *([plan.slow_journey_rate] if "journey" in plan.on_slow_disk else [])]
    sides, warm_ups_s = 2, 1
    surveys = sides * (plan.alternations * plan.journey_s * sum(rates) + warm_ups_s * sum(rates))
    assert surveys <= plan.patients * plan.visits_each
