"""The seam between a host and the application on it: events go in, calls come out (RFC 9293, 3.9.1).

An application is as free of I/O as the TCP beneath it. It is told what concerns it and answers with calls;
it may also be woken by its own deadline.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from tcplab.node import Address, Event
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.units import Duration, Instant

# --- what an application can ask for -----------------------------------------------------------------------------


class Listen(NamedTuple):
    """Take connections on a port; at most ``backlog`` of them half-open at a time.

    With ``manual``, those that are open wait for :class:`Accept`, ``backlog`` of them at most; else they are the
    application's as soon as they are open. ``config`` takes the place of the host's settings.
    """

    port: int
    backlog: int = 128
    manual: bool = False
    config: TcpConfig | None = None


class Unlisten(NamedTuple):
    """Take no more connections on a port; those that the application has stay, and those that wait are reset."""

    port: int


class Accept(NamedTuple):
    """Take the connection that has waited longest on a port; it comes as :class:`Opened`, if there is one."""

    port: int


class Open(NamedTuple):
    """Open a connection; ``token`` comes back in :class:`Opened` or :class:`OpenFailed`.

    ``local_port`` 0 takes a free ephemeral port. ``config`` takes the place of the host's settings.
    """

    remote: Address
    remote_port: int
    token: int = 0
    local_port: int = 0
    config: TcpConfig | None = None


class Configure(NamedTuple):
    """Change settings of one connection; what is ``None`` stays as it is.

    ``no_delay`` switches the Nagle algorithm off (MUST-17), ``keep_alive`` switches keep-alives (MUST-24), and
    ``user_timeout`` bounds how long data may stay unacknowledged, nanoseconds (RFC 5482).
    """

    connection: ConnectionId
    no_delay: bool | None = None
    keep_alive: bool | None = None
    user_timeout: Duration | None = None


class Send(NamedTuple):
    """Send octets; not more than the space that the last :class:`Opened` or :class:`Writable` told."""

    connection: ConnectionId
    data: bytes


class Receive(NamedTuple):
    """Read up to ``limit`` octets; they come as :class:`Received`, at once."""

    connection: ConnectionId
    limit: int = 1 << 31


class Close(NamedTuple):
    """No more to send; reading goes on (a half-close)."""

    connection: ConnectionId


class Release(NamedTuple):
    """The application is gone: close, take nothing more, bound FIN_WAIT_2."""

    connection: ConnectionId


class Abort(NamedTuple):
    """End the connection at once, with a reset."""

    connection: ConnectionId


class Report(NamedTuple):
    """Tell the observers something of the application's own."""

    event: Event


OnConnection = Send | Receive | Close | Release | Abort | Configure
ON_CONNECTION: Final = (Send, Receive, Close, Release, Abort, Configure)

Call = Listen | Unlisten | Accept | Open | Send | Receive | Close | Release | Abort | Configure | Report

# --- what an application is told ---------------------------------------------------------------------------------


class Started(NamedTuple):
    """The host runs; the first event of every application."""


class Opened(NamedTuple):
    """A connection is ESTABLISHED; ``space`` octets may be sent. ``token`` is ``None`` on the passive side."""

    connection: ConnectionId
    space: int
    token: int | None


class Acceptable(NamedTuple):
    """``waiting`` connections wait to be accepted on a port; told whenever one comes."""

    port: int
    waiting: int


class OpenFailed(NamedTuple):
    """No connection came of an :class:`Open`."""

    token: int
    reason: Failure


class Readable(NamedTuple):
    """``available`` octets wait to be read."""

    connection: ConnectionId
    available: int


class Received(NamedTuple):
    """The answer to :class:`Receive`."""

    connection: ConnectionId
    data: bytes


class Writable(NamedTuple):
    """Acknowledgements have made room: ``space`` octets may be sent."""

    connection: ConnectionId
    space: int


class PeerClosed(NamedTuple):
    """The peer's FIN was taken: after what is still unread nothing will come."""

    connection: ConnectionId


class Closed(NamedTuple):
    """Both directions are closed in order; TIME_WAIT, where it is due, is the host's affair."""

    connection: ConnectionId


class Failed(NamedTuple):
    """The connection is gone (MUST-12: the application learns why)."""

    connection: ConnectionId
    reason: Failure


AppEvent = Started | Opened | Acceptable | OpenFailed | Readable | Received | Writable | PeerClosed | Closed | Failed


class App(Protocol):
    """A workload on a host."""

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Take what happened; return what to do, in order."""

    def advance(self, now: Instant) -> Sequence[Call]:
        """Do what is due."""

    def deadline(self) -> Instant | None:
        """Return when ``advance`` must be called at the latest, ``None`` for never."""


class InvalidCall(Exception):
    """An application asked for what its connection's state forbids; names the call and the state."""
