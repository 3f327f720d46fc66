"""Runs the lab service: ``python -m services.lab``."""

import asyncio
import sys
from contextlib import AsyncExitStack

from services.common.process import run, unless_stopped
from services.common.voice import LinkWatch, Voice, say
from services.lab.settings import LabSettings
from tcplab.lab.api import make
from tcplab.lab.desk import Desk
from tcplab.lab.figures import snapshot
from tcplab.lab.server import serving
from tcplab.node import Event
from tcplab.observe.collector import Collector
from tcplab.observe.exposition import on_loop, serve
from tcplab.runtime.clock import Clock


async def serve_lab(settings: LabSettings, stop: asyncio.Event) -> None:
    """Serve the API until told to stop.

    Raises:
        PortError: the broker will not have us, or another lab service serves this lab.
        ExpositionError: the API or the metrics cannot be served.
        Stopped: told to stop before it had begun.
    """
    clock, voice, watch = Clock(settings.time_scale), Voice(), LinkWatch()
    desk = Desk(settings.broker, clock, say=say)
    loop = asyncio.get_running_loop()

    def tell(event: Event) -> None:
        for observer in (watch, voice):
            observer.observe("lab", event, clock.now())

    async with AsyncExitStack() as stack:
        collector = Collector(on_loop(loop, lambda: snapshot(desk)))
        healthy = on_loop(loop, lambda: watch.trouble)
        stack.enter_context(serve(collector, settings.metrics_port, settings.metrics_address, healthy=healthy))
        await unless_stopped(stop, stack.enter_async_context(desk.running(tell)))
        port = await stack.enter_async_context(serving(make(desk), settings.api_address, settings.api_port))
        stack.callback(desk.dismiss)  # a listener would be waited for
        say(f"lab: serves http://{settings.api_address}:{port}")
        raise await unless_stopped(stop, desk.lost())


if __name__ == "__main__":
    sys.exit(run("lab", LabSettings, serve_lab))
