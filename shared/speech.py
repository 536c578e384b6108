"""What is said to people, in each language that pages speak. The Spanish is a draft for a qualified translator."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from shared.events import Language

SPOKEN = (Language.ENGLISH, Language.SPANISH)


class Said(NamedTuple):
    """The same words in English and Spanish; `{names}` in them are filled in where they are said."""

    en: str
    es: str

    def said_in(self, language: Language) -> str:
        """In a language that is not spoken: in English."""
        return self.es if language is Language.SPANISH else self.en


def in_language(language: Language, phrases: Mapping[str, Said]) -> Mapping[str, str]:
    """Phrases by their names, as they are said in a language."""
    return MappingProxyType({name: said.said_in(language) for name, said in phrases.items()})


class Noun(NamedTuple):
    """What can be counted."""

    one: Said
    many: Said


def spoken(language: str | None) -> Language:
    """The language to speak to somebody whose own this is."""
    return Language.SPANISH if language == Language.SPANISH else Language.ENGLISH
