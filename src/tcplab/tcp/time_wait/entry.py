"""The record to which a connection shrinks in TIME_WAIT (RFC 9293, section 3.6.1; RFC 1337).

The order of section 3.10.7.4, read literally, never restarts the timer: a retransmitted FIN lies left of the
window and ends at the sequence check. It is the exception named here: FIN set and SEG.SEQ + SEG.LEN = RCV.NXT.
"""

from typing import NamedTuple

from tcplab.node import Packet
from tcplab.tcp.events import ConnectionId, Ignored
from tcplab.units import Instant
from tcplab.wire.segment import ACK, FIN, NO_OPTIONS, RST, SYN, Segment
from tcplab.wire.seq import SeqNumber, seq_diff


class Reply(NamedTuple):
    """What a TIME_WAIT makes of a segment."""

    acknowledge: bool
    restart: bool
    ignored: Ignored | None


_FIN_AGAIN = Reply(acknowledge=True, restart=True, ignored=None)


class TimeWait:
    """Waits 2 MSL so that the peer's FIN can be acknowledged again and old duplicates die.

    Attributes:
        id: the connection.
        snd_nxt: SND.NXT, all of it acknowledged.
        rcv_nxt: RCV.NXT, after the peer's FIN.
        rcv_wnd: the window last told.
        entered: when TIME_WAIT began.
        expires: when it ends, if no FIN restarts it.
        queued: the host's: how often it stands in the queue; all but the last are overtaken.
    """

    __slots__ = ("entered", "expires", "id", "queued", "rcv_nxt", "rcv_wnd", "snd_nxt")

    def __init__(
        self, connection: ConnectionId, snd_nxt: SeqNumber, rcv_nxt: SeqNumber, rcv_wnd: int, entered: Instant
    ) -> None:
        self.id = connection
        self.snd_nxt = snd_nxt
        self.rcv_nxt = rcv_nxt
        self.rcv_wnd = rcv_wnd
        self.entered = entered
        self.expires = entered
        self.queued = 0

    def segment_arrives(self, packet: Packet) -> Reply:
        """Decide on a segment, in the order of 3.10.7.4."""
        segment = packet.segment
        flags = segment.flags
        if flags & FIN and not flags & (RST | SYN) and segment.end == self.rcv_nxt:
            return _FIN_AGAIN
        if flags & RST:
            return Reply(acknowledge=False, restart=False, ignored=Ignored.RESET_IN_TIME_WAIT)
        offset = seq_diff(segment.seq, self.rcv_nxt)
        if not (offset < max(self.rcv_wnd, 1) and offset + max(segment.length, 1) > 0):
            return Reply(acknowledge=True, restart=False, ignored=Ignored.UNACCEPTABLE_SEQUENCE)
        if flags & SYN:
            return Reply(acknowledge=True, restart=False, ignored=Ignored.SYN_IN_WINDOW)
        if not flags & ACK:
            return Reply(acknowledge=False, restart=False, ignored=Ignored.NO_ACK)
        if seq_diff(segment.ack, self.snd_nxt) > 0:
            return Reply(acknowledge=True, restart=False, ignored=Ignored.UNACCEPTABLE_ACK)
        ignored = Ignored.AFTER_FIN if segment.length else Ignored.OLD_ACK
        return Reply(acknowledge=False, restart=False, ignored=ignored)

    def ack(self) -> Segment:
        """Return <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>."""
        return Segment(
            self.id.local_port, self.id.remote_port, self.snd_nxt, self.rcv_nxt, ACK, self.rcv_wnd, NO_OPTIONS
        )
