"""What can be set of a host's TCP. Defaults are the RFCs'."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from tcplab.units import MILLISECOND, MINUTE, SECOND, Duration
from tcplab.wire.octets import PAYLOAD_LIMIT

MSL_DEFAULT: Final = 2 * MINUTE  # RFC 9293, 3.4.2
RTO_INITIAL_DEFAULT: Final = 1 * SECOND  # RFC 6298 (2.1)
RTO_MIN_DEFAULT: Final = 1 * SECOND  # RFC 6298 (2.4)
RTO_MAX_DEFAULT: Final = 60 * SECOND  # RFC 6298 (2.5)
R2_DEFAULT: Final = 100 * SECOND  # RFC 9293, MUST-20 and SHLD-11: at least 100 s
R2_SYN_DEFAULT: Final = 3 * MINUTE  # RFC 9293, MUST-23: at least 3 minutes
CLOCK_GRANULARITY: Final = 1 * MILLISECOND  # G of RFC 6298 (2.3)
EPHEMERAL_FIRST: Final = 49152  # RFC 6335, section 6
EPHEMERAL_LAST: Final = 65535
MSS_DEFAULT: Final = 1460  # octets: 1500 of Ethernet less 20 of IPv4 less 20 of TCP
MSS_UNTOLD: Final = 536  # MUST-15: what to assume where the peer sent no MSS option
DELAYED_ACK_DEFAULT: Final = 40 * MILLISECOND  # Linux's least; RFC 9293, MUST-40, allows half a second
DELAYED_ACK_LIMIT: Final = 500 * MILLISECOND  # MUST-40: less than that
KEEP_ALIVE_IDLE_DEFAULT: Final = 120 * MINUTE  # MUST-28: no less than two hours
KEEP_ALIVE_INTERVAL_DEFAULT: Final = 75 * SECOND  # as Linux and the BSDs have it
KEEP_ALIVE_PROBES_DEFAULT: Final = 9
INITIAL_WINDOW_DEFAULT: Final = 10  # segments (RFC 6928)
RECEIVE_BUFFER_LIMIT: Final = 65_535 << 14  # what a window can tell at the largest scale (RFC 7323, 2.3)

CongestionControlName = Literal["newreno", "cubic"]
SynCookiesMode = Literal["off", "when_full", "always"]
TimeWaitPolicyName = Literal["rfc9293", "linux", "freebsd", "none"]


@dataclass(frozen=True, slots=True)
class TcpConfig:
    """Settings of one host's TCP. Times are nanoseconds, sizes octets.

    Attributes:
        msl: the maximum segment lifetime.
        rto_initial: the retransmission timeout before any round trip was measured.
        rto_min: the least timeout.
        rto_max: the largest timeout.
        r2: how long unacknowledged data is retransmitted before the connection is given up; ``None`` never gives up.
        r2_syn: the same of a SYN.
        user_timeout: takes the place of both where it is set (RFC 5482), and is told to the peer.
        fin_wait_2_timeout: bounds FIN_WAIT_2 once the application has released the connection; a half-closed
            connection that is still owned may last for ever.
        mss: octets of data taken in one segment.
        send_buffer: octets kept to send.
        receive_buffer: octets kept unread; beyond 65,535 only with ``window_scaling``.
        first_port: the first ephemeral port.
        last_port: the last one.
        nagle: whether a small segment waits while an earlier small one is unacknowledged (SHLD-7, as G. Minshall
            amended it).
        delayed_ack: how long an ACK waits for company; 0 acknowledges at once.
        window_scaling: whether to scale windows, if the peer does (RFC 7323, 2).
        timestamps: whether to use timestamps, if the peer does (RFC 7323, 3).
        sack: whether to use selective acknowledgements, if the peer does (RFC 2018).
        ecn: whether to use explicit congestion notification, if the peer does (RFC 3168).
        congestion: the congestion control.
        initial_window: segments sent before the first acknowledgement (RFC 6928).
        keep_alive: whether to ask a peer that is silent for ``keep_alive_idle`` whether it is alive (off: MUST-25).
        keep_alive_idle: silence before the first probe.
        keep_alive_interval: from probe to probe.
        keep_alive_probes: unanswered ones after which the peer is believed dead.
        syn_cookies: whether to answer SYNs without keeping any of them (RFC 4987): never, for what the backlog has no
            room for, or always.
        challenge_acks_per_second: how many challenge ACKs a host sends at most (RFC 5961, 7).
        time_wait_policy: what TIME_WAIT makes of segments; see :mod:`tcplab.tcp.time_wait`.
        time_wait_reuse: whether a new connection may take the place of a TIME_WAIT; ``None`` is as that policy has it.
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
    user_timeout: Duration | None = None
    nagle: bool = True
    delayed_ack: Duration = DELAYED_ACK_DEFAULT
    window_scaling: bool = True
    timestamps: bool = True
    sack: bool = True
    ecn: bool = False
    congestion: CongestionControlName = "cubic"
    initial_window: int = INITIAL_WINDOW_DEFAULT
    keep_alive: bool = False
    keep_alive_idle: Duration = KEEP_ALIVE_IDLE_DEFAULT
    keep_alive_interval: Duration = KEEP_ALIVE_INTERVAL_DEFAULT
    keep_alive_probes: int = KEEP_ALIVE_PROBES_DEFAULT
    syn_cookies: SynCookiesMode = "when_full"
    challenge_acks_per_second: int = 100
    time_wait_policy: TimeWaitPolicyName = "rfc9293"
    time_wait_reuse: bool | None = None

    def __post_init__(self) -> None:
        """Refuse values that no TCP could run with.

        Raises:
            ValueError: names the setting and its bound.
        """
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
        for name in ("r2", "r2_syn", "user_timeout"):
            if (limit := getattr(self, name)) is not None and limit <= 0:
                raise ValueError(f"{name} must be above 0, or never")
        if self.mss > PAYLOAD_LIMIT:
            raise ValueError(f"mss must be at most {PAYLOAD_LIMIT}: an IPv4 datagram holds no more")
        if not 0 <= self.delayed_ack < DELAYED_ACK_LIMIT:
            raise ValueError("delayed_ack must be 0 or more, and less than half a second (RFC 9293, MUST-40)")
        limit = RECEIVE_BUFFER_LIMIT if self.window_scaling else 65_535
        if not 1 <= self.receive_buffer <= limit:
            raise ValueError(f"receive_buffer must be 1..{limit}" + _SCALING[self.window_scaling])
        for name, choices in _CHOICES.items():
            if (choice := getattr(self, name)) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}; it is {choice!r}")
        if self.rto_min > self.rto_max:
            raise ValueError("rto_min must not exceed rto_max")
        if not 1 <= self.first_port <= self.last_port <= 65_535:
            raise ValueError("ports must satisfy 1 <= first_port <= last_port <= 65535")

    @property
    def time_wait(self) -> Duration:
        """How long TIME_WAIT lasts: 2 MSL (MUST-13)."""
        return 2 * self.msl


_POSITIVE: Final = (
    "msl", "rto_initial", "rto_min", "rto_max", "fin_wait_2_timeout", "mss", "send_buffer", "initial_window",
    "keep_alive_idle", "keep_alive_interval", "keep_alive_probes", "challenge_acks_per_second",
)  # fmt: skip
_CHOICES: Final = {
    "congestion": get_args(CongestionControlName),
    "syn_cookies": get_args(SynCookiesMode),
    "time_wait_policy": get_args(TimeWaitPolicyName),
}
_SCALING: Final = {True: ", the window at the largest scale", False: ": without window scaling a window has 16 bits"}
