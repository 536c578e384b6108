"""The container's health check: exit code 0 when the door that runs here is ready.

The door's port is the one in `SAMEPAGE_<SERVICE>_APP_PORT` or `..._WORKER_PORT`, or the provider's: a container runs
one door, so all such variables of its environment say the same. Asked every few seconds of every door, so it imports
next to nothing.
"""

import os
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException


def port_of(environ: Mapping[str, str]) -> int:
    """The port of this container's door.

    Raises:
        ValueError: the environment names none, or several.
    """
    suffixes = ("_APP_PORT", "_WORKER_PORT", "_PROVIDER_PORT")
    ports = {value for name, value in environ.items() if name.startswith("SAMEPAGE_") and name.endswith(suffixes)}
    if len(ports) != 1:
        raise ValueError(f"SAMEPAGE_*_APP_PORT, *_WORKER_PORT and *_PROVIDER_PORT name {len(ports)} ports, not one")
    return int(ports.pop())


def is_ready(port: int) -> bool:
    """Whether the door there says that it is ready."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_ready(port_of(os.environ)))
