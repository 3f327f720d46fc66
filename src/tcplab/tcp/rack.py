"""RACK-TLP: losses found by time, and the tail of a flight probed (RFC 8985). Names are the RFC's, in lower case."""

from collections.abc import Iterable
from typing import Final

from tcplab.tcp.flight import Flight
from tcplab.tcp.scoreboard import Sent
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Duration, Instant

DUPLICATE_THRESHOLD: Final = 3  # DupThresh (RFC 5681, 3.2)
PROBE_TIMEOUT_UNMEASURED: Final = 1 * SECOND  # 7.2, while there is no SRTT
MAX_ACK_DELAY: Final = 200 * MILLISECOND  # TLP.max_ack_delay (7.2) is left to the implementation; Linux's
_MIN_RTT_WINDOW: Final = 5 * MINUTE  # 6.2, step 1, asks for a windowed filter; this is Linux's window
_NONE: Final = Duration(0)
_DSACK_PERSIST: Final = 16  # recoveries (6.2, step 4)


class Rack:
    """Marks segments of a flight lost that were sent well before one that has arrived (section 6).

    Where a clock shows the same time for two sendings the RFC goes by their positions. In virtual time many happen at
    once, so here the order of sending decides, which is what that stands for.

    Attributes:
        min_rtt: the shortest round trip of the last minutes, ``None`` before the first.
    """

    __slots__ = (
        "_dsack_round",
        "_end",
        "_fack",
        "_flight",
        "_min_rtt_at",
        "_nth",
        "_reo_wnd",
        "_reo_wnd_mult",
        "_reo_wnd_persist",
        "_reordering_seen",
        "_rtt",
        "min_rtt",
    )

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self._nth = 0  # which sending arrived that was sent last, in the place of RACK.xmit_ts
        self._end = 0  # RACK.end_seq
        self._rtt = _NONE
        self._fack = 0
        self._reordering_seen = False
        self._reo_wnd = _NONE
        self._reo_wnd_mult = 1
        self._reo_wnd_persist = _DSACK_PERSIST
        self._dsack_round: int | None = None
        self._min_rtt_at = START
        self.min_rtt: Duration | None = None

    def delivered(self, segments: Iterable[Sent], now: Instant, echoed: Instant | None = None) -> None:
        """Take note of what has just arrived (6.2, steps 1 to 3).

        Args:
            segments: newly acknowledged, cumulatively or selectively, in ascending order.
            now: when the acknowledgement came.
            echoed: the last instant at which what the acknowledgement echoes the timestamp of can have been sent, where
                timestamps are in use: it tells an original from what was sent again.
        """
        newest: Sent | None = None
        for segment in segments:
            end = segment.end
            if segment.times == 1:
                self._measure(now - segment.at, now)
                if end < self._fack:
                    self._reordering_seen = True
            self._fack = max(self._fack, end)
            if segment.times > 1 and self._is_of_an_original(segment, now, echoed):
                continue
            if newest is None or (segment.nth, end) > (newest.nth, newest.end):
                newest = segment
        if newest is None:
            return
        self._rtt = now - newest.at
        self._nth, self._end = max((self._nth, self._end), (newest.nth, newest.end))

    def delivered_in_order(self, last: Sent, now: Instant) -> None:
        """Take note of what has just arrived, where all that is or was outstanding was sent once, and in order.

        Args:
            last: the last of what is newly acknowledged.
            now: when the acknowledgement came.
        """
        self._rtt = rtt = now - last.at
        self._measure(rtt, now)
        self._fack = last.end
        if last.nth >= self._nth:
            self._nth, self._end = last.nth, last.end

    def _measure(self, rtt: Duration, now: Instant) -> None:
        if self.min_rtt is None or rtt <= self.min_rtt or now - self._min_rtt_at > _MIN_RTT_WINDOW:
            self.min_rtt, self._min_rtt_at = rtt, now

    def _is_of_an_original(self, segment: Sent, now: Instant, echoed: Instant | None) -> bool:
        """Return whether an acknowledgement came too soon to be of what was sent again (6.2, step 2)."""
        if echoed is not None and echoed < segment.at:
            return True
        return self.min_rtt is not None and now - segment.at < self.min_rtt

    def duplicated(self) -> None:
        """Take note of a D-SACK: something was sent again for nothing, so wait longer, once a round (6.2, step 4)."""
        if self._dsack_round is None or self._flight.una >= self._dsack_round:
            self._dsack_round = self._flight.nxt
            self._reo_wnd_mult += 1
            self._reo_wnd_persist = _DSACK_PERSIST

    def recovered(self) -> None:
        """Take note of the end of a recovery: after enough of them without a D-SACK, wait no longer (6.2, step 4)."""
        self._reo_wnd_persist -= 1
        if self._reo_wnd_persist <= 0:
            self._reo_wnd_mult = 1

    def detect(self, now: Instant, srtt: Duration | None, *, recovering: bool) -> Instant | None:
        """Mark lost what was overtaken and is overdue (6.2, step 5).

        Args:
            now: the time.
            srtt: the smoothed round trip, if there is one.
            recovering: whether a fast or RTO recovery is going on.

        Returns:
            When to call again, because something that was overtaken may still come.
        """
        deadline = None
        overtaken = self._flight.overtaken(self._nth, self._end)
        if overtaken:
            self._reo_wnd = self._reordering_window(srtt, recovering=recovering)
        for segment in overtaken:
            due = segment.at + self._rtt + self._reo_wnd
            if due <= now:
                self._flight.mark_lost(segment)
            elif deadline is None or due > deadline:
                deadline = due
        return deadline

    def timed_out(self, now: Instant) -> None:
        """Mark lost what a retransmission timeout shows to be (6.3)."""
        self._flight.timed_out(now - self._rtt - self._reo_wnd)

    def _reordering_window(self, srtt: Duration | None, *, recovering: bool) -> Duration:
        """Return how long to wait for what was overtaken (RACK_update_reo_wnd of 6.2, step 4)."""
        if not self._reordering_seen and (recovering or self._flight.sacked >= DUPLICATE_THRESHOLD):
            return Duration(0)
        window = self._reo_wnd_mult * (self.min_rtt or _NONE) // 4
        return window if srtt is None else min(window, srtt)


