"""TCP ports of this machine, and the question whether a broker answers on one."""

import socket
import struct
from contextlib import ExitStack

HOST = "127.0.0.1"

_METADATA, _VERSION, _CORRELATION, _NO_TOPICS = 3, 1, 1, 0


def keep_or_choose(wanted: tuple[int, ...], count: int) -> tuple[int, ...]:
    """The ports used last time where they are free, else others the system picks; `count` different ones."""
    with ExitStack() as held:
        bound = []
        for index in range(count):
            listener = held.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(listener, wanted[index] if index < len(wanted) else 0)
            bound.append(listener)
        return tuple(int(listener.getsockname()[1]) for listener in bound)


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False


def broker_answers(port: int) -> bool:
    """Whether a Kafka client gets metadata there that names at least one broker."""
    client = b"samepage"
    header = struct.pack(">hhih", _METADATA, _VERSION, _CORRELATION, len(client)) + client
    question = header + struct.pack(">i", _NO_TOPICS)
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection, connection.makefile("rb") as answer:
            connection.sendall(struct.pack(">i", len(question)) + question)
            _length, correlation, brokers = struct.unpack(">iii", answer.read(12))
    except (OSError, struct.error):
        return False
    return bool(correlation == _CORRELATION and brokers > 0)


def _bind(listener: socket.socket, port: int) -> None:
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.bind((HOST, 0))
