"""Running asynchronous tests: each in a loop of its own, with an end to its patience."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from tcplab.runtime.clock import EPOCH, Clock

P = ParamSpec("P")
PATIENCE_SECONDS = 60


def in_leaping_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test in a loop whose time leaps from timer to timer."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test; one that hangs fails."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def patiently() -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await test(*args, **kwargs)

        asyncio.run(patiently())

    return run


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time leaps to the next timer instead of passing; nothing else moves it."""

    def __init__(self) -> None:
        self.nanoseconds = 0
        super().__init__(_LeapingSelector(self))

    def time(self) -> float:
        return self.nanoseconds / 1e9

    def clock(self) -> Clock:
        """Return a clock of the lab that shows this loop's time."""
        return Clock(steady=self.read, awake=self.read, wall=lambda: EPOCH + self.nanoseconds)

    def read(self) -> int:
        return self.nanoseconds

    def leap(self, seconds: float) -> None:
        self.nanoseconds += round(seconds * 1e9)


class _LeapingSelector(selectors.SelectSelector):
    def __init__(self, loop: LeapingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen in this loop")
        self._loop.leap(max(0, timeout))
        return super().select(0)
