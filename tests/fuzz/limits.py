"""What no input may make a host exceed: its memory, its segments for one input, its table of transitions."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from tcplab.node import Event, Packet
from tcplab.tcp.app import Call, InvalidCall
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, IllegalTransition, StateChanged
from tcplab.tcp.states import TRANSITIONS, State
from tcplab.tcp.status import Status
from tcplab.wire.octets import decode, encode
from tcplab.wire.segment import RST, Segment
from tcplab.wire.seq import seq_add, seq_diff

WITHOUT_OCTETS_MOST = 2
"""Segments without data that one input may make one connection send: a FIN (or the probe of a window) and an ACK.

Those with data are bounded by what waits to be sent: no octet is sent twice in answer to one input."""


def check_segments(packets: Iterable[Packet]) -> None:
    """One input makes a connection send each octet once at most, and few segments without; each fits the wire."""
    octets: Counter[tuple[int, int, int]] = Counter()
    without: Counter[tuple[int, int]] = Counter()
    for packet in packets:
        segment = packet.segment
        ends = (segment.sport, segment.dport)
        if segment.payload:
            octets.update((*ends, seq_add(segment.seq, index)) for index in range(len(segment.payload)))
        else:
            without[ends] += 1
        assert decode(encode(segment, packet.source, packet.target), packet.source, packet.target) == segment
    assert [place for place, times in octets.items() if times > 1] == []
    assert [ends for ends, times in without.items() if times > WITHOUT_OCTETS_MOST] == []


def check_answer(arrived: Segment, packets: Sequence[Packet]) -> None:
    """A reset is never answered with a reset, and with one segment at most (RFC 5961's challenge ACK)."""
    if arrived.flags & RST:
        assert len(packets) <= 1
        assert not any(packet.segment.flags & RST for packet in packets)


def check_refusal(call: Call, error: InvalidCall) -> None:
    """Whoever reads why a call was refused learns which it was."""
    assert str(error).startswith(type(call).__name__.lower()), error


def check_events(events: Iterable[Event]) -> None:
    """Every change of state is a row of the table."""
    for event in events:
        assert not isinstance(event, IllegalTransition), event
        if isinstance(event, StateChanged):
            assert TRANSITIONS[event.old, event.cause] is event.new


def check_memory(statuses: Iterable[Status], config: TcpConfig) -> None:
    """No connection holds more than it was set to: octets to send, and octets to read (holes lie in the window)."""
    for status in statuses:
        assert status.unsent_or_unacknowledged <= config.send_buffer
        assert status.unread + status.rcv_wnd <= config.receive_buffer
        assert 0 <= seq_diff(status.snd_nxt, status.snd_una) <= status.unsent_or_unacknowledged + 1


def check_backlog(statuses: Sequence[Status], opened: Collection[ConnectionId], backlog: int) -> None:
    """No listener has more half-open connections than its backlog; those that were ``opened`` are nobody's."""
    forks = [status.connection for status in statuses if status.state is State.SYN_RECEIVED]
    for listener in [status.connection for status in statuses if status.state is State.LISTEN]:
        own = [
            fork
            for fork in forks
            if fork.local_port == listener.local_port and fork.incarnation > listener.incarnation and fork not in opened
        ]
        assert len(own) <= backlog
