"""`samepage dead-letters`, `samepage reconcile`, `samepage refill`, `samepage rebuild`."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Annotated
from uuid import UUID

import typer
from prometheus_client import start_http_server
from rich.console import Console
from rich.table import Column, Table

from deploy.asker import By, asker
from deploy.databases import Database
from deploy.doors import SERVICES, consumes, publishes
from deploy.local.errors import StackError
from deploy.places import owner_of, pseudonym_key, reached_broker, reached_database, reached_databases
from deploy.rebuild import Report, Swap, go_back, rebuild
from deploy.upkeep import letters
from deploy.upkeep.months import SOON, months_end
from deploy.upkeep.reconcile import Balance, reconcile
from deploy.upkeep.recovery import refill
from shared.broker import Stream
from shared.dead_letters import SetAside
from shared.delivery import Subscription
from shared.telemetry import OUTBOX_MONTHS_END, RECONCILED_AT, RECONCILED_INVENTED, RECONCILED_MISSING

CONSUMERS = tuple(service for service in SERVICES if consumes(service))
console = Console()
dead_letters_app = typer.Typer(no_args_is_help=True, help="Events that could not be applied: see, try again, give up.")
Service = Annotated[str, typer.Argument(help=", ".join(CONSUMERS))]
_SHOWN = 20


@dead_letters_app.command("list")
def list_(service: Annotated[list[str] | None, typer.Option(help="Only this one; several allowed")] = None) -> None:
    """Each record that was set aside, one a line: its id, its place in the log, since when and why; nothing of a
    patient.
    """
    names = [_known(name) for name in service or CONSUMERS]
    letters_of = [(name, one) for name in names for one in _listed(name)]
    for name, letter in letters_of:
        since = f"{letter.recorded_at:%Y-%m-%d %H:%M} UTC"
        what = f"{letter.letter_id}  {letter.place}  {letter.state}"
        typer.echo(f"{name}  {what}  {since}  {letter.stream.site_id}  {letter.reason}")
    if not letters_of:
        typer.echo("Nothing is set aside.")


@dead_letters_app.command()
def replay(
    service: Service,
    letter: Annotated[list[UUID] | None, typer.Argument(help="Ids as `list` gives them; all when none")] = None,
) -> None:
    """Try records again, with what is parked behind them; exit 1 when something dead is still set aside."""
    database, chosen = reached_database(_known(service)), set(letter or ())
    if unknown := chosen - {one.letter_id for one in _listed(service) if one.state == "dead"}:
        raise StackError(f"No dead record of {service} has the id {', '.join(map(str, sorted(unknown)))}.")
    tried = asyncio.run(letters.replay(database.worker, _subscription(service, database), chosen))
    console.print(str(tried))
    raise typer.Exit(1 if tried.still_set_aside else 0)


@dead_letters_app.command()
def drop(
    service: Service,
    letter: Annotated[UUID, typer.Argument(help="The id that `list` gives it")],
    reason: Annotated[str, typer.Option(help="Why it is given up; name no patient", prompt=True)],
    by: By = None,
) -> None:
    """Give a dead record up for good, on record; what was parked behind it goes on."""
    database, who = reached_database(_known(service)), asker(by)
    subscription = _subscription(service, database)
    tried = asyncio.run(letters.drop(database.worker, subscription, letter, reason, by=who))
    if tried is None:
        raise StackError(f"No dead record of {service} has the id {letter}.")
    console.print(f"Dropped. Of what was parked behind it: {tried}")


def reconcile_command(
    grace: Annotated[float, typer.Option(help="Seconds that an event may be on its way")] = 60,
    every: Annotated[float | None, typer.Option(help="Go on for ever, so many seconds apart")] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Tell Prometheus here, while it goes on")] = None,
) -> None:
    """Hold what was written against what was applied, patient by patient; exit 1 if it differs.

    It also says of an outbox that it soon has no partitions left.
    """
    if metrics_port is not None:
        start_http_server(metrics_port)
    if every is None:
        balances, ends = asyncio.run(_reconciled(grace))
        _say(balances)
        for service, end in ends.items():
            if end - datetime.now(UTC) < SOON:
                console.print(f"The outbox of {service} has partitions until {end:%Y-%m-%d}: run `samepage migrate`.")
        raise typer.Exit(0 if all(balance.is_settled for balance in balances) else 1)
    while True:
        balances, _ends = asyncio.run(_reconciled(grace))
        for one in balances:
            if not one.is_settled:
                lacks = f"{len(one.missing)} missing, {len(one.invented)} never written"
                typer.echo(f"{one.topic} at {one.consumer}: {lacks}; `samepage reconcile` names them")
        time.sleep(every)


def refill_command(
    service: Annotated[str, typer.Argument(help=", ".join(name for name in SERVICES if publishes(name)))],
) -> None:
    """Have everything that a service published sent to Kafka again, and read again; nothing is applied twice."""
    if not (service in SERVICES and publishes(service)):
        raise typer.BadParameter("It publishes nothing.")
    done = asyncio.run(refill(reached_databases(), service))
    if done.was_restored:
        console.print("The outbox was another server's; its events count as the oldest of this one now.")
    if done.counted_on:
        console.print(f"{done.counted_on:,} streams lack events that readers have: they count on behind them.")
    console.print(f"{done.events:,} events are sent again, and read again by {', '.join(done.consumers)}.")


def rebuild_command(
    service: Service,
    only_compare: Annotated[bool, typer.Option("--only-compare", help="Swap nothing; exit 1 if it differs")] = False,
    although_different: Annotated[
        bool, typer.Option("--although-different", help="Swap in what differs too, when the live tables are wrong")
    ] = False,
    back: Annotated[bool, typer.Option("--back", help="Put back what was live before the last swap")] = False,
) -> None:
    """Build a read model again from the log, compare it with the live one and swap it in, while traffic flows."""
    if only_compare + although_different + back > 1:
        raise typer.BadParameter("Give one of --only-compare, --although-different and --back.")
    swap: Swap = "never" if only_compare else "although-different" if although_different else "if-equal"
    report = asyncio.run(_rebuilt(_known(service), swap, is_back=back))
    console.print(f"{report.compared:,} rows compared, {report.different:,} differ.")
    if report.lacking:
        console.print(
            f"The log lacks events of {report.lacking:,} streams that the live tables have: refill it first, "
            "or wait until what was just refilled is read again."
        )
    if report.ahead and not report.is_swapped:
        console.print(f"Of {report.ahead:,} streams the live tables have set something aside: replay it first.")
    if report.is_swapped:
        console.print("Swapped. What was live before is in the schema previous; --back puts it back.")
    elif report.different:
        console.print("Not swapped: look at the differences between the schemas public and rebuild.")
    raise typer.Exit(0 if report.is_swapped or (only_compare and report.is_equal) else 1)


async def _rebuilt(service: str, swap: Swap, *, is_back: bool) -> Report:
    database, broker = reached_database(service), reached_broker(service)
    owner_of(service, database)  # or it is said who is missing
    subscription = _subscription(service, database)
    projections: Sequence[str] = import_module(f"services.{service}").PROJECTIONS
    if is_back:
        return await go_back(database, broker, subscription, projections)
    return await rebuild(database, broker, subscription, projections, swap=swap)


async def _reconciled(grace_s: float) -> tuple[list[Balance], Mapping[str, datetime]]:
    """What the metrics say from now on: the balances, and until when each outbox has partitions."""
    workers = {service: database.worker for service, database in reached_databases().items()}
    ends = await months_end(workers)
    for service, end in ends.items():
        OUTBOX_MONTHS_END.labels(service).set(end.timestamp())
    balances = await reconcile(workers, grace_s=grace_s)
    for balance in balances:
        RECONCILED_MISSING.labels(balance.topic, balance.consumer).set(len(balance.missing))
        RECONCILED_INVENTED.labels(balance.topic, balance.consumer).set(len(balance.invented))
    RECONCILED_AT.set_to_current_time()
    return balances, ends


def _say(balances: Sequence[Balance]) -> None:
    names = (Column("Topic", no_wrap=True), Column("Consumer", no_wrap=True))
    table = Table(*names, "Streams", "On the way", "Set aside", "Missing", "Invented")
    for one in balances:
        counts = (one.streams, one.on_the_way, one.set_aside, len(one.missing), len(one.invented))
        table.add_row(one.topic, one.consumer, *(f"{count:,}" for count in counts))
    console.print(table)
    for one in balances:
        for what, streams in (("missing", one.missing), ("applied and never written", one.invented)):
            for stream in streams[:_SHOWN]:
                console.print(_sentence(one, stream, what), markup=False, highlight=False, soft_wrap=True)
            if len(streams) > _SHOWN:
                console.print(f"... and {len(streams) - _SHOWN:,} more.")


def _sentence(balance: Balance, stream: Stream, what: str) -> str:
    return f"{balance.topic} at {balance.consumer}: {what} for {stream.key} of {stream.site_id or 'no site'}"


def _known(service: str) -> str:
    if service not in CONSUMERS:
        raise typer.BadParameter(f"The consumers are {', '.join(CONSUMERS)}.")
    return service


def _listed(service: str) -> list[SetAside]:
    return asyncio.run(letters.listed(reached_database(service).worker, service))


def _subscription(service: str, database: Database) -> Subscription:
    key = pseudonym_key() if service == "analytics" else ""
    return letters.subscription_of(service, database.worker, key)
