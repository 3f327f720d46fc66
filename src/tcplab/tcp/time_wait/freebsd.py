"""TIME_WAIT as FreeBSD has it (sys/netinet/tcp_timewait.c, tcp_twstart and tcp_twcheck, of the main branch in 2025)."""

from dataclasses import dataclass
from typing import ClassVar, Final

from tcplab.node import Address
from tcplab.tcp.time_wait.policy import Reply, is_fin_again, why_ignored
from tcplab.tcp.time_wait.record import Record
from tcplab.units import SECOND, Duration, Instant
from tcplab.wire.segment import ACK, RST, SYN, Segment
from tcplab.wire.seq import seq_diff

MSL: Final = 30 * SECOND  # sys/netinet/tcp_timer.h, TCPTV_MSL; sysctl net.inet.tcp.msl


@dataclass(frozen=True, slots=True)
class FreeBsd:
    """A newer SYN ends it, whoever listens; it answers whatever has an ACK and is not exactly the last one again.

    Timestamps are neither looked at nor kept up to date: ``net.inet.tcp.tolerate_missing_ts`` is on by default, and the
    code of PAWS is compiled out.

    Attributes:
        duration: twice its MSL of 30 s, or what that comes to in a lab with another MSL.
        reuse: whether a newer SYN may take its place; the kernel has no switch for that.
    """

    duration: Duration
    reuse: bool = True
    returns: ClassVar[bool] = False

    def stays(self, local: Address, remote: Address) -> bool:
        """Return whether the peer is another host (``net.inet.tcp.nolocaltimewait``, on by default)."""
        return local != remote

    def segment_arrives(self, record: Record, segment: Segment, _now: Instant, *, listening: bool) -> Reply:
        """Decide on a segment, in the kernel's order; ``listening`` makes no difference to it."""
        del listening
        ignored = why_ignored(record, segment)
        if segment.flags & RST:
            return Reply(ignored=ignored)
        if self.reuse and segment.flags & (SYN | ACK) == SYN and seq_diff(segment.seq, record.rcv_nxt) > 0:
            return Reply(end="reused")
        if not segment.flags & ACK:
            return Reply(ignored=ignored)
        if is_fin_again(record, segment):
            return Reply(acknowledge=True, restart=True)
        same = (segment.seq, segment.ack, segment.payload) == (record.rcv_nxt, record.snd_nxt, b"")
        return Reply(acknowledge=segment.flags != ACK or not same, ignored=ignored)

    def open_after(self, _local: Address, _remote: Address) -> None:
        """Return that an OPEN of our own must wait."""
