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
    also: Callable[[Pool], Coroutine[object, object, None]] | None = None,
) -> int:
    """Run until SIGTERM or SIGINT (0) or until going on would be wrong (1: the log says why).

    `also` is one more job of the service's own, for as long.
    """
    dsn = settings.database_url.get_secret_value()
    async with open_pool(dsn, size=settings.pool_size) as pool:
        jobs: list[Coroutine[object, object, None]] = [_until_signal(), _serve_health(settings, pool)]
        jobs.append(Notary(name, dsn, book_of(settings.platform, name)).run())
        if is_publisher:
            jobs.append(Relay(name, dsn, broker).run())
        if subscription is not None:
            jobs.append(
                Consumer(subscription, broker, pool, ConsumerSettings(is_log_kept=settings.platform.is_log_kept)).run()
            )
        if also is not None:
            jobs.append(also(pool))
        return await _first_to_end(jobs)


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


async def _serve_health(settings: ServiceSettings, pool: Pool) -> None:
    config = uvicorn.Config(
        worker_health(pool),
        host=settings.host,
        port=settings.worker_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = _QuietServer(config)
    try:
        await server.serve()
    except asyncio.CancelledError:
        if server.started:
            await server.shutdown()
        raise
