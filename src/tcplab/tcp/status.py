"""What STATUS tells of a connection."""

from typing import NamedTuple

from tcplab.tcp.events import ConnectionId
from tcplab.tcp.states import State
from tcplab.wire.seq import SeqNumber


class Status(NamedTuple):
    """What STATUS (RFC 9293, 3.10.6) tells. Sequence variables are absolute, lengths are octets."""

    connection: ConnectionId
    state: State
    snd_una: SeqNumber
    snd_nxt: SeqNumber
    snd_wnd: int
    rcv_nxt: SeqNumber
    rcv_wnd: int
    unsent_or_unacknowledged: int
    unread: int
    ahead_of_hole: int = 0
    """Octets that came ahead of a hole."""
    cwnd: int | None = None
    """The congestion window, octets; ``None`` before the connection is open."""
    ssthresh: int | None = None
