"""What each service says about itself: the topics it reads and writes, and its HTTP door.

Services are found by looking into the `services` package and imported when asked for, so that contracts can be written
while a service is still without a door.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

import services
from shared.events import TOPICS, Topic


@dataclass(frozen=True, slots=True)
class Interface:
    """The topics of a service. Who may publish is said once, by the topic itself."""

    service: str
    publishes: tuple[Topic, ...]
    consumes: tuple[Topic, ...]


def interfaces() -> tuple[Interface, ...]:
    """Every service that exists or publishes, by name."""
    existing = {module.name for module in iter_modules(services.__path__)}
    publishers = {topic.publisher for topic in TOPICS.values()}
    return tuple(
        Interface(
            service=name,
            publishes=tuple(topic for topic in TOPICS.values() if topic.publisher == name),
            consumes=tuple(import_module(f"services.{name}").CONSUMES) if name in existing else (),
        )
        for name in sorted(existing | publishers)
    )


def openapi_documents() -> dict[str, dict[str, Any]]:
    """The OpenAPI document of every service that has an HTTP door."""
    doors = [module.name for module in iter_modules(services.__path__) if find_spec(f"services.{module.name}.app")]
    return {name: import_module(f"services.{name}.app").document() for name in doors}
