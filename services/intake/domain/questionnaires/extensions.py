"""The extensions that are understood, and how any part of a FHIR document is read: what is not there, or is not of
the kind that was expected, reads as nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.fhir import OURS

_FHIR = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_OURS = f"{OURS}/StructureDefinition/"

TRANSLATION = f"{_FHIR}translation"
DATA_ABSENT_REASON = f"{_FHIR}data-absent-reason"
HIDDEN = f"{_FHIR}questionnaire-hidden"
ITEM_CONTROL = f"{_FHIR}questionnaire-itemControl"
MIN_LENGTH = f"{_FHIR}minLength"
REGEX = f"{_FHIR}regex"
MIN_VALUE = f"{_FHIR}minValue"
MAX_VALUE = f"{_FHIR}maxValue"
MIN_QUANTITY = f"{_SDC}sdc-questionnaire-minQuantity"
MAX_QUANTITY = f"{_SDC}sdc-questionnaire-maxQuantity"
MAX_DECIMAL_PLACES = f"{_FHIR}maxDecimalPlaces"
MIN_OCCURS = f"{_FHIR}questionnaire-minOccurs"
MAX_OCCURS = f"{_FHIR}questionnaire-maxOccurs"
OPTION_EXCLUSIVE = f"{_FHIR}questionnaire-optionExclusive"
UNIT = f"{_FHIR}questionnaire-unit"
UNIT_OPTION = f"{_FHIR}questionnaire-unitOption"
UNIT_VALUE_SET = f"{_FHIR}questionnaire-unitValueSet"
MAX_SIZE = f"{_FHIR}maxSize"
MIME_TYPE = f"{_FHIR}mimeType"
REFERENCE_RESOURCE = f"{_FHIR}questionnaire-referenceResource"
CONSTRAINT = f"{_FHIR}questionnaire-constraint"
VARIABLE = f"{_FHIR}variable"
CALCULATED_EXPRESSION = f"{_SDC}sdc-questionnaire-calculatedExpression"
INITIAL_EXPRESSION = f"{_SDC}sdc-questionnaire-initialExpression"
ENABLE_WHEN_EXPRESSION = f"{_SDC}sdc-questionnaire-enableWhenExpression"
LAUNCH_CONTEXT = f"{_SDC}sdc-questionnaire-launchContext"
OBSERVATION_EXTRACT = f"{_SDC}sdc-questionnaire-observationExtract"
OBSERVATION_LINK_PERIOD = f"{_SDC}sdc-questionnaire-observationLinkPeriod"
WEIGHTS = (f"{_FHIR}itemWeight", f"{_FHIR}ordinalValue", f"{_FHIR}questionnaire-ordinalValue")

INSTRUMENT = f"{_OURS}instrument"
EXPLICIT_SKIP = f"{_OURS}explicit-skip"
FROM_LAST = f"{_OURS}from-last-answer"
LABELLED_VALUE = f"{_OURS}labelled-value"


def string_in(owner: Mapping[str, Any], name: str) -> str | None:
    found = owner.get(name)
    return found if isinstance(found, str) and found else None


def objects_in(owner: object, name: str) -> list[Mapping[str, Any]]:
    found = owner.get(name) if isinstance(owner, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def extensions(owner: object, *urls: str) -> Iterator[Mapping[str, Any]]:
    """The extensions of an element that have one of these addresses."""
    return (one for one in objects_in(owner, "extension") if one.get("url") in urls)


def value_of(element: Mapping[str, Any]) -> object:
    """The `value[x]` of an element, whatever its type."""
    return next((element[name] for name in element if name.startswith("value")), None)


def extension(owner: object, *urls: str) -> object:
    """The value of the first such extension, or part of a complex one; None where there is none."""
    return next((value_of(one) for one in extensions(owner, *urls)), None)


def whole_number(owner: object, url: str) -> int | None:
    """A whole number that is not negative."""
    found = extension(owner, url)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def expression_in(found: object) -> str | None:
    """The FHIRPath of an Expression; None when it is of another language."""
    if isinstance(found, str):
        return found
    if not isinstance(found, Mapping) or found.get("language") not in (None, "text/fhirpath"):
        return None
    return string_in(found, "expression")
