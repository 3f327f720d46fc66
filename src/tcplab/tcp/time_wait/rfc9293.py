"""TIME_WAIT by the RFCs: 9293, and on top of it 1337, 5961, 6191 and 7323."""

from dataclasses import dataclass
from typing import ClassVar, Final

from tcplab.node import Address
from tcplab.tcp.events import Ignored
from tcplab.tcp.time_wait.policy import Reply, is_fin_again, is_newer, is_older, stamped, why_ignored
from tcplab.tcp.time_wait.record import Record
from tcplab.units import Duration, Instant
from tcplab.wire.segment import ACK, FIN, RST, SYN, Segment
from tcplab.wire.seq import seq_diff

_ANSWERED: Final = frozenset({Ignored.UNACCEPTABLE_SEQUENCE, Ignored.SYN_IN_WINDOW, Ignored.UNACCEPTABLE_ACK})


@dataclass(frozen=True, slots=True)
class Rfc9293:
    """Nothing but a retransmitted FIN restarts it, and no segment ends it, except a newer SYN where that is allowed.

    Attributes:
        duration: 2 MSL (MUST-13).
        reuse: whether a newer SYN may take its place (MAY-2, and SHLD-4: RFC 6191).
        timestamps: whether a new connection would have timestamps if the SYN has.
    """

    duration: Duration
    reuse: bool = False
    timestamps: bool = True
    returns: ClassVar[bool] = True

    def stays(self, _local: Address, _remote: Address) -> bool:
        """Return that every connection that closes first stays."""
        return True

    def segment_arrives(self, record: Record, segment: Segment, _now: Instant, *, listening: bool) -> Reply:
        """Decide on a segment, in the order of 3.10.7.4."""
        if segment.flags & RST:
            return Reply(ignored=Ignored.RESET_IN_TIME_WAIT)  # RFC 1337, fix F1
        if self.reuse and listening and segment.flags & (SYN | ACK | FIN) == SYN and self._may_reuse(record, segment):
            return Reply(end="reused")
        if is_older(segment, record):
            return Reply(acknowledge=True, ignored=Ignored.OLD_TIMESTAMP)
        if record.stamps is not None and segment.options.timestamps is None and not segment.flags & SYN:
            return Reply(ignored=Ignored.NO_TIMESTAMP)  # RFC 7323, 3.2
        kept = stamped(record, segment) if seq_diff(segment.seq, record.rcv_nxt) <= 0 else None
        if is_fin_again(record, segment):
            return Reply(acknowledge=True, restart=True, record=kept)
        reason = why_ignored(record, segment)
        return Reply(acknowledge=reason in _ANSWERED, ignored=reason, record=kept)

    def open_after(self, _local: Address, _remote: Address) -> None:
        """Return that an OPEN of our own must wait."""

    def _may_reuse(self, record: Record, segment: Segment) -> bool:
        """Return whether a SYN is of a new connection and no old duplicate (RFC 6191, section 2)."""
        beyond = seq_diff(segment.seq, record.rcv_nxt) >= 0
        told = segment.options.timestamps if self.timestamps else None
        if told is None:
            return beyond
        if record.stamps is None:
            return True
        return is_newer(segment, record) or (told[0] == record.stamps.recent and beyond)
