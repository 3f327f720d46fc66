"""How exactly netem keeps a delay: a service of it as it is shipped, and packets at a set rate through RabbitMQ.

The network's own times are compared: the one at which a packet came in, the one at which it was let go, and the delay
that was asked for between them. What lies around that is measured at the far end: how long the broker has a message on
one of its two ways through it, and how much later than the delay a packet has gone the whole way. The yardstick is a
process that does nothing but sleep for a millisecond, again and again, and looks how late it wakes.
"""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, redirect_stdout
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.throughput import VHOST, free_ports
from services.common.nodes import serve_network
from services.common.process import run
from services.netem.settings import NetemSettings
from tcplab.netem.events import PacketForwarded
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.netem.roles import link_name
from tcplab.node import Address, Event, Output, Packet
from tcplab.port import MessageReceived
from tcplab.runtime.amqp import AmqpPort, Broker, HostEnd
from tcplab.runtime.clock import Clock
from tcplab.runtime.loop import new_event_loop
from tcplab.units import MICROSECOND, MILLISECOND, SECOND, Instant
from tcplab.wire.segment import ACK, Segment
from tcplab.wire.seq import SeqNumber
from tests.support.ways import Found

RATES: Final = (100, 1_000, 5_000)  # segments a second
DELAY: Final = 50 * MILLISECOND
LIMIT: Final = 100_000  # packets that wait: what a machine that stands still has piled up is to be late, not lost
OCTETS: Final = 1_000  # of each segment's payload
SECONDS: Final = 6.0
TICK: Final = 0.001  # seconds between two bursts of the source, at least
SETTLE: Final = 0.5  # seconds of traffic that are not counted: first come imports, first use, and the like
GRACE: Final = 2.0  # seconds for the last packets to arrive
CLIENT: Final = Address("10.0.1.1")
SERVER: Final = Address("10.0.2.1")


class Spread(NamedTuple):
    """The median, and what 99 of 100 keep below; microseconds."""

    p50: float
    p99: float


class Timing(NamedTuple):
    """What became of the packets at one rate."""

    rate: int
    came: float
    """Packets a second that arrived."""
    error: Spread
    """By how much netem held packets longer than it was to; it never lets one go early."""
    broker: Spread
    """How long the broker has a message between netem and the server."""
    whole: Spread
    """By how much a packet is later than the delay at the end of the whole way."""
    sleep: Spread
    """By how much a bare sleep of a millisecond was too long meanwhile."""


class _Timed(Network):
    """The network, and a note of how long it has held each packet."""

    def __init__(self, seed: int, held: list[int]) -> None:
        super().__init__({link_name("client", "server"): Profile(delay=DELAY, limit=LIMIT)}, seed=seed)
        self._held = held

    def advance(self, now: Instant) -> Output:
        output = super().advance(now)
        self._held += [event.delay for event in output.events if isinstance(event, PacketForwarded)]
        return output


class _Far:
    """The far end: when packets arrived, and what the port had to say."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ages: list[int] = []
        self.transits: list[int] = []

    def deliver(self, packets: Sequence[Packet], _sender: str | None) -> None:
        now = self._clock.now()
        self.ages += [now - packet.born for packet in packets]

    def tell(self, event: Event) -> None:
        if isinstance(event, MessageReceived) and event.transit is not None:
            self.transits.append(event.transit)


def network(environment: dict[str, str], report: Connection) -> None:
    """Be the service netem until SIGTERM; then report how long each packet was held, nanoseconds."""
    os.environ.update(environment)
    held: list[int] = []

    async def serve(settings: NetemSettings, stop: asyncio.Event) -> None:
        await serve_network(settings, stop, partial(_Timed, held=held))

    with redirect_stdout(None):
        run("netem", NetemSettings, serve)
    report.send(held)


def sleeper(seconds: float, report: Connection) -> None:
    """Sleep, and report how late each waking was, nanoseconds."""
    late, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic_ns()
        time.sleep(TICK)
        late.append(time.monotonic_ns() - began - int(TICK * SECOND))
    report.send(late)


def traffic(client: Broker, server: Broker, rate: int, seconds: float, report: Connection) -> None:
    """Be source and far end; report the ages of what arrived and the transits of its messages, nanoseconds."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        far = runner.run(_send(client, server, rate, seconds))
    report.send((far.ages, far.transits))


