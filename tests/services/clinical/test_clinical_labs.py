"""Units of laboratory results: exact numbers, and refusals that say what is accepted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clinical.domain import LAB_TESTS, LabTest, canonical, canonical_range
from shared.errors import FieldError, Problem

VALUES = st.floats(min_value=0, max_value=1e12, allow_nan=False)
TESTS = st.sampled_from(list(LAB_TESTS.values()))


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "expected"),
    [
        ("38445-3", 412.0, "mg/kg", (412.0, "ug/g")),
        ("38445-3", 412.0, "ug/g", (412.0, "ug/g")),
        ("1988-5", 0.6, "mg/dL", (6.0, "mg/L")),
        ("30522-7", 0.07, "mg/dL", (0.7, "mg/L")),
        ("4537-7", 22.0, "mm/h", (22.0, "mm/h")),
        ("718-7", 130.0, "g/L", (13.0, "g/dL")),
        ("718-7", 8.1, "mmol/L", (13.0491, "g/dL")),
        ("4544-3", 0.41, "L/L", (41.0, "%")),
        ("777-3", 312.0, "10*9/L", (312.0, "10*3/uL")),
        ("6690-2", 7.4, "10*9/L", (7.4, "10*3/uL")),
        ("1751-7", 38.0, "g/L", (3.8, "g/dL")),
        ("2276-4", 29.0, "ug/L", (29.0, "ng/mL")),
        ("62292-8", 62.4, "nmol/L", (25.0, "ng/mL")),
        ("1989-3", 49.92, "nmol/L", (20.0, "ng/mL")),
        ("2132-9", 200.0, "pmol/L", (271.0, "pg/mL")),
        ("1742-6", 31.0, "U/L", (31.0, "U/L")),
        ("2160-0", 88.4, "umol/L", (1.0, "mg/dL")),
        ("2502-3", 18.0, "%", (18.0, "%")),
    ],
)
def test_a_value_is_converted_to_the_unit_of_its_code(
    loinc: str, value: float, unit: str, expected: tuple[float, str]
) -> None:
    assert canonical(loinc, value, unit) == expected


@given(TESTS, VALUES)
def test_a_value_in_the_canonical_unit_is_not_touched(test: LabTest, value: float) -> None:
    assert canonical(test.loinc, value, test.unit) == (value, test.unit)


@given(TESTS, VALUES, VALUES, st.data())
def test_conversion_keeps_the_order_of_two_results(test: LabTest, a: float, b: float, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(test.units))
    low, high = sorted((a, b))
    assert canonical(test.loinc, low, unit)[0] <= canonical(test.loinc, high, unit)[0]


@pytest.mark.parametrize("unit", ["ug/mL", "MG/L", "mg/l", "", "g/L"])
def test_a_unit_that_is_not_listed_is_refused_with_those_that_are(unit: str) -> None:
    (error,) = refusal("1988-5", 6.0, unit)
    assert error == FieldError("unit", "a UCUM unit accepted for C-reactive protein: mg/L, mg/dL")


def test_a_code_that_is_not_listed_is_refused_with_those_that_are() -> None:
    (error,) = refusal("2345-7", 90.0, "mg/dL")
    assert error.field == "loinc"
    assert all(loinc in error.expected for loinc in LAB_TESTS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.1])
@pytest.mark.parametrize("unit", ["mg/L", "mg/dL"])
def test_what_is_no_amount_is_refused(value: float, unit: str) -> None:
    assert refusal("1988-5", value, unit) == (FieldError("value", "a finite number, zero or more"),)


def test_a_value_that_conversion_would_make_infinite_is_refused() -> None:
    assert refusal("1988-5", 1e308, "mg/dL") == (FieldError("value", "a number that stays finite in mg/L"),)


def test_the_reference_range_is_converted_with_its_open_ends() -> None:
    assert canonical_range("718-7", 120.0, 160.0, "g/L") == (12.0, 16.0)
    assert canonical_range("1988-5", None, 0.5, "mg/dL") == (None, 5.0)
    assert canonical_range("1988-5", None, None, "mg/dL") == (None, None)


@pytest.mark.parametrize(
    ("low", "high", "field"),
    [(160.0, 120.0, "reference_high"), (-1.0, 5.0, "reference_low"), (1.0, math.inf, "reference_high")],
)
def test_an_impossible_reference_range_is_refused_by_its_wrong_end(low: float, high: float, field: str) -> None:
    with pytest.raises(Problem) as caught:
        canonical_range("718-7", low, high, "g/L")
    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize("loinc", LAB_TESTS)
def test_every_code_has_the_check_digit_that_loinc_gives_it(loinc: str) -> None:
    number, check = loinc.split("-")
    # Mod 10 (Luhn), as the LOINC Users' Guide prescribes.
    digits = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number))]
    assert (10 - sum(sum(divmod(digit, 10)) for digit in digits) % 10) % 10 == int(check)


def refusal(loinc: str, value: float, unit: str) -> tuple[FieldError, ...]:
    with pytest.raises(Problem) as caught:
        canonical(loinc, value, unit)
    assert caught.value.status == 422
    return caught.value.errors
