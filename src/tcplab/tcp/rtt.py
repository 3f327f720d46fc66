"""The retransmission timeout from measured round trips (RFC 6298)."""

from typing import Final

from tcplab.tcp.config import CLOCK_GRANULARITY, TcpConfig
from tcplab.units import SECOND, Duration

_AFTER_LOST_SYN: Final = Duration(3 * SECOND)  # RFC 6298 (5.7)


class RttEstimator:
    """Keeps SRTT, RTTVAR and the timeout of one connection.

    The backed-off timeout stands until a segment that was sent only once has been timed: the second half of
    Karn's algorithm (MUST-18).

    Attributes:
        srtt: smoothed round trip, ``None`` before the first sample.
        rttvar: its variation.
        rto: the timeout now, back-off included.
    """

    __slots__ = ("_base", "_config", "rto", "rttvar", "srtt")
    _base: Duration
    rto: Duration

    def __init__(self, config: TcpConfig) -> None:
        self._config = config
        self.srtt: Duration | None = None
        self.rttvar = Duration(0)
        self._set(config.rto_initial)

    def sample(self, rtt: Duration) -> None:
        """Take the round trip of a segment that was sent only once (RFC 6298, 2.2 and 2.3)."""
        srtt = self.srtt
        if srtt is None:
            self.srtt, self.rttvar = rtt, Duration(rtt // 2)
        else:
            self.rttvar = Duration((3 * self.rttvar + (srtt - rtt if srtt > rtt else rtt - srtt)) // 4)
            self.srtt = Duration((7 * srtt + rtt) // 8)
        rto = self.srtt + (4 * self.rttvar if 4 * self.rttvar > CLOCK_GRANULARITY else CLOCK_GRANULARITY)
        least, most = self._config.rto_min, self._config.rto_max
        self._base = self.rto = least if rto < least else Duration(rto) if rto < most else most

    def back_off(self) -> None:
        """Double the timeout, up to the maximum (RFC 6298, 5.5)."""
        self.rto = Duration(min(2 * self.rto, self._config.rto_max))

    def after_lost_syn(self) -> None:
        """Begin data transfer with 3 s, were it less, when the SYN had to be sent again (RFC 6298, 5.7)."""
        if self.srtt is None and self._base < _AFTER_LOST_SYN:
            self._set(max(_AFTER_LOST_SYN, self._config.rto_min))

    def _set(self, rto: int) -> None:
        """Take a timeout without back-off."""
        self._base = self.rto = Duration(min(rto, self._config.rto_max))
