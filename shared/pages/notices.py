"""Pages that say one thing and lead on: a session is over, a sign-in did not work."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from jinja2 import Template

from shared.events import Language
from shared.pages import environment
from shared.pages.speaking import Spoken
from shared.speech import Said

Words: TypeAlias = Said | str
"""Those that only staff see may be in English alone."""


class Action(NamedTuple):
    """Where to go from here."""

    words: Words
    href: str


def notice(
    title: Words,
    *sentences: Words,
    spoken: Spoken | None = None,
    actions: Sequence[Action] = (),
    is_synthetic: bool = False,
    is_signed_in: bool = False,
) -> str:
    """An HTML document; where the reader's language is not known (`spoken` is None), in English and in Spanish."""
    said = spoken or Spoken()
    return _template().render(
        **said._asdict(),
        title=_in(said.language, title),
        sentences=[_in(said.language, sentence) for sentence in sentences],
        once_more=_once_more(title, *sentences) if spoken is None else None,
        actions=[(_in(said.language, action.words), action.href) for action in actions],
        is_synthetic=is_synthetic,
        is_signed_in=is_signed_in,
    )


def _in(language: Language, words: Words) -> str:
    return words.said_in(language) if isinstance(words, Said) else words


def _once_more(title: Words, *sentences: Words) -> str | None:
    """All of it as one paragraph in Spanish."""
    spanish = [words.es for words in (title, *sentences) if isinstance(words, Said)]
    return ". ".join([spanish[0], " ".join(spanish[1:])]) if len(spanish) > 1 else None


@cache
def _template() -> Template:
    return environment("shared.pages").get_template("notice.html")
