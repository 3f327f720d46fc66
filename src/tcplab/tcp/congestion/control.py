"""What every congestion control does alike: slow start, restart after idleness, and taking a reduction back.

Windows are octets, times nanoseconds, and what comes out is the same to the octet on any machine.
"""

from abc import ABC, abstractmethod
from typing import Final, NamedTuple

from tcplab.units import START, Duration, Instant

SSTHRESH_INITIAL: Final = 65_535 << 14  # arbitrarily high (RFC 5681, 3.1): the largest window that can be told


class Windows(NamedTuple):
    """What a reduction may have to give back."""

    cwnd: int
    ssthresh: int


class CongestionControl(ABC):
    """Keeps the congestion window of one connection.

    A congestion event is told once a window, by :meth:`lost`, :meth:`congestion_experienced` or :meth:`timed_out`.
    :meth:`recovered` ends it; so does :meth:`undo`, which is possible until the next one. A flight size is
    SND.NXT - SND.UNA when the event was noticed.

    Attributes:
        mss: octets of a full segment (SMSS).
        cwnd: octets that may be in the network.
        ssthresh: octets below which the window grows by slow start.
    """

    __slots__ = ("_before", "_initial", "_recovering", "_seen", "_step", "cwnd", "mss", "ssthresh")

    def __init__(self, mss: int, initial_window: int) -> None:
        """Begin in slow start, with ``initial_window`` octets."""
        self.mss = mss
        self.cwnd = initial_window
        self.ssthresh = SSTHRESH_INITIAL
        self._initial = initial_window
        self._step = 2 * mss  # L of RFC 3465, 2.3: the most that one ACK adds in slow start
        self._recovering = False
        self._seen = START  # up to when time is accounted for, where growth goes by time
        self._before: Windows | None = None

    def acknowledged(self, octets: int, now: Instant, srtt: Duration, limited: bool) -> None:
        """Grow, unless a reduction is being recovered from or something else than the window held the sender back.

        Slow start ends at ssthresh: to begin every congestion avoidance with one step of it, as the letter of RFC 9438,
        4.10 would have it, helps nobody.

        Args:
            octets: newly delivered, cumulatively or selectively.
            now: when the acknowledgement came.
            srtt: the smoothed round trip.
            limited: whether the window was used up; growth that is not tested means nothing (RFC 9438, 5.8).
        """
        if self._recovering or not limited:
            self._seen = now
            return
        if self.cwnd < self.ssthresh:
            self.cwnd += min(octets, self._step)
        else:
            self._avoid(octets, now, srtt)

    def lost(self, flight_size: int) -> None:
        """Reduce because a segment was lost; the window then stands until recovery ends (RFC 5681, 3.2)."""
        self._remember()
        self._reduce(flight_size, 2 * self.mss)
        self._recovering = True

    def congestion_experienced(self, flight_size: int) -> None:
        """Reduce because the network marked a segment (RFC 3168, 6.1.2); that is never taken back."""
        self._before = None
        self._reduce(flight_size, self.mss)
        self._recovering = True

    def timed_out(self, flight_size: int, *, again: bool) -> None:
        """Begin anew with one segment (RFC 5681, 3.1).

        Args:
            flight_size: octets outstanding.
            again: the same segment has timed out before, so that ssthresh stands.
        """
        if not again:
            self._remember()
            self._reduce(flight_size, self.mss)
        self.cwnd = self.mss
        self._step = self.mss  # RFC 3465, 2.3: one ACK may cover much that was delivered long ago
        self._recovering = False

    def recovered(self) -> None:
        """End a congestion event: everything that was outstanding then is acknowledged."""
        self._recovering = False
        self._step = 2 * self.mss

    def undo(self) -> None:
        """Take the last reduction back, which proved needless, and end the event (RFC 9438, 4.9)."""
        if self._before is not None:
            self.cwnd = max(self.cwnd, self._before.cwnd)
            self.ssthresh = self._before.ssthresh
            self._before = None
        self.recovered()

    def resumed(self, idle: Duration, rto: Duration) -> None:
        """Send again, ``idle`` after the last time, with nothing in the network (RFC 5681, 4.1).

        Beyond one RTO there is nothing left that clocks what is sent: begin again from the restart window.
        """
        if idle > rto:
            self.cwnd = min(self.cwnd, self._initial)

    def _remember(self) -> None:
        """Keep what :meth:`undo` gives back."""
        self._before = Windows(self.cwnd, self.ssthresh)

    def _reduce(self, flight_size: int, least: int) -> None:
        # What limited transmit sent beyond the window does not count (RFC 5681, 3.2, step 2).
        threshold = self._threshold(min(flight_size, self.cwnd))
        self.ssthresh = max(threshold, 2 * self.mss)
        self.cwnd = max(threshold, least)

    @abstractmethod
    def _threshold(self, flight_size: int) -> int:
        """Return what a congestion event leaves of ``flight_size`` octets, before any minimum."""

    @abstractmethod
    def _avoid(self, octets: int, now: Instant, srtt: Duration) -> None:
        """Grow in congestion avoidance for ``octets`` delivered."""
