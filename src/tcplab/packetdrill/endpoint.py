"""What a descriptor stands for: a socket, and the connection that it may have."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from tcplab.tcp.app import Call
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.wire.packet import Address

_ERRNO: Final = {
    Failure.REFUSED: "ECONNREFUSED",
    Failure.RESET: "ECONNRESET",
    Failure.NO_PORTS: "EADDRNOTAVAIL",
    Failure.ABORTED: "ECONNABORTED",
}


def errno_of(reason: Failure) -> str:
    """Return the error that a connection's failure is for its socket: ETIMEDOUT for all that time has brought."""
    return _ERRNO.get(reason, "ETIMEDOUT")


class Result(NamedTuple):
    """What a call returned; ``fault`` says what else is wrong with it."""

    value: int
    errno: str | None = None
    fault: str = ""

    def __str__(self) -> str:
        """Return it as scripts write it."""
        return f"{self.value} {self.errno}" if self.errno else str(self.value)


DONE: Final = Result(0)


def error(name: str) -> Result:
    """Return the result of a call that failed."""
    return Result(-1, name)


class Wire(NamedTuple):
    """What the sockets need of the host and of the script.

    Attributes:
        perform: makes a call on the host.
        newest: names the connection that was opened last.
        config: the host's settings.
        peer: the address that ``connect`` connects to.
        bind_port: the port that ``bind(fd, ..., ...)`` binds to.
        connect_port: the port that ``connect(fd, ..., ...)`` connects to.
    """

    perform: Callable[[Call], None]
    newest: Callable[[], ConnectionId]
    config: TcpConfig
    peer: Address
    bind_port: int
    connect_port: int


@dataclass(slots=True)
class Stream:
    """A connection as its socket sees it; counts are octets.

    Attributes:
        space: what may be written.
        available: what may be read.
        read: what was read so far.
        written: what was written so far.
        opened: whether it is, or was, ESTABLISHED.
        peer_closed: whether the peer's FIN was taken.
        failed: whether it is gone by an error.
        error: what the next call is told; empty if nothing.
    """

    space: int = 0
    available: int = 0
    read: int = 0
    written: int = 0
    opened: bool = False
    peer_closed: bool = False
    failed: bool = False
    error: str = ""

    def fail(self, reason: Failure) -> None:
        """Take note that the connection is gone, and what is unread with it."""
        self.failed, self.available, self.error = True, 0, errno_of(reason)

    def take_error(self) -> str:
        """Return what the next call is told, once."""
        taken, self.error = self.error, ""
        return taken


@dataclass(slots=True)
class Socket:
    """A socket.

    Attributes:
        nonblocking: whether calls never wait.
        config: settings of its connections.
        port: the local one, 0 as long as none was bound.
        phase: how far it has come.
        connection: the one that it has.
        stream: of that connection.
        waiting: connections that wait to be accepted, as far as is known.
        shut: whether nothing more is to be sent.
        linger: SO_LINGER: whether, and for how many seconds.
        told: whether ``connect`` has said that it succeeded.
        progress: octets that the write which is under way has got rid of.
    """

    nonblocking: bool
    config: TcpConfig
    port: int = 0
    phase: Literal["new", "listening", "connecting", "connected"] = "new"
    connection: ConnectionId | None = None
    stream: Stream = field(default_factory=Stream)
    waiting: int = 0
    shut: bool = False
    linger: tuple[int, int] = (0, 0)
    told: bool = False
    progress: int = 0
