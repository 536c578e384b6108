"""A page in its reader's language: which one that is, how it is changed, and everything said in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from shared.events import Language
from shared.pages import words
from shared.speech import Noun, Said, spoken

_NAMES = {Language.ENGLISH: "English", Language.SPANISH: "Español"}


class Switch(NamedTuple):
    """A button to the same page in the other language; `kept` is what its address asks for besides."""

    language: Language
    name: str
    kept: Sequence[tuple[str, str]]


class Spoken(NamedTuple):
    """The language of a page. One that cannot be asked for again has no switch."""

    language: Language = Language.ENGLISH
    switch: Switch | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The language that a reader `chose`, if they did, and the `query` of the page that they are on.

    A page that cannot be asked for again, such as the answer to a form, has no query.
    """

    chosen: Language | None = None
    query: Sequence[tuple[str, str]] | None = None

    @property
    def kept(self) -> str:
        """The query of an address of another service, so that the choice holds there too."""
        return f"?lang={self.chosen}" if self.chosen else ""

    @property
    def if_any(self) -> Spoken | None:
        """How to speak to a reader of whom nothing else is known."""
        return self.spoken() if self.chosen else None

    def spoken(self, own: str | None = None) -> Spoken:
        """How to speak to a reader whose own language this is."""
        language = self.chosen or spoken(own)
        if self.query is None:
            return Spoken(language)
        other = Language.ENGLISH if language is Language.SPANISH else Language.SPANISH
        return Spoken(language, Switch(other, _NAMES[other], [one for one in self.query if one[0] != "lang"]))


class Speaks:
    """What has a `language` says everything in it."""

    __slots__ = ()

    @property
    def language(self) -> Language:
        return Language.ENGLISH

    def say(self, said: Said, /, **values: object) -> str:
        return said.said_in(self.language).format(**values)

    def named(self, labels: Mapping[str, Said], code: str) -> str:
        """What the labels call a code; one that they do not know stays readable all the same."""
        return self.say(labels[code]) if code in labels else code.replace("-", " ").replace("_", " ")

    def counted(self, count: float, noun: Noun) -> str:
        return words.counted_in(self.language, count, noun)

    def listed(self, parts: Sequence[str]) -> str:
        return words.listed(parts, self.language)

    def out_of(self, value: float, most: float) -> str:
        return words.out_of(value, most, self.language)

    def on(self, day: date) -> str:
        return words.on(day, self.language)

    def short_on(self, day: date) -> str:
        return words.short_on(day, self.language)

    def unit(self, ucum: str) -> str:
        return words.unit(ucum, self.language)
