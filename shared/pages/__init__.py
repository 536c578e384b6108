"""What the HTML pages of all services share: one layout, one stylesheet, one way to write dates and numbers.

A service keeps its templates in `templates/` of its own package and starts them with `{% extends
"layout.html" %}`. Serve `STATIC` at `/static/shared`. Pages carry no inline style and no inline script, so
that this policy holds: `default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src
'self'; form-action 'self'`.
"""

from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from shared.events import Language
from shared.pages import words
from shared.pages.frame import FRAME

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"


def environment(package: str) -> Environment:
    """Templates of `package` (its folder `templates`) over the shared ones.

    Everything is escaped and a name that is not given is an error. `is_synthetic`, given to a template as
    true, shows the tag "Synthetic data" in the bar; `language` is the page's, English where it is not given, and
    `switch` is a button to the same page in the other one. What pages take from `shared.pages.words` without a language
    are filters under their own names.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), FileSystemLoader(_TEMPLATES)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "static": "/static/shared",
        "is_synthetic": False,
        "language": Language.ENGLISH,
        "switch": None,
        "frame": FRAME,
    }
    made.filters |= {
        "on": words.on,
        "clock": words.clock,
        "number": words.number,
        "counted": words.counted,
        "listed": words.listed,
        "dialled": words.dialled,
    }
    return made
