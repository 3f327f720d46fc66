"""The retransmission timeout from measured round trips (RFC 6298)."""

from typing import Final

from tcplab.tcp.config import CLOCK_GRANULARITY, TcpConfig
from tcplab.units import SECOND, Duration

_AFTER_LOST_SYN: Final = Duration(3 * SECOND)  # RFC 6298 (5.7)


class RttEstimator:
    """Keeps SRTT, RTTVAR and the back-off of one connection.

    The backed-off timeout stands until a segment that was sent only once has been timed: the second half of
    Karn's algorithm (MUST-18).
    """

    __slots__ = ("_config", "backoff", "base", "rttvar", "srtt")

    def __init__(self, config: TcpConfig) -> None:
        self._config = config
        self.srtt: Duration | None = None
        self.rttvar = Duration(0)
        self.base = config.rto_initial
        self.backoff = 0

    @property
    def rto(self) -> Duration:
        """The timeout now, back-off included, nanoseconds."""
        return Duration(min(self.base << self.backoff, self._config.rto_max))

    def sample(self, rtt: Duration) -> None:
        """Take the round trip of a segment that was sent only once (RFC 6298, 2.2 and 2.3)."""
        if self.srtt is None:
            self.srtt, self.rttvar = rtt, Duration(rtt // 2)
        else:
            self.rttvar = Duration((3 * self.rttvar + abs(self.srtt - rtt)) // 4)
            self.srtt = Duration((7 * self.srtt + rtt) // 8)
        rto = self.srtt + max(CLOCK_GRANULARITY, 4 * self.rttvar)
        self.base = Duration(min(max(rto, self._config.rto_min), self._config.rto_max))
        self.backoff = 0

    def back_off(self) -> None:
        """Double the timeout, up to the maximum (RFC 6298, 5.5)."""
        if self.base << self.backoff < self._config.rto_max:
            self.backoff += 1

    def after_lost_syn(self) -> None:
        """Begin data transfer with 3 s, were it less, when the SYN had to be sent again (RFC 6298, 5.7)."""
        if self.srtt is None and self.base < _AFTER_LOST_SYN:
            self.base = Duration(min(max(_AFTER_LOST_SYN, self._config.rto_min), self._config.rto_max))
            self.backoff = 0
