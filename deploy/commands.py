"""`samepage`: all that it can do, and what each command is told."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from deploy import clients, contracts
from deploy.asker import By, asker
from deploy.audit.command import app as audit_app
from deploy.chaos.command import chaos_command
from deploy.doors import DOORS, PROVIDER, SERVICES, Door, Kind
from deploy.doors import run as run_door
from deploy.ehrs import app as ehr_app
from deploy.forms.command import app as forms_app
from deploy.issuer import LocalIssuer
from deploy.keys.command import app as keys_app
from deploy.local.errors import StackError
from deploy.local.network import Network
from deploy.local.stack import Stack
from deploy.places import reached_databases, told
from deploy.prepare import homes, place, prepare, running_network
from deploy.provider import Person, keep_people
from deploy.upkeep.command import dead_letters_app, rebuild_command, reconcile_command, refill_command
from services.intake.domain import ClientId
from services.intake.settings import IntakeSettings
from shared.auth import Role
from shared.events import ErasureReason
from shared.sealing import Patient
from shared.signing import make_key_file

ROOT = Path(__file__).resolve().parent.parent
app = typer.Typer(no_args_is_help=True, pretty_exceptions_show_locals=False, help=__doc__)
stack_app = typer.Typer(no_args_is_help=True, help="PostgreSQL and a broker on this machine.")
client_app = typer.Typer(no_args_is_help=True, help="Systems of the sites that may ask for tokens.")
contracts_app = typer.Typer(no_args_is_help=True, help="The generated contracts.")
app.add_typer(stack_app, name="stack")
app.add_typer(client_app, name="client")
app.add_typer(contracts_app, name="contracts")
app.add_typer(audit_app, name="audit")
app.add_typer(keys_app, name="keys")
app.add_typer(forms_app, name="forms")
app.add_typer(ehr_app, name="ehr")
app.add_typer(dead_letters_app, name="dead-letters")
app.command("reconcile")(reconcile_command)
app.command("refill")(refill_command)
app.command("rebuild")(rebuild_command)
app.command("chaos")(chaos_command)
console = Console()
SiteName = Annotated[str, typer.Option(help="The site whose system it is")]
ClientName = Annotated[str, typer.Option(help="What to call it, such as `ehr`")]
PEOPLE_FILE = typer.Option(envvar="SAMEPAGE_PROVIDER_PEOPLE_FILE", help="Whom the provider for development knows")
IssuerFolder = Annotated[Path, typer.Option(envvar="SAMEPAGE_ISSUER_FOLDER", help="Where its keys are kept")]
Scale = Annotated[Literal["default", "study"], typer.Option(help="study: all 4,057 patients")]


@stack_app.command("up")
def stack_up() -> None:
    """Start PostgreSQL and the broker, make databases, migrations and topics."""
    network = prepare(place())
    console.print(f"PostgreSQL and {network.addresses.broker_kind} are ready at {network.addresses.bootstrap_servers}.")
    if network.addresses.note:
        console.print(network.addresses.note)


@stack_app.command("down")
def stack_down() -> None:
    """Stop both, the demo's too if it was left behind; data stay under var/."""
    for home in homes(place()):
        Stack().down(home)
    console.print("Stopped. Data stay under var/.")


@stack_app.command("status")
def stack_status() -> None:
    """What runs, where."""
    for home in homes(place()):
        for server in Stack().status(home):
            state = "stopped" if server.pid is None else f"running, pid {server.pid}"
            console.print(f"{server.kind}: {state}, port {server.port}, log {server.log}", soft_wrap=True)


@app.command()
def run(service: Annotated[str, typer.Argument(help=", ".join(SERVICES))], kind: Kind) -> None:
    """Run one door; its settings come from the environment."""
    # What is asked for rightly never comes here (`deploy.cli`); this says how to ask, and takes what needs parsing.
    door = Door(service, kind)
    if door not in (*DOORS, PROVIDER):
        raise typer.BadParameter(f"The services are {', '.join(SERVICES)}, each with app and worker.")
    sys.exit(run_door(door))