async def _send(client: Broker, server: Broker, rate: int, seconds: float) -> _Far:
    clock, loop, count = Clock(), asyncio.get_running_loop(), int(rate * seconds)
    near, far = _Far(clock), _Far(clock)
    async with AsyncExitStack() as stack:
        there = AmqpPort(server, HostEnd("10.0.2.0/24", SERVER), clock=clock, name="server")
        here = AmqpPort(client, HostEnd("10.0.1.0/24", CLIENT), clock=clock, name="client")
        for port, end in ((there, far), (here, near)):
            stack.push_async_callback(port.close)
            await port.open(end.deliver, end.tell)
        sent, start = 0, loop.time()
        while sent < count:
            due = min(count, 1 + int((loop.time() - start) * rate))
            here.send([_packet(number, clock.now()) for number in range(sent, due)])
            sent = due
            await asyncio.sleep(max(start + sent / rate - loop.time(), TICK))
        for _ in range(int(GRACE / TICK)):
            if len(far.ages) == count:
                break
            await asyncio.sleep(TICK)
    return far


def _packet(number: int, now: Instant) -> Packet:
    segment = Segment(49_152, 80, SeqNumber(number * OCTETS), SeqNumber(0), ACK, 65_535, payload=bytes(OCTETS))
    return Packet(number, now, CLIENT, SERVER, segment)


def measure(found: Found, rate: int, seconds: float = SECONDS) -> Timing:
    """Return what netem makes of a delay at a rate on that broker, which has a lab called as the benchmark's.

    Raises:
        AssertionError: netem or the traffic has failed, and said why.
    """

    def user(role: str) -> Broker:
        return Broker(found.host, found.port, role, role, VHOST)

    environment = {
        "TCPLAB_AMQP_URL": f"amqp://netem:netem@{found.host}:{found.port}/{VHOST}",
        "TCPLAB_METRICS_PORT": str(free_ports(1)[0]),
    }
    netem, ended = _process(network, environment)
    source, arrived = _process(traffic, user("client"), user("server"), rate, seconds + SETTLE)
    idler, woken = _process(sleeper, seconds)
    try:
        assert arrived.poll(60 + seconds), "no traffic has come through netem"
        ages, transits = arrived.recv()
        netem.terminate()
        assert ended.poll(30), "netem does not stop"
        held, sleeps = ended.recv(), woken.recv()
    finally:
        for process in (netem, source, idler):
            process.kill()
    settled = int(rate * SETTLE)
    late = [age - DELAY for age in ages[settled:]]
    errors = [each - DELAY for each in held[settled:]]
    return Timing(rate, len(late) / seconds, _spread(errors), _spread(transits), _spread(late), _spread(sleeps))


def _process(target: Callable[..., None], *arguments: object) -> tuple[BaseProcess, Connection]:
    """Start a process that reports; return it, and where its report comes."""
    context = multiprocessing.get_context("spawn")
    heard, report = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(*arguments, report), daemon=True)
    process.start()
    return process, heard


def _spread(values: Sequence[int]) -> Spread:
    ordered = sorted(values)
    return Spread(*(ordered[len(ordered) * percent // 100] / MICROSECOND for percent in (50, 99)))


def table(found: Found, console: Console) -> Table:
    """Measure at each rate."""
    shown = Table(title=f"A delay of {DELAY // MILLISECOND} ms: what is beyond it, in µs", title_justify="left")
    shown.add_column("segments/s", justify="right")
    shown.add_column("arrived", justify="right")
    for what in ("netem's own", "broker, one way", "the whole way", "bare sleep"):
        shown.add_column(f"{what}: p50", justify="right")
        shown.add_column("p99", justify="right")
    for rate in RATES:
        with console.status(f"delays at {rate:,} segments/s"):
            timing = measure(found, rate)
        cells = [f"{value:,.0f}" for spread in timing[2:] for value in spread]
        shown.add_row(f"{rate:,}", f"{timing.came:,.0f}", *cells)
    return shown
