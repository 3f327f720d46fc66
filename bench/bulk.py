"""Segments per second of wall time of one long transfer through loss, in virtual time.

The link has 20 ms of delay each way, 100 Mbit/s and 1 % of loss; windows scale up to 4 MiB, and everything else is as
it is by default. A rate that does not fall with the length of the transfer shows that nothing is quadratic in it.
"""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.lifecycles import PORT, SERVER
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address, Event, PacketSent
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
    Received,
    Send,
    Started,
    Writable,
)
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant, in_seconds

SIZES: Final = (1_000_000, 10_000_000, 100_000_000)  # octets
LOSS: Final = 0.01
_BUFFER: Final = 4 << 20
_CHUNK: Final = bytes(1 << 16)
_LIMIT: Final = START + 48 * 3600 * SECOND


class Source:
    """Sends ``total`` octets as fast as there is space, and closes."""

    def __init__(self, total: int) -> None:
        self._left = total

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Fill the space that is told."""
        match event:
            case Started():
                return (Open(SERVER, PORT),)
            case Opened(connection, space):
                return self._fill(connection, space)
            case Writable(connection, space):
                return self._fill(connection, space)
            case _:
                return ()

    def _fill(self, connection: ConnectionId, space: int) -> Sequence[Call]:
        calls: list[Call] = []
        while space and self._left:
            size = min(space, self._left, len(_CHUNK))
            calls.append(Send(connection, _CHUNK[:size]))
            space -= size
            self._left -= size
            if not self._left:
                calls.append(Close(connection))
        return calls

    def advance(self, now: Instant) -> Sequence[Call]:
        """Nothing is ever due."""
        return ()

    def deadline(self) -> Instant | None:
        """Nothing is ever due."""
        return None


class Sink:
    """Reads everything, and closes when the peer has."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed: Instant | None = None

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Read what comes; close after the peer."""
        match event:
            case Started():
                return (Listen(PORT),)
            case Readable(connection):
                return (Receive(connection),)
            case Received():
                self.taken += len(event.data)
            case PeerClosed(connection):
                return (Close(connection),)
            case Closed():
                self.closed = now
        return ()

    def advance(self, now: Instant) -> Sequence[Call]:
        """Nothing is ever due."""
        return ()

    def deadline(self) -> Instant | None:
        """Nothing is ever due."""
        return None


class Counter:
    """Counts what the hosts send."""

    def __init__(self) -> None:
        self.segments = 0

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Count a packet that a host has sent."""
        self.segments += isinstance(event, PacketSent) and node != "netem"


class Rate(NamedTuple):
    """What a transfer took."""

    octets: int
    segments: int
    virtual: float
    """Seconds of virtual time."""
    wall: float
    """Seconds of wall time."""


def measure(octets: int) -> Rate:
    """Transfer that many octets; return what it took."""
    config = TcpConfig(send_buffer=_BUFFER, receive_buffer=_BUFFER)
    sink, counter = Sink(), Counter()
    hosts = {"client": Host(Address("10.0.1.1"), Source(octets), config), "server": Host(SERVER, sink, config)}
    profile = Profile(delay=20 * MILLISECOND, loss=LOSS, rate=100_000_000)
    network = Network({LinkName("client>server"): profile, LinkName("server>client"): profile}, seed=1)
    began = time.perf_counter()
    assert World(network, hosts, [counter]).run_until_idle(_LIMIT), "the transfer never ends"
    wall = time.perf_counter() - began
    assert sink.taken == octets, f"{sink.taken:,} octets of {octets:,} arrived"
    assert sink.closed is not None, "the server's end is not closed"
    return Rate(octets, counter.segments, in_seconds(Duration(sink.closed)), wall)
