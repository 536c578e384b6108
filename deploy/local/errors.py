"""One error for everything that can go wrong while the local stack starts or stops, said in one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The first match of the first pattern that matches anything is the line that names the cause.
_TELLING = (
    re.compile(r"Address already in use|No space left|Permission denied|annot allocate memory|OutOfMemory"),
    re.compile(r"FATAL|PANIC|Caused by:"),
    re.compile(r"ERROR|Exception|error"),
    re.compile(r"\S"),
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class StackError(Exception):
    """The local stack cannot do what was asked; the message is one sentence for the person at the terminal."""


def telling_line(text: str) -> str:
    """The line of a program's output that most likely says why it failed."""
    lines = _COLOUR.sub("", text).splitlines()
    for pattern in _TELLING[:-1]:
        for line in lines:
            if pattern.search(line):
                return line.strip()
    return next((line.strip() for line in reversed(lines) if _TELLING[-1].search(line)), "it wrote nothing")


def telling_line_of(log: Path) -> str:
    """The same, of a log file; the file's name is given so that the rest can be read."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return f"{telling_line(text)} (see {log})"


@contextmanager
def system_errors_said_plainly() -> Iterator[None]:
    """A full disk or a forbidden directory becomes a `StackError` that names the file."""
    try:
        yield
    except OSError as error:
        place = error.filename or "a file"
        raise StackError(f"The local stack stopped at {place}: {error.strerror or error}") from error


def stopped_while_starting(kind: str, log: Path) -> StackError:
    """What a server says that does not come up."""
    return StackError(f"{kind} stopped while starting: {telling_line_of(log)}")
