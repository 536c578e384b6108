"""Where an operator's command reaches the system: what the environment names, else the local network's."""

import os
from collections.abc import Mapping

from deploy.databases import Database
from deploy.doors import SERVICES, Door, platform_settings
from deploy.local.errors import StackError
from deploy.prepare import place, running_network
from shared.kafka import KafkaBroker


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


def reached_database(service: str) -> Database:
    """One service's database likewise, whether the others are named or not."""
    named = _named(service)
    return named if named.worker else running_network(place()).databases[service]


def owner_of(service: str, database: Database) -> str:
    """The DSN of a database's owner.

    Raises:
        StackError: nobody names it.
    """
    if not database.owner:
        variable = f"SAMEPAGE_{service.upper()}_OWNER_DATABASE_URL"
        raise StackError(f"This needs the owner of {service}'s database: name {variable}.")
    return database.owner


def reached_broker(service: str) -> KafkaBroker:
    """Kafka as the worker of a service reaches it: as the environment says where that names its database."""
    client_id = f"{service}-upkeep"
    if _named(service).worker:
        platform = platform_settings()
        return KafkaBroker(platform.bootstrap_servers, client_id=client_id, login=platform.kafka)
    return KafkaBroker(running_network(place()).addresses.bootstrap_servers, client_id=client_id)


def told(door: Door) -> Mapping[str, str]:
    """What a door is told: this environment, where it names the door's database, else what the local network tells."""
    return os.environ if _named(door.service).worker else running_network(place()).environments[door]


def pseudonym_key() -> str:
    """The key that analytics makes pseudonyms with; empty where nobody names it."""
    return told(Door("analytics", "worker")).get("SAMEPAGE_ANALYTICS_PSEUDONYM_KEY", "")


def _named(service: str) -> Database:
    variable = f"SAMEPAGE_{service.upper()}_{{}}DATABASE_URL".format
    worker, owner = os.environ.get(variable(""), ""), os.environ.get(variable("OWNER_"), "")
    return Database(owner=owner, app="", worker=worker)
