"""``tcplab local``: the lab in one process, in real time, under continuous load."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from tcplab.apps.client import ClientConfig, CloseMix
from tcplab.apps.frames import Mode
from tcplab.apps.server import ServerConfig
from tcplab.cli.local_lab import SERVER, LocalLab, LocalPlan, running
from tcplab.cli.local_watch import Watch
from tcplab.cli.troubles import HOPELESS, WRONG
from tcplab.netem.profile import Profile
from tcplab.node import Event
from tcplab.observe.exposition import ExpositionError
from tcplab.port import ClockDisturbed, LinkBlocked, LinkDown, LinkUp, PortError
from tcplab.runtime.amqp import Broker
from tcplab.runtime.clock import Clock
from tcplab.tcp.config import TcpConfig
from tcplab.units import Instant, seconds

METRICS_PORT: Final = 9101
PORT: Final = 80  # of the server, inside the lab
REFRESH: Final = 0.25  # real seconds between two tables
LINES: Final = 1.0  # real seconds between two lines


def command(
    *,
    rate: Annotated[float, typer.Option(help="Connections opened per second.")] = 10.0,
    concurrency: Annotated[int, typer.Option(help="Connections under way at a time, at most.")] = 100,
    octets: Annotated[int, typer.Option(help="Payload of a request; of the answer where the mode is serve.")] = 1_000,
    mode: Annotated[Mode, typer.Option(help="What to ask of the server.")] = Mode.ECHO,
    total: Annotated[int | None, typer.Option(help="Stop after so many connections.")] = None,
    msl: Annotated[
        float, typer.Option(help="Maximum segment lifetime, seconds; TIME_WAIT lasts twice that.", max=86_400)
    ] = 120.0,
    delay: Annotated[float, typer.Option(help="Milliseconds each way.", min=0, max=600_000)] = 50.0,
    jitter: Annotated[float, typer.Option(help="How far the delay varies, milliseconds.", min=0, max=600_000)] = 0.0,
    loss: Annotated[float, typer.Option(help="Percent of segments lost each way.", min=0, max=100)] = 0.0,
    duplicate: Annotated[float, typer.Option(help="Percent of segments doubled each way.", min=0, max=100)] = 0.0,
    metrics_port: Annotated[
        int, typer.Option(help="The network's metrics; the server's and the client's come next. 0: any free ports.")
    ] = METRICS_PORT,
    broker: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Carry segments through RabbitMQ: amqp://user:password@host/vhost."),
    ] = None,
    seed: Annotated[int, typer.Option(help="What chance is drawn from.")] = 1,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="A line a second in place of the table.")] = False,
) -> None:
    """Run client, network and server in this process, in real time, until Ctrl-C."""
    try:
        plan = LocalPlan(
            load=ClientConfig(
                SERVER,
                PORT,
                rate=rate,
                concurrency=concurrency,
                octets=octets,
                mode=mode,
                close_mix=CloseMix(client=6, server=3, both=1),
                total=total,
            ),
            server=ServerConfig(PORT),
            tcp=TcpConfig(msl=seconds(msl)),
            profile=Profile(
                delay=seconds(delay / 1_000),
                jitter=seconds(jitter / 1_000),
                loss=loss / 100,
                duplicate=duplicate / 100,
            ),
            metrics_port=_checked(metrics_port),
            broker=None if broker is None else Broker.from_url(broker),
            seed=seed,
        )
    except ValueError as error:
        typer.echo(f"tcplab local: {error}", err=True)
        raise typer.Exit(WRONG) from None
    console = Console(highlight=False)
    try:
        flawless = asyncio.run(_run(plan, console, duration, plain=plain or not console.is_terminal))
    except (PortError, ExpositionError) as error:
        typer.echo(f"tcplab local: {error}", err=True)
        raise typer.Exit(HOPELESS) from None
    raise typer.Exit(0 if flawless else HOPELESS)


def _checked(port: int) -> int:
    if not 0 <= port <= 65_533:
        raise ValueError("--metrics-port must be 0..65533: it is the first of three")
    return port


class _Voice:
    """Says what people must know of the broker and the machine."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def observe(self, node: str, event: Event, _: Instant) -> None:
        match event:
            case LinkUp():
                self._console.print(f"{node}: the broker answers")
            case LinkDown(reason=reason, final=False):  # of a final one we end, and say why
                self._console.print(f"{node}: {reason}")
            case LinkBlocked(blocked=True):
                self._console.print(f"{node}: the broker is short of memory or disk, and takes no messages for now")
            case ClockDisturbed():
                self._console.print(f"{node}: {event}")


class _Both:
    def __init__(self, watch: Watch, voice: _Voice) -> None:
        self._observers = (watch, voice)

    def observe(self, node: str, event: Event, now: Instant) -> None:
        for observer in self._observers:
            observer.observe(node, event, now)


async def _run(plan: LocalPlan, console: Console, duration: float | None, *, plain: bool) -> bool:
    clock = Clock()
    watch = Watch(clock.now())
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        starting = stack.enter_async_context(running(plan, clock, _Both(watch, _Voice(console))))
        lab = await _unless_stopped(stop, starting, duration)
        if lab is None:
            return True
        for name, url in lab.urls.items():
            console.print(f"{name:>6}: {url}")
        show = asyncio.create_task(_lines(console, watch, clock) if plain else _table(console, watch, clock, plan))
        try:
            await lab.until(stop, duration)
        finally:
            show.cancel()
            await asyncio.wait([show])
        await _end(console, lab, watch, clock)
    return watch.flawless


async def _unless_stopped(
    stop: asyncio.Event, starting: Coroutine[object, object, LocalLab], seconds: float | None
) -> LocalLab | None:
    """Wait until the lab runs; return ``None`` where it is stopped before.

    Raises:
        PortError: it does not run within the time that it was to run altogether.
    """
    working, waiting = asyncio.ensure_future(starting), asyncio.ensure_future(stop.wait())
    await asyncio.wait((working, waiting), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait((working,))
    if not stop.is_set():
        raise PortError(f"the broker did not let the lab begin within {seconds:g} s")
    return None


async def _end(console: Console, lab: LocalLab, watch: Watch, clock: Clock) -> None:
    watch.end(clock.now())
    await lab.wind_up()
    console.print()
    for name, fact in watch.facts(clock.now()).items():
        console.print(f"{name:>11}  {fact}")
    console.print(f"{'left':>11}  {watch.by_state()}")


async def _lines(console: Console, watch: Watch, clock: Clock) -> None:
    while True:
        await asyncio.sleep(LINES)
        console.print(watch.line(clock.now()), soft_wrap=True)


async def _table(console: Console, watch: Watch, clock: Clock, plan: LocalPlan) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(watch.table(clock.now(), plan.tcp.time_wait), refresh=True)
            await asyncio.sleep(REFRESH)
