"""Connections as the network sees them: by the segments that pass.

What state an end is in is inferred from what it has sent, seen as it enters the network, and from what it has been
given, seen as it leaves: FIN_WAIT_2, say, shows in nothing that an end sends. A network cannot know more, and may err:

- what leaves the network may still be lost on the last stretch, or be refused by its TCP, for its age or its window;
- TIME_WAIT and timeouts end unseen; a connection is gone here once its 4-tuple opens another, or once it is crowded
  out;
- of a connection whose SYN was not seen, both ends are taken to be in ESTABLISHED until something says otherwise.

Each segment costs the same, however many connections there are.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from tcplab.node import Address, Packet
from tcplab.wire.segment import ACK, FIN, RST, SYN, Segment
from tcplab.wire.seq import SeqNumber, seq_le, seq_lt, seq_max

FLOWS_LIMIT: Final = 65_536  # connections remembered; the one that was silent longest makes room
HOLES_LIMIT: Final = 64  # ranges of octets remembered that an end was given ahead of a hole

STATES: Final = (
    "CLOSED", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",
    "LAST_ACK", "TIME_WAIT",
)  # fmt: skip
"""Those of RFC 9293, 3.3.2, that segments show; LISTEN is of no connection."""


class End:
    """One end of a connection, as far as segments show it."""

    __slots__ = ("address", "fin", "highest", "holes", "isn", "next", "port", "role", "state")

    def __init__(self, address: Address, port: int, role: str | None) -> None:
        self.address = address
        self.port = port
        self.role = role
        self.state = "CLOSED"
        self.isn: SeqNumber | None = None
        self.highest: SeqNumber | None = None
        """The end of all that it has sent."""
        self.fin: SeqNumber | None = None
        """The end of its FIN, once it has sent one."""
        self.next: SeqNumber | None = None
        """Up to where it was given everything."""
        self.holes: list[tuple[SeqNumber, SeqNumber]] = []
        """What it was given beyond that."""


class Sight(NamedTuple):
    """What the network makes of a segment that came in."""

    flow: "Flow"
    source: End
    target: End
    retransmitted: bool
    """Whether it takes sequence numbers, all of which were sent before."""
    acks_fin: bool
    """Whether it acknowledges the other end's FIN."""
    states: tuple[str, str]
    """Those of its source and its target before it came."""


class Entered(NamedTuple):
    """An end has entered a state."""

    end: End
    state: str


class Flow:
    """A connection, or one incarnation of it: a SYN with another number begins the next."""

    __slots__ = ("ends",)

    def __init__(self, ends: tuple[End, End]) -> None:
        self.ends = ends


Key = tuple[Address, int, Address, int]


class Flows:
    """Follows connections; in its order, the one that was silent longest comes first."""

    def __init__(self, role_of: Callable[[Address], str | None], limit: int = FLOWS_LIMIT) -> None:
        self._role_of = role_of
        self._limit = limit
        self._flows: dict[Key, Flow] = {}

    def __len__(self) -> int:
        """Return how many connections are followed."""
        return len(self._flows)

    def came(self, packet: Packet) -> tuple[Sight, list[Entered]]:
        """Take note of a segment that came into the network: what it is, and what states it shows."""
        segment = packet.segment
        flow, source, target = self._find(packet)
        retransmitted = segment.length > 0 and source.highest is not None and seq_le(segment.end, source.highest)
        acks_fin = bool(segment.flags & ACK) and target.fin is not None and seq_le(target.fin, segment.ack)
        sight = Sight(flow, source, target, retransmitted, acks_fin, (source.state, target.state))
        return sight, _sent(source, segment)

    def of(self, packet: Packet) -> Flow | None:
        """Return the connection that a segment is of, ``None`` where it is not followed."""
        return self._flows.get(_key(packet))

    def left(self, packet: Packet) -> list[Entered]:
        """Take note of a segment that left the network towards its target: what states it shows."""
        if packet.octets is not None:
            return []  # damaged: its checksum will not fit
        flow = self.of(packet)
        if flow is None:
            return []
        source, target = _ends(flow, packet)
        return _given(target, source, packet.segment)

    def _find(self, packet: Packet) -> tuple[Flow, End, End]:
        key, segment = _key(packet), packet.segment
        flow = self._flows.pop(key, None)
        if flow is None or _is_next(flow, packet):
            if len(self._flows) >= self._limit:
                del self._flows[next(iter(self._flows))]
            flow = Flow((
                End(packet.source, segment.sport, self._role_of(packet.source)),
                End(packet.target, segment.dport, self._role_of(packet.target)),
            ))  # fmt: skip
            if not segment.flags & (SYN | RST):
                for end in flow.ends:
                    end.state = "ESTABLISHED"  # its beginning was not seen
        self._flows[key] = flow
        return flow, *_ends(flow, packet)


