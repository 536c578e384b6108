"""The ten doors: five services, each with an HTTP door (`app`) and a Kafka door (`worker`).

Beside them on a developer's machine: the provider that people sign in at.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, Literal, NamedTuple

import uvicorn

import services
from shared.events import Topic
from shared.kafka import KafkaBroker
from shared.settings import ServiceSettings
from shared.telemetry import configure_logs

SERVICES = services.SERVICES
Kind = Literal["app", "worker", "provider"]


class Door(NamedTuple):
    service: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.service}-{self.kind}"


DOORS = tuple(Door(service, kind) for service in SERVICES for kind in ("app", "worker"))
# Not ours in production, where an organization has its own: the provider that people of the local stack sign in at.
PROVIDER = Door("people", "provider")


def settings_of(service: str) -> ServiceSettings:
    """A service's settings from the environment."""
    classes = vars(import_module(f"services.{service}.settings"))
    make: Callable[[], ServiceSettings] = classes[f"{service.capitalize()}Settings"]
    return make()


def publishes(service: str) -> tuple[Topic, ...]:
    """The topics that a service owns."""
    topics: tuple[Topic, ...] = import_module(f"services.{service}").PUBLISHES
    return topics


def consumes(service: str) -> tuple[Topic, ...]:
    """The topics that a service reads."""
    topics: tuple[Topic, ...] = import_module(f"services.{service}").CONSUMES
    return topics


def run(door: Door) -> int:
    """Run one door in this process until a signal; its exit code."""
    if "SAMEPAGE_SUPERVISED" in os.environ:
        _end_with_parent()
    if door == PROVIDER:
        import_module("deploy.provider.door").run()
        return 0
    settings = settings_of(door.service)
    configure_logs(str(door), settings.platform.log_level)
    if door.kind == "app":
        application = import_module(f"services.{door.service}.app").create_app(settings)
        uvicorn.run(
            application,
            host=settings.host,
            port=settings.app_port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        return 0
    broker = KafkaBroker(settings.platform.bootstrap_servers, client_id=str(door))
    work: Callable[..., Coroutine[Any, Any, int]] = import_module(f"services.{door.service}.worker").run
    with asyncio.Runner(loop_factory=_fast_loop) as runner:
        return runner.run(work(settings, broker))


def _end_with_parent() -> None:
    """Linux: get SIGTERM when the supervisor dies, however it dies, so that no door is left behind."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop()
