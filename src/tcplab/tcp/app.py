"""The seam between a host and the application on it: events go in, calls come out (RFC 9293, 3.9.1).

An application is as free of I/O as the TCP beneath it. It is told what concerns it and answers with calls;
it may also be woken by its own deadline.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from tcplab.node import Address, Event
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.units import Duration, Instant
from tcplab.value import value

# --- what an application can ask for -----------------------------------------------------------------------------


@value
class Listen:
    """Take connections on a port; at most ``backlog`` of them half-open at a time.

    With ``manual``, those that are open wait for :class:`Accept`, ``backlog`` of them at most; else they are the
    application's as soon as they are open. ``config`` takes the place of the host's settings.
    """

    port: int
    backlog: int = 128
    manual: bool = False
    config: TcpConfig | None = None


@value
class Unlisten:
    """Take no more connections on a port; those that the application has stay, and those that wait are reset."""

    port: int


@value
class Accept:
    """Take the connection that has waited longest on a port; it comes as :class:`Opened`, if there is one."""

    port: int


@value
class Open:
    """Open a connection; ``token`` comes back in :class:`Opened` or :class:`OpenFailed`.

    ``local_port`` 0 takes a free ephemeral port. ``config`` takes the place of the host's settings.
    """

    remote: Address
    remote_port: int
    token: int = 0
    local_port: int = 0
    config: TcpConfig | None = None


@value
class Configure:
    """Change settings of one connection; what is ``None`` stays as it is.

    ``no_delay`` switches the Nagle algorithm off (MUST-17), ``keep_alive`` switches keep-alives (MUST-24), and
    ``user_timeout`` bounds how long data may stay unacknowledged, nanoseconds (RFC 5482).
    """

    connection: ConnectionId
    no_delay: bool | None = None
    keep_alive: bool | None = None
    user_timeout: Duration | None = None


@value
class Send:
    """Send octets; not more than the space that the last :class:`Opened` or :class:`Writable` told."""

    connection: ConnectionId
    data: bytes


@value
class Receive:
    """Read up to ``limit`` octets; they come as :class:`Received`, at once."""

    connection: ConnectionId
    limit: int = 1 << 31


@value
class Close:
    """No more to send; reading goes on (a half-close)."""

    connection: ConnectionId


@value
class Release:
    """The application is gone: close, take nothing more, bound FIN_WAIT_2."""

    connection: ConnectionId


@value
class Abort:
    """End the connection at once, with a reset."""

    connection: ConnectionId


@value
class Report:
    """Tell the observers something of the application's own."""

    event: Event


OnConnection = Send | Receive | Close | Release | Abort | Configure
ON_CONNECTION: Final = (Send, Receive, Close, Release, Abort, Configure)

Call = Listen | Unlisten | Accept | Open | Send | Receive | Close | Release | Abort | Configure | Report

# --- what an application is told ---------------------------------------------------------------------------------


@value
class Started:
    """The host runs; the first event of every application."""


@value
class Opened:
    """A connection is ESTABLISHED; ``space`` octets may be sent. ``token`` is ``None`` on the passive side."""

    connection: ConnectionId
    space: int
    token: int | None


@value
class Acceptable:
    """``waiting`` connections wait to be accepted on a port; told whenever one comes."""

    port: int
    waiting: int


@value
class OpenFailed:
    """No connection came of an :class:`Open`."""

    token: int
    reason: Failure


@value
class Readable:
    """``available`` octets wait to be read."""

    connection: ConnectionId
    available: int


@value
class Received:
    """The answer to :class:`Receive`."""

    connection: ConnectionId
    data: bytes


@value
class Writable:
    """Acknowledgements have made room: ``space`` octets may be sent."""

    connection: ConnectionId
    space: int


@value
class PeerClosed:
    """The peer's FIN was taken: after what is still unread nothing will come."""

    connection: ConnectionId


@value
class Closed:
    """Both directions are closed in order; TIME_WAIT, where it is due, is the host's affair."""

    connection: ConnectionId


@value
class Failed:
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
