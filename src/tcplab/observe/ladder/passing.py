"""A ladder from what the network alone tells: the records that hosts would have written, as far as segments show.

A segment departs when it comes into the network and arrives when it leaves it; what lies between hosts and network
takes no time here. States are those that :mod:`tcplab.netem.flows` infers.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tcplab.netem.flows import End, Entered, Flow, Flows
from tcplab.node import Address, Event, Packet, PacketReceived, PacketSent
from tcplab.observe.journal import Record
from tcplab.observe.ladder.rows import Pair
from tcplab.observe.sightings import Ruling, Sighting, Sightings
from tcplab.tcp.events import ConnectionId, Retransmitted, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.wire.segment import ACK, FIN, RST, SYN, Segment
from tcplab.wire.seq import SeqNumber

CONNECTIONS_LIMIT: Final = 4_096  # followed at a time; the one that was silent longest makes room
_OVER: Final = frozenset({"CLOSED", "TIME_WAIT"})
_BY_FLAG: Final = ((RST, Cause.ABORT_CALL), (SYN, Cause.ACTIVE_OPEN), (FIN, Cause.CLOSE_CALL))
"""The cause beside which a ladder puts a state that an end shows by what it sends."""


class Passage(NamedTuple):
    """A sighting, and what it adds to its connection's ladder."""

    sighting: Sighting
    flow: Flow
    records: tuple[Record[Event], ...]
    begins: bool
    """Whether it is the first segment of its connection, a SYN that answers none."""
    is_over: bool
    """Whether both ends are closed now, or in TIME_WAIT."""

    @property
    def pair(self) -> Pair:
        """The connection: whoever sent first stands at the left."""
        left, right = self.flow.ends
        return Pair((left.address, left.port), (right.address, right.port))


class Passages:
    """Turns a network's records into passages as they come. A host is called by its address."""

    def __init__(self) -> None:
        self._sightings = Sightings()
        self._flows = Flows(lambda _: None, CONNECTIONS_LIMIT)
        self._sent: dict[Flow, dict[tuple[Address, SeqNumber], int]] = {}

    def feed(self, record: Record[Event]) -> list[Passage]:
        """Take the next record; return the passages that are complete."""
        return [found for each in self._sightings.feed(record) if (found := self._passage(each)) is not None]

    def flush(self) -> list[Passage]:
        """Return what is held back because more might be said of it; after that, nothing more may be."""
        return [found for each in self._sightings.flush() if (found := self._passage(each)) is not None]

    def _passage(self, sighting: Sighting) -> Passage | None:
        if sighting.side == "in":
            return self._came(sighting)
        flow = self._flows.of(sighting.packet)
        if flow is None:
            return None
        records = list(_verdicts(sighting))
        if sighting.side == "out":
            entered = self._flows.left(sighting.packet)
            arrival = PacketReceived(sighting.packet)
            records += _told(sighting, sighting.packet.target, arrival, *_changes(flow, entered, Cause.ACK_OF_FIN))
        return Passage(sighting, flow, tuple(records), begins=False, is_over=_is_over(flow))

    def _came(self, sighting: Sighting) -> Passage:
        packet = sighting.packet
        segment = packet.segment
        sight, entered = self._flows.came(packet)
        flow = sight.flow
        begins = flow not in self._sent
        if begins:
            if len(self._sent) >= CONNECTIONS_LIMIT:
                del self._sent[next(iter(self._sent))]
            self._sent[flow] = {}
        cause = next((cause for flag, cause in _BY_FLAG if segment.flags & flag), Cause.CLOSE_CALL)
        again = self._again(flow, packet) if sight.retransmitted else []
        sent = _told(sighting, packet.source, *_changes(flow, entered, cause), *again, PacketSent(packet))
        records = (*sent, *_verdicts(sighting))
        first = begins and segment.flags & (SYN | ACK | RST) == SYN
        return Passage(sighting, flow, records, begins=first, is_over=_is_over(flow))

    def _again(self, flow: Flow, packet: Packet) -> list[Event]:
        segment = packet.segment
        counts = self._sent[flow]
        attempt = counts[packet.source, segment.seq] = counts.get((packet.source, segment.seq), 0) + 1
        return [Retransmitted(_name(flow, packet.source, segment), segment, attempt)]


def _told(sighting: Sighting, host: Address, *events: Event) -> list[Record[Event]]:
    return [Record(sighting.n, sighting.time, host, event) for event in events]


def _verdicts(sighting: Sighting) -> Iterator[Record[Event]]:
    for verdict in sighting.verdicts:
        if isinstance(verdict, Ruling):
            yield Record(sighting.n, sighting.time, sighting.node, verdict)


def _changes(flow: Flow, entered: list[Entered], cause: Cause) -> list[Event]:
    return [StateChanged(_of(flow, each.end), State.CLOSED, State[each.state], cause) for each in entered]


def _of(flow: Flow, end: End) -> ConnectionId:
    other = next(each for each in flow.ends if each is not end)
    return ConnectionId(end.address, end.port, other.address, other.port, 0)


def _name(flow: Flow, source: Address, segment: Segment) -> ConnectionId:
    return _of(flow, next(end for end in flow.ends if (end.address, end.port) == (source, segment.sport)))


def _is_over(flow: Flow) -> bool:
    return all(end.state in _OVER for end in flow.ends)
