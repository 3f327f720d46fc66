"""TIME_WAIT as Linux has it (net/ipv4/tcp_minisocks.c, tcp_timewait_state_process, and tcp_ipv4.c, of version 6.18)."""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from tcplab.node import Address
from tcplab.tcp.events import Ignored
from tcplab.tcp.time_wait.policy import Reply, is_fin_again, is_newer, is_older, stamped, why_ignored
from tcplab.tcp.time_wait.record import Record
from tcplab.units import MILLISECOND, SECOND, Duration, Instant
from tcplab.wire.segment import ACK, RST, SYN, Segment
from tcplab.wire.seq import seq_diff

TIMEWAIT_LEN: Final = 60 * SECOND  # include/net/tcp.h, TCP_TIMEWAIT_LEN; fixed when the kernel is compiled
INVALID_RATELIMIT: Final = 500 * MILLISECOND  # sysctl net.ipv4.tcp_invalid_ratelimit
TW_REUSE_DELAY: Final = 1 * SECOND  # sysctl net.ipv4.tcp_tw_reuse_delay


@dataclass(frozen=True, slots=True)
class Linux:
    """An exact RST ends it, a newer SYN takes its place, and almost everything else restarts it.

    Attributes:
        duration: 60 s, or what that comes to in a lab with another MSL.
        reuse: whether a newer SYN may take its place; the kernel has no switch for that.
        reuse_ports: whether an OPEN may, after a second and with timestamps (``net.ipv4.tcp_tw_reuse`` = 1). The
            kernel's default, 2, means loopback only, and so does ``False``.
        rfc1337: whether it ignores resets (``net.ipv4.tcp_rfc1337``).
    """

    duration: Duration
    reuse: bool = True
    reuse_ports: bool = False
    rfc1337: bool = False
    returns: ClassVar[bool] = False

    def stays(self, _local: Address, _remote: Address) -> bool:
        """Return that every connection that closes first stays."""
        return True

    def segment_arrives(self, record: Record, segment: Segment, now: Instant, *, listening: bool) -> Reply:
        """Decide on a segment, in the kernel's order."""
        reset, old = segment.flags & RST, is_older(segment, record)
        if not old and segment.seq == record.rcv_nxt and (reset or not segment.length):
            if reset and not self.rfc1337:
                return Reply(end="assassinated")
            return Reply(restart=not reset, ignored=why_ignored(record, segment), record=stamped(record, segment))
        if reset:
            return Reply(ignored=why_ignored(record, segment))
        newer = seq_diff(segment.seq, record.rcv_nxt) > 0 or is_newer(segment, record)
        if self.reuse and not old and segment.flags & (SYN | ACK) == SYN and newer:
            return Reply(end="reused") if listening else Reply(True, ignored=why_ignored(record, segment))
        if old:
            return self._out_of_window(record, segment, now, True, Ignored.OLD_TIMESTAMP)
        ignored = None if is_fin_again(record, segment) else why_ignored(record, segment)
        return self._out_of_window(record, segment, now, bool(segment.flags & ACK), ignored)

    def _out_of_window(
        self, record: Record, segment: Segment, now: Instant, restart: bool, ignored: Ignored | None
    ) -> Reply:
        """Acknowledge, but pure ACKs and SYNs only so often."""
        if segment.length and not segment.flags & SYN:
            return Reply(True, restart, ignored)
        if record.answered is not None and now - record.answered < INVALID_RATELIMIT:
            return Reply(False, restart, ignored)
        return Reply(True, restart, ignored, record=replace(record, answered=now))

    def open_after(self, local: Address, remote: Address) -> Duration | None:
        """Return after how long an OPEN may take the 4-tuple (tcp_twsk_unique)."""
        return TW_REUSE_DELAY if self.reuse_ports or local == remote else None
