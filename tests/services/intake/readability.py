"""How easy a text is to read, by the formula for its language."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pyphen

from shared.events import Language

EN, ES = Language.ENGLISH, Language.SPANISH


def flesch_kincaid_grade(sentences: int, words: int, syllables: int) -> float:
    """US school grade of an English text (Kincaid et al. 1975)."""
    return 0.39 * words / sentences + 11.8 * syllables / words - 15.59


def fernandez_huerta(sentences: int, words: int, syllables: int) -> float:
    """Ease of a Spanish text, 0 to 100, higher is easier; 70 to 80 is read in sixth grade (Fernández Huerta 1959)."""
    return 206.84 - 60 * syllables / words - 1.02 * words / sentences


class _Count(NamedTuple):
    sentences: int
    words: int
    syllables: int


_VOWELS = {EN: re.compile("[aeiouy]+"), ES: re.compile("[iuü]?[aeoáéó][iu]?|[íú]|[iuü]+")}
_HYPHENS = {EN: pyphen.Pyphen(lang="en_US", left=1, right=1), ES: pyphen.Pyphen(lang="es", left=1, right=1)}
_FORMULAS: dict[Language, Callable[[int, int, int], float]] = {EN: flesch_kincaid_grade, ES: fernandez_huerta}


def syllables_of(word: str, language: Language) -> int:
    """The larger of two counts: by hyphens, which miss some, and by groups of vowels, which miss others."""
    groups = len(_VOWELS[language].findall(word))
    if language is EN and re.search(r"([^l]e|[^td]ed)$", word):
        groups -= 1
    return max(1, groups, len(_HYPHENS[language].inserted(word).split("-")))


def reading_of(texts: Iterator[str], language: Language) -> float:
    """The grade of a text in English, the ease of one in Spanish."""
    return _FORMULAS[language](*_count(texts, language))


def _count(texts: Iterator[str], language: Language) -> _Count:
    sentences = [re.findall(r"[^\W_]+", sentence) for text in texts for sentence in re.split("[.?:]", text)]
    words = [word.lower() for sentence in sentences for word in sentence]
    return _Count(sum(map(bool, sentences)), len(words), sum(syllables_of(word, language) for word in words))
