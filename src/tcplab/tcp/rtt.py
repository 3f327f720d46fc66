"""The retransmission timeout from measured round trips (RFC 6298)."""

from typing import Final

from tcplab.tcp.config import CLOCK_GRANULARITY, TcpConfig
from tcplab.units import SECOND, Duration

_AFTER_LOST_SYN: Final = 3 * SECOND  # RFC 6298 (5.7)


class RttEstimator:
    """Keeps SRTT, RTTVAR and the timeout of one connection.

    The backed-off timeout stands until a segment that was sent only once has been timed: the second half of
    Karn's algorithm (MUST-18).

    Attributes:
        srtt: smoothed round trip, ``None`` before the first sample.
        rttvar: its variation, nanoseconds.
        rto: the timeout now, back-off included.
    """

    __slots__ = ("_base", "_config", "rto", "rttvar", "srtt")

    def __init__(self, config: TcpConfig) -> None:
        self._config = config
        self.srtt: Duration | None = None
        self.rttvar = 0
        initial, most = config.rto_initial, config.rto_max
        self._base = self.rto = initial if initial < most else most

    def sample(self, rtt: Duration) -> None:
        """Take the round trip of a segment that was sent only once (RFC 6298, 2.2 and 2.3)."""
        srtt = self.srtt
        if srtt is None:
            self.srtt, self.rttvar = rtt, rtt // 2
        else:
            self.rttvar = (3 * self.rttvar + (srtt - rtt if srtt > rtt else rtt - srtt)) // 4
            self.srtt = (7 * srtt + rtt) // 8
        spread = 4 * self.rttvar
        rto = self.srtt + (spread if spread > CLOCK_GRANULARITY else CLOCK_GRANULARITY)
        least, most = self._config.rto_min, self._config.rto_max
        self._base = self.rto = least if rto < least else Duration(rto) if rto < most else most

    def back_off(self) -> None:
        """Double the timeout, up to the maximum (RFC 6298, 5.5)."""
        self.rto = min(2 * self.rto, self._config.rto_max)

    def after_lost_syn(self) -> None:
        """Begin data transfer with 3 s, were it less, when the SYN had to be sent again (RFC 6298, 5.7)."""
        if self.srtt is None and self._base < _AFTER_LOST_SYN:
            config = self._config
            self._base = self.rto = min(max(_AFTER_LOST_SYN, config.rto_min), config.rto_max)
