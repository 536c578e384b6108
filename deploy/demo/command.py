"""`samepage demo`: the whole system with a synthetic network, watched until Ctrl-C, or checked and stopped."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.audit.command import Places, verify_all
from deploy.demo.accounts import Account, accounts_when_settled, as_json, as_table
from deploy.demo.entry import load_network, show, today
from deploy.demo.links import make_links
from deploy.demo.load import Loaded
from deploy.demo.network import ScaleName
from deploy.doors import DOORS, PROVIDER, SERVICES
from deploy.local.network import Network
from deploy.local.stack import Stack
from deploy.prepare import await_doors, prepare_afresh
from deploy.supervisor import Supervisor


def run_demo(root: Path, *, scale: ScaleName, is_check: bool, console: Console) -> int:
    """Start everything, load the network, show where to look; the exit code. Stops all it started, however it ends."""
    started = time.monotonic()
    home = root / "var" / "demo"
    with interruptible():
        try:
            console.print("Starting PostgreSQL and a broker ...")
            network = prepare_afresh(home)
            if network.addresses.note:
                console.print(network.addresses.note)
            with Supervisor(network.environments, home / "var" / "log") as supervisor:
                supervisor.start((*DOORS, PROVIDER))
                await_doors(network, supervisor)
                console.print(f"Ten doors are open after {time.monotonic() - started:.0f} s. Loading the network ...")
                doors = {service: network.url(service) for service in SERVICES}
                loaded = load_network(doors, network.issuer, day=today(), scale=scale, console=console)
                if is_check:
                    return _check(network, loaded, supervisor, console)
                links = make_links(loaded, network.issuer, doors, doors, network.people_file)
                (home / "links.json").write_text(json.dumps(links))  # for programs
                for service in SERVICES:
                    console.print(f"{service}: {network.url(service)}", highlight=False)
                show(links, console)
                console.print(f"Ready after {time.monotonic() - started:.0f} s. Ctrl-C stops everything.")
                while True:
                    supervisor.watch()
                    time.sleep(0.2)
        except KeyboardInterrupt:
            console.print("\nStopping ...")
            return 0
        finally:
            Stack().down(home)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends what is inside as Ctrl-C does, and Ctrl-C does so in the background too."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _check(network: Network, loaded: Loaded, supervisor: Supervisor, console: Console) -> int:
    accounts: list[Account] = asyncio.run(accounts_when_settled(network, loaded.accepted, supervisor.watch))
    console.print(as_table(accounts))
    console.print(as_json(accounts), soft_wrap=True, highlight=False)
    differing = [account for account in accounts if account.differences]
    refused = sum(loaded.rejected.values())
    console.print(
        "No difference." if not differing and not refused else f"{len(differing)} differences, {refused} refused."
    )
    findings = asyncio.run(verify_all(Places.of(network), console))
    return 1 if differing or refused or findings else 0
