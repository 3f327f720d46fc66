"""What can be set of a host's TCP. Defaults are the RFCs'."""

from dataclasses import dataclass
from typing import Final

from tcplab.units import MILLISECOND, MINUTE, SECOND, Duration
from tcplab.wire.octets import PAYLOAD_LIMIT

MSL_DEFAULT: Final = Duration(2 * MINUTE)  # RFC 9293, 3.4.2
RTO_INITIAL_DEFAULT: Final = Duration(1 * SECOND)  # RFC 6298 (2.1)
RTO_MIN_DEFAULT: Final = Duration(1 * SECOND)  # RFC 6298 (2.4)
RTO_MAX_DEFAULT: Final = Duration(60 * SECOND)  # RFC 6298 (2.5)
R2_DEFAULT: Final = Duration(100 * SECOND)  # RFC 9293, MUST-20 and SHLD-11: at least 100 s
R2_SYN_DEFAULT: Final = Duration(3 * MINUTE)  # RFC 9293, MUST-23: at least 3 minutes
CLOCK_GRANULARITY: Final = Duration(1 * MILLISECOND)  # G of RFC 6298 (2.3)
EPHEMERAL_FIRST: Final = 49152  # RFC 6335, section 6
EPHEMERAL_LAST: Final = 65535
MSS_DEFAULT: Final = 1460  # octets: 1500 of Ethernet less 20 of IPv4 less 20 of TCP
MSS_UNTOLD: Final = 536  # MUST-15: what to assume where the peer sent no MSS option


@dataclass(frozen=True, slots=True)
class TcpConfig:
    """Settings of one host's TCP. Times are nanoseconds, sizes octets.

    ``r2`` and ``r2_syn`` are how long unacknowledged data (a SYN) is retransmitted before the connection is
    given up; ``None`` never gives up. ``fin_wait_2_timeout`` bounds FIN_WAIT_2 once the application has
    released the connection; a half-closed connection that is still owned may last for ever.
    """

    msl: Duration = MSL_DEFAULT
    rto_initial: Duration = RTO_INITIAL_DEFAULT
    rto_min: Duration = RTO_MIN_DEFAULT
    rto_max: Duration = RTO_MAX_DEFAULT
    r2: Duration | None = R2_DEFAULT
    r2_syn: Duration | None = R2_SYN_DEFAULT
    fin_wait_2_timeout: Duration = MINUTE
    mss: int = MSS_DEFAULT
    send_buffer: int = 131_072
    receive_buffer: int = 65_535
    first_port: int = EPHEMERAL_FIRST
    last_port: int = EPHEMERAL_LAST

    def __post_init__(self) -> None:
        """Refuse values that no TCP could run with.

        Raises:
            ValueError: names the setting and its bound.
        """
        for name in ("msl", "rto_initial", "rto_min", "rto_max", "fin_wait_2_timeout", "mss", "send_buffer"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
        for name in ("r2", "r2_syn"):
            if (limit := getattr(self, name)) is not None and limit <= 0:
                raise ValueError(f"{name} must be above 0, or never")
        if self.mss > PAYLOAD_LIMIT:
            raise ValueError(f"mss must be at most {PAYLOAD_LIMIT}: an IPv4 datagram holds no more")
        if not 1 <= self.receive_buffer <= 65_535:
            raise ValueError("receive_buffer must be 1..65535: without window scaling a window has 16 bits")
        if self.rto_min > self.rto_max:
            raise ValueError("rto_min must not exceed rto_max")
        if not 1 <= self.first_port <= self.last_port <= 65_535:
            raise ValueError("ports must satisfy 1 <= first_port <= last_port <= 65535")

    @property
    def time_wait(self) -> Duration:
        """How long TIME_WAIT lasts: 2 MSL (MUST-13)."""
        return Duration(2 * self.msl)
