"""Words of a definition in several languages: English as they stand, others by FHIR's translation extension."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.intake.domain.questionnaires.extensions import TRANSLATION, extension, extensions, string_in


@dataclass(frozen=True, slots=True)
class Words:
    """What is shown to a person; in a language that was not translated to, the words as they stand."""

    base: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    def said_in(self, language: str) -> str:
        return self.others.get(language, self.base)


def words_of(owner: Mapping[str, Any], name: str) -> Words | None:
    """The words of a primitive element and the translations beside it; None where there are none."""
    base = string_in(owner, name)
    others = {}
    for translation in extensions(owner.get(f"_{name}"), TRANSLATION):
        language, content = extension(translation, "lang"), extension(translation, "content")
        if isinstance(language, str) and isinstance(content, str):
            others[language.partition("-")[0].lower()] = content
    return Words(base or "", others) if base or others else None