@app.command()
def migrate(
    admin_url: Annotated[
        str | None,
        typer.Option(envvar="SAMEPAGE_ADMIN_DATABASE_URL", help="A superuser's: makes missing databases and roles too"),
    ] = None,
) -> None:
    """Bring the databases named in the environment to the newest version and make the topics."""
    from deploy.prepare import migrate_from_environment  # noqa: PLC0415

    asyncio.run(migrate_from_environment(admin_url))
    console.print("Databases and topics are ready.")


@app.command()
def acls(
    apply: Annotated[
        bool, typer.Option("--apply", help="Make it so on the cluster, as SAMEPAGE_KAFKA_USERNAME, a super user")
    ] = False,
) -> None:
    """Who may do what on Kafka, as the services declare it, in the options of `kafka-acls --add`."""
    from deploy.principals import grants  # noqa: PLC0415

    if not apply:
        typer.echo("\n".join(sorted(grant.options for grant in grants())))
        return
    from deploy.acls import arrange_from_environment  # noqa: PLC0415 - no door needs what it imports

    made = arrange_from_environment()
    console.print(f"{made.users} users have their passwords; {made.added} rights were added, {made.removed} removed.")


@app.command()
def issuer(folder: IssuerFolder, key_set_file: Annotated[Path, typer.Option(envvar="SAMEPAGE_KEY_SET_FILE")]) -> None:
    """Make the key pair of a development issuer in a folder, and put its public half where the doors read it."""
    made = LocalIssuer(folder)
    made.prepare()
    key_set_file.write_bytes(made.key_set_file.read_bytes())
    console.print("The development issuer is ready.")


@app.command()
def token(
    role: Role,
    site: Annotated[
        list[str] | None, typer.Option(help="A site the token is for; several allowed, none for an operator")
    ] = None,
    patient: Annotated[UUID | None, typer.Option(help="The patient, for a patient's token")] = None,
    hours: float = 12,
    issuer_folder: Annotated[
        Path | None, typer.Option(envvar="SAMEPAGE_ISSUER_FOLDER", help="Another issuer than the local stack's")
    ] = None,
) -> None:
    """Make a development token of the local issuer."""
    if role is Role.PATIENT and patient is None:
        raise typer.BadParameter("A patient's token names the patient: give --patient.")
    signing = _network().issuer if issuer_folder is None else LocalIssuer(issuer_folder)
    typer.echo(signing.token(role, site or (), patient_id=patient, hours=hours))


@app.command()
def signing_keys(files: list[Path]) -> None:
    """Make keys to sign with, each in a file; those that are there stay."""
    for file in files:
        make_key_file(file)


@app.command()
def person(
    name: Annotated[str, typer.Argument(help="Who it is, such as `dana-rowe`")],
    role: Role,
    site: Annotated[list[str] | None, typer.Option(help="Theirs; several allowed, none for an operator")] = None,
    people_file: Annotated[Path | None, PEOPLE_FILE] = None,
) -> None:
    """Let somebody sign in at the provider for development."""
    keep_people(people_file or _network().people_file, [Person(name, name, role, tuple(site or ()))])
    console.print(f"{name} can sign in.", highlight=False)


@client_app.command("add")
def client_add(
    site: SiteName, name: ClientName, jwks: Annotated[Path, typer.Option(help="Its public keys")], by: By = None
) -> None:
    """Let a system of a site ask for tokens; again replaces its keys."""
    client_id = _client_id(site, name)
    asyncio.run(clients.add_client(_intake_database(), client_id, clients.read_key_set(jwks), by=asker(by)))
    console.print(f"Added. Its client id is {client_id}.", highlight=False)


