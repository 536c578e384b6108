"""How easy the words are to read: what is promised for each language, and the formulas.

Both formulas count syllables, which needs a dictionary of hyphenation; the tests have one and hold the limits. They
hold for our own words. The items of the PHQ-4 with their stem are printed as published, whatever they score.
"""

from typing import NamedTuple

from shared.events import Language

GRADE_6 = 6.0
FAIRLY_EASY = 70.0


class ReadingLevel(NamedTuple):
    """What holds for all our own words of a survey in one language."""

    language: Language
    formula: str
    limit: str


READING_LEVELS = (
    ReadingLevel(Language.ENGLISH, "Flesch-Kincaid grade", f"at most {GRADE_6:g}"),
    ReadingLevel(Language.SPANISH, "Fernández Huerta", f"at least {FAIRLY_EASY:g} (sixth grade)"),
)


def flesch_kincaid_grade(sentences: int, words: int, syllables: int) -> float:
    """US school grade of an English text (Kincaid et al. 1975)."""
    return 0.39 * words / sentences + 11.8 * syllables / words - 15.59


def fernandez_huerta(sentences: int, words: int, syllables: int) -> float:
    """Ease of a Spanish text, 0 to 100, higher is easier; 70 to 80 is read in sixth grade (Fernández Huerta 1959)."""
    return 206.84 - 60 * syllables / words - 1.02 * words / sentences
