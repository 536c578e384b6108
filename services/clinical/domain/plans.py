"""Steps of the shared plan: open, or done on a day."""

from datetime import date

from shared.errors import FieldError


def done_on(*, is_done: bool, given: date | None, today: date) -> date | FieldError | None:
    """The day on which a step was done: as given, or today; null while it is open."""
    if is_done:
        return given or today
    return None if given is None else FieldError("done_on", "nothing while the step is open; or set is_done")
