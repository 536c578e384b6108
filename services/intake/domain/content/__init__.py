"""The surveys that come with the product, in our own words, as FHIR R4 Questionnaires in English and Spanish.

A published version never changes: other words, items or conditions are another version.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from services.intake.domain.content.fhir import questionnaire
from services.intake.domain.content.parts import optional_parts, without
from services.intake.domain.content.surveys import SURVEYS

QUESTIONNAIRES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {f"{survey.id}|{survey.version}": questionnaire(survey) for survey in SURVEYS}
)

__all__ = ["QUESTIONNAIRES", "optional_parts", "without"]
