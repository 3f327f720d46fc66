"""The timestamps option: PAWS, and round trips of whatever is acknowledged (RFC 7323, sections 3 to 5)."""

from collections.abc import Callable
from enum import Enum
from typing import Final

from tcplab.tcp.events import ConnectionId
from tcplab.tcp.isn import Numbers
from tcplab.units import MILLISECOND, MINUTE, Duration, Instant
from tcplab.wire.segment import RST, Segment
from tcplab.wire.seq import MODULUS

TICK: Final = MILLISECOND  # of the timestamp clock: section 5.4 allows 1 ms to 1 s
RECENT_LIFETIME: Final = 24 * 24 * 60 * MINUTE  # section 5.5: a clock of 1 ms changes sign after 24.8 days

_MASK: Final = MODULUS - 1
_HALF: Final = MODULUS >> 1

Offset = Callable[[ConnectionId], int]
"""Chooses where the timestamp clock of a connection starts."""


class Refusal(Enum):
    """Why a segment goes no further."""

    OLD = "old"
    """An old duplicate: answer with an ACK, then drop it (section 5.3, R1)."""
    MISSING = "missing"
    """Timestamps were agreed on and it has none: drop it, and say nothing (section 3.2)."""


def keyed_offset(numbers: Numbers) -> Offset:
    """Return the generator of clock offsets.

    They depend on the 4-tuple and a secret, so that nobody learns from one connection how long the host is up (section
    7.1), and yet the timestamps of one 4-tuple go on rising from incarnation to incarnation, as RFC 6191 needs them.
    """

    def offset(name: ConnectionId) -> int:
        return numbers(name)[1]

    return offset


def tsval(offset: int, now: Instant) -> int:
    """Return what a timestamp clock that was started with that offset shows."""
    return (now // TICK + offset) & _MASK


class Timestamps:
    """The timestamps of one connection that has agreed on them, or offers them.

    Positions are counts of octets of what the peer sends, so that nothing wraps; timestamps do, and are compared by
    the sign of their difference.

    Attributes:
        offset: what our clock shows at the start of time.
        recent: TS.Recent, the TSval to echo; 0 before the peer's first.
    """

    __slots__ = ("_first", "_last_ack_sent", "_recent_at", "offset", "recent")

    def __init__(self, offset: int, now: Instant) -> None:
        """Start without anything of the peer's.

        Args:
            offset: where our clock starts; see :func:`keyed_offset`.
            now: when the connection is opened: nothing that it sends is older.
        """
        self.offset = offset
        self.recent = 0
        self._first = now // TICK
        self._recent_at: Instant | None = None  # when the peer was heard to be there
        self._last_ack_sent = 0

    def option(self, ack: int, now: Instant) -> tuple[int, int]:
        """Return TSval and TSecr of a segment that is sent, and remember Last.ACK.sent (section 4.3).

        Args:
            ack: RCV.NXT as the segment tells it, a position; 0 in a SYN without ACK.
            now: when it is sent.
        """
        self._last_ack_sent = ack
        return (now // TICK + self.offset) & _MASK, self.recent

    def begin(self, peer: int, now: Instant) -> None:
        """Take the TSval of the peer's SYN, which our answer acknowledges."""
        self._last_ack_sent = 1
        self.recent = peer
        self._recent_at = now

    def refuses(self, segment: Segment, now: Instant) -> Refusal | None:
        """Return why a segment must be dropped, ``None`` if it may go on: the first of all checks (section 5.3, R1).

        A reset is believed whatever its timestamp says. TS.Recent counts for nothing once it is 24 days old.
        """
        timestamps = segment.options.timestamps
        if timestamps is not None and (timestamps[0] - self.recent) & _MASK < _HALF:  # as nearly always
            return None
        if segment.flags & RST:
            return None
        if timestamps is None:
            return Refusal.MISSING
        return None if self._outdated(now) else Refusal.OLD

    def accept(self, peer: int, seq: int, now: Instant) -> None:
        """Record the TSval of a segment that has passed the sequence check, if it is the one to echo (R3).

        Args:
            peer: its TSval.
            seq: SEG.SEQ, a position. What came ahead of a hole, or after an acknowledgement that is delayed, is not
                echoed, so that the peer measures the delay as well (section 4.3).
            now: when it came.
        """
        if seq <= self._last_ack_sent and ((peer - self.recent) & _MASK < _HALF or self._outdated(now)):
            self.recent = peer
            self._recent_at = now

    def round_trip(self, echo: int, now: Instant) -> Duration | None:
        """Return the time since the segment was sent that the peer echoes, in whole ticks.

        ``None`` where nothing was sent then: a peer that echoes what it likes shall not set our timer. The caller must
        ask only if the segment advances SND.UNA (section 4.1).
        """
        ticks = (now // TICK + self.offset - echo) & _MASK
        return ticks * TICK if ticks <= now // TICK - self._first and ticks < _HALF else None

    def echoed(self, echo: int, now: Instant) -> Instant | None:
        """Return the last instant at which what the peer echoes can have been sent; see :meth:`round_trip`."""
        rtt = self.round_trip(echo, now)
        return None if rtt is None else Instant((now // TICK + 1) * TICK - 1 - rtt)

    def _outdated(self, now: Instant) -> bool:
        return self._recent_at is None or now - self._recent_at > RECENT_LIFETIME
