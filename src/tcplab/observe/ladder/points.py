"""From records to points: what happened on the two lifelines and, to their segments, in the network."""

from dataclasses import dataclass, field
from typing import Final, Literal

from tcplab.netem.events import PacketCorrupted, PacketDropped, PacketDuplicated, PacketHeld, PacketMarked
from tcplab.node import Address, Event, Packet, PacketDiscarded, PacketReceived, PacketSent
from tcplab.observe.journal import Record
from tcplab.observe.ladder.rows import OTHER, Label, Pair, Side
from tcplab.tcp.events import (
    ConnectionId,
    IllegalTransition,
    ListenDropped,
    ResetSent,
    Retransmitted,
    SegmentIgnored,
    StateChanged,
    SynCookie,
    TimeWaitEnded,
    TimeWaitRestarted,
)
from tcplab.tcp.states import Cause, State
from tcplab.units import Instant
from tcplab.wire.segment import ACK, FIN, RST, SYN, Flags, Segment
from tcplab.wire.seq import SeqNumber, seq_diff

_FLAG_OF: Final = {Cause.ACTIVE_OPEN: SYN, Cause.CLOSE_CALL: FIN, Cause.FIN_SENT: FIN, Cause.ABORT_CALL: RST}
_TIMEOUTS: Final = frozenset(
    {
        Cause.RETRANSMISSION_TIMEOUT,
        Cause.USER_TIMEOUT,
        Cause.KEEP_ALIVE_TIMEOUT,
        Cause.FIN_WAIT_2_TIMEOUT,
        Cause.TIME_WAIT_EXPIRED,
    }
)


@dataclass(slots=True)
class Flight:
    """A segment on its way, or a copy of one."""

    number: int
    side: Side
    segment: Segment
    label: Label
    departed: Instant
    copy: bool
    flying: bool = True
    lost: str = ""
    overtaken: bool = False
    whole: bool | None = None
    """Whether it takes one row; ``None`` while that is open."""
    arrival: "Point | None" = None
    notes: list[str] = field(default_factory=list)
    """What the network did to it, to be told at its arrival."""


@dataclass(slots=True)
class Point:
    """Something on a lifeline, or the end of a flight in the network."""

    kind: Literal["departure", "arrival", "loss", "state", "listener"]
    time: Instant
    side: Side
    flight: Flight | None = None
    states: list[State] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    flying: int = 0
    """Flights under way until then."""


