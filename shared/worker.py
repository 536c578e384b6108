"""The Kafka door of a service: relay, consumer, notary and a small health page, until one ends or a signal comes."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence

import structlog
import uvicorn

from shared.broker import Broker
from shared.consumer import Consumer, ConsumerSettings
from shared.db import Pool, open_pool
from shared.delivery import Subscription
from shared.errors import Halt
from shared.heads import book_of
from shared.http.app import worker_health
from shared.http.wire import wire
from shared.notary import Notary
from shared.relay import Relay
from shared.settings import ServiceSettings

_log = structlog.get_logger()


class _QuietServer(uvicorn.Server):
    """Leaves signals to the worker, which has more to end than this server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_worker(
    name: str,
    settings: ServiceSettings,
    broker: Broker,
    *,
    subscription: Subscription | None,
    is_publisher: bool,
    also: Sequence[Callable[[Pool], Coroutine[object, object, None]]] = (),
) -> int:
    """Run until SIGTERM or SIGINT (0) or until going on would be wrong (1: the log says why).

    `also` are more jobs, of the service's own, for as long.
    """
    dsn = settings.database_url.get_secret_value()
    async with open_pool(dsn, size=settings.pool_size) as pool:
        on_kafka: list[Relay | Consumer] = []
        if is_publisher:
            on_kafka.append(Relay(name, dsn, broker))
        if subscription is not None:
            reading = ConsumerSettings(is_log_kept=settings.platform.is_log_kept)
            on_kafka.append(Consumer(subscription, broker, pool, reading))
        notary = Notary(name, dsn, book_of(settings.platform, name))
        health = _serve_health(settings, pool, on_kafka)
        own = [job(pool) for job in also]
        return await _first_to_end([_until_signal(), health, notary.run(), *(job.run() for job in on_kafka), *own])


async def _first_to_end(jobs: Sequence[Coroutine[object, object, None]]) -> int:
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    failure = next((task.exception() for task in done if task.exception() is not None), None)
    if failure is None:
        return 0
    if not isinstance(failure, Halt):
        raise failure
    _log.error("worker stops", reason=type(failure).__name__, detail=str(failure))
    return 1


async def _until_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _serve_health(settings: ServiceSettings, pool: Pool, on_kafka: Sequence[Relay | Consumer]) -> None:
    config = uvicorn.Config(
        worker_health(pool, lambda: [job.refusal for job in on_kafka if job.refusal is not None]),
        host=settings.host,
        port=settings.worker_port,
        log_level="warning",
        access_log=False,
        http=wire(settings.limits),
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = _QuietServer(config)
    try:
        await server.serve()
    except asyncio.CancelledError:
        if server.started:
            await server.shutdown()
        raise