def _key(packet: Packet) -> Key:
    """Return what both directions of a connection have in common."""
    source, target, segment = packet.source, packet.target, packet.segment
    if (source, segment.sport) <= (target, segment.dport):
        return source, segment.sport, target, segment.dport
    return target, segment.dport, source, segment.sport


def _ends(flow: Flow, packet: Packet) -> tuple[End, End]:
    one, other = flow.ends
    mine = one.address == packet.source and one.port == packet.segment.sport
    return (one, other) if mine else (other, one)


def _is_next(flow: Flow, packet: Packet) -> bool:
    """Return whether a segment begins the next connection of its 4-tuple."""
    segment = packet.segment
    if segment.flags & (SYN | ACK | RST) != SYN:
        return False
    source, target = _ends(flow, packet)
    if source.isn is None:  # the other side of a simultaneous open is no next one
        return target.state != "SYN_SENT"
    return source.isn != segment.seq


def _sent(end: End, segment: Segment) -> list[Entered]:
    """Take note of what an end has sent; return the states that this shows, in their order."""
    flags, entered = segment.flags, list[Entered]()
    if flags & RST:
        _enter(end, _AFTER_RESET, entered)
    elif flags & SYN:
        if end.isn is None:
            end.isn = segment.seq
            _enter(end, {"CLOSED": "SYN_RECEIVED" if flags & ACK else "SYN_SENT"}, entered)
        elif flags & ACK:
            _enter(end, {"SYN_SENT": "SYN_RECEIVED"}, entered)
    elif flags & FIN and end.fin is None:
        end.fin = segment.end
        _enter(end, _AFTER_OWN_FIN, entered)
    if segment.length:
        end.highest = segment.end if end.highest is None else seq_max(end.highest, segment.end)
    return entered


def _given(end: End, peer: End, segment: Segment) -> list[Entered]:
    """Take note of what an end was given; return the states that this shows, in their order."""
    flags, entered = segment.flags, list[Entered]()
    if flags & RST:
        _enter(end, _AFTER_RESET, entered)
        return entered
    if flags & SYN:
        _enter(end, {"SYN_SENT": "ESTABLISHED" if flags & ACK else "SYN_RECEIVED"}, entered)
    if flags & ACK and end.isn is not None and seq_lt(end.isn, segment.ack):
        _enter(end, {"SYN_RECEIVED": "ESTABLISHED"}, entered)
    if flags & ACK and end.fin is not None and seq_le(end.fin, segment.ack):
        _enter(end, _AFTER_ACK_OF_FIN, entered)
    _received(end, segment)
    if peer.fin is not None and end.next is not None and seq_le(peer.fin, end.next):
        _enter(end, _AFTER_FIN, entered)
    return entered


def _enter(end: End, after: Mapping[str, str], entered: list[Entered]) -> None:
    """Let an end enter the state that comes after the one it is in, if there is one."""
    state = after.get(end.state)
    if state is not None:
        end.state = state
        entered.append(Entered(end, state))


def _received(end: End, segment: Segment) -> None:
    """Move on over what the end has been given without a hole, or remember it."""
    if not segment.length:
        return
    if end.next is None:
        end.next = segment.seq  # the beginning was not seen: nothing is missing as far as anybody knows
    end.holes.append((segment.seq, segment.end))
    moved = True
    while moved:
        moved = False
        for left, right in end.holes:
            if seq_le(left, end.next) and seq_lt(end.next, right):
                end.next, moved = right, True
    end.holes = [(left, right) for left, right in end.holes if seq_lt(end.next, left)][:HOLES_LIMIT]


_AFTER_RESET: Final = {state: "CLOSED" for state in STATES if state not in ("CLOSED", "TIME_WAIT")}
_AFTER_OWN_FIN: Final = {"SYN_RECEIVED": "FIN_WAIT_1", "ESTABLISHED": "FIN_WAIT_1", "CLOSE_WAIT": "LAST_ACK"}
_AFTER_FIN: Final = {
    "SYN_RECEIVED": "CLOSE_WAIT",
    "ESTABLISHED": "CLOSE_WAIT",
    "FIN_WAIT_1": "CLOSING",
    "FIN_WAIT_2": "TIME_WAIT",
}
_AFTER_ACK_OF_FIN: Final = {"FIN_WAIT_1": "FIN_WAIT_2", "CLOSING": "TIME_WAIT", "LAST_ACK": "CLOSED"}
