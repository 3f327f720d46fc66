"""Running asynchronous tests: each in a loop of its own, with an end to its patience."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

import tcplab
from tcplab.runtime.clock import EPOCH, Clock
from tcplab.runtime.loop import new_event_loop
from tcplab.runtime.streams import VirtualLoop

P = ParamSpec("P")
PATIENCE_SECONDS = 60


def in_leaping_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test in a loop whose time leaps from timer to timer."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test in virtual time; one that hangs fails."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        tcplab.run(test(*args, **kwargs))

    return run


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test in a loop like the services'; one that hangs fails."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def patiently() -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(patiently())

    return run


class LeapingLoop(VirtualLoop):
    """An event loop in virtual time, in which the lab's clock begins at its epoch."""

    def clock(self) -> Clock:
        """Return a clock of the lab that shows this loop's time."""
        return Clock(steady=self.nanoseconds, awake=self.nanoseconds, wall=lambda: EPOCH + self.nanoseconds())
