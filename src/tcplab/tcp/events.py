"""What a host tells its observers. Applications learn what concerns them from :mod:`tcplab.tcp.app`."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple

from tcplab.node import Address, Event, Packet
from tcplab.tcp.states import Cause, State
from tcplab.units import Duration
from tcplab.wire.segment import Segment

Side = Literal["active", "passive"]


class ConnectionId(NamedTuple):
    """Names one connection of one host; a listener has the remote address 0.0.0.0 and the remote port 0."""

    local: Address
    local_port: int
    remote: Address
    remote_port: int
    incarnation: int
    """How many connections this host had before it, of any 4-tuple."""

    @property
    def ends(self) -> str:
        """Its 4-tuple alone, the same for every incarnation."""
        return f"{self.local}:{self.local_port}>{self.remote}:{self.remote_port}"

    def __str__(self) -> str:
        """Return the connection as the logs print it."""
        return f"{self.ends}#{self.incarnation}"


class Ignored(Enum):
    """Why a TCP did not act on a segment that reached it; the value is the name in metrics."""

    UNACCEPTABLE_SEQUENCE = "unacceptable_sequence"
    UNACCEPTABLE_ACK = "unacceptable_ack"
    OLD_ACK = "old_ack"
    NO_ACK = "no_ack"
    NO_SYN = "no_syn"
    SYN_IN_WINDOW = "syn_in_window"
    RESET_NOT_EXACT = "reset_not_exact"
    RESET_IN_TIME_WAIT = "reset_in_time_wait"
    RESET_FOR_STRANGER = "reset_for_stranger"
    NO_CONNECTION = "no_connection"
    BACKLOG_FULL = "backlog_full"
    AFTER_FIN = "after_fin"
    OLD_TIMESTAMP = "old_timestamp"
    NO_TIMESTAMP = "no_timestamp"


class Failure(Enum):
    """Why a connection failed; the value is the name in metrics."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    RESET = "reset"
    NO_PORTS = "no_ports"
    USER_TIMEOUT = "user_timeout"
    KEEP_ALIVE = "keep_alive"
    ABORTED = "aborted"


class ResetReason(Enum):
    """Why a reset was sent; the value is the name in metrics."""

    NO_CONNECTION = "no_connection"
    UNACCEPTABLE_ACK = "unacceptable_ack"
    ABORT = "abort"
    UNREAD_DATA = "unread_data"
    DATA_AFTER_RELEASE = "data_after_release"


@dataclass(slots=True)
class StateChanged(Event):
    """A connection (or a listener) went from one state to the next."""

    connection: ConnectionId
    old: State
    new: State
    cause: Cause


@dataclass(slots=True)
class IllegalTransition(Event):
    """A bug of ours: the table has no row; the connection was aborted."""

    connection: ConnectionId
    state: State
    cause: Cause


@dataclass(slots=True)
class ConnectionOpened(Event):
    """A handshake completed, ``duration`` after the first SYN was sent or taken."""

    connection: ConnectionId
    side: Side
    duration: Duration


@dataclass(slots=True)
class ConnectionFailed(Event):
    """A connection ended by an error; its application was told, unless it had gone (RELEASE) before."""

    connection: ConnectionId
    reason: Failure


@dataclass(slots=True)
class ConnectionClosed(Event):
    """Both directions were closed in order: the connection is in TIME_WAIT, or CLOSED after LAST_ACK.

    ``side`` is ``active`` for whoever sent the first FIN of his own accord; ``duration`` runs from the first FIN
    sent or taken.
    """

    connection: ConnectionId
    side: Side
    duration: Duration


@dataclass(slots=True)
class TimeWaitEnded(Event):
    """A TIME_WAIT was left, ``duration`` after it was entered."""

    connection: ConnectionId
    reason: Literal["expired", "reused", "assassinated"]
    duration: Duration


@dataclass(slots=True)
class TimeWaitRestarted(Event):
    """A retransmitted FIN set the 2 MSL to their beginning."""

    connection: ConnectionId


@dataclass(slots=True)
class Retransmitted(Event):
    """The segment was sent again, for the ``attempt``-th time, 1 being the first retransmission."""

    connection: ConnectionId
    segment: Segment
    attempt: int
    cause: Literal["rto", "fast", "probe"] = "rto"


@dataclass(slots=True)
class SegmentIgnored(Event):
    """A segment reached this TCP and had no effect but, at most, an ACK or a RST in answer."""

    connection: ConnectionId | None
    packet: Packet
    reason: Ignored


@dataclass(slots=True)
class ResetSent(Event):
    """A reset was sent; ``connection`` is ``None`` where a stranger's segment caused it."""

    connection: ConnectionId | None
    reason: ResetReason


@dataclass(slots=True)
class ResetReceived(Event):
    """A reset ended the connection."""

    connection: ConnectionId


@dataclass(slots=True)
class RttSampled(Event):
    """A round trip was measured, and the timeout that follows from it (RFC 6298)."""

    connection: ConnectionId
    rtt: Duration
    rto: Duration


@dataclass(slots=True)
class SynCookie(Event):
    """A SYN was answered by a cookie and not kept; or a segment brought one back, and made the connection."""

    connection: ConnectionId
    what: Literal["sent", "accepted"]


@dataclass(slots=True)
class ListenDropped(Event):
    """A listener turned a SYN away, or the ACK that would have opened a connection."""

    connection: ConnectionId
    reason: Literal["syn_queue_full", "accept_queue_full"]
