"""Laboratory tests as data: one canonical unit a LOINC code, and exact factors from the others that are accepted.

A unit that is not listed is refused, never guessed: the same number in mg/dL and in mg/L is ten times another result.
Factors are decimals, so that 130 g/L is 13 g/dL and not 13.000000000000002.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from shared.errors import FieldError, Problem


@dataclass(frozen=True, slots=True)
class LabTest:
    """A test by its LOINC code. `factors`: what to multiply a value in another accepted UCUM unit by."""

    loinc: str
    name: str
    unit: str
    factors: Mapping[str, Decimal]

    @property
    def units(self) -> tuple[str, ...]:
        """The accepted units, the canonical one first."""
        return (self.unit, *self.factors)


def _test(loinc: str, name: str, unit: str, factors: Mapping[str, str | Decimal] | None = None) -> LabTest:
    exact = {other: Decimal(factor) for other, factor in (factors or {}).items()}
    return LabTest(loinc, name, unit, MappingProxyType(exact))


# Molar factors: 25-OH vitamin D 2.496 nmol a ng/mL; haemoglobin as its monomer, 16.11 g/mmol; cobalamin 1355 g/mol;
# creatinine 113.1 g/mol, so 88.4 umol/L a mg/dL.
_CALPROTECTIN = {"mg/kg": "1", "mcg/g": "1"}
_CRP = {"mg/dL": "10"}
_CELLS = {"10*9/L": "1"}
_GRAMS = {"g/L": "0.1"}
_LEVEL = {"mcg/mL": "1", "mg/L": "1"}
_VITAMIN_D = {"nmol/L": 1 / Decimal("2.496")}

LAB_TESTS: Mapping[str, LabTest] = MappingProxyType(
    {
        test.loinc: test
        for test in (
            _test("38445-3", "Fecal calprotectin", "ug/g", _CALPROTECTIN),
            _test("1988-5", "C-reactive protein", "mg/L", _CRP),
            _test("30522-7", "C-reactive protein, high sensitivity", "mg/L", _CRP),
            _test("4537-7", "ESR (Westergren)", "mm/h"),
            _test("30341-2", "ESR", "mm/h"),
            _test("718-7", "Hemoglobin", "g/dL", {**_GRAMS, "mmol/L": "1.611"}),
            _test("4544-3", "Hematocrit", "%", {"L/L": "100"}),
            _test("777-3", "Platelets", "10*3/uL", _CELLS),
            _test("6690-2", "White blood cells", "10*3/uL", _CELLS),
            _test("1751-7", "Albumin", "g/dL", _GRAMS),
            _test("2276-4", "Ferritin", "ng/mL", {"ug/L": "1"}),
            _test("62292-8", "25-OH vitamin D (D2 + D3)", "ng/mL", _VITAMIN_D),
            _test("1989-3", "25-OH vitamin D3", "ng/mL", _VITAMIN_D),
            _test("2132-9", "Vitamin B12", "pg/mL", {"ng/L": "1", "pmol/L": "1.355"}),
            _test("1742-6", "ALT", "U/L"),
            _test("2160-0", "Creatinine", "mg/dL", {"umol/L": 1 / Decimal("88.4")}),
            _test("2502-3", "Transferrin saturation", "%"),
            _test("86894-3", "Adalimumab level", "ug/mL", _LEVEL),
            _test("39803-2", "Infliximab level", "ug/mL", _LEVEL),
            _test("86896-8", "Infliximab level, immunoassay", "ug/mL", _LEVEL),
            _test("87404-0", "Certolizumab level", "ug/mL", _LEVEL),
        )
    }
)


def canonical(loinc: str, value: float, unit: str, *, field: str = "value") -> tuple[float, str]:
    """A value in the canonical unit of its LOINC code, and that unit. A value in that unit comes back as it is.

    Raises:
        Problem: 422 that names `loinc`, `unit` or `field`, and what is accepted there.
    """
    test = lab_test(loinc)
    if unit not in test.units:
        raise _refused("unit", f"a UCUM unit accepted for {test.name}: {', '.join(test.units)}")
    if not (math.isfinite(value) and value >= 0):
        raise _refused(field, "a finite number, zero or more")
    if unit == test.unit:
        return value, test.unit
    converted = float(Decimal(repr(value)) * test.factors[unit])
    if not math.isfinite(converted):
        raise _refused(field, f"a number that stays finite in {test.unit}")
    return converted, test.unit


def canonical_range(loinc: str, low: float | None, high: float | None, unit: str) -> tuple[float | None, float | None]:
    """A reference range in the canonical unit; either end may be open.

    Raises:
        Problem: 422 as `canonical` does, or because the range is empty.
    """
    if low is not None and high is not None and low > high:
        raise _refused("reference_high", "not below reference_low")
    ends = {"reference_low": low, "reference_high": high}
    first, last = (None if end is None else canonical(loinc, end, unit, field=field)[0] for field, end in ends.items())
    return first, last


def lab_test(loinc: str) -> LabTest:
    """The test with this code.

    Raises:
        Problem: 422 that lists the codes that are known.
    """
    if loinc not in LAB_TESTS:
        known = ", ".join(f"{test.loinc} ({test.name})" for test in LAB_TESTS.values())
        raise _refused("loinc", f"one of {known}")
    return LAB_TESTS[loinc]


def _refused(field: str, expected: str) -> Problem:
    return Problem(422, "invalid", "The result cannot be read.", errors=[FieldError(field, expected)])
