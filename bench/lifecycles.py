"""Connection lifecycles per second of processor time, in virtual time, beside a bare heap of events.

A lifecycle is a handshake, 1,000 octets, a four-way close and 240 s of TIME_WAIT, with everything between: two
hosts, a network with 50 ms of delay each way, and the loop. It is taken twice: with everything on that the hosts do by
default (options, timestamps, SACK, loss probes, congestion control, delayed ACKs), and with RFC 9293 alone. The
yardstick is what any simulator has to do at the least: ten events a lifecycle through a heap. All of them are one
process that never waits, and their own time is taken, so that what else the machine does counts against none. The
garbage collector is off while any is timed, as in timeit.

There are as many connections a second in bursts, many at one instant, as one by one. One by one each packet is at
another place of its life than the one before it, and the processor finds neither code nor branches where it left them:
the worst that can happen to an interpreter.
"""

import gc
import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from statistics import median
from typing import Final, NamedTuple

from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address
from tcplab.sim.world import World
from tcplab.tcp.app import (
    AppEvent,
    Call,
    Close,
    Closed,
    Listen,
    Open,
    Opened,
    PeerClosed,
    Readable,
    Receive,
    Send,
    Started,
)
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Duration, Instant

PORT: Final = 80
PAYLOAD: Final = bytes(1_000)
SERVER: Final = Address("10.0.2.1")
EVENTS_PER_LIFECYCLE: Final = 10
SHORT: Final = 20_000  # the bare heap takes about as long for so many lifecycles as the lab for 1,000
INTERVAL: Final = 2 * MILLISECOND  # an opening, on average: 100,000 take 200 s, so all meet in TIME_WAIT
BURSTS: Final = (64, 1)  # how many a client opens at one instant
SIZES: Final = (1_000, 10_000, 100_000)
EVERYTHING: Final = TcpConfig()
PLAIN: Final = TcpConfig(
    nagle=False, delayed_ack=Duration(0), window_scaling=False, timestamps=False, sack=False, congestion="newreno"
)
CLIENTS: Final = 8  # addresses, since 100,000 connections need more ports than one has
OPENING: Final = Open(SERVER, PORT)


class Sink:
    """Reads everything, and closes when the peer has."""

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Read what comes; close after the peer."""
        if isinstance(event, Readable):
            return (Receive(event.connection),)
        if isinstance(event, PeerClosed):
            return (Close(event.connection),)
        if isinstance(event, Started):
            return (Listen(PORT, backlog=1 << 20),)
        return ()

    def advance(self, now: Instant) -> Sequence[Call]:
        """Nothing is ever due."""
        return ()

    def deadline(self) -> Instant | None:
        """Nothing is ever due."""
        return None


class Opener:
    """Opens ``total`` connections in bursts, its share of one every :data:`INTERVAL`, sends on each and closes."""

    def __init__(self, total: int, burst: int, first: Instant) -> None:
        self.left = total
        self.closed = 0
        self._burst = burst
        self._first = first
        self._next: Instant | None = None

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Send and close once open."""
        if isinstance(event, Opened):
            return (Send(event.connection, PAYLOAD), Close(event.connection))
        if isinstance(event, Closed):
            self.closed += 1
        elif isinstance(event, Started):
            self._next = self._first
        return ()

    def advance(self, now: Instant) -> Sequence[Call]:
        """Open the next ones."""
        burst = min(self._burst, self.left)
        self.left -= burst
        self._next = now + CLIENTS * burst * INTERVAL if self.left else None
        return (OPENING,) * burst

    def deadline(self) -> Instant | None:
        """Return when to open the next ones."""
        return self._next


class Rate(NamedTuple):
    """Lifecycles per second of processor time, of the fastest run: with everything on, with RFC 9293 alone, bare heap.

    And how many times as long as the bare heap's a lifecycle takes with either, the median of all runs.
    """

    connections: int
    lab: float
    plain: float
    heap: float
    lab_to_heap: float
    plain_to_heap: float


def lab(connections: int, burst: int, config: TcpConfig = EVERYTHING) -> float:
    """Run that many lifecycles to the end of the last TIME_WAIT; return the seconds that it took the processor."""
    openers = [Opener(connections // CLIENTS, burst, START + n * burst * INTERVAL) for n in range(CLIENTS)]
    hosts = {f"client-{n}": Host(Address(f"10.0.1.{n + 1}"), opener, config) for n, opener in enumerate(openers)}
    hosts["server"] = Host(SERVER, Sink(), config)
    delay = Profile(delay=50 * MILLISECOND, limit=1 << 20)
    network = Network({LinkName("client>server"): delay, LinkName("server>client"): delay}, seed=1)
    world = World(network, hosts)
    with _timed() as took:
        world.run(until=START + (5 * MINUTE + (connections + CLIENTS * burst) * INTERVAL))
    assert sum(opener.closed for opener in openers) == connections // CLIENTS * CLIENTS, "not every connection closed"
    left = [status for host in hosts.values() for status in host.statuses() if status.state is not State.LISTEN]
    assert not left, f"{len(left)} connections are left"
    return took()


def heap(connections: int, burst: int) -> float:
    """Run that many lifecycles of ten bare events; return the seconds that it took the processor.

    Few are run several times over, and the mean is told: what is over sooner than the lab's own runs finds a moment
    without noise more easily.
    """
    times = max(1, SHORT // connections)
    with _timed() as took:
        for _ in range(times):
            _bare_events(connections, burst)
    return took() / times


def _bare_events(connections: int, burst: int) -> None:
    """Run them; an entry is what heapq's documentation advises and a simulator needs: time, order, event."""
    order = count()
    pending = [(n // burst * burst * INTERVAL, next(order), (n, 1)) for n in range(connections)]
    heapq.heapify(pending)
    while pending:
        at, _, (n, step) = heapq.heappop(pending)
        if step < EVENTS_PER_LIFECYCLE:
            wait = 50 * MILLISECOND if step < EVENTS_PER_LIFECYCLE - 1 else 240 * SECOND
            heapq.heappush(pending, (at + wait, next(order), (n, step + 1)))


@contextmanager
def _timed() -> Iterator[Callable[[], float]]:
    gc.collect()
    gc.disable()
    began = ended = time.process_time()
    try:
        yield lambda: ended - began
        ended = time.process_time()
    finally:
        gc.enable()


def measure(connections: int, burst: int) -> Rate:
    """Return all rates of several runs, in each of which all three take turns, so that noise meets all alike."""
    runs = max(3, min(20, 30_000 // connections))
    times = [(lab(connections, burst), lab(connections, burst, PLAIN), heap(connections, burst)) for _ in range(runs)]
    everything, plain, bare = zip(*times, strict=True)
    return Rate(
        connections,
        connections / min(everything),
        connections / min(plain),
        connections / min(bare),
        median(one / other for one, other in zip(everything, bare, strict=True)),
        median(one / other for one, other in zip(plain, bare, strict=True)),
    )
