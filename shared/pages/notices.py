"""Pages that say one thing and lead on: a session is over, a sign-in did not work."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from jinja2 import Template

from shared.pages import environment


class Action(NamedTuple):
    """Where to go from here."""

    words: str
    href: str


def notice(
    title: str,
    *sentences: str,
    spanish: str | None = None,
    actions: Sequence[Action] = (),
    is_synthetic: bool = False,
    is_signed_in: bool = False,
) -> str:
    """An HTML document. `spanish` says the sentences once more, where the reader's language is not known."""
    said = [("en", sentence) for sentence in sentences] + ([("es", spanish)] if spanish else [])
    return _template().render(
        title=title, sentences=said, actions=actions, is_synthetic=is_synthetic, is_signed_in=is_signed_in
    )


@cache
def _template() -> Template:
    return environment("shared.pages").get_template("notice.html")
