"""Jobs of a worker that are done again and again for as long as it runs, and what such a job does at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from shared.db import RETRYABLE
from shared.errors import KeyRingAway, Problem

_log = structlog.get_logger()


async def keep_doing(job: Callable[[], Awaitable[object]], *, every_s: float, otherwise: str) -> None:
    """Do it at once and then every so often; at once again where its answer, which is true then, says that there is
    more. Ends by being cancelled only.

    What is away is waited for, and what could not be put on record is done the next time; `otherwise` is what the log
    says then. What was due meanwhile is due still.
    """
    while True:
        has_more: object = False
        try:
            has_more = await job()
        except (KeyRingAway, *RETRYABLE) as away:
            _log.warning(otherwise, failure=type(away).__name__)
        except Problem as unrecorded:
            _log.warning(otherwise, failure=unrecorded.kind)
        if not has_more:
            await asyncio.sleep(every_s)


async def all_of(works: Iterable[Awaitable[None]]) -> None:
    """Wait for all of them, so that none is cut off by another's failure; then the first failure is raised."""
    for failure in await asyncio.gather(*works, return_exceptions=True):
        if failure is not None:
            raise failure
