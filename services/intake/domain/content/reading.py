"""How easy the words are to read: what is promised for each language.

The tests hold the limits, for the formulas need a dictionary of hyphenation to count syllables. They hold for our own
words. The items of the PHQ-4 with their stem are printed as published, whatever they score.
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
