"""Units that can be compared: by UCUM code, with the factor to the base unit of what they measure."""

from decimal import Decimal

from services.intake.domain.questionnaires.values import Quantity
from shared.fhir import UCUM

_FACTORS: dict[str, tuple[str, str]] = {
    "kg": ("mass", "1000"),
    "g": ("mass", "1"),
    "mg": ("mass", "0.001"),
    "ug": ("mass", "0.000001"),
    "[lb_av]": ("mass", "453.59237"),
    "[oz_av]": ("mass", "28.349523125"),
    "km": ("length", "1000"),
    "m": ("length", "1"),
    "cm": ("length", "0.01"),
    "mm": ("length", "0.001"),
    "[in_i]": ("length", "0.0254"),
    "[ft_i]": ("length", "0.3048"),
    "[mi_i]": ("length", "1609.344"),
    "L": ("volume", "1"),
    "dL": ("volume", "0.1"),
    "mL": ("volume", "0.001"),
    "s": ("time", "1"),
    "min": ("time", "60"),
    "h": ("time", "3600"),
    "d": ("time", "86400"),
    "wk": ("time", "604800"),
}


def compared(one: Quantity, other: Quantity) -> tuple[Decimal, Decimal] | None:
    """Both values in one unit; None when the units have nothing in common that is known here."""
    values = Decimal(str(one.value)), Decimal(str(other.value))
    if is_same_unit(one, other):
        return values
    if not (one.system == other.system == UCUM):
        return None
    known = _FACTORS.get(one.code or ""), _FACTORS.get(other.code or "")
    if known[0] is None or known[1] is None or known[0][0] != known[1][0]:
        return None
    return values[0] * Decimal(known[0][1]), values[1] * Decimal(known[1][1])


def is_same_unit(one: Quantity, other: Quantity) -> bool:
    """By code where both have one, else by the words."""
    if one.code and other.code:
        return one.code == other.code and (one.system == other.system or not one.system or not other.system)
    return (one.unit or one.code) == (other.unit or other.code)