class PointReader:
    """Turns records into points. Those of one turn of a host come out once the turn has ended."""

    def __init__(self, left: str, right: str, connection: Pair | None, *, absolute: bool) -> None:
        self.connection = connection
        self.flying: dict[int, Flight] = {}
        """Flights that are under way, by number."""
        self.listening: dict[Side, set[int]] = {"left": set(), "right": set()}
        """Ports with a listener."""
        self._sides: dict[str, Side] = {left: "left", right: "right"}
        self._absolute = absolute
        self._base: dict[Side, SeqNumber] = {}
        self._flights: dict[tuple[Address, int, int], Flight] = {}
        self._count = 0
        self._turn: list[Record[Event]] = []

    def feed(self, record: Record[Event]) -> list[Point]:
        """Take the next record; return the points that are complete."""
        points = self.end_turn() if self._turn and self._ends_turn(record) else []
        if record.node in self._sides:
            self._turn.append(record)
        else:
            points += self._in_network(record)
        return points

    def _ends_turn(self, record: Record[Event]) -> bool:
        # Drivers tell what came in, the node's events and what came out in one go, in an order of their own.
        first = self._turn[0]
        return record.node != first.node or record.time != first.time or isinstance(record.event, PacketReceived)

    def _in_network(self, record: Record[Event]) -> list[Point]:
        event = record.event
        if isinstance(event, PacketDuplicated):
            original = self._flights.get((event.packet.source, event.packet.id, 0))
            if original is not None:
                self._depart(event.packet, original.side, original.label, original.departed, copy=True)
        elif isinstance(event, PacketDropped | PacketDiscarded):
            flight = self._flights.get(_key(event.packet))
            if flight is not None and flight.flying:
                flight.lost = _words(event.reason)
                point = Point("loss", record.time, flight.side, flight, flying=len(self.flying))
                self._land(flight)
                return [point]
        elif isinstance(event, PacketCorrupted | PacketMarked | PacketHeld):
            flight = self._flights.get(_key(event.packet))
            if flight is not None and flight.flying:
                flight.notes.append(_of_passage(event))
        return []

    # --- a turn of a host ---

    def end_turn(self) -> list[Point]:
        """Return the points of the turn that has come to its end."""
        if not self._turn:
            return []
        turn, self._turn = self._turn, []
        side, time = self._sides[turn[0].node], turn[0].time
        events = [record.event for record in turn]
        flying = len(self.flying)
        arrival = self._arrival(events, side, time)
        departures = [point for event in events if (point := self._departure(event, side, time)) is not None]
        alone = Point("state", time, side)
        listener = Point("listener", time, side)
        for event in events:
            if isinstance(event, StateChanged):
                if event.connection.remote_port == 0:
                    self._listener_changed(event, listener)
                elif self._is_ours(event.connection, side):
                    _place_state(event, arrival, departures, alone)
            else:
                _annotate(event, arrival, departures)
        points = [] if arrival is None else [arrival]
        points += departures + [point for point in (alone, listener) if point.states]
        for point in points:
            point.flying = flying
        return points

    def _arrival(self, events: list[Event], side: Side, time: Instant) -> Point | None:
        for event in events:
            if not isinstance(event, PacketReceived | PacketDiscarded):
                continue
            flight = self._flights.get(_key(event.packet))
            if flight is None or not flight.flying or flight.side == side:
                continue
            flight.arrival = Point("arrival", time, side, flight, notes=list(flight.notes))
            self._land(flight)
            if not flight.copy:
                self._note_overtaking(flight, flight.arrival)
            return flight.arrival
        return None

    def _note_overtaking(self, flight: Flight, arrival: Point) -> None:
        older = [
            other
            for other in self.flying.values()
            if other.side == flight.side and other.number < flight.number and not (other.copy or other.overtaken)
        ]
        if older:
            arrival.notes.append(
                f"overtakes seq={older[0].label.seq}" if len(older) == 1 else f"overtakes {len(older)} segments"
            )
        for other in older:
            other.overtaken = True
        if flight.overtaken:
            arrival.notes.append("overtaken")

    def _departure(self, event: Event, side: Side, time: Instant) -> Point | None:
        if not isinstance(event, PacketSent):
            return None
        packet = event.packet
        pair = _pair(side, (packet.source, packet.segment.sport), (packet.target, packet.segment.dport))
        if self.connection is None:
            self.connection = pair
        if pair != self.connection:
            return None
        flight = self._depart(packet, side, self._label(packet.segment, side), time, copy=False)
        return Point("departure", time, side, flight, notes=self._sacked(packet.segment, side))

    def _depart(self, packet: Packet, side: Side, label: Label, time: Instant, *, copy: bool) -> Flight:
        self._count += 1
        flight = Flight(self._count, side, packet.segment, label, time, copy)
        self._flights[_key(packet)] = self.flying[flight.number] = flight
        return flight

    def _land(self, flight: Flight) -> None:
        flight.flying = False
        del self.flying[flight.number]

    def _label(self, segment: Segment, side: Side) -> Label:
        has_ack = bool(segment.flags & ACK)
        if segment.flags & SYN or side not in self._base:
            self._base[side] = segment.seq
        if has_ack:
            self._base.setdefault(OTHER[side], segment.ack)
        if self._absolute:
            return Label(segment.flags, segment.seq, segment.ack if has_ack else None, len(segment.payload))
        seq = seq_diff(segment.seq, self._base[side])
        ack = seq_diff(segment.ack, self._base[OTHER[side]]) if has_ack else None
        return Label(segment.flags, seq, ack, len(segment.payload))

    def _sacked(self, segment: Segment, side: Side) -> list[str]:
        """Return a note of what a segment acknowledges beyond a hole: the blocks, from edge to edge."""
        base = self._base.get(OTHER[side], segment.ack)
        blocks = [
            f"{left}:{right}" if self._absolute else f"{seq_diff(left, base)}:{seq_diff(right, base)}"
            for left, right in segment.options.sack
        ]
        return ["SACK " + " ".join(blocks)] if blocks else []

    def _is_ours(self, name: ConnectionId, side: Side) -> bool:
        here, there = (name.local, name.local_port), (name.remote, name.remote_port)
        return self.connection == _pair(side, here, there)

    def _listener_changed(self, event: StateChanged, point: Point) -> None:
        ports, port = self.listening[point.side], event.connection.local_port
        if event.new is State.LISTEN:
            ports.add(port)
        else:
            ports.discard(port)
        here = (event.connection.local, port)
        if self.connection is not None and self.connection.of(point.side) == here:
            point.states.append(event.new)


