"""Who asks for what a command does: it goes on record."""

import getpass
from typing import Annotated

import typer

from deploy.local.errors import StackError

By = Annotated[str | None, typer.Option(help="Who asks, for the record; the login name when not given")]


def asker(by: str | None) -> str:
    """Who was named, else who is logged in here.

    Raises:
        StackError: nobody is, as in a container.
    """
    if by:
        return by
    try:
        return f"command-line:{getpass.getuser()}"
    except (KeyError, OSError):
        raise StackError("Nobody is logged in here: say who asks with --by.") from None
