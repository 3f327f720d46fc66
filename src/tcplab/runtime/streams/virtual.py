"""An asyncio event loop in virtual time: where every task waits, time leaps to the next timer.

Whatever goes by the loop's time (``asyncio.sleep``, ``asyncio.timeout``, the lab's clock) stays in step, and the order
of callbacks depends on nothing but the program: asyncio's queue is first in, first out, and its heap of timers keeps no
other order than that of the calls. So a program runs the same way every time, as fast as the machine can, unless it
looks at the world outside: the wall clock, chance without a seed, the order of a set, real sockets.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, TypeVarTuple, cast

from tcplab.runtime import loop as driver
from tcplab.runtime.clock import Clock
from tcplab.units import SECOND

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TIME_LIMIT: Final = 1 << 23
"""Seconds, 97 days: from then on asyncio's floats could not tell two nanoseconds apart."""

_Ready = list[tuple[selectors.SelectorKey, int]]


class Deadlock(RuntimeError):
    """In virtual time every task waits, and nothing will ever happen; names the tasks and where they wait."""


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """Run a coroutine as ``asyncio.run`` does, in virtual time.

    Args:
        main: what to run.
        debug: whether in asyncio's debug mode; ``None`` leaves that to asyncio.

    Returns:
        What ``main`` returns.

    Raises:
        Deadlock: nothing will ever happen, and ``main`` has not ended; it was cancelled.
        Exception: whatever ``main`` raises.
    """
    with asyncio.Runner(debug=debug, loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time begins at 0 and leaps; a ``loop_factory`` for ``asyncio.Runner``.

    Time stands still while a thread works (``asyncio.to_thread``, ``run_in_executor``) and within
    :meth:`standing_still`; other things outside the loop, such as real sockets, do not hold it.
    """

    def __init__(self) -> None:
        self._nanoseconds = 0
        self._holds = 0
        self._main: asyncio.Future[Any] | None = None
        self._deadlock: Deadlock | None = None
        super().__init__(_Selector(self._idle))

    def time(self) -> float:
        """Return the seconds that have passed since the loop was made."""
        return self._nanoseconds / SECOND

    def nanoseconds(self) -> int:
        """Return the same, exactly."""
        return self._nanoseconds

    def leap(self, seconds: float) -> None:
        """Let time pass at once, as a callback does that keeps the loop from its timers.

        Raises:
            OverflowError: that would be beyond :data:`TIME_LIMIT`.
        """
        self._nanoseconds += round(seconds * SECOND)
        if self._nanoseconds >= TIME_LIMIT * SECOND:
            raise OverflowError("virtual time ends after 97 days; is there a loop that never does?")

    def clock(self) -> Clock:
        """Return a clock of the lab that shows this loop's time, from 0 on."""
        return Clock(steady=self.nanoseconds, awake=self.nanoseconds, wall=self.nanoseconds)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let time stand still within the context: what one waits for there comes from outside the loop."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """Run until the future is done (see ``asyncio.loop.run_until_complete``).

        Raises:
            Deadlock: it never will be.
        """
        main: asyncio.Future[T] = asyncio.ensure_future(cast(Awaitable[T], future), loop=self)
        self._main = main
        try:
            return super().run_until_complete(main)
        except asyncio.CancelledError:
            if self._deadlock is None:
                raise
            deadlock, self._deadlock = self._deadlock, None
            raise deadlock from None
        finally:
            self._main = None

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Let a thread or a process do something, while time stands still."""
        future = super().run_in_executor(executor, func, *args)
        self._holds += 1
        future.add_done_callback(self._let_go)
        return future

    async def shutdown_default_executor(self, *args: Any, **options: Any) -> None:
        """Wait for the threads to end, while time stands still."""
        with self.standing_still():
            await super().shutdown_default_executor(*args, **options)

    def _let_go(self, _: asyncio.Future[Any]) -> None:
        self._holds -= 1

    def _idle(self, select: Callable[[float | None], _Ready], timeout: float | None) -> _Ready:
        """Do instead of waiting for ``timeout`` seconds, ``None`` being for ever, what virtual time has for that."""
        if self._holds and timeout != 0:
            return select(None)
        ready = select(0)
        if timeout is None and not ready:
            self._be_stuck()
        elif timeout and not ready:
            self.leap(timeout)
        return ready

    def _be_stuck(self) -> None:
        """Cancel what the loop is run for, so that the program cleans up behind it; again, should that get stuck."""
        waiting = [where for task in asyncio.all_tasks(self) if (where := _where(task))]
        deadlock = Deadlock(f"at {self.time():g} s nothing will ever happen; waiting: {'; '.join(sorted(waiting))}")
        if self._main is None:
            raise deadlock
        if self._deadlock is None:
            self._deadlock = deadlock
        self._main.cancel(str(deadlock))


class _Selector(selectors.DefaultSelector):
    """Asks the loop before it waits."""

    def __init__(self, idle: Callable[[Callable[[float | None], _Ready], float | None], _Ready]) -> None:
        super().__init__()
        self._ask = idle

    def select(self, timeout: float | None = None) -> _Ready:
        return self._ask(super().select, timeout)


def _where(task: asyncio.Task[Any]) -> str | None:
    """Return where a task waits, ``None`` for one of a driver's."""
    frames = task.get_stack(limit=1)
    if not frames or frames[0].f_code.co_filename == driver.__file__:
        return None
    code = frames[0].f_code
    return f"{task.get_name()} in {code.co_name} at {Path(code.co_filename).name}:{frames[0].f_lineno}"