def _key(packet: Packet) -> tuple[Address, int, int]:
    return packet.source, packet.id, packet.copy


def _pair(side: Side, here: tuple[Address, int], there: tuple[Address, int]) -> Pair:
    return Pair(here, there) if side == "left" else Pair(there, here)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _place_state(event: StateChanged, arrival: Point | None, departures: list[Point], alone: Point) -> None:
    """Put a change of state beside what led to it: what arrived, what departs, or nothing but time or a call."""
    if event.cause is Cause.PASSIVE_OPEN:
        return  # the lifeline shows the listener's LISTEN: a connection is there from SYN_RECEIVED on
    flag = _FLAG_OF.get(event.cause, Flags(0))
    for point in departures:
        if point.flight is not None and point.flight.label.flags & flag:
            point.states.append(event.new)
            return
    by_itself = bool(flag) or event.cause in _TIMEOUTS
    (alone if arrival is None or by_itself else arrival).states.append(event.new)


def _annotate(event: Event, arrival: Point | None, departures: list[Point]) -> None:
    """Put what a host told beside the segment that it told it of."""
    if isinstance(event, Retransmitted):
        cause = "" if event.cause == "rto" else f" ({event.cause})"
        _note(departures, event.segment, f"retransmission {event.attempt}{cause}")
    elif isinstance(event, ResetSent):
        for point in departures:
            if point.flight is not None and point.flight.label.flags & RST:
                point.notes.append(f"reset: {_words(event.reason.value)}")
    elif arrival is not None and (note := _of_arrival(event)):
        arrival.notes.append(note)


def _note(departures: list[Point], segment: Segment, note: str) -> None:
    for point in departures:
        if point.flight is not None and point.flight.segment == segment and note not in point.notes:
            point.notes.append(note)
            return


def _of_passage(event: PacketCorrupted | PacketMarked | PacketHeld) -> str:
    match event:
        case PacketCorrupted():
            return f"bit {event.bit} flipped"
        case PacketMarked():
            return "marked CE"
        case PacketHeld():
            return "held back"


def _of_arrival(event: Event) -> str:
    match event:
        case PacketDiscarded():
            return f"discarded: {_words(event.reason)}"
        case SegmentIgnored():
            return f"ignored: {_words(event.reason.value)}"
        case TimeWaitRestarted():
            return "TIME_WAIT begins anew"
        case TimeWaitEnded(reason="reused" | "assassinated"):
            return f"TIME_WAIT {event.reason}"
        case SynCookie():
            return f"SYN cookie {event.what}"
        case ListenDropped():
            return _words(event.reason)
        case IllegalTransition():
            return f"illegal in {event.state.name}: {_words(event.cause.value)}"
        case _:
            return ""
