"""`samepage`: the one command.

A door stays for months, so its process loads what it needs and none of the other commands.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import asyncpg
from rich.console import Console

from deploy.doors import DOORS, PROVIDER, CannotStart, Door, run
from deploy.local.errors import StackError
from deploy.mounted import take_in
from shared.errors import Halt, KeyRingAway, Problem

_DOORS: Mapping[tuple[str, ...], Door] = {("run", door.service, door.kind): door for door in (*DOORS, PROVIDER)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; an expected failure is one sentence."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        take_in(os.environ)
        door = _DOORS.get(tuple(given))
        if door is not None:
            sys.exit(run(door))
        import_module("deploy.commands").app(given)
    except (StackError, CannotStart, Halt, KeyRingAway, Problem, OSError, asyncpg.PostgresError) as error:
        console = Console(highlight=False, markup=False, soft_wrap=True)
        console.print(str(error) or type(error).__name__, style="bold")
        sys.exit(1)


if __name__ == "__main__":
    main()
