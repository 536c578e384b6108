"""Consent to network use: each pair of states, the reason, the dates."""

from datetime import date
from itertools import product

import pytest

from services.intake.domain import ConsentDecision, ConsentReason, decide
from shared.errors import Problem
from shared.events import ConsentState

INVITED, CONSENTED, DISSENTED, WITHDRAWN = ConsentState
ALLOWED = {
    (INVITED, CONSENTED),
    (INVITED, DISSENTED),
    (CONSENTED, WITHDRAWN),
    (DISSENTED, CONSENTED),
    (WITHDRAWN, CONSENTED),
}
BEFORE, AFTER = date(2026, 3, 2), date(2026, 3, 20)


def reason_for(state: ConsentState) -> ConsentReason | None:
    return ConsentReason.MOVED_AWAY if state is WITHDRAWN else None


def refusal(
    current: ConsentState,
    new: ConsentState,
    reason: ConsentReason | None = None,
    decided_on: date = AFTER,
) -> Problem:
    with pytest.raises(Problem) as refused:
        decide(current, new, reason, decided_on, BEFORE)
    assert refused.value.status == 409
    return refused.value


@pytest.mark.parametrize(("current", "new"), sorted(ALLOWED))
def test_an_allowed_decision_is_recorded_with_its_day(current: ConsentState, new: ConsentState) -> None:
    decision = decide(current, new, reason_for(new), AFTER, BEFORE)
    assert decision == ConsentDecision(new, AFTER, reason_for(new))


@pytest.mark.parametrize(
    ("current", "new"),
    [pair for pair in product(ConsentState, repeat=2) if pair not in ALLOWED and pair[0] != pair[1]],
)
def test_any_other_decision_is_told_what_would_be_possible(current: ConsentState, new: ConsentState) -> None:
    problem = refusal(current, new, reason_for(new))
    assert problem.kind == "consent-not-allowed"
    for start, end in ALLOWED:
        assert (f"{end}" in problem.detail) or start != current


@pytest.mark.parametrize("state", ConsentState)
def test_the_same_decision_again_is_a_conflict(state: ConsentState) -> None:
    problem = refusal(state, state, reason_for(state))
    assert problem.kind == "consent-unchanged"
    assert state in problem.detail


def test_withdrawal_needs_a_reason_and_the_refusal_lists_them() -> None:
    problem = refusal(CONSENTED, WITHDRAWN)
    assert problem.kind == "consent-reason-required"
    assert all(reason in problem.detail for reason in ConsentReason)


@pytest.mark.parametrize("reason", ConsentReason)
def test_every_reason_serves_for_withdrawal_and_dissent(reason: ConsentReason) -> None:
    assert decide(CONSENTED, WITHDRAWN, reason, AFTER, BEFORE).reason is reason
    assert decide(INVITED, DISSENTED, reason, AFTER, BEFORE).reason is reason


@pytest.mark.parametrize("current", [INVITED, DISSENTED, WITHDRAWN])
def test_a_reason_of_an_earlier_refusal_does_not_stay_with_a_consent(current: ConsentState) -> None:
    assert refusal(current, CONSENTED, ConsentReason.OTHER).kind == "consent-reason-not-allowed"


def test_two_decisions_on_one_day_are_possible() -> None:
    assert decide(INVITED, CONSENTED, None, BEFORE, BEFORE).decided_on == BEFORE


def test_a_decision_dated_before_the_last_one_is_refused_with_both_days() -> None:
    problem = refusal(INVITED, CONSENTED, decided_on=date(2026, 3, 1))
    assert problem.kind == "consent-out-of-order"
    assert "1 Mar 2026" in problem.detail
    assert "2 Mar 2026" in problem.detail
