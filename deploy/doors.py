"""The ten doors: five services, each with an HTTP door (`app`) and a Kafka door (`worker`).

Beside them on a developer's machine: the provider that people sign in at.
"""

import asyncio
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, Literal, NamedTuple, TypeVar

import uvicorn
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

import services
from shared.events import Topic
from shared.http.wire import wire
from shared.kafka import KafkaBroker
from shared.keyring import KeyRingSettings
from shared.settings import KafkaLogin, Platform, ServiceSettings
from shared.telemetry import configure_logs

SERVICES = services.SERVICES
Kind = Literal["app", "worker", "provider"]
Settings = TypeVar("Settings", bound=BaseSettings)


class Door(NamedTuple):
    service: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.service}-{self.kind}"


DOORS = tuple(Door(service, kind) for service in SERVICES for kind in ("app", "worker"))
# Not ours in production, where an organization has its own: the provider that people of the local stack sign in at.
PROVIDER = Door("people", "provider")


class CannotStart(Exception):
    """A door cannot start; one sentence that names settings and what was expected of them, never what they are."""


def settings_class(door: Door) -> type[ServiceSettings]:
    """The settings of a door: of its own, where it is told more than the service's other one."""
    classes = vars(import_module(f"services.{door.service}.settings"))
    name = door.service.capitalize()
    kind: type[ServiceSettings] = classes.get(f"{name}{door.kind.capitalize()}Settings") or classes[f"{name}Settings"]
    return kind


def settings_of(door: Door) -> ServiceSettings:
    """A door's settings from the environment.

    Raises:
        CannotStart: some are missing or wrong.
    """
    return _read(settings_class(door), f"Settings of {door.service}")


def platform_settings() -> Platform:
    """What every service is told alike, from the environment.

    Raises:
        CannotStart: some of it is missing or wrong.
    """
    return _read(Platform, "Settings")


def _read(kind: type[Settings], what: str) -> Settings:
    try:
        return kind()
    except SettingsError as error:
        raise CannotStart(f"{what} are wrong: {error}.") from None
    except ValidationError as error:
        told = {one.__name__: one.model_config["env_prefix"] for one in (kind, Platform, KafkaLogin, KeyRingSettings)}
        names = [f"{told[error.title]}{(*detail['loc'], '*')[0]}".upper() for detail in error.errors()]
        wrong = [f"{name} ({detail['msg']})" for name, detail in zip(names, error.errors(), strict=True)]
        raise CannotStart(f"{what} are missing or wrong: {'; '.join(wrong)}") from None


def publishes(service: str) -> tuple[Topic, ...]:
    """The topics that a service owns."""
    topics: tuple[Topic, ...] = import_module(f"services.{service}").PUBLISHES
    return topics


def consumes(service: str) -> tuple[Topic, ...]:
    """The topics that a service reads."""
    topics: tuple[Topic, ...] = import_module(f"services.{service}").CONSUMES
    return topics


def run(door: Door) -> int:
    """Run one door in this process until a signal; its exit code.

    Raises:
        CannotStart: its settings are wrong, or a worker's database does not answer.
    """
    if "SAMEPAGE_SUPERVISED" in os.environ:
        _end_with_parent()
    if door == PROVIDER:
        import_module("deploy.provider.door").run()
        return 0
    settings = settings_of(door)
    configure_logs(str(door), settings.platform.log_level)
    if door.kind == "app":
        try:
            application = import_module(f"services.{door.service}.app").create_app(settings)
        except ValueError as error:
            raise CannotStart(f"Settings of {door.service} are missing or wrong: {error}") from error
        uvicorn.run(
            application,
            host=settings.host,
            port=settings.app_port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
            http=wire(settings.limits),
            proxy_headers=bool(settings.platform.trusted_proxies),
            forwarded_allow_ips=list(map(str, settings.platform.trusted_proxies)),
        )
        return 0
    platform = settings.platform
    broker = KafkaBroker(platform.bootstrap_servers, client_id=str(door), login=platform.kafka)
    work: Callable[..., Coroutine[Any, Any, int]] = import_module(f"services.{door.service}.worker").run
    _collect_seldom()
    with asyncio.Runner(loop_factory=_fast_loop) as runner:
        try:
            return runner.run(work(settings, broker))
        except OSError as error:
            raise CannotStart(f"The database of {door.service} does not answer: {error.strerror or error}") from error


def _end_with_parent() -> None:
    """Linux: get SIGTERM when the supervisor dies, however it dies, so that no door is left behind."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _collect_seldom() -> None:
    """Look for garbage in cycles after 10,000 new objects, not after 700, and never in what is loaded by now.

    Events, facts and pages have no cycles, and Python would go through all of a batch many times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def _fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop()
