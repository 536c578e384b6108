"""`samepage audit`: verify, export, new-key."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from deploy.asker import By, asker
from deploy.audit.export import rows_about, write_csv, write_ndjson
from deploy.audit.keys import key_file, make_key, public_folder, public_keys
from deploy.audit.verify import Verification
from deploy.local.errors import StackError
from deploy.local.network import Network
from deploy.places import named_databases
from deploy.prepare import place, running_network
from shared.heads import file_of
from shared.settings import Platform

app = typer.Typer(no_args_is_help=True, help="Who did what with whose data: is it whole, and what does it say.")
console = Console()


@dataclass(frozen=True)
class Places:
    """Where the audits are: the databases by service, the folder with the books of heads, and that of public keys."""

    databases: Mapping[str, str]
    heads: Path
    keys: Path

    @classmethod
    def of(cls, network: Network) -> "Places":
        databases = {name: database.worker for name, database in network.databases.items()}
        return cls(databases, network.audit / "heads", public_folder(network.audit))


@app.command()
def verify(
    service: Annotated[list[str] | None, typer.Option(help="Only this one; several allowed")] = None,
    heads: Annotated[Path | None, typer.Option(help="The folder with the signed heads")] = None,
    keys: Annotated[Path | None, typer.Option(help="The folder with the public keys that may have signed")] = None,
) -> None:
    """Compute every chain anew and hold it against the signed heads; exit 1 on any finding."""
    places = _places(heads, keys)
    chosen = {name: places.databases[name] for name in service or places.databases}
    found = asyncio.run(verify_all(Places(chosen, places.heads, places.keys), console))
    raise typer.Exit(1 if found else 0)


@app.command()
def export(
    patient: Annotated[UUID, typer.Option(help="The patient")],
    site: Annotated[str | None, typer.Option(help="Only what stands in this site's audit")] = None,
    form: Annotated[Literal["ndjson", "csv"], typer.Option("--format")] = "ndjson",
    to: Annotated[Path | None, typer.Option(help="A file; standard output when not given")] = None,
    by: By = None,
) -> None:
    """Everything on record about a patient, in the order of time. The export is on record too."""
    rows = asyncio.run(rows_about(_places().databases, patient, site, by=asker(by)))
    write = write_ndjson if form == "ndjson" else write_csv
    if to is None:
        write(rows, sys.stdout)
    else:
        with to.open("w", encoding="utf-8", newline="") as file:
            write(rows, file)


@app.command("new-key")
def new_key(
    folder: Annotated[Path | None, typer.Option(help="Of the keys; the local network's when not given")] = None,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Keep the key that is there")] = False,
) -> None:
    """Make a new key to sign heads with. Workers use it from their next start; earlier lines stay believed."""
    keys = folder or running_network(place()).audit
    if if_missing and key_file(keys).exists():
        console.print("The key that is there stays.")
    else:
        console.print(f"The key is {make_key(keys)}. Start the workers anew to use it.")


async def verify_all(places: Places, out: Console) -> int:
    """Verify each service's audit, say what was found and what was looked at; the number of findings."""
    table = Table("Audit of", "Rows", "Chains", "Waiting", "Signed lines", "Findings", "Seconds")
    known = public_keys(places.keys)
    total = 0
    for service, dsn in places.databases.items():
        started, found = time.monotonic(), 0
        verification = Verification(service, dsn, file_of(places.heads, service), known)
        async for finding in verification.findings():
            found += 1
            out.print(str(finding), markup=False, highlight=False, soft_wrap=True)
        counts = (verification.rows, verification.chains, verification.waiting, verification.lines, found)
        table.add_row(service, *(f"{count:,}" for count in counts), f"{time.monotonic() - started:.1f}")
        total += found
    out.print(table)
    return total


def _places(heads: Path | None = None, keys: Path | None = None) -> Places:
    """The databases that the environment names, if it does, else the local network that runs."""
    named = named_databases()
    if named is None:
        places = Places.of(running_network(place()))
        return Places(places.databases, heads or places.heads, keys or places.keys)
    platform = Platform()
    if platform.audit_folder is None or platform.audit_key_file is None:
        raise StackError("SAMEPAGE_AUDIT_FOLDER and SAMEPAGE_AUDIT_KEY_FILE say where the signed heads and keys are.")
    databases = {service: database.worker for service, database in named.items()}
    return Places(databases, heads or platform.audit_folder, keys or public_folder(platform.audit_key_file.parent))
