"""Forms as FHIR R4 Questionnaires: what they ask, whether answers fit, what the answers say.

Pure: a definition is read once and never changed, no clock is read, nothing is fetched, and no function raises over
what somebody answered. Modules that another imports stand above it here:

    populate, calculation, extract     what is filled in beforehand, calculated, said as Observations
    checks                             whether answers fit
    rules, evaluation, expressions     what is written in FHIRPath
    steps                              how much work that may be
    enablement                         what is shown
    given, plain, responses, placing   answers, each put at its item
    compiling, items, soundness        definitions, read and judged
    conditions, limits, value_sets     parts of an item, prepared when it is read
    definition, issues                 what the others are about
"""

from services.intake.domain.questionnaires.calculation import calculate, with_calculated
from services.intake.domain.questionnaires.checks import Checked, Disabled, check, fault_of, shown, to_response
from services.intake.domain.questionnaires.compiling import compile_questionnaire, read_questionnaire
from services.intake.domain.questionnaires.definition import Bounds, Definition, Item, ItemType, Option
from services.intake.domain.questionnaires.difference import Difference, difference
from services.intake.domain.questionnaires.extract import common_parts, extract, posted
from services.intake.domain.questionnaires.given import Given
from services.intake.domain.questionnaires.issues import (
    Issue,
    Rule,
    Severity,
    UnsoundDefinition,
    another_form,
    operation_outcome,
)
from services.intake.domain.questionnaires.masked import masked
from services.intake.domain.questionnaires.populate import populate
from services.intake.domain.questionnaires.values import Coding, Quantity

__all__ = [
    "Bounds",
    "Checked",
    "Coding",
    "Definition",
    "Difference",
    "Disabled",
    "Given",
    "Issue",
    "Item",
    "ItemType",
    "Option",
    "Quantity",
    "Rule",
    "Severity",
    "UnsoundDefinition",
    "another_form",
    "calculate",
    "check",
    "common_parts",
    "compile_questionnaire",
    "difference",
    "extract",
    "fault_of",
    "masked",
    "operation_outcome",
    "populate",
    "posted",
    "read_questionnaire",
    "shown",
    "to_response",
    "with_calculated",
]
