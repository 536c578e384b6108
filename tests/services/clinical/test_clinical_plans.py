"""When a step of the plan counts as done."""

from datetime import date

import pytest

from services.clinical.domain import done_on
from shared.errors import FieldError

TODAY = date(2026, 10, 13)
EARLIER = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("is_done", "given", "expected"), [(False, None, None), (True, None, TODAY), (True, EARLIER, EARLIER)]
)
def test_a_done_step_has_its_day_and_an_open_one_none(
    *, is_done: bool, given: date | None, expected: date | None
) -> None:
    assert done_on(is_done=is_done, given=given, today=TODAY) == expected


def test_an_open_step_cannot_have_a_day_on_which_it_was_done() -> None:
    error = done_on(is_done=False, given=EARLIER, today=TODAY)
    assert error == FieldError("done_on", "nothing while the step is open; or set is_done")
