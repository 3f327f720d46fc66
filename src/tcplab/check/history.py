"""A journal with the questions that checkers ask of it answered once."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple, TypeVar, cast

from tcplab.node import Address, Event, Packet, PacketReceived, PacketSent
from tcplab.observe.journal import Record
from tcplab.tcp.events import ConnectionId, StateChanged
from tcplab.tcp.states import State
from tcplab.units import Instant
from tcplab.wire.segment import SYN

E = TypeVar("E", bound=Event)

Traffic = PacketSent | PacketReceived
_Tuple = tuple[str, Address, int, Address, int]
"""Node, local address and port, remote address and port."""

Identity = tuple[Address, int, int]
"""What a packet is known by all over the lab: its source, its number there, and which copy it is."""


def identity(packet: Packet) -> Identity:
    """Return what the packet is known by."""
    return packet.source, packet.id, packet.copy


class Life(NamedTuple):
    """One connection of one node, from its first change of state to its last."""

    node: str
    connection: ConnectionId
    changes: list[Record[StateChanged]]

    @property
    def path(self) -> list[State]:
        """The states in order, the CLOSED before the first change included."""
        return [self.changes[0].event.old, *(change.event.new for change in self.changes)]

    @property
    def is_listener(self) -> bool:
        """Whether this is a listener, which has no peer."""
        return self.connection.remote_port == 0

    @property
    def tuple(self) -> _Tuple:
        """What its packets are known by, shared with earlier and later incarnations."""
        return (self.node, *self.connection[:4])

    @property
    def end(self) -> float:
        """The record with which it became CLOSED; infinite if it is not."""
        last = self.changes[-1]
        return last.n if last.event.new is State.CLOSED else inf

    @property
    def ended(self) -> float:
        """When it became CLOSED, nanoseconds; infinite if it is not."""
        last = self.changes[-1]
        return last.time if last.event.new is State.CLOSED else inf

    def __str__(self) -> str:
        """Return the connection as findings name it."""
        return f"{self.connection} of {self.node}"


class History:
    """Records of a journal, by type, by connection and by 4-tuple.

    Records may come of several journals, put in order, as long as each node's own are in its order.
    """

    def __init__(self, records: Sequence[Record[Event]]) -> None:
        self.records = records
        self._by_type: dict[type[Event], list[Record[Event]]] = defaultdict(list)
        for record in records:
            self._by_type[type(record.event)].append(record)

    def of(self, kind: type[E]) -> Sequence[Record[E]]:
        """Return the records of exactly one type of event."""
        return cast("Sequence[Record[E]]", self._by_type.get(kind, ()))

    @cached_property
    def lives(self) -> Mapping[tuple[str, ConnectionId], Life]:
        """Every connection and listener that changed its state, by node and name."""
        found: dict[tuple[str, ConnectionId], Life] = {}
        for record in self.of(StateChanged):
            key = record.node, record.event.connection
            life = found.get(key)
            if life is None:
                life = found[key] = Life(*key, [])
            life.changes.append(record)
        return found

    @property
    def connections(self) -> Sequence[Life]:
        """Every connection that changed its state; no listeners."""
        return [life for life in self.lives.values() if not life.is_listener]

    def traffic(self, life: Life) -> Sequence[Record[Traffic]]:
        """Return what the connection sent and what arrived for it, in order.

        A packet that arrives belongs to the incarnation that it finds, or that it brings forth; so does one that is
        sent. A driver may tell of the packets that come of an input before or after the events that do.
        """
        lives = self._incarnations[life.tuple]
        place = next(n for n, other in enumerate(lives) if other.connection == life.connection)
        last, following = lives[place - 1] if place else None, lives[place + 1] if place + 1 < len(lives) else None
        packets = self._packets[life.tuple]
        return [
            record
            for record in packets[
                bisect_left(packets, life.changes[0].time, key=_time) : bisect_right(packets, life.ended, key=_time)
            ]
            if not (last is not None and _belongs_to_former(record, last))
            and not (following is not None and not _belongs_to_former(record, life))
        ]

    @cached_property
    def _incarnations(self) -> Mapping[_Tuple, list[Life]]:
        found: dict[_Tuple, list[Life]] = defaultdict(list)
        for life in self.lives.values():
            found[life.tuple].append(life)
        return found

    @cached_property
    def _packets(self) -> Mapping[_Tuple, list[Record[Traffic]]]:
        found: dict[_Tuple, list[Record[Traffic]]] = defaultdict(list)
        for record in self.records:
            event = record.event
            if isinstance(event, PacketSent):
                packet, segment = event.packet, event.packet.segment
                local = packet.source, segment.sport, packet.target, segment.dport
            elif isinstance(event, PacketReceived):
                packet, segment = event.packet, event.packet.segment
                local = packet.target, segment.dport, packet.source, segment.sport
            else:
                continue
            found[(record.node, *local)].append(cast("Record[Traffic]", record))
        return found


def _time(record: Record[Event]) -> Instant:
    return record.time


def _belongs_to_former(record: Record[Traffic], former: Life) -> bool:
    """Return whether a packet is still the former incarnation's, where the next begins at the same instant."""
    if isinstance(record.event, PacketReceived):
        return record.n <= former.end
    return record.time < former.ended or (record.time == former.ended and not record.event.packet.segment.flags & SYN)


def paths(records: Sequence[Record[Event]]) -> dict[ConnectionId, list[State]]:
    """Return the states of every connection in order, listeners left out.

    Two runs of one scenario, in virtual time and over a broker, have the same.
    """
    return {life.connection: life.path for life in History(records).connections}
