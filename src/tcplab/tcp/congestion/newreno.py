"""The window of RFC 5681, counted in octets (RFC 3465), as NewReno uses it (RFC 6582)."""

from tcplab.tcp.congestion.control import CongestionControl
from tcplab.units import Duration, Instant


class NewReno(CongestionControl):
    """Half the flight on congestion, then a segment more for every window delivered."""

    __slots__ = ("_delivered",)

    def __init__(self, mss: int, initial_window: int) -> None:
        """Begin in slow start, with ``initial_window`` octets."""
        super().__init__(mss, initial_window)
        self._delivered = 0  # octets towards the next step (bytes_acked of RFC 3465, 2.1)

    def _threshold(self, flight_size: int) -> int:
        """Halve (RFC 5681, 3.1, equation 4)."""
        self._delivered = 0
        return flight_size // 2

    def _avoid(self, octets: int, now: Instant, srtt: Duration) -> None:  # noqa: ARG002  nothing here depends on time
        """Add one segment for every window of octets delivered (RFC 3465, 2.1)."""
        self._delivered += octets
        if self._delivered >= self.cwnd:
            self._delivered -= self.cwnd
            self.cwnd += self.mss
