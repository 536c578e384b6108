"""`samepage`: the one command."""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from deploy import contracts
from deploy.doors import SERVICES, Door, settings_of
from deploy.doors import run as run_door
from deploy.keys import on_key_ring, rotate_root, rotate_site, state_of
from deploy.local.errors import StackError
from deploy.local.network import Network
from deploy.local.stack import Stack
from deploy.prepare import homes, prepare, running_network
from services.intake.settings import IntakeSettings
from shared.auth import Role
from shared.errors import KeyRingAway, Problem
from shared.events import ErasureReason
from shared.keyring import KeyRingSettings
from shared.keyring.root_keys import new_root_key
from shared.sealing import Patient

ROOT = Path(__file__).resolve().parent.parent
app = typer.Typer(no_args_is_help=True, pretty_exceptions_show_locals=False, help=__doc__)
stack_app = typer.Typer(no_args_is_help=True, help="PostgreSQL and a broker on this machine.")
contracts_app = typer.Typer(no_args_is_help=True, help="The generated contracts.")
keys_app = typer.Typer(no_args_is_help=True, help="The keys of patients' words (docs/runbooks/keys.md).")
app.add_typer(stack_app, name="stack")
app.add_typer(contracts_app, name="contracts")
app.add_typer(keys_app, name="keys")
console = Console()


@stack_app.command("up")
def stack_up() -> None:
    """Start PostgreSQL and the broker, make databases, migrations and topics."""
    network = prepare(ROOT)
    console.print(f"PostgreSQL and {network.addresses.broker_kind} are ready at {network.addresses.bootstrap_servers}.")
    if network.addresses.note:
        console.print(network.addresses.note)


@stack_app.command("down")
def stack_down() -> None:
    """Stop both; data stay under var/."""
    Stack().down(ROOT)
    console.print("Stopped. Data stay under var/.")


@stack_app.command("status")
def stack_status() -> None:
    """What runs, where."""
    for home in homes(ROOT):
        for server in Stack().status(home):
            state = "stopped" if server.pid is None else f"running, pid {server.pid}"
            console.print(f"{server.kind}: {state}, port {server.port}, log {server.log}", soft_wrap=True)


@app.command()
def run(service: Annotated[str, typer.Argument(help=", ".join(SERVICES))], kind: Literal["app", "worker"]) -> None:
    """Run one door; its settings come from the environment."""
    sys.exit(run_door(Door(service, kind)))


@app.command()
def migrate() -> None:
    """Bring the databases named in the environment to the newest version and make the topics."""
    from deploy.prepare import migrate_from_environment  # noqa: PLC0415

    asyncio.run(migrate_from_environment([settings_of(service) for service in SERVICES]))
    console.print("Databases and topics are ready.")


@app.command()
def token(
    role: Role,
    site: Annotated[list[str], typer.Option(help="A site the token is for; several allowed")],
    patient: Annotated[UUID | None, typer.Option(help="The patient, for a patient's token")] = None,
    hours: float = 12,
) -> None:
    """Make a development token of the local issuer."""
    typer.echo(_network().issuer.token(role, site, patient_id=patient, hours=hours))


@app.command()
def trace(event_id: UUID) -> None:
    """Each hop of one event, with its time."""
    from deploy.trace import trace as follow  # noqa: PLC0415

    hops = asyncio.run(follow(_network().databases, event_id))
    if not hops:
        console.print("No service has accepted an event with this id.")
        raise typer.Exit(1)
    table = Table("Hop", "Time (UTC)", "After", "Note")
    for hop in hops:
        after = "" if hop.at is None or hops[0].at is None else f"{(hop.at - hops[0].at).total_seconds() * 1000:.0f} ms"
        table.add_row(hop.place, "not yet" if hop.at is None else f"{hop.at:%Y-%m-%d %H:%M:%S.%f}", after, hop.note)
    console.print(table)