def probe_timeout(srtt: Duration | None, segments: int) -> Duration:
    """Return PTO: how long after the last sign of progress the tail is probed (TLP_calc_PTO of 7.2).

    Args:
        srtt: the smoothed round trip, if there is one.
        segments: how many are outstanding; of one alone the acknowledgement may be delayed.
    """
    if srtt is None:
        return PROBE_TIMEOUT_UNMEASURED
    return 2 * srtt + (MAX_ACK_DELAY if segments == 1 else 0)


class LossProbe:
    """The one tail loss probe that may be outstanding (section 7).

    Attributes:
        end: TLP.end_seq, SND.NXT after the probe of which it is not known yet what it shows; ``None`` if there is none.
        measured: whether a round trip was measured since the last one was sent; for the owner to set.
    """

    __slots__ = ("_is_retrans", "end", "measured")

    def __init__(self) -> None:
        self.end: int | None = None
        self.measured = True
        self._is_retrans = False

    @property
    def allowed(self) -> bool:
        """Whether a probe may be sent: none is outstanding, and a round trip was measured since the last (7.3)."""
        return self.end is None and self.measured

    def sent(self, end: int, *, again: bool) -> None:
        """Take note that a probe was sent (TLP_send_probe of 7.3).

        Args:
            end: SND.NXT after it.
            again: whether it was a segment sent before.
        """
        self.end = end
        self._is_retrans = again
        self.measured = False

    def over(self) -> None:
        """Forget the probe: a recovery has begun, which repairs whatever it would have shown."""
        self.end = None

    def acknowledged(self, ack: int, duplicate: tuple[int, int] | None, *, bare_duplicate: bool) -> bool:
        """Take an acknowledgement (TLP_process_ack of 7.4.2).

        Args:
            ack: SEG.ACK as a position.
            duplicate: its D-SACK block, if it has one.
            bare_duplicate: whether it is a duplicate acknowledgement without SACK blocks.

        Returns:
            Whether it shows that the probe has repaired a loss, to which congestion control must react.
        """
        end = self.end
        if end is None or ack < end:
            return False
        if not self._is_retrans or (duplicate is not None and duplicate[1] == end):
            self.end = None
        elif ack > end:
            self.end = None
            return True
        elif bare_duplicate:
            self.end = None
        return False
