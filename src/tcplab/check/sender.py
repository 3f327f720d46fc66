"""A sender as its traffic shows it: what was sent and acknowledged, what window it knows, and since when."""

from bisect import bisect_left, bisect_right
from collections.abc import Set

from tcplab.check.history import History, Identity, Traffic, identity
from tcplab.node import PacketSent
from tcplab.observe.journal import Record
from tcplab.tcp.events import SegmentIgnored
from tcplab.units import START, Instant
from tcplab.wire.segment import ACK, SYN, Segment
from tcplab.wire.seq import SeqNumber, seq_add, seq_diff


def ignored(history: History) -> Set[Identity]:
    """Return the packets that reached a TCP and had no effect."""
    return {identity(record.event.packet) for record in history.of(SegmentIgnored)}


class Sender:
    """The send variables of one connection, reckoned from its packets alone.

    Attributes:
        una: SND.UNA, ``None`` as long as nothing was sent.
        nxt: SND.NXT.
        window: the window that the peer last told, as its field has it: 0 is 0 in any scale.
        sack: whether the peer's SYN permitted SACK, ``None`` if its SYN is not among the packets.
        restarted: when something new was last acknowledged, or sent with nothing else outstanding.
        answered: the same, or when the peer last answered with a closed window.
        heard: when the last packet arrived.
    """

    __slots__ = (
        "_ends", "_ignored", "_iss", "_newest", "_times", "answered", "heard", "nxt", "restarted", "sack", "una",
        "window",
    )  # fmt: skip

    def __init__(self, ignored: Set[Identity], since: Instant = START) -> None:
        """Begin with nothing sent; ``ignored`` names packets that had no effect."""
        self._ignored = ignored
        self._iss = SeqNumber(0)
        self._ends: list[int] = []  # of what was new in each packet, as positions from the ISN on
        self._times: list[Instant] = []
        self._newest: tuple[SeqNumber, SeqNumber] | None = None  # SND.WL1 and SND.WL2
        self.una: SeqNumber | None = None
        self.nxt = SeqNumber(0)
        self.window = 0
        self.sack: bool | None = None
        self.restarted = self.answered = self.heard = since

    def take(self, record: Record[Traffic]) -> None:
        """Take the next packet that was sent or arrived."""
        packet = record.event.packet
        if isinstance(record.event, PacketSent):
            self._take_sent(packet.segment, record.time)
        elif identity(packet) not in self._ignored:
            self._take_arrived(packet.segment, record.time)

    def first_sent(self, seq: SeqNumber) -> Instant | None:
        """Return when the octet was first sent, ``None`` if it never was."""
        place = bisect_right(self._ends, seq_diff(seq, self._iss))
        return self._times[place] if self.una is not None and place < len(self._times) else None

    def newest(self, before: Instant) -> tuple[SeqNumber, Instant]:
        """Return SND.NXT as it was before an instant at which something was sent again, and since when it was that.

        What a timer sends, and what comes of a call at that very instant, cannot be told by their order.
        """
        place = bisect_left(self._times, before) - 1
        return seq_add(self._iss, self._ends[place]), self._times[place]

    def _take_sent(self, segment: Segment, now: Instant) -> None:
        if self.una is None:
            self._iss = self.una = self.nxt = segment.seq
        if segment.length and self.una == self.nxt:
            self.restarted = self.answered = now
        if seq_diff(segment.end, self.nxt) > 0:
            self.nxt = segment.end
            self._ends.append(seq_diff(segment.end, self._iss))
            self._times.append(now)

    def _take_arrived(self, segment: Segment, now: Instant) -> None:
        self.heard = now
        if segment.flags & SYN:
            self.sack = segment.options.sack_ok
        if self.una is None or not segment.flags & ACK:
            return
        acked = seq_diff(segment.ack, self.una)
        if acked > 0 or (acked == 0 and not self._is_older(segment)):
            self._newest, self.window = (segment.seq, segment.ack), segment.window
        if 0 < acked <= seq_diff(self.nxt, self.una):
            self.una = segment.ack
            self.restarted = self.answered = now
        elif acked == 0 and self.window == 0:
            self.answered = now

    def _is_older(self, segment: Segment) -> bool:
        if self._newest is None:
            return False
        since_seq = seq_diff(segment.seq, self._newest[0])
        return since_seq < 0 or (since_seq == 0 and seq_diff(segment.ack, self._newest[1]) < 0)
