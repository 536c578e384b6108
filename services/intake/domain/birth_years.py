"""In which year a patient can be born."""

from datetime import date

from shared.errors import FieldError, Problem

FIRST_BIRTH_YEAR = 1900


def check_birth_year(year: int, today: date) -> None:
    """Whether somebody who is written down `today`, a day on the site's clocks, can be born in this year.

    Raises:
        Problem: 422, it is still to come or before 1900.
    """
    if not FIRST_BIRTH_YEAR <= year <= today.year:
        expected = f"a year from {FIRST_BIRTH_YEAR} to {today.year}"
        raise Problem(
            422, "invalid", f"The birth year must be {expected}.", errors=[FieldError("birth_year", expected)]
        )
