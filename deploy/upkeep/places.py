"""Where an operator's command reaches the databases: those that the environment names, else the local network's."""

import os
from collections.abc import Mapping

from deploy.databases import Database
from deploy.doors import SERVICES, Door
from deploy.prepare import place, running_network

_PSEUDONYM_KEY = "SAMEPAGE_ANALYTICS_PSEUDONYM_KEY"


def reached_databases() -> Mapping[str, Database]:
    """Every service's database. Named in the environment, it is reached as the worker, and as the owner where named.

    Raises:
        StackError: none are named and nothing runs here.
    """
    named = {service: _named(service) for service in SERVICES}
    if all(database.worker for database in named.values()):
        return named
    return running_network(place()).databases


def pseudonym_key() -> str:
    """The key that analytics makes pseudonyms with; empty where nobody names it."""
    if _PSEUDONYM_KEY in os.environ or _named("analytics").worker:
        return os.environ.get(_PSEUDONYM_KEY, "")
    return running_network(place()).environments[Door("analytics", "worker")][_PSEUDONYM_KEY]


def _named(service: str) -> Database:
    variable = f"SAMEPAGE_{service.upper()}_{{}}DATABASE_URL".format
    worker, owner = os.environ.get(variable(""), ""), os.environ.get(variable("OWNER_"), "")
    return Database(owner=owner, app="", worker=worker)
