"""What workloads, and the witness over any of them, tell the observers with the ``Report`` call."""

from dataclasses import dataclass
from typing import Literal

from tcplab.node import Event
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.units import Duration

TransferFailure = Literal[
    "timeout", "refused", "reset", "no_ports", "aborted", "user_timeout", "keep_alive", "stalled", "truncated"
]
"""Why a transfer failed: what the TCP said (``tcplab.tcp.events.Failure``), or, as the workload saw it, a
peer that made no progress for too long (``stalled``) or closed in the middle of its frame (``truncated``)."""


@dataclass(slots=True)
class TransferCompleted(Event):
    """A connection's two frames went over, and what this side received has the digest that it should have.

    ``octets_sent`` and ``octets_received`` count payload; ``duration`` runs from ESTABLISHED to the last octet
    received (client) or handed to the TCP (server).
    """

    connection: ConnectionId
    octets_sent: int
    octets_received: int
    duration: Duration


@dataclass(slots=True)
class TransferCorrupted(Event):
    """What arrived is not what was sent; ``detail`` is one line for people. The connection was aborted."""

    connection: ConnectionId
    detail: str


@dataclass(slots=True)
class TransferFailed(Event):
    """A transfer came to nothing; ``connection`` is ``None`` where none was opened."""

    connection: ConnectionId | None
    reason: TransferFailure


@dataclass(slots=True)
class StreamWritten(Event):
    """The application handed octets to its TCP; they follow those of the last such event of the connection."""

    connection: ConnectionId
    data: bytes


@dataclass(slots=True)
class StreamRead(Event):
    """The application got octets from its TCP; they follow those of the last such event of the connection."""

    connection: ConnectionId
    data: bytes


@dataclass(slots=True)
class ConnectionReleased(Event):
    """The application let go of its connection: from now on it is told nothing of it."""

    connection: ConnectionId


@dataclass(slots=True)
class FailureTold(Event):
    """The application was told that a connection failed; ``connection`` is ``None`` where an OPEN came to nothing."""

    connection: ConnectionId | None
    reason: Failure