@client_app.command("list")
def client_list(site: SiteName) -> None:
    """The clients of a site."""
    for client in asyncio.run(clients.clients_of(_intake_database(), site)):
        state = "may ask for tokens" if client.revoked_at is None else f"revoked {client.revoked_at:%Y-%m-%d %H:%M} UTC"
        console.print(f"{client.client_id}: {state}", highlight=False)


@client_app.command("revoke")
def client_revoke(site: SiteName, name: ClientName, by: By = None) -> None:
    """Give it no more tokens; those that it has end within five minutes."""
    asyncio.run(clients.revoke_client(_intake_database(), _client_id(site, name), by=asker(by)))
    console.print("Revoked.")


@app.command()
def trace(event_id: UUID) -> None:
    """Each hop of one event, with its time."""
    from deploy.trace import trace as follow  # noqa: PLC0415

    hops = asyncio.run(follow(reached_databases(), event_id))
    if not hops:
        console.print("No service has accepted an event with this id.")
        raise typer.Exit(1)
    table = Table("Hop", "Time (UTC)", "After", "Note")
    for hop in hops:
        after = "" if hop.at is None or hops[0].at is None else f"{(hop.at - hops[0].at).total_seconds() * 1000:.0f} ms"
        table.add_row(hop.place, "not yet" if hop.at is None else f"{hop.at:%Y-%m-%d %H:%M:%S.%f}", after, hop.note)
    console.print(table)


@app.command()
def erase(
    patient: Annotated[UUID, typer.Option(help="Id of the patient")],
    site: Annotated[str, typer.Option(help="The site whose patient it is")],
    reason: Annotated[ErasureReason, typer.Option()],
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Erase a patient for good: nobody can read their words again, and no page or figure shows them."""
    from deploy.erasure import erase_patient  # noqa: PLC0415

    if not yes:
        typer.confirm(f"Erase patient {patient} of {site}? This cannot be undone.", abort=True)
    receipt = asyncio.run(erase_patient(_intake_settings(), Patient(site, patient), reason, by=asker(by)))
    console.print("The patient was erased before." if receipt is None else f"Erased. Receipt: {receipt}")


@app.command()
def demo(
    scale: Scale = "default",
    check: Annotated[bool, typer.Option("--check", help="Load, wait, compare, stop; exit 1 on any difference")] = False,
) -> None:
    """The whole system with a synthetic network of 40 sites."""
    from deploy.demo.command import run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo(place(), scale=scale, is_check=check, console=console))


@app.command()
def load(
    doors: Annotated[str, typer.Option(help="Base URL of each HTTP door as this program reaches it: JSON by service")],
    issuer_folder: IssuerFolder,
    people_file: Annotated[Path, PEOPLE_FILE],
    scale: Scale = "default",
) -> None:
    """Load the demo's network through doors that are open, and print sign-in links."""
    from deploy.demo.entry import run_load  # noqa: PLC0415

    run_load(json.loads(doors), LocalIssuer(issuer_folder), people_file, scale=scale, console=console)


@contracts_app.command("write")
def contracts_write() -> None:
    """Generate the contracts into shared/contracts and docs."""
    contracts.write(ROOT)


@contracts_app.command("check")
def contracts_check() -> None:
    """Fresh, and not breaking the last committed version."""
    findings = contracts.check(ROOT)
    for finding in findings:
        console.print(finding, markup=False)
    raise typer.Exit(1 if findings else 0)


def _client_id(site: str, name: str) -> ClientId:
    client_id = ClientId.read(f"{site}.{name}")
    if client_id is None:
        raise StackError("Site and name are lower-case letters, digits and hyphens, at most 40.")
    return client_id


def _intake_database() -> str:
    return told(Door("intake", "app"))["SAMEPAGE_INTAKE_DATABASE_URL"]


def _network() -> Network:
    return running_network(place())


def _intake_settings() -> IntakeSettings:
    os.environ.update(told(Door("intake", "app")))
    return IntakeSettings()
