"""How often a client may ask: a bucket of tokens for each, filled at a steady rate, in the memory of one process.

A door that runs in four processes lets a client through up to four times as often; what counts is that one client
cannot take the place of all. A shared count would cost a write for each request.
"""

import math
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic

from fastapi import Request

from shared.auth import Caller, Role
from shared.errors import Problem
from shared.settings import Rate, Rates

Clock = Callable[[], float]


class Buckets:
    """A bucket for each key. Beyond `most_keys` the one that was used longest ago is forgotten, and so full again."""

    def __init__(self, rate: Rate, most_keys: int, clock: Clock = monotonic) -> None:
        self._rate = rate
        self._most_keys = most_keys
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, key: str) -> float:
        """Count a try: 0 when it may go on, else how many seconds to wait. A try that may not costs nothing."""
        now = self._clock()
        left, since = self._left.pop(key, (float(self._rate.burst), now))
        left = min(float(self._rate.burst), left + (now - since) * self._rate.per_minute / 60)
        wait_s = 0.0 if left >= 1 else (1 - left) * 60 / self._rate.per_minute
        self._left[key] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > self._most_keys:
            del self._left[next(iter(self._left))]
        return wait_s

    def take(self, key: str) -> None:
        """Count a try.

        Raises:
            Problem: 429, it may not go on yet.
        """
        if wait_s := self.wait_s(key):
            after = {"retry-after": str(math.ceil(wait_s))}
            raise Problem(429, "too-many", "Too many requests. Wait before the next.", headers=after)


class Crowd:
    """All clients of a door: persons and systems by their subject, strangers by their address."""

    def __init__(self, rates: Rates, clock: Clock = monotonic) -> None:
        self._persons = Buckets(rates.person, rates.clients, clock)
        self._systems = Buckets(rates.system, rates.clients, clock)
        self._strangers = Buckets(rates.stranger, rates.clients, clock)
        self._arriving = Buckets(rates.sign_in, rates.clients, clock)

    def take(self, caller: Caller) -> None:
        """Count a request of somebody who is known.

        Raises:
            Problem: 429
        """
        buckets = self._systems if caller.role is Role.SYSTEM else self._persons
        buckets.take(f"{caller.role} {caller.subject} {','.join(sorted(caller.sites))}")

    def take_stranger(self, request: Request, *, is_arriving: bool) -> None:
        """Count a request of somebody who is not known; `is_arriving` where they sign in.

        Raises:
            Problem: 429
        """
        (self._arriving if is_arriving else self._strangers).take(address_of(request))


def address_of(request: Request) -> str:
    """Where a request comes from, for counting: the network of a whole household or host, where that has many."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(address)
