"""What stands above every page of a clinic's staff: where one is, where else one can go, and who one is here."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from jinja2 import Environment

from shared.auth import Role
from shared.pages import environment

_PAGES = {"visits": "Visits", "alerts": "Alerts", "imports": "Imports"}
_PAGES_OF = {Role.COORDINATOR: tuple(_PAGES), Role.CLINICIAN: ("alerts",)}


class Place(NamedTuple):
    """Something to go to."""

    words: str
    href: str
    is_here: bool


class Bar(NamedTuple):
    """`site` is the one that the page is about, `site_name` what people call it; None where it is about all of them.

    `path` is where the page is, if that is not the first one of its kind.
    """

    page: str
    role: Role
    subject: str
    sites: Sequence[str]
    is_synthetic: bool
    site: str | None = None
    site_name: str | None = None
    path: str | None = None

    @property
    def at(self) -> str | None:
        """The site as an address has to name it: where somebody is of several."""
        return self.site if len(self.sites) > 1 else None

    @property
    def pages(self) -> list[Place]:
        """The pages of the caller's role."""
        named = f"?site={self.at}" if self.at else ""
        return [
            Place(_PAGES[page], f"/{page}{'' if page == 'alerts' else named}", page == self.page)
            for page in _PAGES_OF.get(self.role, tuple(_PAGES))
        ]

    @property
    def other_sites(self) -> list[Place]:
        """The sites that the page can be about, where there are several."""
        if self.at is None:
            return []
        path = self.path or f"/{self.page}"
        return [Place(site, f"{path}?site={site}", site == self.site) for site in self.sites]

    @property
    def who(self) -> str:
        """`Riverbend GI, chris-kim, coordinator`."""
        return ", ".join(filter(None, [self.site_name, self.subject, str(self.role)]))


def staff_page(made: Environment, template: str, bar: Bar, **values: object) -> str:
    """A page under this bar."""
    return made.get_template(template).render(bar=bar, is_synthetic=bar.is_synthetic, **values)


@cache
def staff_templates() -> Environment:
    """Those of all the staff's pages, so that what the pages share is compiled once; each adds the words it needs."""
    made = environment("services.intake.pages")
    made.filters["sentence"] = sentence
    return made


def sentence(words: str) -> str:
    """With a capital at its beginning, and all else as it is: `Ulcerative colitis`, `IBD, unclassified`."""
    return words[:1].upper() + words[1:]
