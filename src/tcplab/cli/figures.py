"""The figures of a run between two hosts, computed from its journal."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tcplab.netem.events import PacketDropped, PacketDuplicated
from tcplab.node import Event, PacketSent
from tcplab.observe.journal import Record
from tcplab.tcp.events import (
    ConnectionClosed,
    ConnectionOpened,
    IllegalTransition,
    Retransmitted,
    SegmentIgnored,
    StateChanged,
    TimeWaitEnded,
)
from tcplab.tcp.states import State
from tcplab.units import Duration


@dataclass(frozen=True, slots=True)
class HostFigures:
    """What one host did."""

    path: tuple[State, ...]
    """The states of its connection, CLOSED first."""
    segments: int
    retransmissions: int
    ignored: int
    illegal: int
    handshake: Duration | None
    close: Duration | None
    time_wait: Duration | None
    """How long it was in TIME_WAIT, if it has left it."""


@dataclass(frozen=True, slots=True)
class NetworkFigures:
    """What the network did."""

    dropped: int
    duplicated: int


def of_host(records: Sequence[Record[Event]], node: str) -> HostFigures:
    """Return the figures of a host."""
    mine = [record.event for record in records if record.node == node]
    kinds = Counter(type(event) for event in mine)
    path = [State.CLOSED]
    handshake = close = time_wait = None
    for event in mine:
        if isinstance(event, StateChanged) and event.connection.remote_port:
            path.append(event.new)
        elif isinstance(event, ConnectionOpened):
            handshake = event.duration
        elif isinstance(event, ConnectionClosed):
            close = event.duration
        elif isinstance(event, TimeWaitEnded):
            time_wait = event.duration
    return HostFigures(
        tuple(path),
        kinds[PacketSent],
        kinds[Retransmitted],
        kinds[SegmentIgnored],
        kinds[IllegalTransition],
        handshake,
        close,
        time_wait,
    )


def of_network(records: Sequence[Record[Event]]) -> NetworkFigures:
    """Return the figures of the network."""
    kinds = Counter(type(record.event) for record in records)
    return NetworkFigures(kinds[PacketDropped], kinds[PacketDuplicated])
