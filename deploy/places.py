"""Where an operator's command reaches the databases: those that the environment names, else the local network's."""

import os
from collections.abc import Mapping

from deploy.databases import Database
from deploy.doors import SERVICES, Door
from deploy.prepare import place, running_network

_PSEUDONYM_KEY = "SAMEPAGE_ANALYTICS_PSEUDONYM_KEY"


def reached_databases() -> Mapping[str, Database]:
    """Every service's database: those that are named, else those of the local network that runs.

    Raises:
        StackError: none are named and nothing runs here.
    """
    return named_databases() or running_network(place()).databases


def named_databases() -> Mapping[str, Database] | None:
    """Every service's database as its worker reaches it, and its owner where that is named; None when some are not."""
    named = {service: _named(service) for service in SERVICES}
    return named if all(database.worker for database in named.values()) else None


def pseudonym_key() -> str:
    """The key that analytics makes pseudonyms with; empty where nobody names it."""
    if _PSEUDONYM_KEY in os.environ or _named("analytics").worker:
        return os.environ.get(_PSEUDONYM_KEY, "")
    return running_network(place()).environments[Door("analytics", "worker")][_PSEUDONYM_KEY]


def _named(service: str) -> Database:
    variable = f"SAMEPAGE_{service.upper()}_{{}}DATABASE_URL".format
    worker, owner = os.environ.get(variable(""), ""), os.environ.get(variable("OWNER_"), "")
    return Database(owner=owner, app="", worker=worker)
