"""`samepage keys`: status, new, rotate, make-files."""

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.keys.places import ensure_files
from deploy.keys.rotation import on_key_ring, rotate_root, rotate_site, state_of
from deploy.prepare import place, running_network
from shared.keyring import KeyRingSettings
from shared.keyring.root_keys import new_root_key

app = typer.Typer(no_args_is_help=True, help="The keys of patients' words (docs/runbooks/keys.md).")
console = Console()


@app.command()
def status() -> None:
    """What the key ring holds; exit 1 while there is something to rotate."""
    state = asyncio.run(on_key_ring(_keyring(), state_of))
    console.print(f"The newest root key is {state.newest_root}.")
    for root, sites in state.sites_by_root.items():
        console.print(f"{root} wraps the keys of {sites} sites.")
    console.print(f"{state.patients} patients have a key, {state.erased} are erased.")
    for site in state.unfinished:
        console.print(f"The rotation of {site} is unfinished: run it again.")
    raise typer.Exit(0 if state.is_settled else 1)


@app.command()
def new(root_id: Annotated[str, typer.Argument(help="A name not used before, such as root-2026-11")]) -> None:
    """Make a root key: a line to put at the end of the file of root keys."""
    typer.echo(new_root_key(root_id), nl=False)


@app.command()
def rotate(
    root: Annotated[bool, typer.Option("--root", help="Wrap all sites' keys by the newest root key")] = False,
    site: Annotated[list[str] | None, typer.Option(help="Give this site a new key; several allowed")] = None,
) -> None:
    """Rotate keys under traffic; run it again after it was cut off."""
    if root:
        count = asyncio.run(on_key_ring(_keyring(), rotate_root))
        console.print(f"{count} keys of sites are wrapped by the newest root key now.")
    for site_id in site or ():
        count = asyncio.run(on_key_ring(_keyring(), partial(rotate_site, site_id=site_id)))
        console.print(f"{count} keys of patients of {site_id} are wrapped by a new key of the site now.")


@app.command("make-files")
def make_files(
    root_keys: Annotated[Path, typer.Option(envvar="SAMEPAGE_KEYRING_ROOT_KEYS_FILE")],
    tombstones: Annotated[Path, typer.Option(envvar="SAMEPAGE_KEYRING_TOMBSTONES_FILE")],
) -> None:
    """Make what is missing of the file of root keys, with one key, and the file of tombstones, empty."""
    ensure_files(root_keys, tombstones)
    console.print("The files of the key ring are there.")


def _keyring() -> KeyRingSettings:
    """As its owner: out of the environment, else of the local network."""
    return KeyRingSettings() if "SAMEPAGE_KEYRING_DATABASE_URL" in os.environ else running_network(place()).keyring
