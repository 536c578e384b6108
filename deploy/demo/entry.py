"""The demo's network into doors that are open, wherever they are, and the links by which people come in."""

import asyncio
import time
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from deploy.demo.cohort import make_network
from deploy.demo.links import make_links
from deploy.demo.load import Loaded, load
from deploy.demo.network import ScaleName
from deploy.issuer import LocalIssuer
from shared.auth import Role
from shared.settings import Platform

# The day at the first of the synthetic sites: further west it may still be the evening before.
_CLOCK = ZoneInfo("America/New_York")


def today() -> date:
    """The day at the site that is shown."""
    return datetime.now(_CLOCK).date()


def load_network(
    doors: Mapping[str, str], issuer: LocalIssuer, *, day: date, scale: ScaleName, console: Console
) -> Loaded:
    """Make the network of this day and load it; `doors` are the base URLs of the services."""

    def sign(role: str, sites: list[str]) -> str:
        return issuer.token(Role(role), sites)

    started = time.monotonic()
    with console.status("Loading") as status:
        loaded = asyncio.run(load(make_network(today=day, scale=scale), doors, sign, progress=status.update))
    console.print(f"Loaded {sum(loaded.accepted.values())} facts in {time.monotonic() - started:.0f} s.")
    for reason in loaded.reasons:
        console.print(f"  refused: {reason}")
    return loaded


def show(links: Mapping[str, str], console: Console) -> None:
    """The addresses to open."""
    console.print("Open in a browser; each link leads through its sign-in:")
    for who, link in links.items():
        console.print(f"  {who}:", highlight=False)
        console.print(f"    {link}", soft_wrap=True, highlight=False)


def run_load(
    doors: Mapping[str, str], issuer: LocalIssuer, people_file: Path, *, scale: ScaleName, console: Console
) -> None:
    """Load the network through doors that stay open, and show where to look.

    The day of the first load is kept beside the issuer's key: to load again, on whatever day, repeats nothing.
    """
    first = issuer.folder / "demo-day"
    if not first.exists():
        first.write_text(today().isoformat())
    day = date.fromisoformat(first.read_text())
    loaded = load_network(doors, issuer, day=day, scale=scale, console=console)
    show(make_links(loaded, issuer, doors, Platform().public_urls, people_file), console)
