"""A service as a process: settings from the environment, an end by SIGTERM, one line for whatever people can mend."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from services.common.settings import ServiceSettings, SettingsError, load
from services.common.voice import say
from tcplab.observe.exposition import ExpositionError
from tcplab.port import PortError
from tcplab.runtime.loop import new_event_loop

HOPELESS: Final = 1  # exit codes
WRONG_SETTINGS: Final = 2

S = TypeVar("S", bound=ServiceSettings)
T = TypeVar("T")
Serve = Callable[[S, asyncio.Event], Awaitable[None]]
"""Runs a service until the event is set, and ends it in order."""


class Stopped(Exception):
    """The process was told to stop while it waited for something else."""


def run(role: str, kind: type[S], serve: Serve[S]) -> int:
    """Run a service until SIGTERM; return the exit code."""
    try:
        settings = load(kind)
    except SettingsError as error:
        for line in str(error).splitlines():
            print(f"{role}: {line}", file=sys.stderr)
        return WRONG_SETTINGS
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_until_told_to_stop(settings, serve))
    except (PortError, ExpositionError) as error:
        print(f"{role}: {error}", file=sys.stderr)
        return HOPELESS
    say(f"{role}: stopped")
    return 0


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """Wait for some work, and give it up where the process is told to stop first.

    Raises:
        Stopped: it was told to.
    """
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait((working,))
    raise Stopped


async def _until_told_to_stop(settings: S, serve: Serve[S]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gc.collect()
    gc.freeze()  # what is there from the first stays; to look through it again takes longer than a packet may be late
    try:
        await serve(settings, stop)
    except Stopped:
        return
