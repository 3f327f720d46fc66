"""A driver for as long as a context lasts, with somebody to be told when it fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tcplab.runtime.loop import Driver

OnFailure = Callable[[Exception], None]
"""Is told what the node, an observer or the port raised."""


@asynccontextmanager
async def driven(driver: Driver, on_failure: OnFailure) -> AsyncIterator[Driver]:
    """Let a driver run within the context, and tell ``on_failure`` should it fail there."""

    def tell(watch: asyncio.Future[None]) -> None:
        if not watch.cancelled() and isinstance(error := watch.exception(), Exception):
            on_failure(error)

    async with driver:
        watch = asyncio.ensure_future(driver.done())
        watch.add_done_callback(tell)
        try:
            yield driver
        finally:
            driver.stop()
            await asyncio.wait((watch,))
