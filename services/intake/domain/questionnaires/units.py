"""Units that can be compared: by UCUM code, one of those below or two of them with a stroke between, as in `mg/dL`.

What is counted in moles or international units has no mass that is known here: `mmol/L` is compared with no `mg/dL`.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from services.intake.domain.questionnaires.values import Quantity
from shared.fhir import UCUM


class _Unit(NamedTuple):
    """What it measures, its size in the base unit, and how far its zero is from that one's, in the unit itself."""

    measures: str
    size: Fraction
    zero: Fraction = Fraction(0)


# The base units are those of size 1. A pound, an ounce, an inch, a foot and a mile are so many metric ones by
# definition; a millimetre of mercury is by convention.
_SIZES = {
    "mass": {"kg": "1000", "g": "1", "mg": "1e-3", "ug": "1e-6", "ng": "1e-9", "pg": "1e-12"}
    | {"[lb_av]": "453.59237", "[oz_av]": "28.349523125"},
    "length": {"km": "1000", "m": "1", "cm": "0.01", "mm": "1e-3", "um": "1e-6"}
    | {"[in_i]": "0.0254", "[ft_i]": "0.3048", "[mi_i]": "1609.344"},
    "area": {"m2": "1", "cm2": "1e-4"},
    "volume": {"L": "1", "dL": "0.1", "cL": "0.01", "mL": "1e-3", "uL": "1e-6", "fL": "1e-15"},
    "time": {"s": "1", "min": "60", "h": "3600", "d": "86400", "wk": "604800"},
    "substance": {"mol": "1", "mmol": "1e-3", "umol": "1e-6", "nmol": "1e-9", "pmol": "1e-12"},
    "effect": {"[IU]": "1", "k[IU]": "1000", "m[IU]": "1e-3", "u[IU]": "1e-6"},
    "number": {"1": "1", "": "1", "%": "0.01", "10*3": "1e3", "10*6": "1e6", "10*9": "1e9", "10*12": "1e12"},
    "pressure": {"Pa": "1", "kPa": "1000", "mm[Hg]": "133.322387415"},
    "energy": {"J": "1", "kJ": "1000", "cal": "4.184", "kcal": "4184"},
}
_UNITS = {code: _Unit(measures, Fraction(size)) for measures, sizes in _SIZES.items() for code, size in sizes.items()}
_DEGREES = {
    "K": _Unit("temperature", Fraction(1)),
    "Cel": _Unit("temperature", Fraction(1), Fraction("273.15")),
    "[degF]": _Unit("temperature", Fraction(5, 9), Fraction("459.67")),
}


def compared(one: Quantity, other: Quantity) -> tuple[Fraction, Fraction] | tuple[Decimal, Decimal] | None:
    """Both values in one unit; None when the units have nothing in common that is known here."""
    values = Decimal(str(one.value)), Decimal(str(other.value))
    if is_same_unit(one, other):
        return values
    if not (one.system == other.system == UCUM):
        return None
    units = _unit(one.code or ""), _unit(other.code or "")
    if units[0] is None or units[1] is None or units[0].measures != units[1].measures:
        return None
    return _in_base(values[0], units[0]), _in_base(values[1], units[1])


def is_same_unit(one: Quantity, other: Quantity) -> bool:
    """By code where both have one, else by the words."""
    if one.code and other.code:
        return one.code == other.code and (one.system == other.system or not one.system or not other.system)
    return (one.unit or one.code) == (other.unit or other.code)


def _in_base(value: Decimal, unit: _Unit) -> Fraction:
    return (Fraction(value) + unit.zero) * unit.size


@lru_cache(maxsize=256)
def _unit(code: str) -> _Unit | None:
    """The unit of a code; a rate or a concentration is one unit over another."""
    if not code:
        return None
    if code in _DEGREES:
        return _DEGREES[code]
    above, stroke, below = code.partition("/")
    upper, lower = _UNITS.get(above), _UNITS.get(below)
    if not stroke or upper is None or lower is None or not below:
        return _UNITS.get(code)
    return _Unit(f"{upper.measures}/{lower.measures}", upper.size / lower.size)