@app.command()
def rebuild(service: Annotated[Literal["dashboard"], typer.Argument()]) -> None:
    """Build a read model again from the log, compare it with the live one and swap it in."""
    from deploy.prepare import rebuild_read_model  # noqa: PLC0415

    report = asyncio.run(rebuild_read_model(_network(), service))
    console.print(f"{report.compared} rows compared, {report.different} differ; {report.in_flight} went on.")
    if report.is_swapped:
        console.print("The rebuilt tables are live; the old ones are in the schema previous.")
    else:
        console.print("Not swapped: look at the differences between the schemas public and rebuild.")
    raise typer.Exit(0 if report.is_swapped else 1)


@app.command()
def erase(
    patient: Annotated[UUID, typer.Option(help="Id of the patient")],
    site: Annotated[str, typer.Option(help="The site whose patient it is")],
    reason: Annotated[ErasureReason, typer.Option()],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Erase a patient for good: nobody can read their words again, and no page or figure shows them."""
    from deploy.erasure import erase_patient  # noqa: PLC0415

    if not yes:
        typer.confirm(f"Erase patient {patient} of {site}? This cannot be undone.", abort=True)
    receipt = asyncio.run(erase_patient(_intake_settings(), Patient(site, patient), reason))
    console.print("The patient was erased before." if receipt is None else f"Erased. Receipt: {receipt}")


@keys_app.command("status")
def keys_status() -> None:
    """What the key ring holds; exit 1 while there is something to rotate."""
    state = asyncio.run(on_key_ring(_keyring(), state_of))
    console.print(f"The newest root key is {state.newest_root}.")
    for root, sites in state.sites_by_root.items():
        console.print(f"{root} wraps the keys of {sites} sites.")
    console.print(f"{state.patients} patients have a key, {state.erased} are erased.")
    for site in state.unfinished:
        console.print(f"The rotation of {site} is unfinished: run it again.")
    raise typer.Exit(0 if state.is_settled else 1)


@keys_app.command("new")
def keys_new(root_id: Annotated[str, typer.Argument(help="A name not used before, such as root-2026-11")]) -> None:
    """Make a root key: a line to put at the end of the file of root keys."""
    typer.echo(new_root_key(root_id), nl=False)


@keys_app.command("rotate")
def keys_rotate(
    root: Annotated[bool, typer.Option("--root", help="Wrap all sites' keys by the newest root key")] = False,
    site: Annotated[list[str], typer.Option(help="Give this site a new key; several allowed")] = [],  # noqa: B006
) -> None:
    """Rotate keys under traffic; run it again after it was cut off."""
    if root:
        count = asyncio.run(on_key_ring(_keyring(), rotate_root))
        console.print(f"{count} keys of sites are wrapped by the newest root key now.")
    for site_id in site:
        count = asyncio.run(on_key_ring(_keyring(), partial(rotate_site, site_id=site_id)))
        console.print(f"{count} keys of patients of {site_id} are wrapped by a new key of the site now.")


@app.command()
def demo(
    scale: Annotated[Literal["default", "study"], typer.Option(help="study: all 4,057 patients")] = "default",
    check: Annotated[bool, typer.Option("--check", help="Load, wait, compare, stop; exit 1 on any difference")] = False,
) -> None:
    """The whole system with a synthetic network of 40 sites."""
    from deploy.demo.command import run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo(ROOT, scale=scale, is_check=check, console=console))


@contracts_app.command("write")
def contracts_write() -> None:
    """Generate the contracts into shared/contracts and docs/events.md."""
    contracts.write(ROOT)


@contracts_app.command("check")
def contracts_check() -> None:
    """Fresh, and not breaking the last committed version."""
    findings = contracts.check(ROOT)
    for finding in findings:
        console.print(finding, markup=False)
    raise typer.Exit(1 if findings else 0)


def _network() -> Network:
    return running_network(ROOT)


def _keyring() -> KeyRingSettings:
    """As its owner: out of the environment, else of the local network."""
    return KeyRingSettings() if "SAMEPAGE_KEYRING_DATABASE_URL" in os.environ else _network().keyring


def _intake_settings() -> IntakeSettings:
    if "SAMEPAGE_INTAKE_DATABASE_URL" not in os.environ:
        os.environ.update(_network().environments["intake"])
    return IntakeSettings()


def main() -> None:
    """Run a command; an expected failure is one sentence."""
    try:
        app()
    except (StackError, KeyRingAway, Problem) as error:
        console.print(f"[bold]{error}[/bold]", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
